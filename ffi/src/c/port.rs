//! Ports.

use super::args;
use crate::{
    boundary::{self, call, call_for, call_often},
    id::{wharf_port_t, wharf_runtime_t},
    message::{WHARF_KIND_CONTROL, WHARF_KIND_DATA, wharf_message_t},
    port::{
        self, Full, Handler, Limits, Notify, Port, PortBell, Sink, Wait, wharf_handler_t,
        wharf_notify_t,
    },
    runtime,
    status::*,
    value::{Value, raw::wharf_value_t},
};
use std::{
    ffi::{c_int, c_void},
    mem::MaybeUninit,
    sync::Arc,
};

/// When a port is full, a post is refused with WHARF_FULL, and streams wait.
pub const WHARF_FULL_REFUSE: u32 = 0;
/// When a port is full, the oldest data message is dropped for a new one.
pub const WHARF_FULL_DROP_OLDEST: u32 = 1;
/// When a port is full, the data messages with the tag of a new one are dropped for it.
pub const WHARF_FULL_KEEP_LATEST: u32 = 2;

/// How a port is opened. Set `size` to `sizeof(wharf_port_options_t)` and all else to 0; then
/// change what should not be the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_port_options_t {
    /// Bytes of this struct.
    pub size: usize,
    /// How many data messages may wait in the port; control messages have as many places of their
    /// own, and terminal messages always have theirs. 0: as many as there is memory for.
    pub capacity: usize,
    /// A `WHARF_FULL_...`: what becomes of a data message when the port is full.
    pub when_full: u32,
    /// Not 0: data messages also need credit, which `wharf_port_grant` gives; there is none at
    /// first.
    pub needs_credit: u32,
    /// How many tasks may run for the port at once. 0: WHARF_TASKS_MAX.
    pub max_tasks: usize,
    /// A number of the host's own for all that one generation of it opens, so that the next can
    /// close it with `wharf_group_close`. 0: nobody's.
    pub group: u64,
}

pub(super) fn limits(options: &wharf_port_options_t) -> Result<Limits> {
    let or_most = |number: usize| if number == 0 { usize::MAX } else { number };
    let full = match options.when_full {
        WHARF_FULL_REFUSE => Full::Refuse,
        WHARF_FULL_DROP_OLDEST => Full::DropOldest,
        WHARF_FULL_KEEP_LATEST => Full::KeepLatest,
        other => return Err(Error::new(WHARF_BAD_OPTION, format!("when_full is {other}"))),
    };
    Ok(Limits {
        capacity: or_most(options.capacity),
        full,
        tasks: or_most(options.max_tasks),
        credit: (options.needs_credit != 0).then_some(0),
    })
}

/// Opens a port with a queue that the host drains: with the `wharf_port_recv...` functions, and
/// with `wharf_port_descriptor` in a loop of its own.
///
/// It belongs to `runtime` (0: the library's default one), on which the tasks run that are
/// submitted with it, and to the caller, who closes it. `options` may be NULL for the defaults; it
/// is read during the call only.
///
/// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_RUNTIME, WHARF_SHUT_DOWN, WHARF_LIMIT.
///
/// # Safety
///
/// `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_open(
    runtime: wharf_runtime_t,
    options: *const wharf_port_options_t,
    out: *mut wharf_port_t,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        // SAFETY: the caller's word; zeros are sound in all members.
        let options: wharf_port_options_t = unsafe { args::options(options) }?;
        let runtime = runtime::get(runtime)?;
        let port = port::open(runtime, limits(&options)?, options.group, Sink::Queue)?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(port) };
        Ok(())
    })
}

/// A host function on an executor's thread may look, but not wait.
fn may_wait(wait: Wait) -> Result<Wait> {
    if boundary::in_host_call() && !matches!(wait, Wait::No) {
        return Err(Error::new(
            WHARF_WOULD_BLOCK,
            "this function was called by wharf, on a thread that others need: don't wait in it",
        ));
    }
    Ok(wait)
}

fn receive(
    port: &Arc<Port>,
    into: &mut [MaybeUninit<wharf_message_t>],
    wait: Wait,
) -> Result<usize> {
    port.receive(into, may_wait(wait)?)
}

/// Takes the next message out of a port: control messages first, each kind in the order posted.
/// Waits for one for at most `timeout_ns` nanoseconds; 0 only looks, WHARF_FOREVER has no limit.
///
/// The message belongs to the caller, who passes it to `wharf_message_free`. It is only written
/// when the answer is WHARF_OK.
///
/// Errors: WHARF_TIMEOUT (WHARF_EMPTY if `timeout_ns` is 0), WHARF_SHUT_DOWN (it would wait in vain: the
/// runtime has been shut down, and what was in the port and the ends of all its tasks have been taken
/// out), WHARF_NO_PORT (also when the port is closed meanwhile), WHARF_NULL, WHARF_OUT_OF_RANGE,
/// WHARF_WRONG_STATE (the port has no queue; one with a handler can be drained once its runtime has been
/// shut down), WHARF_WOULD_BLOCK.
///
/// # Safety
///
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_recv(
    port: wharf_port_t,
    out: *mut wharf_message_t,
    timeout_ns: i64,
) -> wharf_status_t {
    call_often(|| {
        let out = args::out(out, "out")?;
        let mut message = [MaybeUninit::uninit()];
        let taken = receive(&port::get(port)?, &mut message, args::wait(timeout_ns)?)?;
        if taken == 0 {
            return Ok(nothing(timeout_ns));
        }
        // SAFETY: one message was written, and the caller lets us write to `out`.
        unsafe { out.write(message[0].assume_init()) };
        Ok(WHARF_OK)
    })
}

fn nothing(timeout_ns: i64) -> wharf_status_t {
    if timeout_ns == 0 { WHARF_EMPTY } else { WHARF_TIMEOUT }
}

/// As `wharf_port_recv`, without waiting: WHARF_EMPTY if there is no message.
///
/// # Safety
///
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_try_recv(
    port: wharf_port_t,
    out: *mut wharf_message_t,
) -> wharf_status_t {
    // SAFETY: the caller's word.
    unsafe { wharf_port_recv(port, out, 0) }
}

/// Takes up to `capacity` messages out of a port at once, writes them to `out` and how many they
/// are to `count`. Waits as `wharf_port_recv` does until there is at least one, and no longer.
///
/// The messages belong to the caller; `wharf_messages_free` frees them together. Unless the answer
/// is WHARF_OK, `count` is 0.
///
/// Errors: as `wharf_port_recv`; WHARF_OUT_OF_RANGE also for a `capacity` of 0.
///
/// # Safety
///
/// `out` is NULL or has room for `capacity` messages; `count` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_recv_batch(
    port: wharf_port_t,
    out: *mut wharf_message_t,
    capacity: usize,
    count: *mut usize,
    timeout_ns: i64,
) -> wharf_status_t {
    if !count.is_null() {
        // Before anything can be refused, in a forked child as well.
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { count.write(0) };
    }
    call_for(|| {
        let count = args::out(count, "count")?;
        let out = args::out(out, "out")?;
        if capacity == 0 || capacity > isize::MAX as usize / size_of::<wharf_message_t>() {
            let text = format!("room for {capacity} messages");
            return Err(Error::new(WHARF_OUT_OF_RANGE, text));
        }
        // SAFETY: the caller says that there is room; nothing is read from it.
        let into = unsafe { std::slice::from_raw_parts_mut(out.cast(), capacity) };
        let taken = receive(&port::get(port)?, into, args::wait(timeout_ns)?)?;
        // SAFETY: as above.
        unsafe { count.write(taken) };
        Ok(if taken == 0 { nothing(timeout_ns) } else { WHARF_OK })
    })
}

/// A descriptor for the host's own loop (poll, epoll, select): readable while the port is not
/// empty. Only wait on it: taking the messages out is what clears it. It can be readable once too
/// often; then a receive finds nothing.
///
/// It belongs to the port, which closes it when it is closed; ask again for it as often as you
/// like. A host that wants to keep it longer duplicates it.
///
/// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue), WHARF_SYSTEM (no
/// descriptor is to be had).
///
/// # Safety
///
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_descriptor(
    port: wharf_port_t,
    out: *mut c_int,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        let port = port::get(port)?;
        let (bell, _) = port.bell(false, PortBell::descriptor)?;
        let descriptor = bell.as_descriptor().ok_or_else(|| {
            Error::new(WHARF_WRONG_STATE, "the port calls a function instead of a descriptor")
        })?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(descriptor) };
        Ok(())
    })
}

/// Has `function` called with `context` and the port whenever messages come into it while it is
/// empty, for a host whose own loop takes work from other threads: the function tells that loop,
/// which then receives until there is nothing left. Instead of a descriptor, and once for a port.
///
/// It is called on the thread that posts, which may be any, and for messages that wait already
/// during this call. It must return soon, must not throw, and receives nothing itself. After
/// `wharf_port_close` has been answered by WHARF_OK it is not called any more.
///
/// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_WRONG_STATE (the port has no queue, or a descriptor or
/// function already).
///
/// # Safety
///
/// `function` is NULL or can be called with `context` from any thread until the port is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_notify(
    port: wharf_port_t,
    function: wharf_notify_t,
    context: *mut c_void,
) -> wharf_status_t {
    call(|| {
        let function = function.ok_or_else(|| Error::null("function"))?;
        let make = || Ok(PortBell::Function(Notify { function, context, port }));
        if let (_, true) = port::get(port)?.bell(true, make)? {
            return Ok(());
        }
        Err(Error::new(WHARF_WRONG_STATE, "the port has a descriptor or a function already"))
    })
}

/// Opens a port whose messages are handled by a function of the host's, which runs on the
/// runtime's threads: one message at a time, control messages first, each kind in the order posted.
///
/// The handler may post, submit, and close this port or another, which then takes effect when it
/// returns; it must not wait for something that needs a thread of the runtime. Control messages
/// with a WHARF_CONTROL_... are obeyed by the port itself; all others come to the handler.
///
/// What is in the port when its runtime is shut down is handled before that call is answered by
/// WHARF_OK. Where the handler has been paused, or no thread is to be had for it, that stays in the
/// port, and the handler is not called for it any more: once the shutdown has been answered by
/// WHARF_OK, the `wharf_port_recv...` functions take it out.
///
/// It belongs to the caller, who closes it. After that has been answered by WHARF_OK, the handler
/// is not called any more. `options` may be NULL for the defaults; it is read during the call only.
///
/// Errors: as `wharf_port_open`.
///
/// # Safety
///
/// `handler` is NULL or can be called with `context` from any thread until the port is closed.
/// `options` is NULL or begins with its size and has as many bytes; `out` is NULL or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_serve(
    runtime: wharf_runtime_t,
    handler: wharf_handler_t,
    context: *mut c_void,
    options: *const wharf_port_options_t,
    out: *mut wharf_port_t,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        let handler = handler.ok_or_else(|| Error::null("handler"))?;
        // SAFETY: the caller's word; zeros are sound in all members.
        let options: wharf_port_options_t = unsafe { args::options(options) }?;
        let sink = Sink::Handler(Handler::new(handler, context));
        let runtime = runtime::get(runtime)?;
        let port = port::open(runtime, limits(&options)?, options.group, sink)?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(port) };
        Ok(())
    })
}

/// Closes all ports that were opened with this group, as `wharf_port_close` does, so that a host's
/// new generation (a restarted isolate, a reloaded script) ends what the last one left.
///
/// Errors: WHARF_TIMEOUT (all are closed, but something still runs for one; the call can be
/// repeated), WHARF_OUT_OF_RANGE (also for a group of 0).
#[unsafe(no_mangle)]
pub extern "C" fn wharf_group_close(group: u64, timeout_ns: i64) -> wharf_status_t {
    call_for(|| {
        if group == 0 {
            return Err(Error::new(WHARF_OUT_OF_RANGE, "0 is no group"));
        }
        port::close_group(group, args::wait(timeout_ns)?)
    })
}

/// # Safety
///
/// `value` is NULL or a value whose pointers are what their types and lengths say.
unsafe fn post(
    port: wharf_port_t,
    tag: u64,
    value: *const wharf_value_t,
    kind: i32,
) -> wharf_status_t {
    call_often(|| {
        let port = port::get(port)?;
        let mut copy = Value::NULL;
        if !value.is_null() {
            // SAFETY: the caller's word.
            copy = unsafe { Value::copy_from(value) }?;
        }
        if let Err(error) = port.post(tag, kind, &mut copy) {
            // What is external stays the host's.
            copy.disarm();
            return Err(error);
        }
        Ok(WHARF_OK)
    })
}

/// Posts a value to a port, as a message of kind WHARF_KIND_DATA with this tag.
///
/// The value is copied, but for the bytes of external data: these belong to the port from the
/// moment that the answer is WHARF_OK, and their callback will be called, once; with any other
/// answer they stay the caller's, and it is not called. NULL stands for the null value.
///
/// Errors: WHARF_FULL (by the port's policy, or without credit), WHARF_BAD_VALUE, WHARF_NO_PORT,
/// WHARF_SHUT_DOWN, WHARF_NO_MEMORY.
///
/// # Safety
///
/// `value` is NULL or a value whose pointers are what their types and lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_post(
    port: wharf_port_t,
    tag: u64,
    value: *const wharf_value_t,
) -> wharf_status_t {
    // SAFETY: the caller's word.
    unsafe { post(port, tag, value, WHARF_KIND_DATA) }
}

/// As `wharf_post`, as a message of kind WHARF_KIND_CONTROL, which overtakes all messages of
/// other kinds that wait in a queue of wharf's. The Dart VM's own ports have no such door: there
/// it is a message like others.
///
/// # Safety
///
/// `value` is NULL or a value whose pointers are what their types and lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_post_control(
    port: wharf_port_t,
    tag: u64,
    value: *const wharf_value_t,
) -> wharf_status_t {
    // SAFETY: the caller's word.
    unsafe { post(port, tag, value, WHARF_KIND_CONTROL) }
}

/// Lets `messages` more data messages be posted to a port. From the first call on, the port counts
/// credit: without any left, posts are refused and streams wait.
///
/// Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_port_grant(port: wharf_port_t, messages: u64) -> wharf_status_t {
    call(|| port::get(port)?.mailbox.grant(messages))
}

/// What has gone through a port. Set `size` before asking.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_port_stats_t {
    /// Bytes of this struct, set by the caller.
    pub size: usize,
    /// Messages that wait in it now.
    pub waiting: u64,
    /// Tasks that have not sent their terminal message.
    pub tasks: u64,
    /// Messages that were put into its queue.
    pub posted: u64,
    /// Data messages that were dropped for newer ones.
    pub dropped: u64,
    /// Messages that were refused because it was full.
    pub refused: u64,
}

/// Reads a port's counters. As many bytes are written as `stats->size` says and the library knows.
///
/// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NO_PORT.
///
/// # Safety
///
/// `stats` is NULL or begins with its size and has as many bytes, which can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_stats(
    port: wharf_port_t,
    stats: *mut wharf_port_stats_t,
) -> wharf_status_t {
    call(|| {
        let stats = args::out(stats, "stats")?;
        // SAFETY: it begins with its size.
        let size = unsafe { stats.cast::<usize>().read_unaligned() };
        if size < size_of::<usize>() {
            return Err(Error::new(WHARF_BAD_OPTION, "set stats->size first"));
        }
        let counts = port::get(port)?.mailbox.counts();
        let known = wharf_port_stats_t {
            size,
            waiting: counts.waiting as u64,
            tasks: counts.tasks as u64,
            posted: counts.posted,
            dropped: counts.dropped,
            refused: counts.refused,
        };
        let bytes = size.min(size_of::<wharf_port_stats_t>());
        // SAFETY: the caller's struct has at least `size` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping((&raw const known).cast::<u8>(), stats.cast(), bytes)
        };
        Ok(())
    })
}

/// Closes a port: cancels its tasks, frees its messages, and waits until no code of the host's
/// runs for it; then its id names nothing, and its descriptor is closed.
///
/// Tasks that have not ended send nothing any more. Once this has been answered by WHARF_OK, no
/// code of the host's is called for the port. In a function of the host's that wharf has called,
/// the answer is WHARF_DEFERRED: the port is closed at once, nothing new is begun for it, and
/// what runs ends when the functions return. Closing it again from elsewhere waits for that: the
/// answer is WHARF_OK, or WHARF_NO_PORT if it was so already.
///
/// Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
///
/// Errors: WHARF_TIMEOUT: the port is closed, but host code that runs for it has not returned;
/// the call can be repeated. WHARF_NO_PORT, WHARF_OUT_OF_RANGE.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_port_close(port: wharf_port_t, timeout_ns: i64) -> wharf_status_t {
    call_for(|| port::get(port)?.close(args::wait(timeout_ns)?))
}

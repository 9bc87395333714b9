//! Tasks.

use crate::{
    boundary::call,
    host::{self, Work, wharf_drop_t, wharf_function_t, wharf_poll_t},
    id::{wharf_port_t, wharf_task_t},
    port::{self, Sender},
    status::{Error, Result, WHARF_OUT_OF_RANGE, wharf_status_t},
    task::Terminal,
    timers,
};
use std::{ffi::c_void, time::Duration};

/// Accepts a task and writes down its id, before it can run.
///
/// # Safety
///
/// `task` is NULL or can be written to.
unsafe fn accept(
    port: wharf_port_t,
    tag: u64,
    task: *mut wharf_task_t,
) -> Result<(Terminal, Sender)> {
    let (terminal, sender) = Terminal::accept(port::get(port)?, tag)?;
    if !task.is_null() {
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { task.write(sender.task) };
    }
    Ok((terminal, sender))
}

/// Has `function` called once with `context`, on a thread where it may block. Its result arrives at
/// the port as the task's terminal message.
///
/// From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it, also
/// where the task was cancelled before it began. Once it runs, a cancel only makes
/// `wharf_task_is_cancelled` true. `task` receives the task's id, if it is not NULL.
///
/// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
/// the caller's then.
///
/// # Safety
///
/// `function` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or
/// can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_spawn_fn(
    port: wharf_port_t,
    tag: u64,
    function: wharf_function_t,
    context: *mut c_void,
    drop: wharf_drop_t,
    task: *mut wharf_task_t,
) -> wharf_status_t {
    call(|| {
        let function = function.ok_or_else(|| Error::null("function"))?;
        // SAFETY: the caller's word.
        let (terminal, Sender { task, .. }) = unsafe { accept(port, tag, task) }?;
        host::spawn_function(terminal, Work { function, context, drop, task });
        Ok(())
    })
}

/// Has `poll` called with `context` on the runtime's threads, as a future is: at once, and again
/// whenever `wharf_task_wake` has been called, until it says that it is done.
///
/// From WHARF_OK on, `context` belongs to the task, which calls `drop` when it is done with it: at
/// the end, or when it is cancelled. `task` receives the task's id, if it is not NULL.
///
/// Errors: WHARF_NULL, WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY; `context` stays
/// the caller's then.
///
/// # Safety
///
/// `poll` and `drop` are NULL or can be called with `context` from any thread; `task` is NULL or can
/// be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_spawn_poll(
    port: wharf_port_t,
    tag: u64,
    poll: wharf_poll_t,
    context: *mut c_void,
    drop: wharf_drop_t,
    task: *mut wharf_task_t,
) -> wharf_status_t {
    call(|| {
        let function = poll.ok_or_else(|| Error::null("poll"))?;
        // SAFETY: the caller's word.
        let (terminal, Sender { task, .. }) = unsafe { accept(port, tag, task) }?;
        host::spawn_poll(terminal, Work { function, context, drop, task });
        Ok(())
    })
}

/// Has a task of `wharf_spawn_poll` polled again. From any thread; a wake during a poll counts. An
/// id needs no counting of references: that of a task that has ended is a status.
///
/// Errors: WHARF_NO_TASK.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_wake(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.wake(key)
    })
}

/// Whether the end of a task has been asked for, or its port closed; true also for an id that names
/// no task. For functions on the blocking pool, which have to look for themselves.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_is_cancelled(task: wharf_task_t) -> bool {
    let asked = crate::boundary::guard(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.is_cancelled(key)
    });
    asked.unwrap_or(true)
}

/// Sends one message, WHARF_KIND_OK with the null value, after `delay_ns` nanoseconds; never early.
/// Delays of 0 are answered at once, in the order of the calls.
///
/// It is a task: it can be cancelled. `task` receives its id, if it is not NULL.
///
/// Errors: WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT, WHARF_NO_MEMORY.
///
/// # Safety
///
/// `task` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_timer_after(
    port: wharf_port_t,
    tag: u64,
    delay_ns: u64,
    task: *mut wharf_task_t,
) -> wharf_status_t {
    call(|| {
        // SAFETY: the caller's word.
        let (terminal, _) = unsafe { accept(port, tag, task) }?;
        timers::after(terminal, Duration::from_nanos(delay_ns));
        Ok(())
    })
}

/// Sends a message every `period_ns` nanoseconds, the first after one period: of kind
/// WHARF_KIND_DATA, with the number of the beat, which counts from 1. Beats that the port does not
/// take (it is full), or that are late by a whole period, are left out, and their numbers with them. A
/// port without a `capacity` takes all, also from a host that does not come for them.
///
/// It is a task without an end of its own: it is to be cancelled. `task` receives its id, if it is
/// not NULL.
///
/// Errors: WHARF_OUT_OF_RANGE (a period of 0), WHARF_NO_PORT, WHARF_SHUT_DOWN, WHARF_LIMIT,
/// WHARF_NO_MEMORY.
///
/// # Safety
///
/// `task` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_timer_every(
    port: wharf_port_t,
    tag: u64,
    period_ns: u64,
    task: *mut wharf_task_t,
) -> wharf_status_t {
    call(|| {
        if period_ns == 0 {
            return Err(Error::new(
                WHARF_OUT_OF_RANGE,
                "a period of 0 would be a beat without end",
            ));
        }
        // SAFETY: the caller's word.
        let (terminal, sender) = unsafe { accept(port, tag, task) }?;
        timers::every(terminal, sender, Duration::from_nanos(period_ns));
        Ok(())
    })
}

/// Asks for a task to end. The answer says only that this has been asked: the task's terminal
/// message follows, WHARF_KIND_CANCELLED once its future has been dropped and what it held is
/// free, or whatever it had come to before. Asking twice is as good as once.
///
/// Errors: WHARF_NO_TASK: it has sent its terminal message already, or never was.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_cancel(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.cancel(key)
    })
}

/// Makes a task wait: it is not polled again until `wharf_task_resume`. What it waits for may
/// happen meanwhile. It can be cancelled. A function on the blocking pool does not notice.
///
/// Errors: WHARF_NO_TASK.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_pause(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.set_paused(key, true)
    })
}

/// Lets a task go on after `wharf_task_pause`.
///
/// Errors: WHARF_NO_TASK.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_resume(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.set_paused(key, false)
    })
}

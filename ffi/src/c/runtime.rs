//! Runtimes.

use super::args;
use crate::{
    boundary::call,
    id::wharf_runtime_t,
    runtime::{self, Hook},
    status::{Error, Result, WHARF_BAD_OPTION, wharf_status_t},
};
use std::{
    ffi::{c_char, c_void},
    time::Duration,
};

/// How a runtime is made. Set `size` to `sizeof(wharf_runtime_options_t)` and all else to 0; then
/// change what should not be the default. Later versions add members at the end, whose 0 is what was
/// before them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_runtime_options_t {
    /// Bytes of this struct.
    pub size: usize,
    /// Threads that run tasks. 0: as many as there are processors.
    pub worker_threads: u32,
    /// Threads that run functions which block, at most. 0: 512.
    pub max_blocking_threads: u32,
    /// Bytes of each thread's stack. 0: 2 MiB.
    pub thread_stack_size: usize,
    /// The threads' name, UTF-8, copied. NULL: "wharf".
    pub thread_name: *const c_char,
    /// For how many nanoseconds a worker that has run out of work looks out for more before it sleeps;
    /// more than 1,000,000 count as that. 0: it sleeps at once. Waking a thread takes 5 to 50 µs: 20,000 to
    /// 100,000 here spare most of that where one small task follows the answer of the last, and cost
    /// processor time.
    pub spin_before_park_ns: u64,
    /// After how many nanoseconds without work a thread of those that run functions which block ends.
    /// 0: ten seconds.
    pub thread_keep_alive_ns: u64,
    /// Called with `hook_context` on each thread that runs tasks or functions, before its first: to attach
    /// it to a virtual machine, or to set its priority. May be NULL. It is not called on the thread that
    /// has a handler handle what its port is left with when the runtime ends.
    pub on_thread_start: wharf_thread_hook_t,
    /// The same, after its last and before it ends. May be NULL.
    pub on_thread_stop: wharf_thread_hook_t,
    /// What the hooks are called with. It has to stay valid until `wharf_runtime_shutdown` has been
    /// answered by WHARF_OK, which waits for the hooks.
    pub hook_context: *mut c_void,
}

/// Called on a runtime's own thread, as it starts or ends. It does not throw, and waits for nothing that
/// needs a thread of the runtime.
pub type wharf_thread_hook_t = Option<unsafe extern "C" fn(context: *mut c_void)>;

fn checked(options: wharf_runtime_options_t) -> Result<runtime::Options> {
    let most = 32_768;
    if options.worker_threads > most || options.max_blocking_threads > most {
        return Err(Error::new(WHARF_BAD_OPTION, format!("more than {most} threads")));
    }
    if options.thread_stack_size > isize::MAX as usize / 2 {
        return Err(Error::new(WHARF_BAD_OPTION, "a stack larger than memory"));
    }
    let thread_name = if options.thread_name.is_null() {
        None
    } else {
        // SAFETY: the caller of `wharf_runtime_new` promises a string.
        Some(unsafe { args::text(options.thread_name, "thread_name") }?.to_owned())
    };
    Ok(runtime::Options {
        worker_threads: options.worker_threads as usize,
        max_blocking_threads: options.max_blocking_threads as usize,
        thread_stack_size: options.thread_stack_size,
        thread_name,
        spin_before_park: Duration::from_nanos(options.spin_before_park_ns),
        thread_keep_alive: Duration::from_nanos(options.thread_keep_alive_ns),
        hooks: [options.on_thread_start, options.on_thread_stop]
            .map(|hook| hook.map(|function| Hook { function, context: options.hook_context })),
    })
}

/// Makes a runtime: the threads that tasks run on. They start when they are first needed.
///
/// `options` may be NULL for the defaults; it is read during the call only. The runtime belongs to
/// the caller, who shuts it down and then frees it.
///
/// Errors: WHARF_NULL, WHARF_BAD_OPTION, WHARF_NOT_UTF8, WHARF_LIMIT, WHARF_SYSTEM.
///
/// # Safety
///
/// `options` is NULL or begins with its size and has as many bytes, and its hooks are NULL or can be
/// called with its context from any thread; `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_runtime_new(
    options: *const wharf_runtime_options_t,
    out: *mut wharf_runtime_t,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        // SAFETY: the caller's word; zeros are sound in all members.
        let options = unsafe { args::options(options) }?;
        let runtime = runtime::new(&checked(options)?)?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(runtime) };
        Ok(())
    })
}

/// The library's default runtime, made where there is none yet. A 0 for a runtime means the same.
///
/// It can be shut down and freed like any other, and is made anew when it is asked for after that.
///
/// Errors: WHARF_NULL, WHARF_SYSTEM.
///
/// # Safety
///
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_runtime_default(out: *mut wharf_runtime_t) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        let runtime = runtime::default()?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(runtime) };
        Ok(())
    })
}

/// Shuts a runtime down: refuses what is submitted or opened from now on, cancels all tasks, waits
/// until they are gone and the threads have ended.
///
/// Each task that had been accepted sends its one terminal message, WHARF_KIND_SHUT_DOWN if it was
/// not over. The ports stay, so that these can be received. Once this has been answered by
/// WHARF_OK, no code of the host's is called for the runtime any more. A call for one that has
/// been shut down already does nothing and is answered by WHARF_OK.
///
/// Waits for at most `timeout_ns` nanoseconds; WHARF_FOREVER has no limit.
///
/// Errors: WHARF_TIMEOUT: something has not returned; the runtime goes on shutting down, and the
/// call can be repeated; also in a host function that wharf has called, which can't wait for
/// itself. WHARF_NO_RUNTIME, WHARF_OUT_OF_RANGE.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_runtime_shutdown(
    runtime: wharf_runtime_t,
    timeout_ns: i64,
) -> wharf_status_t {
    call(|| {
        let wait = args::wait(timeout_ns)?;
        let runtime =
            if runtime == 0 { runtime::default_if_made()? } else { runtime::get(runtime)? };
        runtime.shut_down(wait)
    })
}

/// Frees a runtime that has been shut down, and closes its ports; messages still in them are
/// freed. Its id names nothing afterwards.
///
/// Errors: WHARF_WRONG_STATE (it has not been shut down), WHARF_NO_RUNTIME.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_runtime_free(runtime: wharf_runtime_t) -> wharf_status_t {
    call(|| {
        let runtime =
            if runtime == 0 { runtime::default_if_made()? } else { runtime::get(runtime)? };
        runtime.free()
    })
}

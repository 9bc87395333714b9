//! The border that every C function crosses, once each way: [`call`].
//!
//! No panic passes it, no call from a forked child passes it, and what went wrong is kept as the
//! calling thread's last error. The module also counts how deep a thread is inside host code that
//! wharf called ([`host_call`]), so that such code is never made to wait for itself.

use crate::status::{Error, Result, WHARF_FORKED, WHARF_OK, WHARF_PANICKED, keep, wharf_status_t};
use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Runs one call of the host's and answers with its status.
pub(crate) fn call(f: impl FnOnce() -> Result<()>) -> wharf_status_t {
    call_for(|| f().map(|()| WHARF_OK))
}

/// As [`call`], for the calls that answer more than OK without being refused.
pub(crate) fn call_for(f: impl FnOnce() -> Result<wharf_status_t>) -> wharf_status_t {
    let mut f = Some(f);
    let (run, f) = pair(&mut f);
    cross(run, f)
}

/// What calls a function that waits, and where that is.
fn pair<F: FnOnce() -> Result<wharf_status_t>>(f: &mut Option<F>) -> (Run, *mut ()) {
    /// # Safety
    ///
    /// `f` points to an `Option<F>` that nobody else uses.
    unsafe fn run<F: FnOnce() -> Result<wharf_status_t>>(f: *mut ()) -> Result<wharf_status_t> {
        // SAFETY: the caller's word.
        let f = unsafe { &mut *f.cast::<Option<F>>() };
        f.take().map_or(Ok(WHARF_OK), |f| f())
    }
    (run::<F>, (&raw mut *f).cast())
}

type Run = unsafe fn(*mut ()) -> Result<wharf_status_t>;

/// The border itself, once for all functions: a copy in each of them takes several KiB together, and
/// the jump through a pointer a few instructions. (A `dyn FnMut` would bring a table for each of them,
/// which the loader has to fill in.)
#[inline(never)]
fn cross(run: Run, f: *mut ()) -> wharf_status_t {
    // SAFETY: the caller has made the two for each other, and `f` lives until this call ends.
    guard(|| unsafe { run(f) }).unwrap_or_else(keep)
}

/// As [`call_for`], with a copy of the border, for what a host does with each message.
#[inline]
pub(crate) fn call_often(f: impl FnOnce() -> Result<wharf_status_t>) -> wharf_status_t {
    guard(f).unwrap_or_else(keep)
}

/// Stops panics and calls from a forked child.
///
/// A panic leaves behind only what is under locks that tolerate it, so unwind safety is asserted
/// here once for all.
pub(crate) fn guard<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    if FORKED.load(Relaxed) {
        return Err(forked());
    }
    guard_always(f).unwrap_or_else(Err)
}

#[cold]
fn forked() -> Error {
    Error::new(
        WHARF_FORKED,
        "this process was forked from one that uses wharf; wharf's threads stayed behind, so \
         nothing of it works here: load it after the fork, or exec",
    )
}

/// Stops panics alone: for what a forked child may ask.
pub(crate) fn guard_always<T>(f: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(panicked)
}

#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> Error {
    Error::new(WHARF_PANICKED, panic_text(panic))
}

/// The words of a panic.
#[cold]
pub(crate) fn panic_text(panic: Box<dyn Any + Send>) -> String {
    let text = match panic.downcast_ref::<&'static str>() {
        Some(text) => (*text).to_owned(),
        None => match panic.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => "a panic without words".to_owned(),
        },
    };
    // What was thrown may panic again when it is dropped.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
    text
}

/// Set in the child of a fork. Relaxed: the child starts with one thread, which set it itself.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Sees to it that a forked child knows what it is; called before anything is made that a child
/// could mistake for its own.
pub(crate) fn watch_forks() {
    static WATCH: Once = Once::new();
    extern "C" fn in_child() {
        FORKED.store(true, Relaxed);
    }
    // SAFETY: the handler only stores to an atomic, which is async-signal-safe. It stays valid
    // because the library is never unloaded (see `crate::pin`).
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

thread_local! {
    static HOST_CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Runs a function of the host's; calls that it makes know that they come from inside one.
pub(crate) fn host_call<R>(f: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            HOST_CALLS.set(HOST_CALLS.get() - 1);
        }
    }
    HOST_CALLS.set(HOST_CALLS.get() + 1);
    let _leave = Leave;
    f()
}

/// Whether this thread is inside a function of the host's that wharf called.
pub(crate) fn in_host_call() -> bool {
    HOST_CALLS.get() > 0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::status::last;

    #[test]
    fn a_panic_becomes_a_status_and_a_last_error() {
        let status = call(|| panic!("at {}", 7));
        assert_eq!(status, WHARF_PANICKED);
        last(|error| assert_eq!(error.unwrap().message(), "at 7"));
    }

    #[test]
    fn host_calls_nest_and_are_left_by_a_panic() {
        host_call(|| {
            let _ = catch_unwind(|| host_call(|| panic!("inside")));
            assert!(in_host_call());
        });
        assert!(!in_host_call());
    }
}

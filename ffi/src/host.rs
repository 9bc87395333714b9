//! Tasks made of a host's own functions: one that is called once, on the blocking pool, and one
//! that is polled, as a future is.
//!
//! Such a future, and those of the [timers](crate::timers), are of one type, [`Builtin`]: each type of
//! task brings a copy of all that a task goes through, 4 KiB of the library.

use crate::{
    boundary::host_call,
    failure::{Failure, IntoFailure},
    id::wharf_task_t,
    port::{Key, Port},
    status::{Error, WHARF_BAD_VALUE},
    task::{self, Terminal},
    value::{IntoValue, Value, raw::wharf_value_t},
};
use std::{
    ffi::c_void,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use wharf::time::Sleep;

/// Work for the blocking pool. 0: done, and `result`, the null value at first, is the task's
/// result. Anything else: failed, with this code, and a string in `result` says why. What `result`
/// points to stays the function's; it is copied before `wharf_drop_t` is called. It does not throw.
pub type wharf_function_t = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        task: wharf_task_t,
        result: *mut wharf_value_t,
    ) -> i32,
>;

/// A step of a host-made future. WHARF_PENDING: not done yet; `wharf_task_wake` with this task's id
/// has it called again. All else as with `wharf_function_t`. It does not throw.
pub type wharf_poll_t = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        task: wharf_task_t,
        result: *mut wharf_value_t,
    ) -> i32,
>;

/// The last call with a context: nothing will use it any more. It comes once, from any thread,
/// before the task's terminal message. May be NULL. It does not throw.
pub type wharf_drop_t = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// From a poll: not done yet.
pub const WHARF_PENDING: i32 = i32::MIN;

type Function = unsafe extern "C" fn(*mut c_void, wharf_task_t, *mut wharf_value_t) -> i32;

/// A function of the host's, its context, and the duty to drop that.
pub(crate) struct Work {
    pub(crate) function: Function,
    pub(crate) context: *mut c_void,
    pub(crate) drop: wharf_drop_t,
    pub(crate) task: wharf_task_t,
}

// SAFETY: the host has been told that it is called from any thread, one at a time.
unsafe impl Send for Work {}

/// What a call has come to.
pub(crate) struct Outcome(pub(crate) Result<Value, Failure>);

impl Work {
    /// Calls the function once; `None` if it is not done.
    fn step(&mut self) -> Option<Outcome> {
        let mut result = wharf_value_t::NULL;
        // SAFETY: the host gave the function for this, with its context, which is not dropped yet.
        let code = host_call(|| unsafe { (self.function)(self.context, self.task, &mut result) });
        if code == WHARF_PENDING {
            return None;
        }
        // SAFETY: the host's function says what it has written; it is checked as far as it can be.
        let value = unsafe { Value::copy_from(&result) };
        Some(Outcome(match (code, value) {
            (0, value) => value.map_err(Failure::from),
            (code, Ok(value)) => {
                let text = value.as_str().map_or_else(|| format!("error {code}"), str::to_owned);
                Err(Failure::new(code, text))
            }
            (code, Err(error)) => Err(Failure::new(code, format!("error {code}; {error}"))),
        }))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(drop) = self.drop.take() {
            // SAFETY: the context is used no more, and this is the only drop of it.
            host_call(|| unsafe { drop(self.context) });
        }
    }
}

impl IntoValue for Outcome {
    fn into_value(self) -> Result<Value, Error> {
        self.0.map_err(|failure| Error::new(WHARF_BAD_VALUE, failure.texts().join(": ")))
    }

    fn into_outcome(self) -> Result<Value, Failure> {
        self.0.map_err(IntoFailure::into_failure)
    }
}

/// Runs `work` on the blocking pool.
pub(crate) fn spawn_function(terminal: Terminal, mut work: Work) {
    task::spawn_blocking(terminal, move || {
        // Only a poll may say that it is not done.
        work.step().unwrap_or_else(|| {
            Outcome(Err(Failure::new(WHARF_PENDING, "a function said that it was pending")))
        })
    });
}

/// Runs `work` as a future.
pub(crate) fn spawn_poll(terminal: Terminal, work: Work) {
    let (port, key) = (terminal.port.clone(), terminal.key);
    spawn(terminal, Builtin::Polled { work, port, key });
}

/// Runs one of the library's own futures.
#[inline(never)]
pub(crate) fn spawn(terminal: Terminal, future: Builtin) {
    task::spawn(terminal, future);
}

/// The futures of the library's own tasks.
pub(crate) enum Builtin {
    /// A host's, and where its waker is left before each poll, so that a wake by id during it is not
    /// lost.
    Polled { work: Work, port: Arc<Port>, key: Key },
    /// Done when the moment has come.
    After(Sleep),
    /// Whatever else there is, and rare enough for an allocation.
    Other(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl Future for Builtin {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        match self.get_mut() {
            Self::Polled { work, port, key } => {
                port.mailbox.remember(*key, cx.waker());
                work.step().map_or(Poll::Pending, Poll::Ready)
            }
            Self::After(sleep) => {
                ready!(Pin::new(sleep).poll(cx));
                Poll::Ready(Outcome(Ok(Value::NULL)))
            }
            Self::Other(future) => future.as_mut().poll(cx),
        }
    }
}

//! Tasks: from a host's submit to the one terminal message.
//!
//! A [`Running`] owns the future and, after it, a [`Terminal`]. However it goes, the future is gone
//! before the terminal message is sent: at its end and after a panic `poll` drops it first; when
//! the executor drops the whole, its fields go in this order. A `Terminal` that is dropped unsent
//! says `cancelled`, or `shut down`.

use crate::{
    boundary::panic_text,
    failure::Failure,
    message::*,
    port::{Key, Last, Port, Sender},
    status::Result,
    value::{IntoValue, Value},
};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use wharf::task::AbortHandle;

/// The right, and the duty, to send one terminal message.
pub(crate) struct Terminal {
    pub(crate) port: Arc<Port>,
    pub(crate) key: Key,
    tag: u64,
    sent: bool,
    /// There is somebody who can abort the task, if there ever will be.
    attached: bool,
}

impl Terminal {
    /// Accepts a task at `port`.
    pub(crate) fn accept(port: Arc<Port>, tag: u64) -> Result<(Self, Sender)> {
        let sender = port.mailbox.accept(tag)?;
        Ok((Self { port, key: sender.key, tag, sent: false, attached: false }, sender))
    }

    /// After a poll that was not the task's last: lets it be aborted. Most tasks end in their first, and
    /// need no handle.
    #[inline]
    fn attach(&mut self) {
        if !std::mem::replace(&mut self.attached, true) {
            let abort = AbortHandle::of_current().expect("polled by the executor");
            self.port.mailbox.attach(self.key, abort);
        }
    }

    /// Sends it.
    pub(crate) fn send(&mut self, end: End) {
        self.sent = true;
        self.port.finish(self.key, self.tag, end.into_last());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.sent {
            self.port.finish(self.key, self.tag, Last::Dropped(self.port.runtime.refusal()));
        }
    }
}

/// How a task has ended.
pub(crate) enum End {
    Ok(Value),
    Failed(Failure),
    Panicked(String),
}

impl End {
    pub(crate) fn of(outcome: impl IntoValue) -> Self {
        match outcome.into_outcome().and_then(|value| Ok(value.within_limits()?)) {
            Ok(value) => Self::Ok(value),
            Err(failure) => Self::Failed(failure),
        }
    }

    fn into_last(self) -> Last {
        match self {
            Self::Ok(value) => Last::Words(WHARF_KIND_OK, 0, value),
            Self::Failed(failure) => Last::Words(WHARF_KIND_ERROR, failure.code(), texts(failure)),
            Self::Panicked(text) => Last::Words(WHARF_KIND_PANIC, 0, texts(Failure::new(0, text))),
        }
    }
}

/// Only an address space that is used up makes this fail.
fn texts(failure: Failure) -> Value {
    failure.into_value().unwrap_or(Value::NULL)
}

/// A task's future and its terminal message. The order of the fields matters: see the module.
struct Running<F> {
    future: Option<F>,
    terminal: Terminal,
}

impl<F> Running<F> {
    fn wait(self: Pin<&mut Self>) -> Poll<()> {
        // SAFETY: nothing is moved.
        unsafe { self.get_unchecked_mut() }.terminal.attach();
        Poll::Pending
    }

    fn end(self: Pin<&mut Self>, mut end: End) {
        // SAFETY: the future is dropped where it is, and nothing else is moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above; assigning drops in place.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future = None));
        if let Err(panic) = dropped {
            end = End::Panicked(panic_text(panic));
        }
        this.terminal.send(end);
    }
}

impl<F: Future<Output: IntoValue>> Future for Running<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (mailbox, key) = (&self.terminal.port.mailbox, self.terminal.key);
        if !self.terminal.attached && mailbox.is_halted(key) {
            // Future and terminal message go with us.
            return Poll::Ready(());
        }
        if mailbox.poll_resumed(key, cx).is_pending() {
            return self.wait();
        }
        // SAFETY: the future is pinned with `self`: it is only dropped in place.
        let future = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.future) };
        let Some(future) = future.as_pin_mut() else { return Poll::Ready(()) };
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(cx).map(End::of)));
        let end = match polled {
            Ok(Poll::Pending) => return self.wait(),
            Ok(Poll::Ready(end)) => end,
            Err(panic) => End::Panicked(panic_text(panic)),
        };
        self.end(end);
        Poll::Ready(())
    }
}

/// Runs `future` on the runtime of the terminal's port.
pub(crate) fn spawn<F>(terminal: Terminal, future: F)
where
    F: Future<Output: IntoValue> + Send + 'static,
{
    let runtime = terminal.port.runtime.clone();
    drop(runtime.handle().spawn(Running { future: Some(future), terminal }));
    // Where the system refuses the runtime its first thread, the task is answered here and now.
    runtime.end_stranded();
}

/// A function and its terminal message. The order of the fields matters, as in [`Running`]: what a job
/// that is dropped before it begins had captured is gone before that is said.
struct Job<F> {
    function: F,
    terminal: Terminal,
}

impl<T: IntoValue, F: FnOnce() -> T> Job<F> {
    /// By a method, for a closure that took the job apart would capture its parts, in no certain order.
    fn run(self) {
        let Self { function, mut terminal } = self;
        let end = match catch_unwind(AssertUnwindSafe(|| End::of(function()))) {
            Ok(end) => end,
            Err(panic) => End::Panicked(panic_text(panic)),
        };
        terminal.send(end);
    }
}

/// Runs `f` on the blocking pool of the terminal's port's runtime. It can't be aborted once it
/// has begun.
pub(crate) fn spawn_blocking<T: IntoValue>(
    terminal: Terminal,
    function: impl FnOnce() -> T + Send + 'static,
) {
    let (port, key) = (terminal.port.clone(), terminal.key);
    let job = Job { function, terminal };
    let joining = port.runtime.handle().spawn_blocking(move || job.run());
    port.mailbox.attach(key, joining.abort_handle());
}

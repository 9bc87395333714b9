//! The handles to a task: [`JoinHandle`] awaits and owns the output, [`AbortHandle`] only ends it.

use super::{Id, JoinError, cell::Task};
use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem::ManuallyDrop,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll},
};

/// Awaits the output of a spawned task.
///
/// Dropping it detaches the task, which runs on. Awaiting it gives the output, or a [`JoinError`]
/// if the task panicked, was aborted, or was ended by its runtime's shutdown.
///
/// # Cancel safety
///
/// Awaiting `&mut handle` may be given up at any time and taken up again.
///
/// # Panics
///
/// Polling it once more after it has given the output panics.
pub struct JoinHandle<T> {
    task: ManuallyDrop<Task>,
    taken: bool,
    output: PhantomData<T>,
}

// SAFETY: the handle gives out the `T` by value only, once.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: nothing of the `T` can be had from `&self`.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
impl<T> Unpin for JoinHandle<T> {}
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// `task` is the reference made for the handle of a task whose output is a `T`.
    pub(crate) unsafe fn new(task: Task) -> Self {
        Self { task: ManuallyDrop::new(task), taken: false, output: PhantomData }
    }

    /// Asks the task to end: its future is dropped at its next turn instead of being polled.
    ///
    /// A task that is just being polled finishes that poll; if it completes in it, that counts, and
    /// the output stands. A job of [`spawn_blocking`](crate::spawn_blocking) that has begun can't
    /// be stopped. Does not wait: await the handle to know that the future has been dropped.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// A handle that can abort the task but not await it.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: Task::clone(&self.task) }
    }

    /// Whether the task has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.task.header().state.is_complete()
    }

    /// The number of the task.
    pub fn id(&self) -> Id {
        self.task.id()
    }

    /// Registers a waker without spending budget; whether the task has ended.
    pub(super) fn register(&self, waker: &std::task::Waker) -> bool {
        self.task.poll_join(waker)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.taken, "a JoinHandle was polled after it had given its task's output");
        let progress = std::task::ready!(wharf_base::coop::poll_proceed(cx));
        if !self.task.poll_join(cx.waker()) {
            return Poll::Pending;
        }
        progress.made();
        self.taken = true;
        // SAFETY: the task is complete, this is its handle, `taken` was false, and `T` is the type
        // that the handle was made with.
        let output = unsafe { self.task.take_output::<T>() };
        Poll::Ready(output.map_err(|failure| failure.into_error(self.task.id())))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // SAFETY: taken out once, here.
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        task.leave_join(self.taken);
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id()).finish()
    }
}

/// Ends a task, without a claim to its output. Dropping it does nothing to the task.
#[derive(Clone)]
pub struct AbortHandle {
    task: Task,
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    /// The handle of the task that this thread polls, if it polls one.
    ///
    /// A task that aborts itself ends with the poll in which it does.
    #[inline]
    pub fn of_current() -> Option<Self> {
        super::current::task().map(|task| Self { task })
    }

    /// Asks the task to end, as [`JoinHandle::abort`] does.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether the task has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.task.header().state.is_complete()
    }

    /// The number of the task.
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id()).finish()
    }
}

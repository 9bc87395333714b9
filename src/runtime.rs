//! The runtime as a whole: [`Builder`] puts the parts together, [`Runtime`] owns them, [`Handle`]
//! reaches them from anywhere.

use crate::parts::{Inner, holding_the_clock};
use std::{fmt, future::Future, io, marker::PhantomData, time::Duration};
use wharf_base::context;
use wharf_executor::{Executor, JoinHandle};

pub use crate::builder::Builder;
pub use wharf_executor::{
    Flavor as RuntimeFlavor, Metrics as RuntimeMetrics, Unfinished, UnhandledPanic, WorkerMetrics,
};

/// How long dropping a [`Runtime`] waits for what is still running, before it logs what is left and
/// lets that go on without an owner.
pub const DROP_LIMIT: Duration = Duration::from_secs(10);

/// A runtime: dropping it, or shutting it down, ends it.
///
/// Several can live side by side in one process.
///
/// # Shutdown
///
/// Every way of ending a runtime refuses new tasks (their `JoinHandle`s say *cancelled*), lets the
/// polls in progress come to their end, drops the futures of all tasks that have not finished, and
/// then takes timers and sockets out of service. What differs is how long the caller waits for polls
/// and blocking jobs that don't end: see [`shutdown_timeout`](Self::shutdown_timeout).
///
/// A `block_on` that a blocking job or another thread is in goes on meanwhile. Don't count on what it
/// waits for: a timer or a socket that was at home with a worker which has gone may stay silent until
/// all are taken out of service. From then on asking for a timer panics, and operations on sockets are
/// errors, so the wait ends, but one of a blocking job's has held the shutdown up to its limit by then.
pub struct Runtime {
    handle: Handle,
    ended: bool,
}

impl Runtime {
    pub(crate) fn of(inner: Inner) -> Self {
        Self { handle: Handle { inner }, ended: false }
    }

    /// A multi-thread runtime with the defaults of [`Builder`].
    ///
    /// # Errors
    ///
    /// Those of [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Builder::new_multi_thread().build()
    }

    /// A handle to this runtime, to be cloned and sent wherever it is needed. It doesn't keep the
    /// runtime running.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a future on this thread until it is done, and the runtime's tasks beside it.
    ///
    /// Returns when `future` is done, whatever else was spawned; only a poll that is just in progress
    /// on this thread can delay it. The calling thread takes a free seat where there is one, so the
    /// future runs as fast as a spawned task.
    ///
    /// # Panics
    ///
    /// If `future` panics, or if this thread is already running tasks of a runtime.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// [`Handle::spawn`] on this runtime.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// [`Handle::spawn_blocking`] on this runtime.
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(job)
    }

    /// [`Handle::enter`] on this runtime.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// What the runtime has done so far.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Ends the runtime and waits for it up to `limit`. Says what had not stopped by then: polls
    /// that don't return and blocking jobs that don't end go on without an owner, and nothing that
    /// they do reaches anybody.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Unfinished {
        self.end(Some(limit))
    }

    /// Ends the runtime without waiting. May be called from anywhere, also from one of its tasks.
    pub fn shutdown_background(mut self) -> Unfinished {
        self.end(Some(Duration::ZERO))
    }

    fn end(&mut self, limit: Option<Duration>) -> Unfinished {
        self.ended = true;
        let unfinished = self.handle.inner.shutdown(limit);
        log::debug!("runtime shut down; left running: {unfinished:?}");
        unfinished
    }
}

impl Drop for Runtime {
    /// Ends the runtime and waits up to [`DROP_LIMIT`]; not at all on a thread that is running tasks,
    /// which must not be blocked.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let in_a_task = Executor::runs_here();
        let limit = if in_a_task { Duration::ZERO } else { DROP_LIMIT };
        let unfinished = self.end(Some(limit));
        if !in_a_task && !unfinished.is_empty() {
            log::warn!(
                "a runtime was dropped, and after {DROP_LIMIT:?} this was still running: \
                 {unfinished:?}; end long polls and blocking jobs before dropping it, or use \
                 shutdown_timeout"
            );
        }
    }
}

impl AsRef<Executor> for Runtime {
    fn as_ref(&self) -> &Executor {
        &self.handle.inner.executor
    }
}

impl AsRef<Executor> for Handle {
    fn as_ref(&self) -> &Executor {
        &self.inner.executor
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runtime").field(&self.handle).finish()
    }
}

/// A way to a runtime from anywhere: cheap to clone, safe to send, and harmless when the runtime has
/// ended.
#[derive(Clone)]
pub struct Handle {
    inner: Inner,
}

impl Handle {
    /// The runtime that this thread has entered: that of the task it runs, or of an
    /// [`EnterGuard`].
    ///
    /// # Panics
    ///
    /// Outside any runtime. [`try_current`](Self::try_current) doesn't.
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The runtime that this thread has entered, if any.
    ///
    /// # Errors
    ///
    /// Outside any runtime.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Inner::current().map(|inner| Self { inner }).ok_or(TryCurrentError(()))
    }

    /// Makes this the thread's current runtime until the guard is dropped: `spawn`, sockets and
    /// timers then find it. Entering runs nothing.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard {
            _entered: context::enter(self.inner.parts.clone(), None),
            _handle: PhantomData,
        }
    }

    /// Spawns a task onto the runtime, from any thread.
    ///
    /// The task starts whether or not the `JoinHandle` is awaited; dropping the handle detaches it.
    /// Once the runtime has been shut down the future is dropped at once and the handle says
    /// *cancelled*.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.executor.spawn(future)
    }

    /// Runs a closure that may block on the runtime's blocking pool.
    ///
    /// Aborting has an effect only until the job starts. A thread that can't be created is an error
    /// of the job: its handle says so.
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = holding_the_clock(self.inner.timers.as_ref(), job);
        self.inner.executor.spawn_blocking(job)
    }

    /// [`Runtime::block_on`], through a handle.
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.executor.block_on(future)
    }

    /// Whether the runtime has threads of its own.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        self.inner.executor.flavor()
    }

    /// What the runtime has done so far.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.inner.executor.metrics()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("flavor", &self.inner.executor.flavor())
            .field("io", &self.inner.reactor.is_some())
            .field("time", &self.inner.timers.is_some())
            .finish_non_exhaustive()
    }
}

/// There is no current runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryCurrentError(());

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this thread is in no wharf runtime; call this from a task or inside \
             Runtime::block_on, or hold the guard of Handle::enter",
        )
    }
}

impl std::error::Error for TryCurrentError {}

/// The thread is in the runtime as long as this lives; see [`Handle::enter`].
///
/// # Panics
///
/// Guards of one thread must be dropped in the reverse order of their making; else the drop panics.
#[must_use = "the runtime is left as soon as the guard is dropped"]
pub struct EnterGuard<'a> {
    _entered: context::Entered,
    _handle: PhantomData<&'a Handle>,
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}

/// Runs `job`, which may block, on a thread of the current runtime's blocking pool.
///
/// A job that has begun can't be aborted, and a shutdown waits for it (as long as the shutdown's
/// time-out allows).
///
/// # Panics
///
/// Outside a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(job: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Handle::current().spawn_blocking(job)
}

/// Runs a future to its end on a current-thread runtime made for it, and drops that runtime.
///
/// # Panics
///
/// If `future` panics, or on a thread that is already running tasks of a runtime.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().build().expect("building opens nothing yet");
    runtime.block_on(future)
}

//! The runtime as a whole: [`Builder`] puts the parts together, [`Runtime`] owns them, [`Handle`]
//! reaches them from anywhere.

use crate::driver::SeatDriver;
use std::{
    any::Any,
    fmt,
    future::Future,
    io,
    marker::PhantomData,
    num::NonZeroUsize,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use wharf_base::context::{self, Part, Parts};
use wharf_executor::{Config, Driver, Executor, Flavor, JoinHandle};
use wharf_reactor::Reactor;
use wharf_timer::Timers;

pub use wharf_executor::{
    Flavor as RuntimeFlavor, Metrics as RuntimeMetrics, Unfinished, UnhandledPanic, WorkerMetrics,
};

/// How long dropping a [`Runtime`] waits for what is still running, before it logs what is left and
/// lets that go on without an owner.
pub const DROP_LIMIT: Duration = Duration::from_secs(10);

/// The parts of a runtime with their types, as the facade alone knows them.
#[derive(Clone)]
struct Inner {
    parts: Arc<Parts>,
    executor: Arc<Executor>,
    timers: Option<Arc<Timers>>,
    reactor: Option<Arc<Reactor>>,
}

impl Inner {
    fn build(config: Config, seats: usize, with_io: bool, with_timers: bool) -> Self {
        let reactor = with_io.then(|| Reactor::new(seats));
        if let Some(reactor) = &reactor {
            crate::net::resolve_on_the_blocking_pool(reactor);
        }
        let (mut executor, mut timers) = (None, None);
        let parts = Arc::new_cyclic(|parts: &Weak<Parts>| {
            timers = with_timers.then(|| make_timers(config.flavor, seats, parts));
            if let Some(reactor) = &reactor {
                reactor.set_attendant(attendant(parts));
            }
            let driver = |seat| -> Arc<dyn Driver> {
                Arc::new(SeatDriver::new(seat, reactor.clone(), timers.clone()))
            };
            let drivers = (0..seats).map(driver).collect();
            let made = Executor::new(config, drivers, parts.clone());
            executor = Some(made.clone());
            Parts {
                executor: made,
                timers: timers.clone().map(|timers| timers as Part),
                reactor: reactor.clone().map(|reactor| reactor as Part),
            }
        });
        let executor = executor.expect("set while the parts were made");
        Self { parts, executor, timers, reactor }
    }

    /// The same parts, found again from a thread that has entered them.
    fn current() -> Option<Self> {
        fn typed<T: Any + Send + Sync>(part: &Part) -> Arc<T> {
            part.clone().downcast().expect("the parts were put together by this facade")
        }
        let parts = context::current()?;
        Some(Self {
            executor: typed(&parts.executor),
            timers: parts.timers.as_ref().map(typed),
            reactor: parts.reactor.as_ref().map(typed),
            parts,
        })
    }

    /// Tasks first: what they hold wants its timers and sockets still in place when it is dropped.
    fn shutdown(&self, limit: Option<Duration>) -> Unfinished {
        let unfinished = self.executor.shutdown(limit);
        if let Some(timers) = &self.timers {
            timers.shutdown();
        }
        if let Some(reactor) = &self.reactor {
            reactor.shutdown();
        }
        unfinished
    }
}

fn make_timers(flavor: Flavor, seats: usize, parts: &Weak<Parts>) -> Arc<Timers> {
    match flavor {
        Flavor::CurrentThread => Timers::new_pausable(attendant(parts)),
        Flavor::MultiThread => Timers::new(seats, attendant(parts)),
    }
}

/// Has somebody look after a seat, into which a thread without a seat has put a timer or a socket.
fn attendant(parts: &Weak<Parts>) -> Box<dyn Fn(usize) + Send + Sync> {
    let parts = parts.clone();
    Box::new(move |seat| {
        let Some(parts) = parts.upgrade() else { return };
        if let Some(executor) = parts.executor.downcast_ref::<Executor>() {
            executor.unpark(seat);
        }
    })
}

/// A blocking job that keeps a paused clock from jumping while it goes on.
fn holding_the_clock<R, F: FnOnce() -> R>(
    timers: Option<&Arc<Timers>>,
    job: F,
) -> impl FnOnce() -> R + use<R, F> {
    let hold = timers.and_then(Timers::hold_clock);
    move || {
        let _hold = hold;
        job()
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

/// Builds a [`Runtime`] to measure.
///
/// Everything is optional. I/O and timers are there unless [`disable_io`](Self::disable_io) or
/// [`disable_time`](Self::disable_time) say otherwise; they cost nothing until used.
///
/// ```
/// let runtime = wharf::runtime::Builder::new_multi_thread()
///     .worker_threads(2)
///     .thread_name("dock")
///     .build()?;
/// assert_eq!(runtime.block_on(async { 6 * 7 }), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Builder {
    config: Config,
    worker_threads: Option<NonZeroUsize>,
    io: bool,
    time: bool,
}

impl Builder {
    /// A runtime with worker threads: one for each processor, unless
    /// [`worker_threads`](Self::worker_threads) says otherwise. They start when there is work for
    /// them.
    pub fn new_multi_thread() -> Self {
        Self::new(Flavor::MultiThread)
    }

    /// A runtime without threads of its own: its tasks run while a thread is in
    /// [`Runtime::block_on`].
    pub fn new_current_thread() -> Self {
        Self::new(Flavor::CurrentThread)
    }

    fn new(flavor: Flavor) -> Self {
        let config = Config { flavor, ..Config::default() };
        Self { config, worker_threads: None, io: true, time: true }
    }

    fn seats(&self) -> usize {
        match self.config.flavor {
            Flavor::CurrentThread => 1,
            Flavor::MultiThread => {
                let chosen = self.worker_threads.map_or_else(thread::available_parallelism, Ok);
                chosen.map_or(1, NonZeroUsize::get)
            }
        }
    }

    /// How many seats, and so at most how many worker threads, the runtime has. The current-thread
    /// flavour has one whatever is said here.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[track_caller]
    pub fn worker_threads(&mut self, count: usize) -> &mut Self {
        let count = NonZeroUsize::new(count);
        assert!(count.is_some(), "a runtime needs at least one worker thread; 0 were asked for");
        self.worker_threads = count;
        self
    }

    /// How many threads the pool behind `spawn_blocking` may have at once. 512 by default.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, count: usize) -> &mut Self {
        assert!(count > 0, "the blocking pool needs at least one thread; 0 were asked for");
        self.config.max_blocking_threads = count;
        self
    }

    /// How long an idle thread of the blocking pool waits for another job before it ends. 10
    /// seconds by default.
    pub fn thread_keep_alive(&mut self, keep_alive: Duration) -> &mut Self {
        self.config.thread_keep_alive = keep_alive;
        self
    }

    /// The name of the runtime's threads. `wharf-worker` by default.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        self.thread_name_fn(move || name.clone())
    }

    /// A function that names each thread as it starts.
    pub fn thread_name_fn(
        &mut self,
        name: impl Fn() -> String + Send + Sync + 'static,
    ) -> &mut Self {
        self.config.thread_name = Arc::new(name);
        self
    }

    /// The stack size of the runtime's threads, in bytes. The platform's default unless set.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Self {
        self.config.thread_stack_size = Some(bytes);
        self
    }

    /// Called on each of the runtime's threads as it starts. A panic in a hook is logged and goes
    /// no further.
    pub fn on_thread_start(&mut self, hook: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_start = Some(Arc::new(hook));
        self
    }

    /// Called on each of the runtime's threads before it ends.
    pub fn on_thread_stop(&mut self, hook: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_stop = Some(Arc::new(hook));
        self
    }

    /// Called on a worker before it goes to sleep. It must not block.
    pub fn on_thread_park(&mut self, hook: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_park = Some(Arc::new(hook));
        self
    }

    /// Called on a worker after it has woken up.
    pub fn on_thread_unpark(&mut self, hook: impl Fn() + Send + Sync + 'static) -> &mut Self {
        self.config.on_thread_unpark = Some(Arc::new(hook));
        self
    }

    /// How many polls a worker makes between two looks at sockets and timers, at the most. 61 by
    /// default; it also looks when 250 µs have gone by.
    ///
    /// # Panics
    ///
    /// If `polls` is 0.
    #[track_caller]
    pub fn event_interval(&mut self, polls: u32) -> &mut Self {
        assert!(polls > 0, "the event interval is at least one poll; 0 were asked for");
        self.config.event_interval = polls;
        self
    }

    /// What a panic in a task does to the rest of the runtime. Nothing by default.
    pub fn unhandled_panic(&mut self, policy: UnhandledPanic) -> &mut Self {
        self.config.unhandled_panic = policy;
        self
    }

    /// I/O and time are enabled unless disabled: here for the sake of code written for tokio.
    pub fn enable_all(&mut self) -> &mut Self {
        self.enable_io().enable_time()
    }

    /// Takes back [`disable_io`](Self::disable_io).
    pub fn enable_io(&mut self) -> &mut Self {
        self.io = true;
        self
    }

    /// Takes back [`disable_time`](Self::disable_time).
    pub fn enable_time(&mut self) -> &mut Self {
        self.time = true;
        self
    }

    /// A runtime without a reactor: making a socket in it is an error.
    pub fn disable_io(&mut self) -> &mut Self {
        self.io = false;
        self
    }

    /// A runtime without timers: making a `Sleep` in it panics with a message that says so.
    pub fn disable_time(&mut self) -> &mut Self {
        self.time = false;
        self
    }

    /// Builds the runtime. Starts no thread and opens no descriptor: that waits for the first work.
    ///
    /// # Errors
    ///
    /// None today; the `Result` leaves room for a part that can't be lazy.
    pub fn build(&mut self) -> io::Result<Runtime> {
        let seats = self.seats();
        let inner = Inner::build(self.config.clone(), seats, self.io, self.time);
        log::debug!("runtime built: {:?}, {seats} seats", self.config.flavor);
        Ok(Runtime { handle: Handle { inner }, ended: false })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.config.flavor)
            .field("worker_threads", &self.worker_threads)
            .field("io", &self.io)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

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
pub struct Runtime {
    handle: Handle,
    ended: bool,
}

impl Runtime {
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
        let in_a_task = context::with(|_, seat| seat.is_some()).unwrap_or(false);
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

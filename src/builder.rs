//! [`Builder`]: everything about a runtime that can be chosen.

use crate::{
    parts::Inner,
    runtime::{Runtime, UnhandledPanic},
};
use std::{fmt, io, num::NonZeroUsize, sync::Arc, thread, time::Duration};
use wharf_executor::{Config, Flavor};

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
    start_paused: bool,
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
        Self { config, worker_threads: None, io: true, time: true, start_paused: false }
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
    ///
    /// # Panics
    ///
    /// If `name` contains a NUL byte: the system takes no such name.
    #[track_caller]
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        assert!(!name.contains('\0'), "a thread's name has no NUL byte; {name:?} was asked for");
        self.thread_name_fn(move || name.clone())
    }

    /// A function that names each thread as it starts. Where it panics, or the name contains a NUL
    /// byte, that is logged, and the thread is called `wharf-worker`.
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

    /// How long a worker that has run out of work keeps looking for more before it goes to sleep.
    /// Zero by default: it goes to sleep at once. More than 1 ms counts as 1 ms.
    ///
    /// Waking a sleeping thread takes 5 to 50 µs. Where a thread outside the runtime brings one small
    /// task after the other, each as soon as the last was answered, a limit of 20 to 100 µs spares
    /// most of these wakes, and costs the processor time that is spent looking. For anything else
    /// leave it at zero.
    ///
    /// One worker at a time spins at most, and none where as many workers are awake as there are
    /// processors, so none ever on a machine with one. A spin that found nothing makes the next ones
    /// rarer, down to one in 64 times that the worker runs out of work. An idle runtime sleeps, whatever
    /// is said here. [`WorkerMetrics`](crate::runtime::WorkerMetrics) tells how many spins there were and
    /// how many of them found something.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime = wharf::runtime::Builder::new_multi_thread()
    ///     .spin_before_park(Duration::from_micros(50))
    ///     .build()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spin_before_park(&mut self, limit: Duration) -> &mut Self {
        self.config.spin_before_park = limit;
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

    /// Whether the clock stands still from the start, as after [`time::pause`](crate::time::pause):
    /// for tests, on the current-thread flavour.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let runtime =
    ///     wharf::runtime::Builder::new_current_thread().start_paused(true).build()?;
    /// // Over as soon as there is nothing else to do.
    /// runtime.block_on(async { wharf::time::sleep(Duration::from_secs(3600)).await });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start_paused(&mut self, paused: bool) -> &mut Self {
        self.start_paused = paused;
        self
    }

    /// Builds the runtime. Starts no thread and opens no descriptor: that waits for the first work.
    ///
    /// # Errors
    ///
    /// None today; the `Result` leaves room for a part that can't be lazy.
    ///
    /// # Panics
    ///
    /// If the clock is to stand still from the start, and the runtime is of the multi-thread flavour or
    /// without timers.
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        let seats = self.seats();
        let inner = Inner::build(self.config.clone(), seats, self.io, self.time);
        if self.start_paused {
            let timers = inner.timers.as_deref();
            timers.expect("`start_paused` is for a runtime with timers; enable time").pause();
        }
        log::debug!("runtime built: {:?}, {seats} seats", self.config.flavor);
        Ok(Runtime::of(inner))
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

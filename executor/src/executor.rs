//! [`Executor`]: the face that the builder of a runtime sees.

use crate::{
    Config, Driver, Flavor, Metrics, WorkerMetrics,
    block_on::Driving,
    seat::Seat,
    shared::{MOST_SEATS, Shared},
    task::{JoinHandle, Task},
};
use std::{
    any::Any,
    fmt,
    future::Future,
    ptr::NonNull,
    sync::{Arc, Weak},
    time::Duration,
};
use wharf_base::{
    context::{self, Parts},
    sync::Instant,
};

/// Runs tasks on its seats.
///
/// Building one starts no thread: the first comes with the first work that the thread inside
/// `block_on` can't do alone. Dropping the last handle to it ends all tasks; call
/// [`shutdown`](Self::shutdown) before, for the worker threads hold handles of their own.
pub struct Executor {
    shared: NonNull<Shared>,
}

// SAFETY: `Shared` is made for sharing between threads, and lives until we are dropped.
unsafe impl Send for Executor {}
// SAFETY: as above.
unsafe impl Sync for Executor {}

/// What a shutdown could not end in its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Worker threads that are still in a poll.
    pub workers: usize,
    /// Threads of the blocking pool that are still in a job.
    pub blocking_threads: usize,
    /// Tasks whose future has not been dropped yet: those in these polls.
    pub tasks: usize,
}

impl Unfinished {
    /// Whether everything has ended.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Executor {
    /// An executor with one seat for each driver, which belongs to the runtime of `parts`.
    ///
    /// `parts` need not be alive yet, but must be whenever a task is run: see
    /// `Arc::new_cyclic`. Its `executor` is to be this executor.
    ///
    /// # Panics
    ///
    /// With no drivers, with more than one on a current-thread executor, or with 65,535 or more;
    /// if `event_interval` or `max_blocking_threads` is zero.
    pub fn new(config: Config, drivers: Vec<Arc<dyn Driver>>, parts: Weak<Parts>) -> Arc<Self> {
        assert!(!drivers.is_empty(), "an executor needs a driver for each seat, at least one");
        assert!(drivers.len() < MOST_SEATS, "an executor has less than {MOST_SEATS} seats");
        assert!(
            config.flavor == Flavor::MultiThread || drivers.len() == 1,
            "a current-thread executor has one seat, and so one driver"
        );
        assert!(config.event_interval > 0, "event_interval must be at least 1");
        assert!(config.max_blocking_threads > 0, "max_blocking_threads must be at least 1");
        Arc::new(Self { shared: Shared::new(config, drivers, parts) })
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: it lives until our drop.
        unsafe { self.shared.as_ref() }
    }

    /// The executor of a runtime.
    #[inline]
    pub(crate) fn of(parts: &Parts) -> Option<&Self> {
        (&*parts.executor as &dyn Any).downcast_ref()
    }

    /// Calls `f` with the current runtime's executor.
    #[track_caller]
    #[inline]
    pub(crate) fn with_current<R>(f: impl FnOnce(&Self) -> R) -> R {
        let result = context::with(|parts, _| Self::of(parts).map(f)).flatten();
        result.expect(
            "there is no runtime here: call this inside `block_on` or a task, or enter a runtime's \
             handle first",
        )
    }

    /// Spawns a task; any thread may. It runs without being awaited.
    ///
    /// After the shutdown the task is dropped at once, and its handle says that it was cancelled.
    #[inline]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task: Task = self.shared().spawn(future);
        // SAFETY: the handle's reference, and its output's type.
        unsafe { JoinHandle::new(task) }
    }

    /// Runs `job`, which may block, on a thread of the blocking pool; any thread may call it.
    ///
    /// After the shutdown the job is dropped, and its handle says that it was cancelled. Where the pool
    /// has no thread and none can be started, its handle says that it was
    /// [refused](crate::JoinError::is_refused).
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.shared().spawn_blocking(job)
    }

    /// Ends the tasks that wait to be run where no thread is there to run them, because the system has
    /// refused the first one: their futures are dropped on this thread, and their handles say that they
    /// were [refused](crate::JoinError::is_refused). Otherwise they wait for a `block_on`, or for
    /// whoever spawns when threads are to be had again. For callers of
    /// [`spawn`](Self::spawn) that must have an answer; it costs a load where all is well.
    ///
    /// Any thread may call it, with no lock held that a future's drop takes.
    #[inline]
    pub fn end_stranded(&self) {
        self.shared().end_stranded();
    }

    /// Why the system has refused a thread, if it has and has not given a worker since.
    pub fn refusal(&self) -> Option<std::io::Error> {
        self.shared().threads.refusal()
    }

    /// Has somebody look at a seat's driver, because something was put into it from outside: its
    /// owner is unparked; a vacant seat gets a worker. Any thread may call it.
    pub fn unpark(&self, seat: usize) {
        let shared = self.shared();
        if shared.idle.is_attended(seat) {
            shared.seats[seat].driver.unpark();
        } else {
            shared.attend(seat);
        }
    }

    /// Who runs the tasks.
    pub fn flavor(&self) -> Flavor {
        self.shared().config.flavor
    }

    /// How many seats there are.
    pub fn seats(&self) -> usize {
        self.shared().seats.len()
    }

    /// Ends the executor: drops the futures of all tasks, refuses new ones, and waits for threads to
    /// end, up to `timeout` (`None`: for as long as it takes). Says what has not ended.
    ///
    /// May be called again, to wait on. On a thread that runs tasks of this executor it does not wait
    /// for that thread itself; what runs there ends when it returns to the executor.
    pub fn shutdown(&self, timeout: Option<Duration>) -> Unfinished {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let shared = self.shared();
        let own = Seat::here(shared, |seat| {
            shared.begin_shutdown(seat);
            usize::from(seat.is_some())
        });
        let seats = shared.seats.len();
        let done = |state: &crate::threads::State| state.running <= own && state.drained >= seats;
        let ended = shared.threads.wait(deadline, done);
        let workers = if ended { 0 } else { shared.threads.state().running };
        Unfinished {
            workers,
            blocking_threads: shared.pool.wait(deadline),
            tasks: if ended { 0 } else { shared.live_tasks() },
        }
    }

    /// Whether the calling thread runs tasks or a main future, of whichever executor, so that it should not
    /// be blocked; not within [`block_in_place`](crate::task::block_in_place).
    pub fn runs_here() -> bool {
        Driving::is_on()
    }

    /// What the executor has done, and how it stands.
    pub fn metrics(&self) -> Metrics {
        let shared = self.shared();
        let workers = shared.seats.iter().map(|seat| WorkerMetrics {
            polls: seat.counters.polls.get(),
            steals: seat.counters.steals.get(),
            parks: seat.counters.parks.get(),
            unparks: seat.counters.unparks.get(),
            rescues: seat.counters.rescues.get(),
            spins: seat.counters.spins.get(),
            useful_spins: seat.counters.useful_spins.get(),
            gave_way: seat.counters.gave_way.get(),
            busy: Duration::from_nanos(seat.counters.busy.get()),
            queue_depth: seat.waiting(),
        });
        let workers: Vec<_> = workers.collect();
        let spawned = shared.seats.iter().map(|seat| seat.counters.spawned.get()).sum::<u64>();
        let pool = shared.pool.state();
        Metrics {
            workers,
            live_tasks: shared.live_tasks(),
            spawned_tasks: spawned + shared.strays_spawned.get(),
            injector_depth: shared.injector.len(),
            worker_threads: shared.threads.state().running,
            blocking_threads: pool.threads,
            idle_blocking_threads: pool.idle(),
            blocking_queue_depth: pool.queued(),
        }
    }
}

impl AsRef<Executor> for Executor {
    fn as_ref(&self) -> &Executor {
        self
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared().begin_shutdown(None);
        for seat in &self.shared().seats {
            // SAFETY: nobody sits any more, for who sits holds us: we are the owner.
            while let Some(task) = unsafe { seat.ring.pop() } {
                // SAFETY: a queue's reference.
                drop(unsafe { Task::from_raw(task) });
            }
        }
        // SAFETY: once, here, and nobody sits or will.
        unsafe { Shared::let_go(self.shared) };
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("config", &self.shared().config).finish_non_exhaustive()
    }
}

//! What the executor counts, always: plain stores by a seat's owner to the seat's own counters.

// `std`'s also in the models: what orders nothing is not to be tried in every order.
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A number that only one thread at a time changes, and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds, on the thread that owns the counter.
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        // Relaxed: a figure, not a signal. No read-modify-write: one writer.
        self.0.store(self.0.load(Relaxed).wrapping_add(count), Relaxed);
    }

    /// Adds, on any thread.
    pub(crate) fn add_shared(&self, count: u64) {
        // Relaxed: as above.
        self.0.fetch_add(count, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Relaxed)
    }
}

/// The counters of one seat.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) polls: Counter,
    pub(crate) spawned: Counter,
    pub(crate) completed: Counter,
    pub(crate) steals: Counter,
    pub(crate) parks: Counter,
    pub(crate) rescues: Counter,
    pub(crate) spins: Counter,
    pub(crate) useful_spins: Counter,
    pub(crate) gave_way: Counter,
    /// Nanoseconds awake, up to the last park.
    pub(crate) busy: Counter,
    /// Wakes of this seat by others; counted by the others.
    pub(crate) unparks: Counter,
}

/// What one worker's seat has done since the start.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Polls of tasks.
    pub polls: u64,
    /// Thefts from other seats that yielded something.
    pub steals: u64,
    /// Times the worker went to sleep.
    pub parks: u64,
    /// Times another thread woke it.
    pub unparks: u64,
    /// Overdue seats this worker looked after.
    pub rescues: u64,
    /// Times the worker looked out for work before it went to sleep, where the builder has asked for
    /// that.
    pub spins: u64,
    /// Those of them that found something to do.
    pub useful_spins: u64,
    /// Times the worker let other threads have its processor before it went to sleep, since tasks from
    /// outside the runtime had come to it.
    pub gave_way: u64,
    /// How long a thread sat here and did not sleep, up to the last time that it went to sleep or
    /// left: what it has been at since then is not in it yet.
    pub busy: Duration,
    /// Tasks in its queue now.
    pub queue_depth: usize,
}

/// What an executor has done since its start, and how it stands now.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// One entry for each seat.
    pub workers: Vec<WorkerMetrics>,
    /// Tasks spawned and not yet complete.
    pub live_tasks: usize,
    /// Tasks spawned since the start.
    pub spawned_tasks: u64,
    /// Tasks waiting in the queue for those from outside.
    pub injector_depth: usize,
    /// Worker threads running now, those without a seat included.
    pub worker_threads: usize,
    /// Threads of the blocking pool now.
    pub blocking_threads: usize,
    /// Those of them that have nothing to do.
    pub idle_blocking_threads: usize,
    /// Jobs waiting for a thread of the blocking pool.
    pub blocking_queue_depth: usize,
}

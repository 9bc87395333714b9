//! A seat: everything that a running thread needs beside itself.
//!
//! Threads come and go, seats stay. Whoever has removed a seat's bit from `vacant` is its *owner*
//! and may use what only owners may use, until it puts the bit back; the set's release and acquire
//! hand the contents on. The owner's thread finds its seat through a thread-local.

use crate::{
    Driver,
    idle::Announced,
    metrics::Counters,
    queue::{LifoSlot, Ring},
    registry::Registry,
    shared::Shared,
    task::{Header, Ids, Task},
    worker::{Backoff, GiveWay, Glance, LIFO_RUN, Processor, Pulse},
};
use std::{cell::Cell, future::Future, ptr, sync::Arc};
use wharf_base::sync::{
    Instant,
    atomic::{AtomicBool, AtomicU32, AtomicU64},
    thread_local,
};

/// What is expected of polls before any has been timed, in nanoseconds.
const FIRST_PACE: u32 = 10_000;

thread_local! {
    /// The seat that this thread sits in.
    static HERE: Cell<*const Seat> = const { Cell::new(ptr::null()) };
}

#[repr(align(128))]
pub(crate) struct Seat {
    pub(crate) number: usize,
    pub(crate) ring: Ring<Header>,
    pub(crate) lifo: LifoSlot<Header>,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) registry: Registry,
    pub(crate) counters: Counters,
    /// The watcher's: how many polls had begun at its last look. A count that stands still is a poll
    /// that takes long.
    pub(crate) watched: AtomicU64,
    /// The searcher's: how many [steps](Self::steps) had been made at its last look.
    pub(crate) seen: AtomicU32,
    /// The long poll that was told of last, by a watcher or a glance, so that each is told of once.
    pub(crate) told: AtomicU64,
    /// Who sleeps here keeps the seat, though others want one. Written before each sleep.
    pub(crate) kept: AtomicBool,
    pub(crate) announced: Announced,
    pub(crate) processor: Processor,
    pub(crate) own: Own,
}

/// What only the owner uses.
pub(crate) struct Own {
    shared: Cell<*const Shared>,
    ids: Ids,
    /// Tasks made here less tasks freed here.
    pub(crate) allocated: Cell<i64>,
    /// The runtime is shut down and this seat's tasks are gone: new ones end at once.
    pub(crate) drained: Cell<bool>,
    /// Since when the owner has been awake here.
    awake: Cell<Option<Instant>>,
    /// A task, or the main future, is being polled.
    pub(crate) polling: Cell<bool>,
    /// A poll has made a task ready since the queue was last empty: others are called for two or more.
    pub(crate) eager: Cell<bool>,
    /// How many nanoseconds a poll has taken here lately.
    pub(crate) pace: Cell<u32>,
    /// The owner is the searcher.
    pub(crate) searching: Cell<bool>,
    /// It was the watcher when it slept last, and has done nothing since.
    pub(crate) watched: Cell<bool>,
    /// One of these: others are to take over before the next poll.
    pub(crate) has_duty: Cell<bool>,
    /// Tasks in a row that came from the LIFO slot.
    lifo_run: Cell<u32>,
    /// How many may before the queue has its turn.
    pub(crate) lifo_most: Cell<u32>,
    /// Polls until the next look at driver and injector.
    pub(crate) left: Cell<u32>,
    /// Polls until the next look at the clock, and how many that was from the last one.
    pub(crate) clock: Cell<(u32, u32)>,
    /// When the first of these looks was, and how many polls had begun by then.
    pub(crate) looked: Cell<Option<(Instant, u64)>>,
    /// How many looks into the driver in a row found nothing.
    pub(crate) vain: Cell<u32>,
    /// Of the seat's looks at others while it does not sleep.
    pub(crate) glance: Glance,
    pub(crate) pulse: Pulse,
    /// How long nobody else was busy when this seat parked, see `worker::watches`.
    pub(crate) quiet: Cell<u32>,
    /// The last beat of this seat's heart was the watch's, and nothing was between.
    pub(crate) led: Cell<bool>,
    pub(crate) random: Cell<u32>,
    pub(crate) spin: Backoff,
    pub(crate) patience: Backoff,
    pub(crate) give_way: GiveWay,
}

// SAFETY: `own` is used by the owner only, and ownership is handed on through `Idle::vacant`; all
// else is made for sharing.
unsafe impl Sync for Seat {}
// SAFETY: as above; the pointer to `Shared` is that of the box that holds the seat.
unsafe impl Send for Seat {}

impl Own {
    /// What the owner is relied on for until it polls something, or sleeps.
    pub(crate) fn begin_duty(&self, searching: bool, watched: bool) {
        self.searching.set(searching);
        self.watched.set(watched);
        self.has_duty.set(searching || watched);
    }
}

impl Seat {
    pub(crate) fn new(number: usize, driver: Arc<dyn Driver>, alone: bool) -> Self {
        Self {
            number,
            ring: Ring::new(alone),
            lifo: LifoSlot::new(),
            driver,
            registry: Registry::new(),
            counters: Counters::default(),
            watched: AtomicU64::new(0),
            seen: AtomicU32::new(0),
            told: AtomicU64::new(0),
            kept: AtomicBool::new(false),
            announced: Announced::default(),
            processor: Processor::new(),
            own: Own {
                shared: Cell::new(ptr::null()),
                ids: Ids::default(),
                allocated: Cell::new(0),
                drained: Cell::new(false),
                awake: Cell::new(None),
                polling: Cell::new(false),
                eager: Cell::new(false),
                pace: Cell::new(FIRST_PACE),
                searching: Cell::new(false),
                watched: Cell::new(false),
                has_duty: Cell::new(false),
                lifo_run: Cell::new(0),
                lifo_most: Cell::new(LIFO_RUN),
                left: Cell::new(0),
                clock: Cell::new((1, 1)),
                looked: Cell::new(None),
                vain: Cell::new(0),
                glance: Glance::default(),
                pulse: Pulse::default(),
                quiet: Cell::new(0),
                led: Cell::new(false),
                random: Cell::new(0x9e37_79b9 ^ number as u32),
                spin: Backoff::default(),
                patience: Backoff::default(),
                give_way: GiveWay::default(),
            },
        }
    }

    /// Names the box that the seat has come to lie in.
    pub(crate) fn set_shared(&self, shared: *const Shared) {
        self.own.shared.set(shared);
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: a seat is part of its `Shared`.
        unsafe { &*self.own.shared.get() }
    }

    /// Calls `f` with the seat that this thread sits in, if it is one of `shared`'s.
    #[inline]
    pub(crate) fn here<R>(shared: *const Shared, f: impl FnOnce(Option<&Seat>) -> R) -> R {
        // SAFETY: `sit` has set it, and its caller keeps the seat until it sets another.
        let seat = unsafe { HERE.get().as_ref() };
        f(seat.filter(|seat| ptr::eq(seat.own.shared.get(), shared)))
    }

    /// The seat that this thread sits in, of whichever executor; the caller doesn't keep it beyond
    /// its present call.
    pub(crate) fn any_here<'a>() -> Option<&'a Seat> {
        // SAFETY: as in `here`.
        unsafe { HERE.get().as_ref() }
    }

    /// Whether this thread still sits here: `block_in_place` may have given the seat away.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        ptr::eq(HERE.get(), self)
    }

    /// Makes `seat` this thread's, and returns the one before.
    ///
    /// # Safety
    ///
    /// The caller owns the seat, and keeps it alive and owned until it calls this again.
    pub(crate) unsafe fn sit(seat: *const Seat) -> *const Seat {
        HERE.replace(seat)
    }

    /// Spawns a task. Owner only, by its contract: `here` gives a seat to its owner.
    #[inline]
    pub(crate) fn spawn<F: Future>(&self, future: F) -> Task {
        let own = &self.own;
        // SAFETY: we are the owner; the slot is filled below.
        let slot = unsafe { self.registry.reserve() };
        let home = (self.number as u16, slot);
        // SAFETY: `Shared` is this owner's type, and `allocated` keeps it until the task is freed.
        // The future is `Send`, by the executor's own signature.
        let task = unsafe {
            Task::new::<F, Shared>(future, own.ids.next(), own.shared.get().cast(), home, 3)
        };
        own.allocated.set(own.allocated.get() + 1);
        let (task, join, books) = task.split();
        // SAFETY: we are the owner, and have reserved the slot.
        unsafe { self.registry.fill(slot, books) };
        self.counters.spawned.add(1);
        if own.drained.get() {
            task.shut_down();
        } else {
            self.push(task);
        }
        join
    }

    /// Queues a task that is to run soon: in the LIFO slot, if a poll of ours has woken it.
    #[inline]
    pub(crate) fn push(&self, task: Task) {
        let task = task.into_raw();
        let mut back = Some(task);
        if self.own.polling.get() {
            self.own.eager.set(true);
            if self.shared().has_lifo {
                back = self.lifo.replace(task);
            }
        }
        if let Some(task) = back {
            // SAFETY: we are the owner.
            unsafe { self.ring.push(task) };
        }
        // A sleeper's driver that hands out events has its owner see to a watcher when all are queued:
        // until then the owner itself counts as a sleeper, and would wake itself.
        if self.announced.is_to_ask(&self.shared().idle) && !self.is_parked() {
            self.see_to_watch();
        }
    }

    /// B3 and B4 in `idle`: something waits here.
    pub(crate) fn see_to_watch(&self) {
        if !self.shared().idle.is_watched(self.number) {
            self.announced.tell();
            self.shared().post_watch();
        }
    }

    /// Queues a task behind all others.
    #[inline]
    pub(crate) fn push_back(&self, task: Task) {
        // SAFETY: we are the owner.
        unsafe { self.ring.push(task.into_raw()) };
    }

    /// The next task of our own.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Task> {
        let own = &self.own;
        if let Some(task) = self.lifo.take() {
            // SAFETY: queues hold references that are nobody else's.
            let task = unsafe { Task::from_raw(task) };
            if own.lifo_run.get() < own.lifo_most.get() {
                own.lifo_run.set(own.lifo_run.get() + 1);
                return Some(task);
            }
            self.push_back(task);
        }
        own.lifo_run.set(0);
        // SAFETY: we are the owner; and as above.
        unsafe { self.ring.pop().map(|task| Task::from_raw(task)) }
    }

    /// How many tasks wait here, as far as can be seen.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.ring.len() + usize::from(!self.lifo.is_empty())
    }

    /// How far the owner is, modulo 2^32: polls begun and tasks pushed to the ring.
    pub(crate) fn steps(&self) -> u32 {
        (self.counters.polls.get() as u32).wrapping_add(self.ring.pushes())
    }

    /// Steals from `other` into our own queue.
    pub(crate) fn steal_from(&self, other: &Seat) -> Option<Task> {
        // SAFETY: we are the owner of our ring; the reference was the queue's.
        let task = unsafe { other.ring.steal_into(&self.ring).map(|task| Task::from_raw(task)) };
        self.counters.steals.add(task.is_some().into());
        task
    }

    /// A cheap random number, for where to begin a search.
    pub(crate) fn random(&self) -> usize {
        let mut x = self.own.random.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.own.random.set(x);
        x as usize
    }

    /// The queue was empty, and the driver has just had its turn.
    #[inline]
    pub(crate) fn begin_batch(&self, event_interval: u32) {
        let own = &self.own;
        own.left.set(event_interval);
        own.looked.set(None);
        own.clock.set((1, 1));
        own.eager.set(false);
    }

    /// The owner is awake from now on.
    pub(crate) fn begin_busy(&self) {
        self.announced.retract();
        self.own.awake.set(Some(Instant::now()));
    }

    /// Whether the owner is in its driver, asleep or handing out what it was woken for.
    fn is_parked(&self) -> bool {
        self.own.awake.get().is_none()
    }

    /// The owner sleeps now, or leaves: counts how long it was awake.
    pub(crate) fn end_busy(&self) {
        let busy = self.own.awake.take().map_or(0, |since| since.elapsed().as_nanos() as u64);
        self.counters.busy.add(busy);
    }
}

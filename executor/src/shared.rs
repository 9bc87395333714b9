//! What all threads of an executor share, and how tasks find their way into its queues.
//!
//! # How long it lives
//!
//! Every task points to its `Shared`, and a waker on a foreign thread may use that long after the
//! runtime has gone. Counting each task in one word would make all seats fight for it, so seats
//! count what they allocate and free themselves, threads without a seat count what they allocate
//! under the lock that they take anyway, and `outstanding` counts the rest: what these free. It
//! starts at `BIAS`; when the executor is dropped, nobody sits or spawns any more, the sums are added
//! and `BIAS` is taken off, and from then on it is the number of tasks still allocated. Whoever brings
//! it to zero frees the `Shared`.

use crate::{
    Config, Driver, Flavor, UnhandledPanic,
    block_on::Waiting,
    blocking::Pool,
    idle::Idle,
    metrics::Counter,
    queue::Injector,
    registry::Registry,
    seat::Seat,
    task::{Header, Ids, Owner, Task},
    threads::Threads,
    worker::Limit,
};
use std::{
    cell::Cell,
    future::Future,
    ptr::NonNull,
    sync::{Arc, Weak},
};
use wharf_base::{
    context::Parts,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::*, fence},
        lock,
    },
};

/// The home of tasks that were spawned by a thread without a seat.
const STRAY: u16 = u16::MAX;
/// More seats than this can't be told apart by a header.
pub(crate) const MOST_SEATS: usize = STRAY as usize;

const BIAS: i64 = 1 << 62;

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) seats: Box<[Seat]>,
    pub(crate) has_lifo: bool,
    pub(crate) idle: Idle,
    pub(crate) spin: Limit,
    pub(crate) injector: Injector,
    /// Counted by itself: a thread says that it has ended after letting go of all else.
    pub(crate) threads: Arc<Threads>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) waiting: Waiting,
    pub(crate) parts: Weak<Parts>,
    /// The shutdown has begun.
    closed: AtomicBool,
    /// It has begun because of an unhandled panic.
    panicked: AtomicBool,
    strays: Registry,
    /// Whoever holds the lock owns `strays`.
    strays_lock: Mutex<Strays>,
    pub(crate) strays_spawned: Counter,
    pub(crate) strays_completed: Counter,
    outstanding: AtomicI64,
}

/// What belongs to the tasks that threads without a seat spawn.
#[derive(Default)]
struct Strays {
    /// They were ended by a shutdown: new ones end at once.
    drained: bool,
    /// Tasks made here.
    allocated: i64,
    ids: Ids,
}

// SAFETY: the registry's cells are used under `strays_lock`; all else is made for sharing.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    pub(crate) fn new(
        config: Config,
        drivers: Vec<Arc<dyn Driver>>,
        parts: Weak<Parts>,
    ) -> NonNull<Self> {
        let alone = drivers.len() == 1;
        let drivers = drivers.into_iter().enumerate();
        let seats: Box<[Seat]> =
            drivers.map(|(number, driver)| Seat::new(number, driver, alone)).collect();
        let shared = Box::leak(Box::new(Self {
            has_lifo: config.flavor == Flavor::MultiThread,
            idle: Idle::new(seats.len()),
            spin: Limit::new(config.spin_before_park),
            config,
            seats,
            injector: Injector::new(),
            threads: Arc::new(Threads::new()),
            pool: Arc::new(Pool::new()),
            waiting: Waiting::new(),
            parts,
            closed: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            strays: Registry::new(),
            strays_lock: Mutex::default(),
            strays_spawned: Counter::default(),
            strays_completed: Counter::default(),
            outstanding: AtomicI64::new(BIAS),
        }));
        shared.seats.iter().for_each(|seat| seat.set_shared(shared));
        NonNull::from(shared)
    }

    /// The executor is dropped: frees the `Shared` as soon as all its tasks are freed.
    ///
    /// # Safety
    ///
    /// Called once; nobody sits in a seat or enters one, and `this` is used no more.
    pub(crate) unsafe fn let_go(this: NonNull<Self>) {
        // SAFETY: alive until `settle` below.
        let shared = unsafe { this.as_ref() };
        let at_seats: i64 = shared.seats.iter().map(|seat| seat.own.allocated.get()).sum();
        let allocated = at_seats + lock(&shared.strays_lock).allocated;
        // SAFETY: as the caller says.
        unsafe { Self::settle(this, allocated - BIAS) };
    }

    /// # Safety
    ///
    /// `change` accounts for something that kept `this` alive until now.
    unsafe fn settle(this: NonNull<Self>, change: i64) {
        // SAFETY: alive, as the caller says.
        let outstanding = unsafe { &this.as_ref().outstanding };
        // AcqRel: pairs with itself: whoever frees has seen all others' last use.
        if outstanding.fetch_add(change, AcqRel) + change == 0 {
            // SAFETY: made as a box, and nothing points to it any more.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
        }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed: a hint, or after a change of `vacant` or a park (see `shutdown`).
        self.closed.load(Relaxed)
    }

    /// Begins the shutdown.
    pub(crate) fn close(&self) {
        // Relaxed: the changes of `vacant`, and the unparks, hand it on (see `shutdown`).
        self.closed.store(true, Relaxed);
    }

    pub(crate) fn is_multi_thread(&self) -> bool {
        self.config.flavor == Flavor::MultiThread
    }

    #[inline]
    pub(crate) fn spawn<F: Future>(&self, future: F) -> Task {
        let mut future = Some(future);
        let joined = Seat::here(self, |seat| {
            seat.map(|seat| seat.spawn(future.take().expect("taken once")))
        });
        joined.unwrap_or_else(|| self.spawn_stray(future.expect("not taken")))
    }

    /// Spawns from a thread without a seat.
    fn spawn_stray<F: Future>(&self, future: F) -> Task {
        let mut strays = lock(&self.strays_lock);
        strays.allocated += 1;
        self.strays_spawned.add(1);
        // SAFETY: we hold the lock; the slot is filled below.
        let slot = unsafe { self.strays.reserve() };
        let owner = std::ptr::from_ref(self).cast();
        // SAFETY: as in `Seat::spawn`; this task was counted above.
        let task =
            unsafe { Task::new::<F, Self>(future, strays.ids.next(), owner, (STRAY, slot), 3) };
        let (task, join, books) = task.split();
        // SAFETY: as above.
        unsafe { self.strays.fill(slot, books) };
        let ended = strays.drained;
        drop(strays);
        if ended {
            task.shut_down();
        } else {
            self.inject(task);
        }
        join
    }

    /// Takes the tasks that were spawned from outside, for the shutdown.
    pub(crate) fn drain_strays(&self) {
        let mut tasks = Vec::new();
        let mut strays = lock(&self.strays_lock);
        if !std::mem::replace(&mut strays.drained, true) {
            // SAFETY: we hold the lock, and whoever spawns from now on queues nothing.
            unsafe { self.strays.claim_all(|task| tasks.push(task)) };
        }
        drop(strays);
        // Out of the lock: futures are foreign code.
        tasks.into_iter().for_each(Task::shut_down);
    }

    /// Queues a task from a thread without a seat.
    fn inject(&self, task: Task) {
        match self.injector.push(task) {
            Ok(()) => {
                // Pairs with the fence in `worker::park` (P2 and S3 in `idle`).
                fence(SeqCst);
                self.wake_one();
            }
            // The shutdown finds the task in its registry; the queue's reference goes here.
            Err(task) => drop(task),
        }
    }

    /// There is work that somebody else could do: sees to it that somebody will (P3 and P4 in
    /// `idle`).
    #[inline]
    pub(crate) fn wake_one(&self) {
        if self.idle.has_somebody_to_call() {
            self.call_one();
        }
    }

    #[inline(never)]
    fn call_one(&self) {
        let is_left = || self.injector.len() > 0;
        // Once the system has refused us a thread we ask for no other: the work waits for a seat
        // that is taken already, or for whoever brings more work.
        let refused = Cell::new(false);
        let may_start = || !refused.get() && self.may_start_worker();
        let start = || {
            let started = self.start_any_worker();
            refused.set(started == Start::Refused);
            started == Start::Done
        };
        if let Some(seat) = self.idle.find_searcher(may_start, start, is_left) {
            self.unpark_for(seat);
        }
    }

    /// The same for who leaves a seat to a `block_on`: a thread that is started would take that very
    /// seat, and the two would have it in turn for ever. Who was offered it sees to all that is left
    /// (`see_to_vacant`).
    #[cold]
    pub(crate) fn wake_sleeper(&self) {
        let is_left = || self.injector.len() > 0;
        if let Some(seat) = self.idle.find_searcher(|| false, || false, is_left) {
            self.unpark_for(seat);
        }
    }

    /// Wakes a sleeper that has become the searcher.
    #[inline]
    fn unpark_for(&self, seat: usize) {
        self.seats[seat].counters.unparks.add_shared(1);
        self.seats[seat].driver.unpark();
    }

    /// A seat that was offered to a `block_on` is taken, or was not needed any more: sees to what its
    /// former owner has relied on that for.
    pub(crate) fn see_to_vacant(&self) {
        self.attend_all();
        let waits = |seat: &Seat| {
            let is_told_of = || seat.announced.is_told() || !seat.driver.is_idle();
            seat.waiting() > 0 || self.idle.is_busy(seat.number) && is_told_of()
        };
        if self.injector.len() > 0 || self.seats.iter().any(waits) {
            self.wake_one();
        }
    }

    /// Nobody watches, and there is work on this thread that a long poll would hold up (B4 in
    /// `idle`). Whoever is woken searches, and watches when it has found nothing.
    #[cold]
    pub(crate) fn post_watch(&self) {
        if self.seats.len() > 1 && self.is_multi_thread() && !self.is_closed() {
            // Pairs with S3 in `idle`: of a searcher that we rely on, and that finds nothing more.
            fence(SeqCst);
            self.wake_one();
        }
    }

    fn may_start_worker(&self) -> bool {
        self.is_multi_thread() && !self.idle.vacant.is_empty() && !self.is_closed()
    }

    /// Starts a thread in a vacant seat, as the searcher, which the caller has become.
    fn start_any_worker(&self) -> Start {
        if !self.may_start_worker() {
            return Start::NoSeat;
        }
        let Some(seat) = self.idle.vacant.take_any(|_| true) else { return Start::NoSeat };
        if self.start_worker(seat, true) { Start::Done } else { Start::Refused }
    }

    /// Somebody put something into the queue or the driver of a seat that may be vacant.
    pub(crate) fn attend(&self, seat: usize) {
        if self.may_start_worker() && self.idle.vacant.remove(seat) {
            self.start_worker(seat, false);
        }
    }

    /// Has all vacant seats looked after in whose drivers there is something.
    pub(crate) fn attend_all(&self) {
        let filled = self.seats.iter().filter(|seat| !seat.driver.is_idle());
        filled.for_each(|seat| self.attend(seat.number));
    }

    /// A task has panicked, and nobody will ask for it.
    #[cold]
    fn unhandled_panic(&self) {
        if self.config.unhandled_panic == UnhandledPanic::ShutdownRuntime {
            // Release: pairs with the acquire in `has_panicked`.
            self.panicked.store(true, Release);
            Seat::here(self, |seat| self.begin_shutdown(seat));
        }
    }

    /// Whether the runtime has ended because of a task's panic.
    pub(crate) fn has_panicked(&self) -> bool {
        // Acquire: pairs with the release in `unhandled_panic`.
        self.panicked.load(Acquire)
    }

    pub(crate) fn live_tasks(&self) -> usize {
        let seats = |count: fn(&Seat) -> &Counter| -> u64 {
            self.seats.iter().map(|seat| count(seat).get()).sum()
        };
        // Completions first, so that the difference is never negative.
        let completed = self.strays_completed.get() + seats(|seat| &seat.counters.completed);
        let spawned = self.strays_spawned.get() + seats(|seat| &seat.counters.spawned);
        spawned.saturating_sub(completed) as usize
    }
}

/// What became of the wish for one more thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Done,
    /// All seats are taken, or the end has come.
    NoSeat,
    /// The system has none to give.
    Refused,
}

fn shared(header: &Header) -> &Shared {
    // SAFETY: the executor's tasks name their `Shared` as owner, and it lives as long as they do.
    unsafe { &*header.owner.cast::<Shared>() }
}

impl Owner for Shared {
    #[inline]
    unsafe fn schedule(task: Task) {
        let owner = task.header().owner.cast::<Shared>();
        let mut task = Some(task);
        Seat::here(owner, |seat| {
            if let Some(seat) = seat {
                seat.push(task.take().expect("taken once"));
            }
        });
        let Some(task) = task else { return };
        // The task may run, end and be freed as soon as it is in the queue, and its executor with
        // it: a reference of our own keeps both until we are done.
        let _keep = task.clone();
        // SAFETY: the executor lives as long as its tasks.
        unsafe { &*owner }.inject(task);
    }

    #[inline]
    unsafe fn reschedule(task: Task) {
        let owner = task.header().owner.cast::<Shared>();
        let mut task = Some(task);
        Seat::here(owner, |seat| {
            if let Some(seat) = seat {
                seat.own.eager.set(true);
                seat.push_back(task.take().expect("taken once"));
            }
        });
        let Some(task) = task else { return };
        // SAFETY: the same contract.
        unsafe { Self::schedule(task) }
    }

    #[inline]
    unsafe fn release(header: &Header, unhandled_panic: bool) -> usize {
        let shared = shared(header);
        let had_it = Seat::here(shared, |seat| {
            match seat {
                Some(seat) => seat.counters.completed.add(1),
                None => shared.strays_completed.add_shared(1),
            }
            match seat {
                // SAFETY: this thread owns the seat, and the task is complete.
                Some(seat) if seat.number == header.home as usize => unsafe {
                    seat.registry.free(header.slot)
                },
                _ if header.home == STRAY => shared.strays.give_back(header.slot),
                _ => shared.seats[header.home as usize].registry.give_back(header.slot),
            }
        });
        if unhandled_panic {
            shared.unhandled_panic();
        }
        usize::from(had_it)
    }

    #[inline]
    unsafe fn freed(owner: *const ()) {
        let shared = owner.cast::<Shared>();
        let counted = Seat::here(shared, |seat| {
            seat.map(|seat| seat.own.allocated.set(seat.own.allocated.get() - 1))
        });
        if counted.is_none() {
            // SAFETY: the freed task was counted and kept the `Shared` until now.
            unsafe { Shared::settle(NonNull::new_unchecked(shared.cast_mut()), -1) };
        }
    }
}

//! One seat's driver: an epoll that is opened when it is first needed, and its owner's sleep.
//!
//! `polling` is held by whoever looks into the epoll. The owner holds it while it sleeps there, so
//! a blocked owner can't have its events taken away; everybody else only tries it. Wakers are
//! collected under it and called after it has been let go.
//!
//! The epoll stands behind the trait [`Drive`], whose implementation is named only where one is opened,
//! for a source. So a program without sockets, such as the plain C library, has none of it linked in.

use crate::{
    park::Parking,
    slab::{Slab, Token},
    slot,
    sys::{NO_PROCESSOR, current_processor},
    wait::{self, Events, Selector},
};
use mio::{Interest, Registry, unix::SourceFd};
use std::{
    collections::VecDeque,
    fmt::Debug,
    io, mem,
    os::fd::RawFd,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
    task::Waker,
    time::Instant,
};

const WAKE: mio::Token = mio::Token(usize::MAX);

/// For how many turns an owner that was held up is not trusted with more sources: some milliseconds of
/// an owner that is busy with short polls, seconds of one that is held up each time.
const OVERDUE_TURNS: u32 = 256;

/// So many sources to read from, found by one look, are too few to share its cost.
pub(crate) const A_FEW: usize = 1;

/// How often an event is foretold between two looks.
pub(crate) const FORETELLINGS: u32 = 8;

/// So many looks in a row that each found a few: one source has the seat to itself.
pub(crate) const ALONE: u32 = 32;

#[derive(Debug)]
pub(crate) struct Seat {
    parking: Parking,
    driver: OnceLock<Box<dyn Drive>>,
    opening: Mutex<()>,
    /// How many sources call this seat home.
    pub(crate) sources: AtomicUsize,
    /// The processor on which the owner last turned.
    processor: AtomicUsize,
    /// Somebody else had to look for events here: how many turns of the owner's that is to be
    /// remembered. One that is held up comes back for a turn between two long polls.
    overdue: AtomicU32,
}

/// What a seat asks of its epoll.
trait Drive: Debug + Send + Sync {
    /// The owner's sleep.
    fn turn(&self, parking: &Parking, slab: &Slab, deadline: Option<Instant>) -> usize;
    /// A look, by anybody; `None` where somebody else is at it.
    fn poll(&self, seat: &Seat, slab: &Slab, is_owner: bool) -> Option<usize>;
    /// Whether most of the events that were found last come from neighbours.
    fn is_fed_nearby(&self) -> bool;
    /// Whether one more event may be foretold before the next look.
    fn may_foretell(&self) -> bool;
    /// Whether all looks of late found few to read from.
    fn is_shared_by_few(&self) -> bool;
    /// Ends the owner's sleep.
    fn wake(&self);
    fn registry(&self) -> &Registry;
}

#[derive(Debug)]
struct Driver {
    selector: Selector,
    waker: mio::Waker,
    polling: Mutex<Polling>,
    fed_nearby: AtomicBool,
    /// How many more events may be foretold before the next look.
    foretellings: AtomicU32,
    /// How many looks in a row found few to read from, up to [`ALONE`]; those that found none left out.
    few_in_a_row: AtomicU32,
}

#[derive(Debug)]
struct Polling {
    events: Events,
    /// Kept for its room.
    wakers: VecDeque<Waker>,
}

impl Seat {
    pub(crate) fn new() -> Self {
        Self {
            parking: Parking::new(),
            driver: OnceLock::new(),
            opening: Mutex::new(()),
            sources: AtomicUsize::new(0),
            processor: AtomicUsize::new(NO_PROCESSOR),
            overdue: AtomicU32::new(0),
        }
    }

    /// The owner's turn: sleeps until an event, an unpark or `deadline`, then calls the wakers.
    pub(crate) fn turn(&self, slab: &Slab, deadline: Option<Instant>) -> usize {
        self.note_owner();
        let Some(driver) = self.driver.get() else {
            let _exact = deadline.and_then(wait::exact);
            self.parking.sleep_on_condvar(deadline);
            return 0;
        };
        driver.turn(&self.parking, slab, deadline)
    }

    /// Looks without blocking, for the owner or for anybody else.
    pub(crate) fn poll(&self, slab: &Slab, is_owner: bool) -> usize {
        self.driver.get().and_then(|driver| driver.poll(self, slab, is_owner)).unwrap_or(0)
    }

    /// Whether the owner last turned on `processor`, and has not kept anybody waiting lately.
    pub(crate) fn runs_on(&self, processor: usize) -> bool {
        // Relaxed: a hint.
        self.processor.load(Relaxed) == processor && !self.is_overdue()
    }

    /// Whether the owner has kept somebody waiting lately.
    pub(crate) fn is_overdue(&self) -> bool {
        // Relaxed: a hint.
        self.overdue.load(Relaxed) > 0
    }

    /// Whether most of the events that were found last come from neighbours.
    pub(crate) fn is_fed_nearby(&self) -> bool {
        self.driver.get().is_some_and(|driver| driver.is_fed_nearby())
    }

    /// Whether one more event may be foretold before the next look; only the owner asks.
    pub(crate) fn may_foretell(&self) -> bool {
        self.driver.get().is_some_and(|driver| driver.may_foretell())
    }

    /// Whether [a few](A_FEW) sources have the seat to themselves lately.
    pub(crate) fn is_shared_by_few(&self) -> bool {
        self.driver.get().is_some_and(|driver| driver.is_shared_by_few())
    }

    /// Whether the owner is here, and has nothing to do.
    pub(crate) fn is_asleep(&self) -> bool {
        self.parking.is_asleep()
    }

    pub(crate) fn unpark(&self) {
        self.parking.unpark(|| {
            // The owner sleeps in its epoll, so there is one.
            if let Some(driver) = self.driver.get() {
                driver.wake();
            }
        });
    }

    /// Registers a descriptor for both directions, edge-triggered.
    pub(crate) fn register(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        let registry = self.driver()?.registry();
        registry.register(&mut SourceFd(&fd), mio::Token(token.0), interest)?;
        // Relaxed: a hint for where to put the next source.
        self.sources.fetch_add(1, Relaxed);
        Ok(())
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        // Relaxed: a hint for where to put the next source.
        self.sources.fetch_sub(1, Relaxed);
        match self.driver.get() {
            Some(driver) => driver.registry().deregister(&mut SourceFd(&fd)),
            None => Ok(()),
        }
    }

    /// Whether the seat has an epoll.
    pub(crate) fn is_open(&self) -> bool {
        self.driver.get().is_some()
    }

    /// Opens the seat's epoll, if it was not yet open; whether it is now.
    pub(crate) fn open(&self) -> bool {
        self.driver().is_ok()
    }

    /// The seat's epoll, opened now if it was not yet.
    fn driver(&self) -> io::Result<&dyn Drive> {
        if let Some(driver) = self.driver.get() {
            return Ok(&**driver);
        }
        let opening = lock(&self.opening);
        if let Some(driver) = self.driver.get() {
            return Ok(&**driver);
        }
        let new = Box::new(Driver::new()?);
        let driver = self.driver.get_or_init(|| new);
        drop(opening);
        // The owner may sleep where it does not hear this epoll.
        self.unpark();
        Ok(&**driver)
    }

    /// As if the owner had last turned on `processor`.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn pretend_to_run_on(&self, processor: usize) {
        // Relaxed: a hint.
        self.processor.store(processor, Relaxed);
    }

    /// The owner is here.
    fn note_owner(&self) {
        let processor = current_processor();
        // Relaxed: hints for where to put a source. The loads keep the line shared.
        if self.processor.load(Relaxed) != processor {
            self.processor.store(processor, Relaxed);
        }
        let overdue = self.overdue.load(Relaxed);
        if overdue > 0 {
            self.overdue.store(overdue - 1, Relaxed);
        }
    }
}

impl Driver {
    fn new() -> io::Result<Self> {
        let (selector, events) = Selector::new()?;
        let waker = mio::Waker::new(selector.registry(), WAKE)?;
        let polling = Mutex::new(Polling { events, wakers: VecDeque::new() });
        Ok(Self {
            selector,
            waker,
            polling,
            fed_nearby: AtomicBool::new(false),
            foretellings: AtomicU32::new(0),
            few_in_a_row: AtomicU32::new(0),
        })
    }

    fn note(&self, told: Told) {
        let fed_nearby = told.from_neighbours * 2 > told.events;
        // Relaxed, all of them: hints. The loads keep the line as it is.
        if told.events > 0 && self.fed_nearby.load(Relaxed) != fed_nearby {
            self.fed_nearby.store(fed_nearby, Relaxed);
        }
        let foretellings = if told.to_read <= A_FEW { FORETELLINGS } else { 0 };
        if self.foretellings.load(Relaxed) != foretellings {
            self.foretellings.store(foretellings, Relaxed);
        }
        let before = self.few_in_a_row.load(Relaxed);
        let few_in_a_row = match told.to_read {
            0 => before,
            1..=A_FEW => (before + 1).min(ALONE),
            _ => 0,
        };
        if before != few_in_a_row {
            self.few_in_a_row.store(few_in_a_row, Relaxed);
        }
    }

    fn give_room_back(&self, room: VecDeque<Waker>) {
        if let Ok(mut polling) = self.polling.try_lock() {
            if polling.wakers.is_empty() {
                polling.wakers = room;
            }
        }
    }
}

impl Drive for Driver {
    fn turn(&self, parking: &Parking, slab: &Slab, deadline: Option<Instant>) -> usize {
        let mut polling = lock(&self.polling);
        if parking.sleep_on_poll() {
            self.selector.wait(&mut polling.events, deadline);
            parking.got_up();
        } else {
            self.selector.look(&mut polling.events);
        }
        finish(self, polling, slab, 0)
    }

    fn poll(&self, seat: &Seat, slab: &Slab, is_owner: bool) -> Option<usize> {
        let mut polling = match self.polling.try_lock() {
            Ok(polling) => polling,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if is_owner {
            seat.note_owner();
        } else {
            // Relaxed: a hint for where to put sources.
            seat.overdue.store(OVERDUE_TURNS, Relaxed);
        }
        self.selector.look(&mut polling.events);
        Some(finish(self, polling, slab, if is_owner { 0 } else { slot::RESCUED }))
    }

    fn is_fed_nearby(&self) -> bool {
        // Relaxed: a hint.
        self.fed_nearby.load(Relaxed)
    }

    fn may_foretell(&self) -> bool {
        // Relaxed: a hint; only the owner takes any.
        let left = self.foretellings.load(Relaxed);
        if left > 0 {
            self.foretellings.store(left - 1, Relaxed);
        }
        left > 0
    }

    fn is_shared_by_few(&self) -> bool {
        // Relaxed: a hint.
        self.few_in_a_row.load(Relaxed) == ALONE
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("a sleeping worker could not be woken: {error}");
        }
    }

    fn registry(&self) -> &Registry {
        self.selector.registry()
    }
}

/// How many events a look has found.
#[derive(Default)]
struct Told {
    events: usize,
    /// How many of them neighbours have caused.
    from_neighbours: usize,
    /// How many of them say that there is something to read.
    to_read: usize,
}

impl Polling {
    /// Marks what the events say; the wakers concerned are left in `wakers`.
    fn deliver(&mut self, slab: &Slab, mark: u64) -> Told {
        let mut told = Told::default();
        for (token, ready) in self.events.iter().filter(|&(token, _)| token != WAKE) {
            let token = Token(token.0);
            if let Some(slot) = slab.get(token) {
                let before = slot.event(token.generation(), ready | mark, &mut self.wakers);
                told.events += 1;
                told.from_neighbours += usize::from(before.has(slot::NEIGHBOUR));
                told.to_read += usize::from(ready & slot::READABLE != 0);
            }
        }
        told
    }
}

/// Delivers the events, lets the epoll go, and calls the wakers.
fn finish(driver: &Driver, mut polling: MutexGuard<'_, Polling>, slab: &Slab, mark: u64) -> usize {
    let told = polling.deliver(slab, mark);
    driver.note(told);
    let count = polling.wakers.len();
    if count == 1 {
        let waker = polling.wakers.pop_front();
        drop(polling);
        waker.into_iter().for_each(Waker::wake);
    } else if count > 1 {
        let mut batch = Batch(mem::take(&mut polling.wakers));
        drop(polling);
        batch.wake_all();
        driver.give_room_back(mem::take(&mut batch.0));
    }
    count
}

/// Wakers to be called, all of them, even if one of them panics.
pub(crate) struct Batch(pub(crate) VecDeque<Waker>);

impl Batch {
    pub(crate) fn wake_all(&mut self) {
        while let Some(waker) = self.0.pop_front() {
            waker.wake();
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.wake_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No foreign code runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

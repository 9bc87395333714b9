//! One seat's driver: an epoll that is opened when it is first needed, and its owner's sleep.
//!
//! `polling` is held by whoever looks into the epoll. The owner holds it while it sleeps there, so
//! a blocked owner can't have its events taken away; everybody else only tries it. Wakers are
//! collected under it and called after it has been let go.

use crate::{
    clock::Alarm,
    park::Parking,
    slab::{Slab, Token},
    slot,
};
use mio::{Events, Interest, Poll, Registry, event::Event, unix::SourceFd};
use std::{
    collections::VecDeque,
    io, mem,
    os::fd::RawFd,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Waker,
    time::{Duration, Instant},
};

/// How many events one turn takes at most.
const BATCH: usize = 1024;
const WAKE: mio::Token = mio::Token(usize::MAX);
const ALARM: mio::Token = mio::Token(usize::MAX - 1);

/// Nobody has turned this seat yet, or the platform does not say where.
pub(crate) const NO_PROCESSOR: usize = usize::MAX;

#[derive(Debug)]
pub(crate) struct Seat {
    parking: Parking,
    driver: OnceLock<Driver>,
    opening: Mutex<()>,
    /// How many sources call this seat home.
    pub(crate) sources: AtomicUsize,
    /// The processor on which the owner last turned.
    pub(crate) processor: AtomicUsize,
}

#[derive(Debug)]
struct Driver {
    registry: Registry,
    waker: mio::Waker,
    polling: Mutex<Polling>,
}

#[derive(Debug)]
struct Polling {
    poll: Poll,
    events: Events,
    alarm: AlarmState,
    /// Kept for its room.
    wakers: VecDeque<Waker>,
}

#[derive(Debug)]
enum AlarmState {
    NotYet,
    Set(Alarm),
    /// The platform has none, or no descriptor was left.
    Without,
}

/// How long a turn may sleep, where nothing else ends it.
#[derive(Clone, Copy, Debug)]
enum Until {
    Woken,
    /// A heartbeat or the like, to the millisecond: worth neither an alarm nor an epoll of its own.
    Limit(Duration),
    /// A timer's, to the microsecond.
    Deadline(Instant),
}

impl Until {
    fn new(deadline: Option<Instant>, limit: Option<Duration>) -> Self {
        match (deadline, limit) {
            (None, None) => Until::Woken,
            (None, Some(limit)) => Until::Limit(limit),
            (Some(deadline), None) => Until::Deadline(deadline),
            (Some(deadline), Some(limit)) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left <= limit { Until::Deadline(deadline) } else { Until::Limit(limit) }
            }
        }
    }

    fn instant(self) -> Option<Instant> {
        match self {
            Until::Woken => None,
            Until::Limit(limit) => Instant::now().checked_add(limit),
            Until::Deadline(deadline) => Some(deadline),
        }
    }
}

impl Seat {
    pub(crate) fn new() -> Self {
        Self {
            parking: Parking::new(),
            driver: OnceLock::new(),
            opening: Mutex::new(()),
            sources: AtomicUsize::new(0),
            processor: AtomicUsize::new(NO_PROCESSOR),
        }
    }

    /// The owner's turn: sleeps until an event, an unpark, `deadline` or the end of `limit`, then
    /// calls the wakers.
    pub(crate) fn turn(
        &self,
        slab: &Slab,
        deadline: Option<Instant>,
        limit: Option<Duration>,
    ) -> usize {
        self.note_processor();
        let until = Until::new(deadline, limit);
        // Only an epoll with an alarm keeps deadlines to the microsecond.
        let driver = match until {
            Until::Deadline(_) => self.driver().ok(),
            Until::Limit(_) | Until::Woken => self.driver.get(),
        };
        let Some(driver) = driver else {
            self.parking.sleep_on_condvar(until.instant());
            return 0;
        };
        let mut polling = lock(&driver.polling);
        if self.parking.sleep_on_poll() {
            polling.wait(&driver.registry, until);
            self.parking.got_up();
        } else {
            polling.look();
        }
        finish(driver, polling, slab, 0)
    }

    /// Looks without blocking, for the owner or for anybody else.
    pub(crate) fn poll(&self, slab: &Slab, is_owner: bool) -> usize {
        let Some(driver) = self.driver.get() else { return 0 };
        let mut polling = match driver.polling.try_lock() {
            Ok(polling) => polling,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return 0,
        };
        if is_owner {
            self.note_processor();
        }
        polling.look();
        finish(driver, polling, slab, if is_owner { 0 } else { slot::RESCUED })
    }

    pub(crate) fn unpark(&self) {
        self.parking.unpark(|| {
            // The owner sleeps in its epoll, so there is one.
            if let Some(driver) = self.driver.get() {
                if let Err(error) = driver.waker.wake() {
                    log::error!("a sleeping worker could not be woken: {error}");
                }
            }
        });
    }

    /// Registers a descriptor for both directions, edge-triggered.
    pub(crate) fn register(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        self.driver()?.registry.register(&mut SourceFd(&fd), mio::Token(token.0), interest)?;
        // Relaxed: a hint for where to put the next source.
        self.sources.fetch_add(1, Relaxed);
        Ok(())
    }

    pub(crate) fn deregister(&self, fd: RawFd) -> io::Result<()> {
        // Relaxed: a hint for where to put the next source.
        self.sources.fetch_sub(1, Relaxed);
        match self.driver.get() {
            Some(driver) => driver.registry.deregister(&mut SourceFd(&fd)),
            None => Ok(()),
        }
    }

    /// The seat's epoll, opened now if it was not yet.
    fn driver(&self) -> io::Result<&Driver> {
        if let Some(driver) = self.driver.get() {
            return Ok(driver);
        }
        let opening = lock(&self.opening);
        if let Some(driver) = self.driver.get() {
            return Ok(driver);
        }
        let new = Driver::new()?;
        let driver = self.driver.get_or_init(|| new);
        drop(opening);
        // The owner may sleep where it does not hear this epoll.
        self.unpark();
        Ok(driver)
    }

    fn note_processor(&self) {
        let processor = crate::sys::current_processor();
        // Relaxed: a hint for where to put a source. The load keeps the line shared.
        if self.processor.load(Relaxed) != processor {
            self.processor.store(processor, Relaxed);
        }
    }
}

impl Driver {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = mio::Waker::new(&registry, WAKE)?;
        let polling = Polling {
            poll,
            events: Events::with_capacity(BATCH),
            alarm: AlarmState::NotYet,
            wakers: VecDeque::new(),
        };
        Ok(Self { registry, waker, polling: Mutex::new(polling) })
    }

    fn give_room_back(&self, room: VecDeque<Waker>) {
        if let Ok(mut polling) = self.polling.try_lock() {
            if polling.wakers.is_empty() {
                polling.wakers = room;
            }
        }
    }
}

impl Polling {
    fn look(&mut self) {
        self.poll_for(Some(Duration::ZERO));
    }

    fn wait(&mut self, registry: &Registry, until: Until) {
        let timeout = match until {
            Until::Woken => None,
            Until::Limit(limit) => Some(limit),
            Until::Deadline(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let by_alarm = !left.is_zero() && self.set_alarm(registry, deadline, left);
                if by_alarm { None } else { Some(left) }
            }
        };
        self.poll_for(timeout);
    }

    fn set_alarm(&mut self, registry: &Registry, deadline: Instant, left: Duration) -> bool {
        if matches!(self.alarm, AlarmState::NotYet) {
            self.alarm = match Alarm::new(registry, ALARM) {
                Ok(alarm) => AlarmState::Set(alarm),
                Err(error) => {
                    log::debug!("deadlines are kept to the millisecond only: {error}");
                    AlarmState::Without
                }
            };
        }
        match &mut self.alarm {
            AlarmState::Set(alarm) => alarm.set(deadline, left).is_ok(),
            _ => false,
        }
    }

    fn poll_for(&mut self, timeout: Option<Duration>) {
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
            // An interrupted sleep is a sleep that ended early; the events are empty then.
            if error.kind() != io::ErrorKind::Interrupted {
                log::error!("waiting for events failed: {error}");
            }
        }
    }

    /// Marks what the events say; the wakers concerned are left in `wakers`.
    fn deliver(&mut self, slab: &Slab, mark: u64) {
        for event in &self.events {
            if matches!(event.token(), WAKE | ALARM) {
                continue;
            }
            let token = Token(event.token().0);
            if let Some(slot) = slab.get(token) {
                slot.event(token.generation(), ready(event) | mark, &mut self.wakers);
            }
        }
    }
}

/// Delivers the events, lets the epoll go, and calls the wakers.
fn finish(driver: &Driver, mut polling: MutexGuard<'_, Polling>, slab: &Slab, mark: u64) -> usize {
    polling.deliver(slab, mark);
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

fn ready(event: &Event) -> u64 {
    let mut ready = 0;
    if event.is_readable() {
        ready |= slot::READABLE;
    }
    if event.is_writable() {
        ready |= slot::WRITABLE;
    }
    if event.is_read_closed() {
        ready |= slot::READABLE | slot::READ_CLOSED;
    }
    if event.is_write_closed() {
        ready |= slot::WRITABLE | slot::WRITE_CLOSED;
    }
    if event.is_priority() {
        ready |= slot::PRIORITY;
    }
    if event.is_error() {
        ready |= slot::READABLE | slot::WRITABLE | slot::ERROR;
    }
    ready
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No foreign code runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

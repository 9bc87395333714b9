//! One seat's timers: a wheel of wakers under a lock, shared by the seat's owner and by everybody
//! who drops, resets or polls a timer from afar.
//!
//! The lock is the owner's nearly always; it is held for one operation of the wheel, never while a
//! waker is cloned, woken or dropped.
//!
//! # No deadline is slept through
//!
//! Two words stand beside the lock, both written under it save where noted:
//!
//! - `earliest` is never after the first deadline, so a look at the clock and at this word tells
//!   whether there is anything to fire. Cancelling leaves it: it may be too early, never too late.
//!   It is also early where nothing has told the wheel the time for long: a wheel that lags behind
//!   would put new timers into slots that are too coarse, and have to move them twice.
//! - `asleep_until` is the deadline that the owner goes to sleep with, from the moment when it asks
//!   for it; `AWAKE` from the owner's next [`Timers::fire`](crate::Timers::fire) on. The owner
//!   writes `AWAKE` without the lock.
//!
//! Somebody else arms a timer under the lock and, still holding it, compares the deadline with
//! `asleep_until`. Of that critical section and the owner's, in `sleep_until`, one comes first. If
//! arming does, the owner sees the timer and sleeps no longer than to its deadline. If the owner
//! does, the lock shows its `asleep_until` to the arming thread, which unparks the seat where the
//! new deadline is earlier. An `AWAKE` seen there was written by the owner after its last sleep: it
//! will pass the lock again before the next one.

mod batch;
#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::{
    clock::Clock,
    wheel::{self, Key, Wheel},
};
use batch::{Batch, wake_all};
use std::{fmt, task::Waker};
use wharf_base::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::*},
    lock,
};

/// In `asleep_until`: the owner will ask for a deadline before it sleeps.
const AWAKE: u64 = 0;
/// A deadline that doesn't come.
pub(crate) const NEVER: u64 = u64::MAX;
/// By how much timers that are due one after the other may be late in order to share a wake-up:
/// 50 µs.
const SLACK: u64 = 50_000;
/// Timers poured at a time, some tens of nanoseconds each: where a million come due in one slot,
/// others run in between.
const POURED_AT_ONCE: usize = 8192;

/// What the seats of one runtime share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Ends the sleep of a seat's owner.
    pub(crate) unpark: Box<dyn Fn(usize) + Send + Sync>,
    /// Where the `Timers` are, to know them by; not to be followed.
    pub(crate) timers: *const (),
}

// SAFETY: the pointer is only ever compared; the rest is `Send` and `Sync` by itself.
unsafe impl Send for Shared {}
// SAFETY: as for `Send`.
unsafe impl Sync for Shared {}

/// Aligned so that two seats' locks never share a cache line, nor a pair of lines fetched together.
#[repr(align(128))]
pub(crate) struct Seat {
    inner: Mutex<Inner>,
    earliest: AtomicU64,
    asleep_until: AtomicU64,
    pub(crate) number: usize,
    pub(crate) shared: std::sync::Arc<Shared>,
}

struct Inner {
    wheel: Wheel<Waker>,
    closed: bool,
}

/// What the owner sleeps by.
#[derive(Clone, Copy)]
pub(crate) struct Night {
    /// When the next timer is due, or a time not after that.
    pub(crate) next: u64,
    /// When to wake up: then, or some microseconds later for more timers at once.
    pub(crate) latest: u64,
}

/// Why a timer is not armed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotArmed {
    /// The runtime has shut down, and its timers with it.
    Closed,
    /// The seat has seen a time that is not before the deadline.
    Due,
}

/// What has become of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It waits.
    Waiting,
    /// It has fired, and is let go.
    Fired,
    /// Likewise, and since then or by that its runtime has shut down.
    Closed,
}

impl Inner {
    /// Lets a timer go that has fired.
    fn let_go(&mut self, key: Key) -> Found {
        self.wheel.cancel(key);
        if self.closed { Found::Closed } else { Found::Fired }
    }
}

impl Seat {
    pub(crate) fn new(number: usize, shared: std::sync::Arc<Shared>) -> Seat {
        Seat {
            inner: Mutex::new(Inner { wheel: Wheel::new(), closed: false }),
            earliest: AtomicU64::new(NEVER),
            asleep_until: AtomicU64::new(NEVER),
            number,
            shared,
        }
    }

    /// Arms a timer. `by_owner`: the calling thread sits in this seat.
    pub(crate) fn arm(&self, deadline: u64, waker: Waker, by_owner: bool) -> Result<Key, NotArmed> {
        let mut inner = lock(&self.inner);
        let refused = match inner.closed {
            true => Some(NotArmed::Closed),
            false => inner.wheel.has_seen(deadline).then_some(NotArmed::Due),
        };
        if let Some(refused) = refused {
            // Before `waker` is dropped, which is foreign code.
            drop(inner);
            return Err(refused);
        }
        let key = inner.wheel.arm(deadline, waker);
        let unpark = self.announce(deadline, inner.wheel.stale_at(), by_owner);
        drop(inner);
        if unpark {
            (self.shared.unpark)(self.number);
        }
        Ok(key)
    }

    /// Arms `key`'s timer anew with the waker that it has. False where it has fired.
    pub(crate) fn rearm(&self, key: &Key, deadline: u64, by_owner: bool) -> bool {
        let mut inner = lock(&self.inner);
        if !inner.wheel.rearm(key, deadline) {
            return false;
        }
        let unpark = self.announce(deadline, inner.wheel.stale_at(), by_owner);
        drop(inner);
        if unpark {
            (self.shared.unpark)(self.number);
        }
        true
    }

    /// Under the lock, after arming: whether the owner sleeps too long for this deadline.
    fn announce(&self, deadline: u64, stale_at: u64, by_owner: bool) -> bool {
        // Relaxed: both words are ordered by the lock, see the module's page.
        let look = deadline.min(stale_at);
        if look < self.earliest.load(Relaxed) {
            // Release: whoever fires by this word sees the timer's lock released, or waits for it.
            self.earliest.store(look, Release);
        }
        if by_owner || deadline >= self.asleep_until.load(Relaxed) {
            return false;
        }
        self.asleep_until.store(deadline, Relaxed);
        true
    }

    /// Lets a timer go; its waker, where it had not fired, is the caller's to drop.
    pub(crate) fn cancel(&self, key: Key) -> Option<Waker> {
        let mut inner = lock(&self.inner);
        inner.wheel.cancel(key)
    }

    /// What has become of `key`'s timer; where it waits, it will wake `waker`.
    pub(crate) fn poll_fired(&self, key: &mut Option<Key>, waker: &Waker) -> Found {
        let Some(found) = self.look(key, waker) else {
            // Cloned outside the lock: it is foreign code.
            return self.look_and_leave(key, waker.clone());
        };
        found
    }

    /// `None` where the timer would wake another.
    fn look(&self, key: &mut Option<Key>, waker: &Waker) -> Option<Found> {
        let mut inner = lock(&self.inner);
        match inner.wheel.value_mut(key.as_ref()?) {
            Some(old) if old.will_wake(waker) => Some(Found::Waiting),
            Some(_) => None,
            None => Some(inner.let_go(key.take()?)),
        }
    }

    fn look_and_leave(&self, key: &mut Option<Key>, mut waker: Waker) -> Found {
        let mut inner = lock(&self.inner);
        let value = key.as_ref().and_then(|key| inner.wheel.value_mut(key));
        if let Some(old) = value {
            // The old one is dropped when the lock is free: `waker` outlives the guard.
            std::mem::swap(old, &mut waker);
            return Found::Waiting;
        }
        key.take().map_or(Found::Fired, |key| inner.let_go(key))
    }

    /// The owner goes to sleep: until when at the latest, and when the next timer is due.
    pub(crate) fn sleep_until(&self) -> Night {
        let mut inner = lock(&self.inner);
        let next = self.note_earliest(&mut inner.wheel);
        let latest = inner.wheel.next_wake(SLACK).unwrap_or(NEVER);
        // Relaxed: ordered by the lock.
        self.asleep_until.store(next, Relaxed);
        Night { next, latest }
    }

    /// The owner is awake, and will call `sleep_until` before it sleeps.
    pub(crate) fn awake(&self) {
        // Relaxed: see the module's page.
        self.asleep_until.store(AWAKE, Relaxed);
    }

    /// Wakes what is due, in the order of the deadlines. Asks for the time only where there are
    /// timers.
    ///
    /// It may leave some for the next time, where more than [`POURED_AT_ONCE`] have to be poured: then
    /// the next deadline is a past one, so nobody sleeps on it.
    #[inline]
    pub(crate) fn fire(&self, now: impl FnOnce() -> u64) -> usize {
        // Acquire: pairs with the releases in `announce` and `sleep_until`.
        let earliest = self.earliest.load(Acquire);
        if earliest == NEVER {
            return 0;
        }
        let now = now();
        if now < earliest { 0 } else { self.fire_due(now, POURED_AT_ONCE) }
    }

    /// Wakes all that is due.
    pub(crate) fn fire_all(&self, now: u64) -> usize {
        self.fire_due(now, usize::MAX)
    }

    /// Whether nothing is armed, as far as this thread has heard.
    pub(crate) fn is_idle(&self) -> bool {
        // Acquire: as in `fire`.
        self.earliest.load(Acquire) == NEVER
    }

    fn fire_due(&self, now: u64, mut work: usize) -> usize {
        let mut fired = 0;
        loop {
            let mut due = Batch::new();
            let done = self.take_due(now, &mut work, &mut due);
            fired += due.len();
            wake_all(&mut due);
            if done {
                return fired;
            }
        }
    }

    /// Takes wakers of due timers out; whether that was all of them, or all the work.
    fn take_due(&self, now: u64, work: &mut usize, due: &mut Batch) -> bool {
        let mut inner = lock(&self.inner);
        while !due.is_full() {
            let wheel::Found::Due(waker) = inner.wheel.fire_next(now, work) else {
                self.note_earliest(&mut inner.wheel);
                return true;
            };
            due.push(waker);
        }
        false
    }

    /// Under the lock: writes `earliest`, and returns the next deadline.
    fn note_earliest(&self, wheel: &mut Wheel<Waker>) -> u64 {
        let next = wheel.next_deadline();
        let look = next.map_or(NEVER, |next| next.min(wheel.stale_at()));
        // Release: as in `announce`.
        self.earliest.store(look, Release);
        next.unwrap_or(NEVER)
    }

    /// Wakes all that wait here. From now on nothing can be armed.
    pub(crate) fn close(&self) {
        let mut wakers = Vec::new();
        let mut inner = lock(&self.inner);
        inner.closed = true;
        inner.wheel.drain(|waker| wakers.push(waker));
        // Release: as in `announce`.
        self.earliest.store(NEVER, Release);
        drop(inner);
        wake_all(wakers.into_iter());
    }

    /// Timers armed, and fired ones that their owners have not yet seen.
    pub(crate) fn held(&self) -> usize {
        lock(&self.inner).wheel.held()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("number", &self.number).finish_non_exhaustive()
    }
}

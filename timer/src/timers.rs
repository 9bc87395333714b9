//! [`Timers`]: what a runtime keeps of the timer crate, and how a `Sleep` finds it.

use crate::{
    clock::Clock,
    seat::{NEVER, Seat, Shared},
};
use std::{fmt, sync::Arc, time::Instant};
use wharf_base::context::{self, Parts};

/// The timers of one runtime, some for each of its seats.
///
/// The worker in a seat calls [`next_deadline`](Self::next_deadline) before each sleep and
/// [`fire`](Self::fire) after it, and from time to time while it is busy. It is found as
/// `Parts::timers`.
pub struct Timers {
    shared: Arc<Shared>,
    seats: Box<[Arc<Seat>]>,
}

impl Timers {
    /// Timers for seats `0..seats`. `unpark` ends the sleep of a seat's worker, or its next one;
    /// it is called on any thread, without locks held, where a timer is armed from outside of the
    /// seat and is due before the worker would wake up.
    ///
    /// # Panics
    ///
    /// Panics where `seats` is 0.
    pub fn new(seats: usize, unpark: Box<dyn Fn(usize) + Send + Sync>) -> Arc<Timers> {
        assert!(seats > 0, "a runtime has at least one seat");
        let shared = Arc::new(Shared { clock: Clock::new(), unpark });
        let seat = |number| Arc::new(Seat::new(number, shared.clone()));
        let seats = (0..seats).map(seat).collect();
        Arc::new(Timers { shared, seats })
    }

    /// When the worker in `seat` has to wake up for a timer; `None`: not for any.
    ///
    /// For the seat's worker, immediately before it sleeps: a timer armed from outside of the seat
    /// unparks the worker where it is due before what was returned here.
    ///
    /// # Panics
    ///
    /// Panics where there is no such seat.
    pub fn next_deadline(&self, seat: usize) -> Option<Instant> {
        self.shared.clock.instant(self.seats[seat].sleep_until())
    }

    /// Wakes what is due in `seat`, in the order of the deadlines, and returns how many that were.
    ///
    /// Any thread may call it; the wakers run on the calling thread, with no lock held. Without
    /// timers it costs one load, with none due a look at the clock more.
    ///
    /// # Panics
    ///
    /// Panics where there is no such seat, and where a waker panics: the others are woken all the
    /// same.
    pub fn fire(&self, seat: usize) -> usize {
        let place = &self.seats[seat];
        if self.seat_of_this_thread() == Some(seat) {
            place.awake();
        }
        let earliest = place.earliest();
        if earliest == NEVER {
            return 0;
        }
        let now = self.shared.clock.nanos(self.shared.clock.now());
        if now < earliest { 0 } else { place.fire(now) }
    }

    /// Ends all timers: what waits is woken, and panics when it asks for its timer again.
    ///
    /// To be called when the tasks of the runtime are gone; it concerns timers that have been
    /// carried elsewhere.
    pub fn shutdown(&self) {
        self.seats.iter().for_each(|seat| seat.close());
    }

    /// Timers that are armed, and those that have fired and have not yet been polled or dropped.
    pub fn held(&self) -> usize {
        self.seats.iter().map(|seat| seat.held()).sum()
    }

    fn seat_of_this_thread(&self) -> Option<usize> {
        let own = |parts: &Parts, seat| if std::ptr::eq(of(parts)?, self) { seat } else { None };
        context::with(own).flatten()
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("seats", &self.seats.len()).finish_non_exhaustive()
    }
}

/// A runtime's timers, where it has any.
pub(crate) fn of(parts: &Parts) -> Option<&Timers> {
    parts.timers.as_ref()?.downcast_ref()
}

/// The seat for a new timer of the current runtime, and whether this thread sits in it.
///
/// A thread without a seat uses seat 0, whose worker is the one that is most likely there.
///
/// # Panics
///
/// Panics outside of a runtime, and in one without timers.
#[track_caller]
pub(crate) fn seat_here() -> Arc<Seat> {
    match context::with(|parts, seat| {
        of(parts).map(|timers| timers.seats[seat.unwrap_or(0)].clone())
    }) {
        Some(Some(seat)) => seat,
        Some(None) => panic!(
            "the current runtime has no timers; build it with `Builder::enable_time` or \
             `Builder::enable_all`"
        ),
        None => panic!(
            "no runtime here to make a timer for; make timers in a task, inside `block_on`, or \
             while a guard of `Handle::enter` lives"
        ),
    }
}

/// The seat of the calling thread in the runtime of `shared`, if it sits in one.
pub(crate) fn own_seat<R>(shared: &Arc<Shared>, f: impl FnOnce(&Arc<Seat>) -> R) -> Option<R> {
    context::with(|parts, seat| {
        let timers = of(parts)?;
        if Arc::ptr_eq(&timers.shared, shared) { Some(f(&timers.seats[seat?])) } else { None }
    })
    .flatten()
}

//! [`Timers`]: what a runtime keeps of the timer crate, and how a `Sleep` finds it.

use crate::{
    clock::{Clock, ClockHold, Refused},
    seat::{NEVER, Seat, Shared},
};
use std::{
    fmt,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use wharf_base::context::{self, Parts};

/// The timers of one runtime, some for each of its seats.
///
/// The worker in a seat calls [`park`](Self::park) to sleep, or else
/// [`next_deadline`](Self::next_deadline) before each sleep and [`fire`](Self::fire) after it; and
/// [`fire`](Self::fire) from time to time while it is busy. It is found as `Parts::timers`.
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
        Timers::with_clock(Clock::new(false), seats, unpark)
    }

    /// Timers for a runtime of one seat, with a clock that can be paused; otherwise as
    /// [`new`](Self::new).
    pub fn new_pausable(unpark: Box<dyn Fn(usize) + Send + Sync>) -> Arc<Timers> {
        Timers::with_clock(Clock::new(true), 1, unpark)
    }

    fn with_clock(
        clock: Clock,
        seats: usize,
        unpark: Box<dyn Fn(usize) + Send + Sync>,
    ) -> Arc<Timers> {
        Arc::new_cyclic(|timers: &Weak<Timers>| {
            let timers = timers.as_ptr().cast();
            let shared = Arc::new(Shared { clock, unpark, timers });
            let seat = |number| Arc::new(Seat::new(number, shared.clone()));
            let seats = (0..seats).map(seat).collect();
            Timers { shared, seats }
        })
    }

    /// Puts the worker in `seat` to sleep by way of `turn`, no longer than to its next deadline; then
    /// wakes what is due, and returns how many timers that were.
    ///
    /// `turn` is given a moment, or `None` for no limit. It sleeps until then, an event or an
    /// unpark (or less long), and returns whether there was an event or an unpark. On a paused clock
    /// it is given the present moment, to look and not to sleep; where it then finds nothing, the
    /// clock jumps to the next deadline.
    ///
    /// # Panics
    ///
    /// As [`fire`](Self::fire).
    pub fn park(&self, seat: usize, turn: impl FnOnce(Option<Instant>) -> bool) -> usize {
        let night = self.seats[seat].sleep_until();
        match self.clock().stands_still() {
            Some(true) if night.next != NEVER => {
                if !turn(Some(Instant::now())) {
                    self.clock().jump(night.next);
                }
            }
            Some(_) => {
                turn(None);
            }
            None => {
                turn(self.clock().real(night.latest));
            }
        }
        self.fire(seat)
    }

    /// When the worker in `seat` has to wake up for a timer; `None`: not for any.
    ///
    /// Where many are due, that is up to 50 µs after the next deadline, so that several can share a
    /// wake-up.
    ///
    /// For the seat's worker, immediately before it sleeps: a timer armed from outside of the seat
    /// unparks the worker where it is due before what was returned here.
    ///
    /// # Panics
    ///
    /// Panics where there is no such seat.
    pub fn next_deadline(&self, seat: usize) -> Option<Instant> {
        self.clock().real(self.seats[seat].sleep_until().latest)
    }

    /// Wakes what is due in `seat`, in the order of the deadlines, and returns how many that were.
    ///
    /// Where very many timers come due at about one time, it may leave some for the next call: then
    /// [`next_deadline`](Self::next_deadline) is a moment that has passed.
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
        place.fire(|| self.clock().nanos(self.clock().now()))
    }

    /// Whether no timer is armed in `seat`; a hint, where others arm some.
    ///
    /// # Panics
    ///
    /// Panics where there is no such seat.
    pub fn is_idle(&self, seat: usize) -> bool {
        self.seats[seat].is_idle()
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

    /// Stops the clock, as [`pause`](crate::pause) does.
    ///
    /// # Panics
    ///
    /// Panics where the clock is paused already, and where it can't be.
    #[track_caller]
    pub fn pause(&self) {
        self.check(self.clock().pause());
    }

    /// Lets the clock run on, as [`resume`](crate::resume) does.
    ///
    /// # Panics
    ///
    /// Panics where the clock isn't paused.
    #[track_caller]
    pub fn resume(&self) {
        self.check(self.clock().resume());
    }

    /// Moves the paused clock on, and wakes what is due then.
    #[track_caller]
    pub(crate) fn advance(&self, duration: Duration) {
        self.check(self.clock().advance(duration));
        let now = self.clock().nanos(self.clock().now());
        self.seats.iter().for_each(|seat| _ = seat.fire_all(now));
    }

    #[track_caller]
    fn check(&self, done: Result<(), Refused>) {
        match done {
            // A worker that sleeps by the clock as it was has to look again.
            Ok(()) if self.seat_of_this_thread().is_none() => {
                (0..self.seats.len()).for_each(&self.shared.unpark);
            }
            Ok(()) => {}
            Err(Refused::NotPausable) => panic!(
                "the clock can't be paused where tasks run on more than one thread; build the \
                 runtime with `Builder::new_current_thread`"
            ),
            Err(Refused::AlreadyPaused) => panic!("the clock is paused already"),
            Err(Refused::NotPaused) => panic!("the clock isn't paused; call `time::pause` first"),
            Err(Refused::TooFar) => panic!("the clock can't be moved on so far"),
        }
    }

    /// Keeps a paused clock from jumping while the answer lives: for work that goes on elsewhere,
    /// such as a blocking job. `None` where the clock can't be paused.
    pub fn hold_clock(self: &Arc<Self>) -> Option<ClockHold> {
        self.clock().hold().then(|| ClockHold { timers: self.clone() })
    }

    pub(crate) fn release_clock(&self) {
        self.clock().release();
        if self.clock().stands_still() == Some(true) {
            (0..self.seats.len()).for_each(&self.shared.unpark);
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    fn seat_of_this_thread(&self) -> Option<usize> {
        own_seat_number(&self.shared)
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

/// Calls `f` with the current runtime's timers, and the seat that this thread has in it.
///
/// # Panics
///
/// Panics outside of a runtime, and in one without timers.
#[inline]
#[track_caller]
fn with_here<R>(f: impl FnOnce(&Timers, Option<usize>) -> R) -> R {
    match context::with(|parts, seat| Some(f(of(parts)?, seat))) {
        Some(Some(done)) => done,
        Some(None) => no_timers(),
        None => no_runtime(),
    }
}

#[cold]
#[track_caller]
fn no_timers() -> ! {
    panic!(
        "the current runtime has no timers; build it without `Builder::disable_time`, or with \
         `enable_time` after it"
    )
}

#[cold]
#[track_caller]
fn no_runtime() -> ! {
    panic!(
        "no runtime here to make a timer for; make timers in a task, inside `block_on`, or while \
         a guard of `Handle::enter` lives"
    )
}

/// Calls `f` with the current runtime's timers.
///
/// # Panics
///
/// Panics outside of a runtime, and in one without timers.
#[track_caller]
pub(crate) fn here<R>(f: impl FnOnce(&Timers) -> R) -> R {
    with_here(|timers, _| f(timers))
}

/// The seat for a new timer of the current runtime.
///
/// A thread without a seat uses seat 0, whose worker is the one that is most likely there.
///
/// # Panics
///
/// Panics outside of a runtime, and in one without timers.
#[inline]
#[track_caller]
pub(crate) fn seat_here() -> Arc<Seat> {
    with_here(|timers, seat| timers.seats[seat.unwrap_or(0)].clone())
}

/// The number of the calling thread's seat in the runtime of `shared`, if it sits in one.
#[inline]
fn own_seat_number(shared: &Shared) -> Option<usize> {
    context::with(|parts, seat| {
        let timers = Arc::as_ptr(parts.timers.as_ref()?);
        if timers.cast() == shared.timers { seat } else { None }
    })
    .flatten()
}

/// Whether the calling thread sits in `seat`.
#[inline]
pub(crate) fn is_own_seat(seat: &Seat) -> bool {
    own_seat_number(&seat.shared) == Some(seat.number)
}

/// The calling thread's seat in the runtime of `shared`, if it sits in one.
#[cold]
pub(crate) fn own_seat(shared: &Shared) -> Option<Arc<Seat>> {
    let number = own_seat_number(shared)?;
    Some(here(|timers| timers.seats[number].clone()))
}

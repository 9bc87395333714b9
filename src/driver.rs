//! What a seat of this runtime sleeps on: the reactor's epoll and the timers' next deadline as one
//! [`Driver`], which is all that the executor knows of either.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use wharf_executor::{Driver, ThreadDriver};
use wharf_reactor::Reactor;
use wharf_timer::Timers;

/// Where the owner of a seat sleeps.
enum Bed {
    /// In the seat's epoll, or beside it while it has none.
    Reactor(Arc<Reactor>),
    /// On a futex: the runtime was built without I/O.
    Thread(ThreadDriver),
}

/// The driver of one seat.
pub(crate) struct SeatDriver {
    seat: usize,
    bed: Bed,
    timers: Option<Arc<Timers>>,
    /// Somebody has ended, or will end, a sleep of the owner's. A paused clock must not jump then:
    /// there is work. It orders nothing, the beds do.
    unparked: AtomicBool,
}

impl SeatDriver {
    pub(crate) fn new(
        seat: usize,
        reactor: Option<Arc<Reactor>>,
        timers: Option<Arc<Timers>>,
    ) -> Self {
        let bed = reactor.map_or_else(|| Bed::Thread(ThreadDriver::new()), Bed::Reactor);
        Self { seat, bed, timers, unparked: AtomicBool::new(false) }
    }

    /// Sleeps until `deadline`, the end of `limit`, an event or an unpark; whether it was one of the
    /// latter two.
    fn turn(&self, deadline: Option<Instant>, limit: Option<Duration>) -> bool {
        let events = match &self.bed {
            Bed::Reactor(reactor) => reactor.turn(self.seat, deadline, limit) > 0,
            Bed::Thread(thread) => {
                let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                thread.park(left.into_iter().chain(limit).min());
                false
            }
        };
        // Relaxed: see the field.
        self.unparked.swap(false, Relaxed) || events
    }
}

impl Driver for SeatDriver {
    fn poll(&self) -> bool {
        let events = match &self.bed {
            Bed::Reactor(reactor) => reactor.poll(self.seat) > 0,
            Bed::Thread(_) => false,
        };
        let fired = self.timers.as_ref().is_some_and(|timers| timers.fire(self.seat) > 0);
        events || fired
    }

    fn park(&self, limit: Option<Duration>) {
        match &self.timers {
            Some(timers) => {
                timers.park(self.seat, |deadline| self.turn(deadline, limit));
            }
            None => {
                self.turn(None, limit);
            }
        }
    }

    fn unpark(&self) {
        // Relaxed: see the field.
        self.unparked.store(true, Relaxed);
        match &self.bed {
            Bed::Reactor(reactor) => reactor.unpark(self.seat),
            Bed::Thread(thread) => thread.unpark(),
        }
    }

    fn is_fed_nearby(&self) -> bool {
        match &self.bed {
            Bed::Reactor(reactor) => reactor.is_fed_nearby(self.seat),
            Bed::Thread(_) => false,
        }
    }

    fn is_idle(&self) -> bool {
        let no_sources = match &self.bed {
            Bed::Reactor(reactor) => reactor.sources_at(self.seat) == 0,
            Bed::Thread(_) => true,
        };
        no_sources && self.timers.as_ref().is_none_or(|timers| timers.is_idle(self.seat))
    }
}

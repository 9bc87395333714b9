//! The glance: how an owner that is always busy, and so can't watch, sees that another seat is held up.
//!
//! Every [`LOOK`] polls of its own, at a turn of the driver, it looks at one other seat, and at the next one
//! where that has begun another poll since. Where it has not, it may be that
//!
//! - its poll computes: then its events and its queue are better taken over at once;
//! - the system keeps its owner off the processor, which lasts for a millisecond or so. Then they are
//!   better left alone: what is taken over moves for good, while its owner is about to come back;
//! - its poll blocks the thread.
//!
//! The first differs from the others by the processor time of that thread
//! ([`Processor`](super::Processor)). So a seat whose owner has run nearly all of the time for [`SOON`] is
//! helped then, and again at each look as long as the poll lasts; any other after two heartbeats.

use super::watch::{HEARTBEAT, help};
use crate::{seat::Seat, shared::Shared};
use std::{cell::Cell, time::Duration};
use wharf_base::sync::{Instant, atomic::Ordering::Relaxed};

/// After how many polls of its own an owner looks at another seat.
const LOOK: u64 = 8;
/// For how long a poll is seen to run before its seat is held up.
const SOON: Duration = Duration::from_micros(100);
/// How long a poll that does not run takes until its seat is.
const LATE: Duration = HEARTBEAT.saturating_mul(2);

/// What an owner that does not sleep remembers of its glances.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// How many polls had begun here at the last one.
    polls: Cell<u64>,
    sight: Cell<Option<Sight>>,
}

/// Another seat as it was seen.
#[derive(Clone, Copy, Debug)]
struct Sight {
    seat: usize,
    /// How many polls had begun there,
    polls: u64,
    /// and since when it has been seen so.
    since: Instant,
    /// How long its owner had run at some time after that.
    ran: Option<(Instant, Duration)>,
}

/// Called at each turn of the driver: looks at another seat, and helps it where it is held up. Where there
/// is a watcher, that is its work.
#[inline]
pub(super) fn glance(shared: &Shared, seat: &Seat) {
    let polls = seat.counters.polls.get();
    let glance = &seat.own.glance;
    let is_due = polls.wrapping_sub(glance.polls.get()) >= LOOK;
    if is_due && shared.seats.len() > 1 && !shared.idle.is_watched(seat.number) {
        glance.polls.set(polls);
        glance_at_another(shared, seat);
    }
}

#[cold]
fn glance_at_another(shared: &Shared, seat: &Seat) {
    let (now, count) = (Instant::now(), shared.seats.len());
    let mut last = seat.number;
    if let Some(mut sight) = seat.own.glance.sight.get() {
        let other = &shared.seats[sight.seat];
        if shared.idle.is_busy(sight.seat) && other.counters.polls.get() == sight.polls {
            if !sight.is_held_up(other, now) {
                return seat.own.glance.sight.set(Some(sight));
            }
            help(seat, other, sight.polls);
        }
        last = sight.seat;
    }
    let next = (1..=count).map(|n| (last + n) % count).find(|&next| next != seat.number);
    seat.own.glance.sight.set(next.map(|next| Sight::new(&shared.seats[next], now)));
}

impl Sight {
    fn new(other: &Seat, now: Instant) -> Self {
        let mut sight =
            Self { seat: other.number, polls: other.counters.polls.get(), since: now, ran: None };
        if sight.was_held_up(other) {
            sight.note_time(other, now);
        }
        sight
    }

    /// Whether the seat has been found to be held up by this poll before.
    fn was_held_up(&self, other: &Seat) -> bool {
        // Relaxed: a hint.
        other.told.load(Relaxed) == self.polls
    }

    /// It is still the same poll: whether the seat is held up.
    fn is_held_up(&mut self, other: &Seat, now: Instant) -> bool {
        let elapsed = self.ran.map(|(at, _)| now.duration_since(at));
        let least = if self.was_held_up(other) { Duration::ZERO } else { SOON };
        if now.duration_since(self.since) >= LATE {
            return true;
        }
        if elapsed.is_some_and(|elapsed| elapsed < least) {
            return false;
        }
        let (before, after) = self.note_time(other, now);
        elapsed.is_some_and(|elapsed| has_run(elapsed, before, after))
    }

    /// Reads the owner's processor time; also what was noted before.
    fn note_time(&mut self, other: &Seat, now: Instant) -> (Option<Duration>, Option<Duration>) {
        let before = self.ran.map(|(_, ran)| ran);
        let after = other.processor.time();
        self.ran = after.map(|ran| (now, ran));
        (before, after)
    }
}

/// Whether a thread has run nearly all of the time.
fn has_run(elapsed: Duration, before: Option<Duration>, after: Option<Duration>) -> bool {
    let ran =
        after.zip(before).map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
    !ran.is_zero() && ran >= elapsed * 3 / 4
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::tests::multi;

    #[test]
    fn a_thread_that_was_kept_off_its_processor_has_not_run() {
        let us = |us| Some(Duration::from_micros(us));
        let has_run = |before, after| has_run(Duration::from_micros(100), before, after);
        assert!(has_run(us(7), us(107)) && has_run(us(7), us(82)));
        assert!(!has_run(us(7), us(81)) && !has_run(us(7), us(7)));
        assert!(!has_run(None, us(107)) && !has_run(us(7), None), "no processor time to be had");
        assert!(!has_run(us(107), us(7)), "another thread's");
    }

    #[test]
    fn a_poll_that_runs_is_found_soon_and_one_that_does_not_late() {
        let runtime = multi(2);
        let other = &runtime.shared().seats[1];
        other.counters.polls.add(1);
        // A clock that stands still.
        let start = Instant::now();
        let mut sight = Sight::new(other, start);
        let looks = [SOON, SOON * 2, SOON * 3, LATE - SOON, LATE];
        let found = looks.map(|after| sight.is_held_up(other, start + after));
        assert_eq!(found, [false, false, false, false, true]);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            other.processor.take();
            let mut sight = Sight::new(other, start);
            assert!(!sight.is_held_up(other, start + SOON), "its time is read for the first time");
            let (_, ran) = sight.ran.expect("it can be read");
            while other.processor.time().expect("again") < ran + SOON {}
            assert!(!sight.is_held_up(other, start + SOON + SOON / 2), "too soon");
            assert!(sight.is_held_up(other, start + SOON * 2));
        }
    }
}

//! A worker lets others have its processor, once, before it sleeps: they may be about to call it.
//!
//! A thread outside that brings one task after another is slower than the worker that runs them. Where
//! both share a processor, each task wakes the worker, which runs that one, finds no other and
//! sleeps again: two switches of context and a wake a task. What such a worker waits for is
//! the processor that it holds. So it gives that up (`sched_yield`) between lying down and sleeping, and
//! the other brings what it has, for the price of the first task's wake, and that without a system
//! call, for nobody sleeps yet.
//!
//! # Why no wake is lost
//!
//! It happens between S4 and S5 of the sleeper (see [`idle`](crate::idle)): the seat is among those
//! that sleep, has looked around since, and its thread is merely slow to park. Whoever calls it
//! meanwhile leaves a permit with its driver, and the park that follows ends at once. So nobody who
//! gives way is relied on as a searcher, save by those who come after a call to it, as with any
//! seat that is just being woken.
//!
//! # What it may cost, and its bounds
//!
//! Nobody is nearby: the call returns at once, for some 0.3 µs. A thread that has nothing to do with us
//! is: then it may have a slice of the system's scheduler, some milliseconds, and what comes for
//! this seat in that time waits, where a thread that sleeps would be woken at once. Hence:
//!
//! - only a seat that tasks from outside have come to since its last sleep does it, at most once a sleep:
//!   an idle executor never does, nor does one that is woken by its own sockets and timers;
//! - it is worth it where at least [`CROWD`] tasks have come meanwhile. After one that was not, the
//!   next 15 sleeps go without; after the second in a row, the next 63; then 255, 1023, 4095 each time. For
//!   a thread that brings one task and waits for its answer gains nothing: it would only have its
//!   worker taken to another processor, from where each answer comes later;
//! - one that was [long](LONG), and not for the sake of a task per microsecond at least, is one too
//!   many: there is none for 16 ms; after the next such for 64, then 256, then a second each time.
//!   [`FORGIVEN`] that were worth it begin anew.

use crate::{seat::Seat, shared::Shared};
use std::{cell::Cell, thread, time::Duration};
use wharf_base::sync::Instant;

/// How many tasks make it worth it.
const CROWD: usize = 4;
/// So many times four sleeps go without after many that were not.
const MOST_IN_VAIN: u32 = 6;
/// Who is away for longer has made room for somebody else than a caller.
const LONG: Duration = Duration::from_micros(100);
/// For how long there is none after the first that was too long.
const PAUSE: Duration = Duration::from_millis(16);
/// How often the pause is made four times as long.
const LONGEST_PAUSE: u32 = 3;
/// After so many that were worth it the next pause is a short one.
const FORGIVEN: u32 = 256;

/// What a seat has learned of giving way.
#[derive(Debug, Default)]
pub(crate) struct GiveWay {
    /// Tasks have come from outside since the last sleep.
    expects_more: Cell<bool>,
    in_vain: Cell<u32>,
    /// How many sleeps to come go without.
    rest: Cell<u32>,
    /// Since when there is none, and for how long.
    pause: Cell<Option<(Instant, Duration)>>,
    pauses: Cell<u32>,
    good: Cell<u32>,
}

/// How it went.
struct Away {
    time: Duration,
    /// How many tasks wait outside.
    waiting: usize,
}

impl GiveWay {
    /// Tasks have come from outside.
    pub(super) fn expect_more(&self) {
        self.expects_more.set(true);
    }

    /// The seat is about to sleep: whether it is worth a try.
    fn is_due(&self) -> bool {
        if !self.expects_more.replace(false) {
            return false;
        }
        let rest = self.rest.get();
        self.rest.set(rest.saturating_sub(1));
        rest == 0
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.pause.get().is_some_and(|(since, length)| now.duration_since(since) < length)
    }

    fn learn(&self, now: Instant, away: &Away) {
        let is_worth_it = away.waiting >= CROWD;
        let in_vain =
            if is_worth_it { 0 } else { (self.in_vain.get().max(1) + 1).min(MOST_IN_VAIN) };
        self.in_vain.set(in_vain);
        self.rest.set(4_u32.pow(in_vain) - 1);
        if away.time >= LONG && (away.waiting as u128) < away.time.as_micros() {
            let pauses = self.pauses.get();
            self.pause.set(Some((now, PAUSE * 4_u32.pow(pauses))));
            self.pauses.set((pauses + 1).min(LONGEST_PAUSE));
            self.good.set(0);
        } else if is_worth_it {
            self.good.set(self.good.get().saturating_add(1));
            if self.good.get() >= FORGIVEN {
                self.pauses.set(0);
            }
        }
    }
}

/// The seat sleeps as far as others can see, and its thread is about to: gives way, where that is likely
/// to bring tasks.
#[inline]
pub(super) fn give_way(shared: &Shared, seat: &Seat) {
    if seat.own.give_way.is_due() && !shared.spin.is_on() {
        try_it(shared, seat);
    }
}

#[cold]
fn try_it(shared: &Shared, seat: &Seat) {
    let since = Instant::now();
    if seat.own.give_way.is_paused(since) {
        return;
    }
    // `std`'s also in the models, which let others run at any place.
    thread::yield_now();
    seat.counters.gave_way.add(1);
    let now = Instant::now();
    let away = Away { time: now.duration_since(since), waiting: shared.injector.len() };
    seat.own.give_way.learn(now, &away);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn away(time_us: u64, waiting: usize) -> Away {
        Away { time: Duration::from_micros(time_us), waiting }
    }

    /// For how many milliseconds there is a pause after `now`.
    fn pause(way: &GiveWay, now: Instant) -> u64 {
        let is_over = |&ms: &u64| !way.is_paused(now + Duration::from_millis(ms));
        (0..2000).find(is_over).expect("pauses have an end")
    }

    #[test]
    fn only_a_seat_that_tasks_from_outside_have_come_to_gives_way_and_once() {
        let way = GiveWay::default();
        assert!(!way.is_due());
        way.expect_more();
        assert!(way.is_due() && !way.is_due());
    }

    #[test]
    fn in_vain_it_becomes_rare_until_it_brings_a_crowd() {
        let (way, now) = (GiveWay::default(), Instant::now());
        let sleeps = || {
            let is_due = || {
                way.expect_more();
                way.is_due()
            };
            let rest = (0..10_000).take_while(|_| !is_due()).count();
            way.learn(now, &away(0, CROWD - 1));
            rest
        };
        let rests: Vec<_> = (0..8).map(|_| sleeps()).collect();
        assert_eq!(rests, [0, 15, 63, 255, 1023, 4095, 4095, 4095]);
        way.learn(now, &away(0, CROWD));
        way.expect_more();
        assert!(way.is_due());
    }

    #[test]
    fn one_that_was_long_for_little_is_followed_by_ever_longer_pauses() {
        let (way, now) = (GiveWay::default(), Instant::now());
        for (time_us, waiting) in [(99, 0), (99, 99), (100, 100), (3000, 3000)] {
            way.learn(now, &away(time_us, waiting));
            assert_eq!(pause(&way, now), 0);
        }
        let long = |waiting| {
            way.learn(now, &away(3000, waiting));
            pause(&way, now)
        };
        assert_eq!([2999, 0, 100, 1, 0].map(long), [16, 64, 256, 1024, 1024]);
        (1..FORGIVEN).for_each(|_| way.learn(now, &away(1, CROWD)));
        assert_eq!(long(2999), 1024);
        (0..FORGIVEN).for_each(|_| way.learn(now, &away(1, CROWD)));
        assert_eq!(long(2999), 16);
    }
}

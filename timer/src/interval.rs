//! [`Interval`]: the same moment again and again.

use crate::{Instant, Sleep, sleep_until};
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// A tick is missed when it is seen later than this, or than a whole period.
const MISSED_AFTER: Duration = Duration::from_millis(5);

/// Ticks at once and then every `period`.
///
/// # Panics
///
/// Panics where `period` is zero, outside of a runtime, and in a runtime without timers.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks at `start` and then every `period`.
///
/// # Panics
///
/// Panics where `period` is zero, outside of a runtime, and in a runtime without timers.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must be longer than zero");
    Interval { delay: sleep_until(start), period, missed: MissedTickBehavior::default() }
}

/// What an [`Interval`] does after it was asked for a tick too late: more than 5 milliseconds, or
/// more than a whole period where that is less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks without waiting until it has caught up: no tick is lost.
    #[default]
    Burst,
    /// Ticks a period after the late tick was seen: no two ticks are closer than a period.
    Delay,
    /// Leaves out what was missed: ticks stay at whole periods from the start.
    Skip,
}

impl MissedTickBehavior {
    /// The tick after the one of `tick`, which was seen late, at `now`.
    fn next(self, tick: Instant, now: Instant, period: Duration) -> Instant {
        match self {
            Self::Burst => tick.add_or_far_future(period),
            Self::Delay => now.add_or_far_future(period),
            Self::Skip => {
                let beyond = (now - tick).as_nanos() % period.as_nanos();
                let beyond = u64::try_from(beyond).map_or(Duration::MAX, Duration::from_nanos);
                now.add_or_far_future(period.saturating_sub(beyond))
            }
        }
    }
}

/// Ticks, from [`interval`] and [`interval_at`].
///
/// As a [`Sleep`], it belongs to the runtime that it was made in and may be polled on any thread.
/// Between two ticks nothing runs: a tick is counted from the one before, and seen when asked for.
#[derive(Debug)]
pub struct Interval {
    delay: Sleep,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick, and returns the moment that it was meant for.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: where it is dropped before it is ready, no tick is lost.
    ///
    /// # Panics
    ///
    /// Where the runtime has shut down before the tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Like [`tick`](Self::tick), for hand-written futures. While it is pending, the task of the
    /// latest call is woken at the tick.
    ///
    /// # Panics
    ///
    /// Where the runtime has shut down before the tick, as [`tick`](Self::tick) does.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(std::future::Future::poll(Pin::new(&mut self.delay), cx));
        let tick = self.delay.deadline();
        let now = Instant::now();
        let next = if now - tick > MISSED_AFTER.min(self.period) {
            self.missed.next(tick, now, self.period)
        } else {
            tick.add_or_far_future(self.period)
        };
        self.reset_at(next);
        Poll::Ready(tick)
    }

    /// The next tick is a period from now.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// The next tick is now.
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// The next tick is `after` from now.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now().add_or_far_future(after));
    }

    /// The next tick is at `deadline`.
    pub fn reset_at(&mut self, deadline: Instant) {
        Pin::new(&mut self.delay).reset(deadline);
    }

    /// What happens after a missed tick.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what happens after a missed tick.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// The time from tick to tick.
    pub fn period(&self) -> Duration {
        self.period
    }
}

//! [`Instant`]: a moment on the clock of the current runtime.

use crate::clock;
use std::{
    fmt,
    ops::{Add, AddAssign, Sub, SubAssign},
    time::Duration,
};

/// A moment on the clock that timers go by, with the methods of [`std::time::Instant`].
///
/// It differs from `std`'s only in [`now`](Self::now), which goes by the paused clock where the
/// current runtime's clock is paused.
///
/// # Panics
///
/// Adding or taking away a `Duration` panics where no `Instant` can say the result;
/// [`checked_add`](Self::checked_add) and [`checked_sub`](Self::checked_sub) don't. The difference of
/// two never does: where it would be negative it is zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

impl Instant {
    /// The present moment.
    #[inline]
    pub fn now() -> Instant {
        Instant(clock::now())
    }

    /// A moment so far off that nobody waits for it: 30 years from now.
    ///
    /// Farther ones can't be told apart by the clocks of some systems.
    pub(crate) fn far_future() -> Instant {
        Instant::now() + Duration::from_secs(60 * 60 * 24 * 365 * 30)
    }

    /// `self + duration`, or the far future where no `Instant` can say that.
    pub(crate) fn add_or_far_future(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or_else(Instant::far_future)
    }

    /// The same moment for `std`.
    #[inline]
    pub fn into_std(self) -> std::time::Instant {
        self.0
    }

    /// The same moment from `std`.
    #[inline]
    pub fn from_std(std: std::time::Instant) -> Instant {
        Instant(std)
    }

    /// The time from `earlier` to `self`; zero where `earlier` is the later one.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `earlier` to `self`; `None` where `earlier` is the later one.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// The time from `earlier` to `self`; zero where `earlier` is the later one.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from `self` to now; zero where `self` is yet to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// `self + duration`, or `None` where no `Instant` can say that.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// `self - duration`, or `None` where no `Instant` can say that.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, other: Duration) -> Instant {
        Instant(self.0 + other)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, other: Duration) -> Instant {
        Instant(self.0 - other)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, other: Duration) {
        *self = *self - other;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! The clock of a runtime: the time axis of its timers.

use std::time::{Duration, Instant};

/// The present moment on the current runtime's clock.
#[inline]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Counts nanoseconds from the making of the runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { origin: Instant::now() }
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    /// `instant` as the wheel counts; what is before the runtime's making counts as that moment,
    /// what is 584 years after it as never.
    #[inline]
    pub(crate) fn nanos(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        since.as_secs().saturating_mul(1_000_000_000).saturating_add(since.subsec_nanos().into())
    }

    /// The reverse of [`nanos`](Self::nanos); `None` for never.
    pub(crate) fn instant(&self, nanos: u64) -> Option<Instant> {
        if nanos == u64::MAX {
            return None;
        }
        self.origin.checked_add(Duration::from_nanos(nanos))
    }
}

//! wharf's timers: a wheel of coarse slots in front of a binary heap, one for each seat.

mod clock;
#[cfg(all(test, not(loom)))]
mod clock_tests;
mod instant;
mod interval;
mod seat;
mod sleep;
#[cfg(all(test, not(loom)))]
mod tests;
mod timeout;
mod timers;
mod wheel;

pub use clock::{ClockHold, advance, pause, resume};
pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use timers::Timers;

/// What can go wrong with time, by the names that users of tokio know.
pub mod error {
    pub use crate::timeout::Elapsed;
}

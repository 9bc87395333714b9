//! wharf's timers: a wheel of coarse slots in front of a binary heap, one for each seat.
//!
//! ```text
//!   Sleep, Timeout, Interval           futures: a deadline, their seat, and a key while armed
//!        |  arm, cancel, reset, poll
//!        v
//!   Seat   a lock, its owner's nearly always; two words beside it say when to look and
//!    |     whether the owner sleeps too long; wakers are called with the lock free
//!    v
//!   Wheel  pure: time is an argument
//!
//!     armed when already due -> [a][b][c]                     a plain queue
//!     due within the tick    -> heap of (deadline, order, node)      16 bytes an entry
//!     later                  -> level 0   |  |xx|  |x |  | ..  64 slots of 1.05 ms each
//!                               level 1   |  |  |xxxxx|  | ..  64 slots of 67 ms
//!                                 ...
//!                               level 7   |  |  |  |  |        4 slots of 146 years
//!
//!     a slot that comes due is poured: | x yy | -> into the levels below -> into the heap
//!     cancelled, and empty: [n][n][n]..[64]  -> unlinked in one go
//! ```
//!
//! # Why this way
//!
//! - Most timers are limits that are not reached: they are armed and cancelled, and never fire. In a
//!   slot both cost a few links, whatever else is there. A heap alone would sort them all.
//! - Those that do fire have deadlines to the nanosecond and are to end within microseconds. A wheel
//!   alone would need slots as fine as that, and visit them all. So the slots are coarse, and the few
//!   timers of the slot that is due pass through the heap, which is small and in the cache.
//! - A node is 32 bytes: waker, deadline, two links. It lies in a chunk that never moves. In the heap
//!   an entry of 16 bytes is added to it.
//! - The right to a node is a key that can't be copied, and each node has one, until its owner gives
//!   the key up: no key is ever stale, so nodes carry no generations, and nothing is freed under
//!   anybody. A timer that has fired keeps its node, empty, until its `Sleep` has seen it or is
//!   dropped; so nodes never outnumber live `Sleep`s
//!   by more than those that wait to be unlinked.
//! - A `Sleep` that is dropped on whatever thread locks its seat and takes the waker out at once. The
//!   empty node is unlinked with up to 63 others, or when time is asked for: with many timers its
//!   neighbours are cache misses, and together they are waited for once. In the heap an entry stays
//!   behind, and dead entries are bounded by the live ones.
//! - Pouring is done in pieces of 8192 timers: where a million come due within one slot, other tasks run
//!   in between, and no timer fires before all that are due earlier are known.
//! - The next deadline is exact where that is cheap (the heap's top, or a search of at most 16 nodes)
//!   and else the beginning of the next slot: at most one more wake-up a level, shared by more than
//!   16 timers. Cancelled timers are never waited for.
//!
//! # What it costs and promises
//!
//! No timer ends early. On a seat that has nothing else to do it ends when the driver's sleep does;
//! where many timers are due (16 or more within the millisecond), those up to 50 µs apart may share a
//! wake-up. A busy worker looks for due timers each time it turns its driver; where one poll holds it
//! up, whoever turns the driver for it fires them: [`Timers::fire`] may be called by any thread.
//! Arming a timer never makes a system call on the thread that sits in the seat; from elsewhere it
//! does where the seat's worker sleeps and would wake up too late.
//!
//! # The parts
//!
//! `wheel` is the structure, with a model test against a sorted map. `seat` is one of it under its
//! lock, with loom models. `timers` is what a runtime holds and how a `Sleep` finds it. `clock` is the
//! time axis and how tests can pause it. The rest is the API, by tokio's names.

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

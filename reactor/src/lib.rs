//! wharf's reactor: an epoll per seat through mio, readiness slots, and the sockets on top of them.
//!
//! A *seat* is what one worker sits in. Each has a driver of its own, opened when the first source
//! is registered; until then its owner sleeps on a condition
//! variable and the runtime has no descriptor open.
//!
//! - [`Reactor`]: the seats; who may turn, poll and unpark them.
//! - `slot`: one source's readiness, its waiters, and the protocol between events and waiters.
//! - `slab`: where slots live, and when one is used again.
//! - `park`: how a seat's owner sleeps and is woken.
//! - `wait`: the system's own waiting, and how deadlines are kept to the microsecond.
//! - `registration`: how an operation is tried and waits; `registration::home`: at which seat.
//! - [`net`]: the sockets, and pipes. [`signal`], [`process`]: signals and child processes. [`io`]:
//!   descriptors of one's own, copying, other crates' traits.
//!
//! The crate knows no tasks and no timers: wakers and deadlines are all it sees of them.

// What the tests of other crates share, some of ours need too.
#[cfg(all(test, not(loom)))]
extern crate self as wharf_reactor;

mod error;
pub mod io;
pub mod net;
mod pairs;
mod park;
pub mod process;
mod quiet;
mod reactor;
mod registration;
mod seat;
pub mod signal;
mod slab;
mod slot;
mod source;
mod sys;
mod wait;

pub use reactor::{Attendant, Job, Pool, Reactor};

//! Waiting for events: on Linux and Android by the system's own calls on mio's epoll, elsewhere by
//! mio's.
//!
//! mio opens the epoll, registers sources and makes the waker everywhere. Its `Poll::poll` has two
//! properties that cost here: it rounds timeouts up to milliseconds, and it wants the poll to itself,
//! so that registering meanwhile takes a second descriptor. See [`system`].

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "linux.rs"]
mod system;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "other.rs"]
mod system;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod timerfd;

pub(crate) use system::{Events, Selector, claim_thread, exact};

/// How many events one turn takes at most.
const BATCH: usize = 1024;
/// The token of the selector's own alarm.
const ALARM: mio::Token = mio::Token(usize::MAX - 1);

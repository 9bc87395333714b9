//! wharf: an async runtime made to live behind a C ABI.
//!
//! In Rust it is used as tokio is, under the same names:
//!
//! ```
//! use std::time::Duration;
//!
//! let runtime = wharf::Runtime::new()?;
//! let sum = runtime.block_on(async {
//!     let slow = wharf::spawn(async {
//!         wharf::time::sleep(Duration::from_millis(1)).await;
//!         40
//!     });
//!     slow.await.unwrap() + 2
//! });
//! assert_eq!(sum, 42);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! This crate is the facade: it puts together the executor, the timers and the reactor, which do not
//! know each other, and holds what needs two of them at once ([`net::lookup_host`], [`fs`]). The C
//! ABI stands on top of it, in the crate `wharf-ffi`.
//!
//! # What is promised
//!
//! * [`block_on`](Runtime::block_on) returns when its own future is done, whatever else was spawned.
//! * Shutdown is bounded, and says what did not stop.
//! * A panic in a task reaches its [`JoinHandle`] and nobody else.
//! * A timer never fires early.
//! * No use of this crate needs `unsafe`.
//! * Several runtimes live side by side in one process; blocking on one inside another's task is a
//!   panic with a message that says so, not a deadlock.
//! * A runtime that was built and not used has started no thread and opened no descriptor.
//!
//! # Channels and locks
//!
//! There are none here: `async-channel`, `async-lock`, `event-listener` and `futures-util` run on any
//! executor, and this one is tested with them.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `hyper` | hyper's `rt` traits on the sockets, and `wharf::rt` with its executor and timer |
//! | `futures-io` | `AsyncRead` and `AsyncWrite` of `futures-io` on the sockets |
//! | `tokio-io` | `AsyncRead` and `AsyncWrite` of tokio on the sockets |

mod builder;
mod driver;
pub mod fs;
pub mod net;
mod parts;
#[cfg(feature = "hyper")]
pub mod rt;
pub mod runtime;

/// Tasks: spawning them, waiting for them, giving way to others.
pub mod task {
    pub use crate::runtime::spawn_blocking;
    pub use wharf_base::coop::{consume_budget, unconstrained};
    pub use wharf_executor::task::*;
}

/// Copying, descriptors of one's own, and the traits that go with them.
pub mod io {
    pub use wharf_reactor::io::*;
}

/// Waiting for a point in time.
///
/// A timer never ends early, whatever its length, and on an idle machine it ends some microseconds
/// late. Arming and cancelling one are cheap, so put a limit on whatever may take too long.
///
/// ```
/// use std::time::Duration;
/// use wharf::time;
///
/// wharf::block_on(async {
///     let slow = std::future::pending::<()>();
///     assert!(time::timeout(Duration::from_millis(1), slow).await.is_err());
///
///     let mut ticks = time::interval(Duration::from_millis(1));
///     let first = ticks.tick().await;
///     assert_eq!(ticks.tick().await, first + Duration::from_millis(1));
/// });
/// ```
///
/// Tests need not wait: on a paused clock, which only a runtime of the current-thread flavour has,
/// time jumps to the next deadline as soon as no task can run.
///
/// ```
/// use std::time::Duration;
/// use wharf::{runtime::Builder, time};
///
/// let runtime = Builder::new_current_thread().enable_all().build()?;
/// runtime.block_on(async {
///     time::pause();
///     let start = time::Instant::now();
///     time::sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
pub mod time {
    pub use wharf_timer::{
        Instant, Interval, MissedTickBehavior, Sleep, Timeout, advance, error, interval,
        interval_at, pause, resume, sleep, sleep_until, timeout, timeout_at,
    };
}

/// ```
/// # #[cfg(unix)]
/// wharf::block_on(async {
///     use wharf::process::Command;
///
///     let output = Command::new("echo").arg("ahoy").output().await?;
///     assert!(output.status.success());
///     assert_eq!(output.stdout, b"ahoy\n");
///     std::io::Result::Ok(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use wharf_reactor::process;
/// ```
/// use wharf::signal::unix::{SignalKind, signal};
///
/// wharf::block_on(async {
///     let mut hangups = signal(SignalKind::hangup())?;
///     # unsafe extern "C" { fn raise(signal: i32) -> i32; }
///     # // SAFETY: the signal is handled by now.
///     # unsafe { raise(SignalKind::hangup().as_raw_value()) };
///     hangups.recv().await;
///     // Read the configuration again.
///     std::io::Result::Ok(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[doc(inline)]
pub use wharf_reactor::signal;

pub use runtime::{Builder, Handle, Runtime, block_on};
pub use task::{AbortHandle, JoinError, JoinHandle, JoinSet, spawn, spawn_blocking};
pub use wharf_executor::task_local;
pub use wharf_macros::{main, test};

/// The README's examples, compiled and run as those here are.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

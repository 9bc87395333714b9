//! Signals of the operating system.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! wharf_reactor::signal::ctrl_c().await?;
//! println!("stopping");
//! # Ok(())
//! # }
//! ```
//!
//! # In a process that is not ours alone
//!
//! A signal's disposition belongs to the whole process, so nothing is touched before the first
//! [`signal`](unix::signal) or [`ctrl_c`] for that very signal. The handler that is installed then
//! calls the one that it has found, if there was one: a host that handles SIGINT itself goes on doing
//! so. What the system did by default or ignored is done no more. The handler stays for as long as
//! the process lives, also when nobody listens any more: putting the old one back would undo what
//! others have installed meanwhile, and between two calls of `ctrl_c` a Ctrl-C would end the process.

mod post;
pub mod unix;

use std::{future::Future, io};

/// Waits for the next SIGINT, which is what Ctrl-C in a terminal sends.
///
/// From its first call on the process is not ended by SIGINT any more: see the
/// [module](self#in-a-process-that-is-not-ours-alone). Listening begins when this is called, not when
/// it is first polled.
///
/// Cancel safe.
///
/// # Errors
///
/// As [`unix::signal`]; that the runtime has been shut down.
pub fn ctrl_c() -> impl Future<Output = io::Result<()>> + Send {
    let listening = unix::signal(unix::SignalKind::interrupt());
    async move {
        match listening?.recv().await {
            Some(()) => Ok(()),
            None => Err(crate::error::down()),
        }
    }
}

//! Reading and writing in general: the two traits that [`copy`] works with, [`AsyncFd`] for a
//! descriptor of one's own, and the traits of other crates.

mod async_fd;
mod copy;
mod foreign;
mod interest;
mod traits;

pub use async_fd::{AsyncFd, ReadyGuard};
pub use copy::{copy, copy_bidirectional};
pub use interest::{Interest, Ready};
pub use traits::{AsyncRead, AsyncWrite};

//! Sockets: TCP, UDP and Unix domain.

mod addr;
pub(crate) mod methods;
mod split;
mod tcp_listener;
mod tcp_stream;

pub use addr::{Addresses, ToSocketAddrs, lookup_host};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;

/// The halves of a [`TcpStream`] and what goes with them.
pub mod tcp {
    pub use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
}

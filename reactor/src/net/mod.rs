//! Sockets: TCP, UDP and Unix domain; pipes.

mod addr;
mod credentials;
mod datagrams;
mod lookup;
pub(crate) mod methods;
pub(crate) mod pipes;
pub(crate) mod room;
mod split;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
mod udp;
mod unix_addr;
mod unix_datagram;
mod unix_listener;
mod unix_split;
mod unix_stream;

pub use addr::{Addresses, ToSocketAddrs, lookup_host};
pub use tcp_listener::TcpListener;
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;

/// The halves of a [`TcpStream`] and what goes with them.
pub mod tcp {
    pub use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
}

/// The halves of a [`UnixStream`] and what goes with them, and pipes.
pub mod unix {
    pub use super::credentials::UCred;
    pub use super::unix_split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
    pub use std::os::unix::net::SocketAddr;

    /// Pipes, and FIFOs in the file system.
    pub mod pipe {
        pub use crate::net::pipes::{OpenOptions, Receiver, Sender, pipe};
    }
}

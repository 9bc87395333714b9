//! Where TCP connections come in.

use super::{
    TcpStream,
    addr::{self, ToSocketAddrs},
};
use crate::{registration::Wish, slot::Direction, source::Source};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    task::{Context, Poll},
};

/// How many connections may wait to be accepted. The system cuts it down to its own limit; with the
/// customary 128 a burst of connects has some of its SYNs dropped and tried again a second later.
pub(crate) const BACKLOG: i32 = 4096;

/// A TCP socket that listens for connections.
///
/// Any number of tasks may [`accept`](Self::accept) on one listener at once.
pub struct TcpListener {
    source: Source<mio::net::TcpListener>,
}

impl TcpListener {
    /// Binds to `address` and listens there, with address reuse set; of several addresses the first
    /// that works. Port 0 lets the system choose.
    ///
    /// Cancel safe: it waits for nothing but the look-up of a host name.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let found = addr::sealed::Lookup::lookup(&address)?;
        drop(address);
        addr::first_that_works(found, |address| async move { Self::listen(address, BACKLOG) }).await
    }

    fn listen(address: SocketAddr, backlog: i32) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Self::register(socket.into())
    }

    pub(crate) fn register(listener: std::net::TcpListener) -> io::Result<Self> {
        let listener = mio::net::TcpListener::from_std(listener);
        Ok(Self { source: Source::new(listener, Wish::TRY)? })
    }

    /// Waits for a connection.
    ///
    /// Cancel safe: no connection is lost. Where the process has no descriptor left the listener
    /// survives; the connection keeps waiting and can be accepted once there is one.
    ///
    /// # Errors
    ///
    /// What the system says about this connection or about the process (too many open files), or
    /// that the runtime has been shut down.
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + '_ {
        self.source.run(Direction::Read, Self::accept_now)
    }

    /// As [`accept`](Self::accept), for the one task that polls.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.source.poll_run(cx, Direction::Read, Self::accept_now)
    }

    fn accept_now(listener: &mio::net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept().inspect_err(log_accept_error)?;
        Ok((TcpStream::register(stream.into())?, peer))
    }

    /// Takes over a listener of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::register(listener)
    }

    /// Gives the listener back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        Ok(self.source.into_inner().into())
    }

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().local_addr()
    }

    /// The time to live of packets sent by accepted connections.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.get().ttl()
    }

    /// Sets the time to live of packets sent by accepted connections.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source.get().set_ttl(ttl)
    }
}

super::methods::descriptor!(TcpListener, std::net::TcpListener);

/// Says what went wrong, for programs that accept in a loop and go on; that there is nobody to accept
/// is no error.
fn log_accept_error(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
        log::warn!("a connection could not be accepted: {error}; the listener goes on");
    }
}

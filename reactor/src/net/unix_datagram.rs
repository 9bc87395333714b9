//! Datagrams over Unix domain sockets.

use super::{datagrams::datagrams, methods::descriptor, unix_addr};
use crate::{registration::Wish, slot::Direction, source::Source};
use std::{
    fmt,
    future::Future,
    io,
    net::Shutdown,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::{SocketAddr, UnixDatagram as Std},
    },
    path::Path,
    task::{Context, Poll},
};

/// A Unix domain socket for datagrams.
///
/// All its methods take `&self`; any number of tasks may send and receive at once.
pub struct UnixDatagram {
    source: Source<Std>,
}

impl UnixDatagram {
    /// Binds to `path`, where no file may be yet. Here as in all that takes a path, on Linux one that
    /// begins with a NUL is an abstract address.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::from_std(Std::bind_addr(&unix_addr::of(path.as_ref())?)?)
    }

    /// A socket without an address.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn unbound() -> io::Result<Self> {
        Self::from_std(Std::unbound()?)
    }

    /// Two sockets connected to each other.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = Std::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        let (one, other) = Source::pair((one, other), Wish::TRY)?;
        Ok((Self { source: one }, Self { source: other }))
    }

    /// Sets the peer that [`send`](Self::send) sends to and [`recv`](Self::recv) receives from.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.source.get().connect_addr(&unix_addr::of(path.as_ref())?)
    }

    fn receive(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.source.get().recv_from(buf)
    }

    fn source(&self) -> &Source<Std> {
        &self.source
    }

    super::methods::readiness!();
    super::methods::own_operations!();
    datagrams!(SocketAddr);

    /// Sends one datagram to the socket at `target` and returns how many bytes went.
    ///
    /// Cancel safe: nothing is sent unless it returns.
    ///
    /// # Errors
    ///
    /// What the system says, or that the runtime has been shut down.
    pub async fn send_to(&self, buf: &[u8], target: impl AsRef<Path> + Send) -> io::Result<usize> {
        let target = unix_addr::of(target.as_ref())?;
        self.source.run(Direction::Write, |socket| socket.send_to_addr(buf, &target)).await
    }

    /// Sends one datagram to the socket at `target` without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is no room; else as [`send_to`](Self::send_to).
    pub fn try_send_to(&self, buf: &[u8], target: impl AsRef<Path>) -> io::Result<usize> {
        let target = unix_addr::of(target.as_ref())?;
        self.source.try_run(Direction::Write, |socket| socket.send_to_addr(buf, &target))
    }

    /// Takes over a socket of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(socket: Std) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { source: Source::new(socket, Wish::TRY)? })
    }

    /// Gives the socket back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn into_std(self) -> io::Result<Std> {
        Ok(self.source.into_inner())
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().local_addr()
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().peer_addr()
    }

    /// The error that the system has noted for the socket, which is cleared by this.
    ///
    /// # Errors
    ///
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.get().take_error()
    }

    /// Ends receiving, sending or both.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.get().shutdown(how)
    }
}

descriptor!(UnixDatagram, Std);

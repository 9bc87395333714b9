//! Where connections to a Unix domain socket come in.

use super::{UnixStream, tcp_listener::BACKLOG, unix_addr};
use crate::{registration::Wish, slot::Direction, source::Source};
use socket2::SockRef;
use std::{
    fmt,
    future::Future,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::{SocketAddr, UnixListener as Std},
    },
    path::Path,
    task::{Context, Poll},
};

/// A Unix domain socket that listens for connections.
///
/// Any number of tasks may [`accept`](Self::accept) at once. The file at its path stays when the
/// listener is dropped.
pub struct UnixListener {
    source: Source<mio::net::UnixListener>,
}

impl UnixListener {
    /// Binds to `path`, where no file may be yet, and listens there. On Linux a path that begins with a
    /// NUL is an abstract address.
    ///
    /// # Errors
    ///
    /// What the system says, `InvalidInput` for a path that can't be one, or that there is no runtime
    /// with I/O here.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_addr(&unix_addr::of(path.as_ref())?)
    }

    /// Binds to an address, which may be an abstract one, and listens there.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        let listener = Std::bind_addr(address)?;
        // Once more, for our own backlog.
        SockRef::from(&listener).listen(BACKLOG)?;
        Self::from_std(listener)
    }

    fn register(listener: Std) -> io::Result<Self> {
        let listener = mio::net::UnixListener::from_std(listener);
        Ok(Self { source: Source::new(listener, Wish::TRY)? })
    }

    /// Waits for a connection.
    ///
    /// Cancel safe: no connection is lost.
    ///
    /// # Errors
    ///
    /// What the system says about this connection or about the process (too many open files: the
    /// listener survives that), or that the runtime has been shut down.
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> + Send + '_ {
        self.source.run(Direction::Read, Self::accept_now)
    }

    /// As [`accept`](Self::accept), for the one task that polls.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.source.poll_run(cx, Direction::Read, Self::accept_now)
    }

    fn accept_now(listener: &mio::net::UnixListener) -> io::Result<(UnixStream, SocketAddr)> {
        let (stream, peer) = listener.accept()?;
        Ok((UnixStream::register(stream.into())?, peer))
    }

    /// Takes over a listener of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(listener: Std) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::register(listener)
    }

    /// Gives the listener back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn into_std(self) -> io::Result<Std> {
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
}

super::methods::descriptor!(UnixListener, Std);

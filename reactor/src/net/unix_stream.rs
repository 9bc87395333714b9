//! A connection over a Unix domain socket.

use super::{
    credentials::{self, UCred},
    methods::{ending, polling_reads, polling_writes, reading, writing},
    unix_addr,
    unix_split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf},
};
use crate::{io::Interest, registration::Wish, slot::Direction, source::Source};
use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    net::Shutdown,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::{SocketAddr, UnixStream as Std},
    },
    path::Path,
    task::{Context, Poll},
};

/// A connection over a Unix domain socket.
///
/// All its methods take `&self`, so a stream can be read by one task and written by another, in an
/// `Arc` or [`split`](Self::split). Dropping it closes the connection.
pub struct UnixStream {
    source: Source<Std>,
}

impl UnixStream {
    /// Connects to the socket at `path`. On Linux a path that begins with a NUL is an abstract address.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// What the system says (`WouldBlock` where the listener's backlog is full: try again later),
    /// `InvalidInput` for a path that can't be one, or that there is no runtime with I/O here.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let address = unix_addr::of(path.as_ref())?;
        drop(path);
        Self::connect_addr(&address).await
    }

    /// As [`connect`](Self::connect), to an address.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<Self> {
        let stream = mio::net::UnixStream::connect_addr(address)?;
        Self::connecting(stream.into()).await
    }

    async fn connecting(stream: Std) -> io::Result<Self> {
        let source = Source::new(stream, Wish::TRY)?;
        source.registration().ready(Interest::WRITABLE).await?;
        match source.get().take_error()? {
            Some(error) => Err(error),
            None => Ok(Self::connected(source)),
        }
    }

    /// A stream whose other end anybody may have.
    fn connected(source: Source<Std>) -> Self {
        let from_outside = credentials::is_another_process(source.get().as_fd());
        source.registration().note_neighbour(from_outside);
        Self { source }
    }

    /// Two streams connected to each other.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = Std::pair()?;
        prepare(&one)?;
        prepare(&other)?;
        let (one, other) = Source::pair((one, other), Wish::TRY)?;
        Ok((Self { source: one }, Self { source: other }))
    }

    /// Registers a stream that is connected and non-blocking.
    pub(crate) fn register(stream: Std) -> io::Result<Self> {
        Source::new(stream, Wish::TRY).map(Self::connected)
    }

    /// Takes over a connected stream of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(stream: Std) -> io::Result<Self> {
        prepare(&stream)?;
        Self::register(stream)
    }

    /// Gives the stream back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn into_std(self) -> io::Result<Std> {
        Ok(self.source.into_inner())
    }

    pub(crate) fn source(&self) -> &Source<Std> {
        &self.source
    }

    reading!();
    writing!();
    ending!();
    super::methods::readiness!();
    super::methods::own_operations!();
    polling_reads!();
    polling_writes!();

    /// Borrows the two directions, each for a task of its own.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        unix_split::borrowed(self)
    }

    /// Splits the two directions for good. The write half ends the writing side when it is dropped.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        unix_split::owned(self)
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().local_addr()
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().peer_addr()
    }

    /// Who has made the other side.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        credentials::of_peer(self.as_fd())
    }

    /// The error that the system has noted for the socket, which is cleared by this.
    ///
    /// # Errors
    ///
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.get().take_error()
    }

    pub(crate) fn shut(&self, how: Shutdown) -> io::Result<()> {
        self.source.get().shutdown(how)
    }
}

super::methods::descriptor!(UnixStream, Std);

/// What a stream of the standard library's needs before it is registered.
fn prepare(stream: &Std) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    #[cfg(target_vendor = "apple")]
    socket2::SockRef::from(stream).set_nosigpipe(true)?;
    Ok(())
}

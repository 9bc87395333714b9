//! A TCP connection.

use super::{
    addr::{self, ToSocketAddrs},
    methods::{ending, reading, writing},
    split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf},
};
use crate::{
    registration::{BOTH_AND_URGENT, Wish},
    slot::{self, Direction},
    source::Source,
};
use socket2::SockRef;
use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    net::{Shutdown, SocketAddr, TcpStream as Std},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    task::{Context, Poll},
    time::Duration,
};

/// A TCP connection.
///
/// All its methods take `&self`, so a stream can be read by one task and written by another, in an
/// `Arc` or [`split`](Self::split). Two tasks that read at once are both served, in no order.
/// Dropping it closes the connection.
pub struct TcpStream {
    source: Source<Std>,
}

/// Urgent data is asked for only because a read stops at its mark: see the slot's protocol.
const WISH: Wish =
    Wish { interest: BOTH_AND_URGENT, ready: slot::READABLE | slot::WRITABLE, follows: true };

impl TcpStream {
    /// Connects to `address`; of several the first that answers.
    ///
    /// Cancel safe: the attempt is given up. For a limit in time, put it into a timeout.
    ///
    /// # Errors
    ///
    /// What the system says about the last address, or that there is no runtime with I/O here.
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        let found = addr::sealed::Lookup::lookup(&address)?;
        drop(address);
        addr::first_that_works(found, Self::connect_to).await
    }

    async fn connect_to(address: SocketAddr) -> io::Result<Self> {
        Self::connecting(mio::net::TcpStream::connect(address)?.into()).await
    }

    /// Waits for a connect that is under way.
    pub(crate) async fn connecting(stream: Std) -> io::Result<Self> {
        let source = Source::new(stream, Wish { ready: slot::READABLE, ..WISH })?;
        source.run(Direction::Write, connected).await?;
        Ok(Self { source })
    }

    /// Registers a stream that is connected and non-blocking.
    pub(crate) fn register(stream: Std) -> io::Result<Self> {
        Ok(Self { source: Source::new(stream, WISH)? })
    }

    /// Takes over a connected stream of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(stream: Std) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        #[cfg(target_vendor = "apple")]
        SockRef::from(&stream).set_nosigpipe(true)?;
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
    super::methods::polling_reads!();
    super::methods::polling_writes!();

    /// Reads without taking: the next read returns the same bytes again. Returns how many; 0 at the
    /// end of the stream.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn peek<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.source.run(Direction::Read, move |stream| stream.peek(buf))
    }

    /// As [`peek`](Self::peek), for the one task that polls for reading.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.source.poll_run(cx, Direction::Read, |stream| stream.peek(buf))
    }

    /// Borrows the two directions, each for a task of its own.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::borrowed(self)
    }

    /// Splits the two directions for good. The write half ends the writing side when it is dropped.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split::owned(self)
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

    /// The error that the system has noted for the socket, which is cleared by this.
    ///
    /// # Errors
    ///
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.get().take_error()
    }

    /// Whether small writes go out at once (Nagle's algorithm is off).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.source.get().nodelay()
    }

    /// Says whether small writes go out at once (Nagle's algorithm is off).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.source.get().set_nodelay(nodelay)
    }

    /// How long a close keeps trying to send what is left; `None`: the system's default.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.source.socket().linger()
    }

    /// Sets how long a close keeps trying to send what is left, in whole seconds. Zero makes a close
    /// reset the connection; anything else can make dropping the stream block its thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.source.socket().set_linger(linger)
    }

    /// The time to live of packets.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.get().ttl()
    }

    /// Sets the time to live of packets.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source.get().set_ttl(ttl)
    }

    pub(crate) fn shut(&self, how: Shutdown) -> io::Result<()> {
        self.source.get().shutdown(how)
    }
}

/// How a connect ended; `WouldBlock` while it has not.
fn connected(stream: &Std) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match SockRef::from(stream).peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}

super::methods::descriptor!(TcpStream, Std);

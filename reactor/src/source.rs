//! A descriptor of the operating system together with its registration: what every socket is made
//! of.

use crate::{
    reactor::Reactor,
    registration::{Left, Registration, Wish},
    slot::Direction,
};
use socket2::SockRef;
use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd},
    slice,
    task::{Context, Poll},
};

/// Sends must not raise SIGPIPE: the process may be a host that has not blocked it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
/// Here the option SO_NOSIGPIPE does it.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) const NO_SIGNAL: libc::c_int = 0;

/// A non-blocking descriptor in a reactor.
pub(crate) struct Source<T: AsFd> {
    /// `None` only while it is being taken apart.
    inner: Option<T>,
    registration: Registration,
}

impl<T: AsFd> Source<T> {
    /// Registers `inner`, which is non-blocking, with the current runtime.
    pub(crate) fn new(inner: T, wish: Wish) -> io::Result<Self> {
        let registration = Reactor::register(inner.as_fd().as_raw_fd(), wish)?;
        Ok(Self { inner: Some(inner), registration })
    }

    /// As [`new`](Self::new), for two that talk to each other.
    pub(crate) fn pair(inner: (T, T), wish: Wish) -> io::Result<(Self, Self)> {
        let fds = [&inner.0, &inner.1].map(|end| end.as_fd().as_raw_fd());
        let [one, other] = Reactor::register_pair(fds, wish)?;
        let made = |inner, registration| Self { inner: Some(inner), registration };
        Ok((made(inner.0, one), made(inner.1, other)))
    }

    pub(crate) fn get(&self) -> &T {
        self.inner.as_ref().expect("only taken out by into_inner, which consumes the source")
    }

    /// The bare descriptor, no longer registered.
    pub(crate) fn into_inner(mut self) -> T {
        self.registration.end();
        self.inner.take().expect("only taken out here")
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.get())
    }

    pub(crate) fn run<'a, R>(
        &'a self,
        direction: Direction,
        mut op: impl FnMut(&'a T) -> io::Result<R> + Send + 'a,
    ) -> impl Future<Output = io::Result<R>> + Send + 'a
    where
        T: Sync,
        R: 'a,
    {
        self.registration.run(direction, move || Ok((op(self.get())?, Left::Perhaps)))
    }

    pub(crate) fn poll_run<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.registration.poll_run(cx, direction, || Ok((op(self.get())?, Left::Perhaps)))
    }

    pub(crate) fn try_run<R>(
        &self,
        direction: Direction,
        op: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.registration.try_run(direction.into(), || op(self.get()))
    }
}

const MAX_SLICES: usize = 1024;

/// How bytes come out of and go into a descriptor: as they do with a socket, unless it says otherwise.
pub(crate) trait Stream: AsFd + Sized {
    /// Reads into room that need not be initialised, and only ever writes to it. Says also whether
    /// nothing is left.
    fn take(&self, room: &mut [MaybeUninit<u8>]) -> io::Result<(usize, Left)> {
        let done = SockRef::from(self).recv(room)?;
        Ok((done, Left::after(done, room.len())))
    }

    /// Writes without raising SIGPIPE.
    fn put(&self, buf: &[u8]) -> io::Result<usize> {
        SockRef::from(self).send_with_flags(buf, NO_SIGNAL)
    }

    /// As [`put`](Self::put), from several buffers.
    fn put_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // More than the system takes at once is simply not written this time.
        SockRef::from(self).send_vectored_with_flags(at_once(bufs), NO_SIGNAL)
    }

    /// Says to the peer that no more will be written. A peer that has already gone is no error.
    fn finish(&self) -> io::Result<()> {
        match SockRef::from(self).shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}

impl Stream for std::net::TcpStream {}

impl Stream for std::os::unix::net::UnixStream {
    /// A receive ends where what comes next was sent with other company, descriptors or credentials, and
    /// before urgent data: a short one says nothing of the next. (One that is told of company, `recvmsg`,
    /// costs as much as another one that finds nothing.)
    fn take(&self, room: &mut [MaybeUninit<u8>]) -> io::Result<(usize, Left)> {
        Ok((SockRef::from(self).recv(room)?, Left::Perhaps))
    }
}

/// As many of the buffers as the system takes in one call, from the first one that holds something.
pub(crate) fn at_once<'a, 'b>(bufs: &'a [IoSlice<'b>]) -> &'a [IoSlice<'b>] {
    let empty = bufs.iter().take_while(|buf| buf.is_empty()).count();
    &bufs[empty..][..(bufs.len() - empty).min(MAX_SLICES)]
}

/// The buffers from the first one with room on: the standard library takes care of how many.
fn with_room<'a, 'b>(bufs: &'a mut [IoSliceMut<'b>]) -> &'a mut [IoSliceMut<'b>] {
    let empty = bufs.iter().take_while(|buf| buf.is_empty()).count();
    &mut bufs[empty..]
}

/// Streams of bytes: a short operation says that nothing is left.
impl<T: Stream + Sync> Source<T>
where
    for<'a> &'a T: Read,
{
    pub(crate) fn send(&self, buf: &[u8]) -> io::Result<usize> {
        let done = self.get().put(buf)?;
        self.registration.sent();
        Ok(done)
    }

    pub(crate) fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let done = self.get().put_vectored(bufs)?;
        self.registration.sent();
        Ok(done)
    }

    pub(crate) fn read<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let asked = !buf.is_empty();
        self.registration.run_if(asked, Direction::Read, move || self.read_now(buf))
    }

    pub(crate) fn read_vectored<'a>(
        &'a self,
        bufs: &'a mut [IoSliceMut<'_>],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let asked = bufs.iter().any(|buf| !buf.is_empty());
        self.registration.run_if(asked, Direction::Read, move || {
            Ok((self.get().read_vectored(with_room(bufs))?, Left::Perhaps))
        })
    }

    pub(crate) fn write<'a>(
        &'a self,
        buf: &'a [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.registration.run_if(!buf.is_empty(), Direction::Write, move || self.write_now(buf))
    }

    pub(crate) fn write_vectored<'a>(
        &'a self,
        bufs: &'a [IoSlice<'_>],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        let asked = bufs.iter().any(|buf| !buf.is_empty());
        self.registration
            .run_if(asked, Direction::Write, move || Ok((self.send_vectored(bufs)?, Left::Perhaps)))
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.registration.poll_run(cx, Direction::Read, || self.read_now(buf))
    }

    pub(crate) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let bufs = with_room(bufs);
        if bufs.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_run(cx, Direction::Read, |mut inner| inner.read_vectored(bufs))
    }

    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.registration.poll_run(cx, Direction::Write, || self.write_now(buf))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bufs = at_once(bufs);
        if bufs.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_run(cx, Direction::Write, |_| self.send_vectored(bufs))
    }

    /// As [`poll_read`](Self::poll_read), into room that need not be initialised.
    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        room: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        if room.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.registration.poll_run(cx, Direction::Read, || self.get().take(room))
    }

    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.try_run(Direction::Read, |mut inner| inner.read_vectored(with_room(bufs)))
    }

    fn read_now(&self, buf: &mut [u8]) -> io::Result<(usize, Left)> {
        // SAFETY: as many bytes, and `take` only ever writes to them, so they stay initialised.
        let room = unsafe { slice::from_raw_parts_mut(buf.as_mut_ptr().cast(), buf.len()) };
        self.get().take(room)
    }

    fn write_now(&self, buf: &[u8]) -> io::Result<(usize, Left)> {
        self.send(buf).map(|done| (done, Left::after(done, buf.len())))
    }
}

impl<T: AsFd> Drop for Source<T> {
    fn drop(&mut self) {
        // First out of the epoll, then closed: another process may hold a copy of the descriptor,
        // and events of a closed source would go on.
        if self.inner.is_some() {
            self.registration.end();
        }
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Source<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

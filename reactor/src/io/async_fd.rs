//! A descriptor of the user's own, with the reactor's readiness.

use super::{Interest, Ready};
use crate::{
    registration::Wish,
    slot::{Direction, Seen},
    source::Source,
};
use std::{
    fmt,
    future::Future,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    task::{Context, Poll},
};

/// A descriptor of the user's own: an inotify or eventfd, a device, a library's socket.
///
/// It must be non-blocking and of a kind that the system can wait for (no regular file). Dropping it
/// takes the descriptor out of the reactor and then drops `T`.
///
/// Readiness is a guess that only an operation can confirm: one that says `WouldBlock` clears it.
/// [`read_with`](Self::read_with) and [`write_with`](Self::write_with) see to that;
/// [`readable`](Self::readable) hands out a [`ReadyGuard`] for what does not fit into a closure.
pub struct AsyncFd<T: AsFd> {
    source: Source<T>,
}

impl<T: AsFd> AsyncFd<T> {
    /// Registers `inner` for both directions with the current runtime.
    ///
    /// # Errors
    ///
    /// What the system says (`PermissionDenied` for a regular file), or that there is no runtime
    /// with I/O here.
    pub fn new(inner: T) -> io::Result<Self> {
        Self::with_interest(inner, Interest::BOTH)
    }

    /// As [`new`](Self::new), for the given directions only; waiting for another never ends.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        // Nothing is assumed: here the user, not we, finds out that it would block.
        let wish = Wish { interest: interest.asked(), ready: 0, follows: false };
        Ok(Self { source: Source::new(inner, wish)? })
    }

    /// What was registered.
    pub fn get_ref(&self) -> &T {
        self.source.get()
    }

    /// What was registered, no longer so.
    pub fn into_inner(self) -> T {
        self.source.into_inner()
    }

    /// Waits until reading is worth a try.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// That the runtime has been shut down.
    pub async fn readable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Interest::READABLE).await
    }

    /// Waits until writing is worth a try.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// That the runtime has been shut down.
    pub async fn writable(&self) -> io::Result<ReadyGuard<'_, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// Waits until any part of `interest` is ready; [`ReadyGuard::ready`] says which.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// That the runtime has been shut down.
    pub async fn ready(&self, interest: Interest) -> io::Result<ReadyGuard<'_, T>> {
        let seen = self.source.registration().ready(interest).await?;
        Ok(ReadyGuard { fd: self, interest, seen })
    }

    /// As [`readable`](Self::readable), for the one task that polls for reading.
    ///
    /// # Errors
    ///
    /// As [`readable`](Self::readable).
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        self.poll_ready(cx, Direction::Read, Interest::READABLE)
    }

    /// As [`writable`](Self::writable), for the one task that polls for writing.
    ///
    /// # Errors
    ///
    /// As [`writable`](Self::writable).
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        self.poll_ready(cx, Direction::Write, Interest::WRITABLE)
    }

    fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        interest: Interest,
    ) -> Poll<io::Result<ReadyGuard<'_, T>>> {
        let ready = self.source.registration().poll_ready(cx, direction);
        ready.map_ok(|seen| ReadyGuard { fd: self, interest, seen })
    }

    /// Waits for reading and runs `op` until it says something else than `WouldBlock`.
    ///
    /// Cancel safe: where `op` succeeds, this returns in the same poll.
    ///
    /// # Errors
    ///
    /// `op`'s, or that the runtime has been shut down.
    pub fn read_with<'a, R: 'a>(
        &'a self,
        op: impl FnMut(&'a T) -> io::Result<R> + Send + 'a,
    ) -> impl Future<Output = io::Result<R>> + Send + 'a
    where
        T: Sync,
    {
        self.source.run(Direction::Read, op)
    }

    /// Waits for writing and runs `op` until it says something else than `WouldBlock`.
    ///
    /// Cancel safe: where `op` succeeds, this returns in the same poll.
    ///
    /// # Errors
    ///
    /// `op`'s, or that the runtime has been shut down.
    pub fn write_with<'a, R: 'a>(
        &'a self,
        op: impl FnMut(&'a T) -> io::Result<R> + Send + 'a,
    ) -> impl Future<Output = io::Result<R>> + Send + 'a
    where
        T: Sync,
    {
        self.source.run(Direction::Write, op)
    }
}

/// A descriptor that looked ready.
pub struct ReadyGuard<'a, T: AsFd> {
    fd: &'a AsyncFd<T>,
    interest: Interest,
    seen: Seen,
}

impl<'a, T: AsFd> ReadyGuard<'a, T> {
    /// Runs `op` on the descriptor; where it says `WouldBlock` the readiness is cleared, so that the
    /// next wait waits: all of it, so not where [both directions](AsyncFd::ready) were waited for. For
    /// these there is [`clear_ready_matching`](Self::clear_ready_matching).
    ///
    /// # Errors
    ///
    /// `op`'s, `WouldBlock` included.
    pub fn try_io<R>(&mut self, op: impl FnOnce(&AsyncFd<T>) -> io::Result<R>) -> io::Result<R> {
        let result = op(self.fd);
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.clear_ready();
        }
        result
    }

    /// Says that operations of all that was waited for would block: the next wait waits for a new
    /// event. One that has come since this guard was made is not lost.
    pub fn clear_ready(&mut self) {
        self.fd.source.registration().slot().clear(self.seen, self.interest.cleared());
    }

    /// As [`clear_ready`](Self::clear_ready), for this part alone.
    pub fn clear_ready_matching(&mut self, part: Ready) {
        self.fd.source.registration().slot().clear(self.seen, part.bits());
    }

    /// What was ready, of what was waited for.
    pub fn ready(&self) -> Ready {
        self.interest.told(self.seen)
    }

    /// Whether the peer has closed its side of what was waited for, as far as is known.
    pub fn is_closed(&self) -> bool {
        self.ready().is_read_closed() || self.ready().is_write_closed()
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// Leaves the readiness as it is, which dropping the guard does too; for code that says so.
    pub fn retain_ready(&mut self) {}
}

impl<T: AsFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncFd").field(self.source.get()).finish()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for ReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyGuard").field("fd", self.fd).finish_non_exhaustive()
    }
}

impl<T: AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.get().as_fd()
    }
}

impl<T: AsFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

//! The methods that all streams and their halves have, written once.

/// Reading methods, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! reading {
    () => {
        /// Reads what has arrived, at most as much as `buf` holds, and returns how much; 0 at the
        /// end of the stream, and with an empty `buf`.
        ///
        /// Cancel safe: nothing is read unless it returns.
        ///
        /// # Errors
        ///
        /// What the system says about the connection, or that the runtime has been shut down.
        pub fn read<'a>(
            &'a self,
            buf: &'a mut [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source().read(buf)
        }

        /// As [`read`](Self::read), into several buffers one after the other.
        ///
        /// Cancel safe.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read).
        pub fn read_vectored<'a>(
            &'a self,
            bufs: &'a mut [IoSliceMut<'_>],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source().read_vectored(bufs)
        }

        /// Fills `buf` and returns its length.
        ///
        /// Not cancel safe: what was read before is in `buf`, but how much that is, is lost.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read), and `UnexpectedEof` where the stream ends before.
        pub async fn read_exact(&self, buf: &mut [u8]) -> io::Result<usize> {
            let mut done = 0;
            while done < buf.len() {
                match self.read(&mut buf[done..]).await? {
                    0 => return Err($crate::net::methods::ended_early(done, buf.len())),
                    count => done += count,
                }
            }
            Ok(done)
        }

        /// Appends everything up to the end of the stream to `buf` and returns how much that was.
        ///
        /// When cancelled, what was read before stays in `buf`.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read); what was read before stays in `buf`.
        pub async fn read_to_end(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
            let before = buf.len();
            loop {
                let mut room = $crate::net::room::Room::new(buf);
                let count = self.read(room.get()).await?;
                room.keep(count);
                if count == 0 {
                    return Ok(buf.len() - before);
                }
            }
        }

        /// Appends everything up to the end of the stream to `text` and returns how many bytes that
        /// was.
        ///
        /// Not cancel safe: what was read before is lost.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read), and `InvalidData` where it is not UTF-8; `text` is unchanged
        /// then.
        pub async fn read_to_string(&self, text: &mut String) -> io::Result<usize> {
            let mut bytes = Vec::new();
            self.read_to_end(&mut bytes).await?;
            let new = String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            text.push_str(&new);
            Ok(new.len())
        }

        /// Reads without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where nothing has arrived; else as [`read`](Self::read).
        pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
            self.source().try_run(Direction::Read, |mut inner| inner.read(buf))
        }

        /// Reads into several buffers without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where nothing has arrived; else as [`read`](Self::read).
        pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            self.source().try_read_vectored(bufs)
        }

        /// Waits until a read is worth a try: there may be data, the end of the stream, or an error.
        ///
        /// Cancel safe. It may return with nothing there; follow it with
        /// [`try_read`](Self::try_read), which then says `WouldBlock`, and wait again.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub async fn readable(&self) -> io::Result<()> {
            self.source().registration().ready($crate::io::Interest::READABLE).await.map(drop)
        }

        /// As [`readable`](Self::readable), for the one task that polls for reading.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.source().registration().poll_ready(cx, Direction::Read).map_ok(drop)
        }
    };
}

/// Writing methods, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! writing {
    () => {
        /// Writes as much of `buf` as there is room for, and returns how much.
        ///
        /// Cancel safe: nothing is written unless it returns. Never raises SIGPIPE.
        ///
        /// # Errors
        ///
        /// What the system says about the connection (`BrokenPipe` and `ConnectionReset` where the
        /// peer has gone), or that the runtime has been shut down.
        pub fn write<'a>(
            &'a self,
            buf: &'a [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source().write(buf)
        }

        /// As [`write`](Self::write), from several buffers one after the other.
        ///
        /// Cancel safe. Never raises SIGPIPE.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        pub fn write_vectored<'a>(
            &'a self,
            bufs: &'a [IoSlice<'_>],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source().write_vectored(bufs)
        }

        /// Writes all of `buf`.
        ///
        /// Not cancel safe: an unknown part may have been written. Never raises SIGPIPE.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write), and `WriteZero` where the system takes nothing any more.
        pub async fn write_all(&self, buf: &[u8]) -> io::Result<()> {
            let mut left = buf;
            while !left.is_empty() {
                match self.write(left).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    count => left = &left[count..],
                }
            }
            Ok(())
        }

        /// Does nothing: what was written is with the system already. It is here for code that
        /// flushes whatever it writes to.
        ///
        /// Cancel safe; it never waits.
        ///
        /// # Errors
        ///
        /// None.
        pub async fn flush(&self) -> io::Result<()> {
            Ok(())
        }

        /// Writes without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where there is no room; else as [`write`](Self::write).
        pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
            let source = self.source();
            source.try_run(Direction::Write, |_| source.send(buf))
        }

        /// Writes from several buffers without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where there is no room; else as [`write`](Self::write).
        pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            let source = self.source();
            source.try_run(Direction::Write, |_| source.send_vectored(bufs))
        }

        /// Waits until a write is worth a try: there may be room, or an error.
        ///
        /// Cancel safe. It may return with no room there; follow it with
        /// [`try_write`](Self::try_write), which then says `WouldBlock`, and wait again.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub async fn writable(&self) -> io::Result<()> {
            self.source().registration().ready($crate::io::Interest::WRITABLE).await.map(drop)
        }

        /// As [`writable`](Self::writable), for the one task that polls for writing.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.source().registration().poll_ready(cx, Direction::Write).map_ok(drop)
        }
    };
}

/// How a socket's writing side ends, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! ending {
    () => {
        /// Ends the writing side: the peer reads the end of the stream after what was written.
        ///
        /// Cancel safe; it never waits.
        ///
        /// # Errors
        ///
        /// What the system says; a peer that has already gone is no error.
        pub async fn shutdown(&self) -> io::Result<()> {
            $crate::source::Stream::finish(self.source().get())
        }
    };
}

/// Poll functions for reading, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! polling_reads {
    () => {
        /// As [`read`](Self::read), for the one task that polls for reading: a later call replaces
        /// the waker of the one before.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read).
        pub fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            self.source().poll_read(cx, buf)
        }

        /// As [`read_vectored`](Self::read_vectored), for the one task that polls for reading.
        ///
        /// # Errors
        ///
        /// As [`read`](Self::read).
        pub fn poll_read_vectored(
            &self,
            cx: &mut Context<'_>,
            bufs: &mut [IoSliceMut<'_>],
        ) -> Poll<io::Result<usize>> {
            self.source().poll_read_vectored(cx, bufs)
        }
    };
}

/// Poll functions for writing, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! polling_writes {
    () => {
        /// As [`write`](Self::write), for the one task that polls for writing: a later call replaces
        /// the waker of the one before.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        pub fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.source().poll_write(cx, buf)
        }

        /// As [`write_vectored`](Self::write_vectored), for the one task that polls for writing.
        ///
        /// # Errors
        ///
        /// As [`write`](Self::write).
        pub fn poll_write_vectored(
            &self,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.source().poll_write_vectored(cx, bufs)
        }
    };
}

/// Operations of the user's own, for a type with a field `source`.
macro_rules! own_operations {
    () => {
        /// Waits for `interest` and runs `op`, a system call that this type has no method for, until it
        /// says something else than `WouldBlock`.
        ///
        /// Cancel safe: where `op` succeeds, this returns in the same poll.
        ///
        /// # Errors
        ///
        /// `op`'s; that the runtime has been shut down; `InvalidInput` for both directions at once.
        pub async fn async_io<R>(
            &self,
            interest: $crate::io::Interest,
            op: impl FnMut() -> io::Result<R>,
        ) -> io::Result<R> {
            self.source.registration().run_own(interest.for_one_operation()?, op).await
        }

        /// Runs `op` once, if any part of `interest` is ready. Where it says `WouldBlock` the readiness
        /// is cleared, so that the next wait waits.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where nothing is ready, without a call of `op`; else as
        /// [`async_io`](Self::async_io).
        pub fn try_io<R>(
            &self,
            interest: $crate::io::Interest,
            op: impl FnOnce() -> io::Result<R>,
        ) -> io::Result<R> {
            self.source.registration().try_run(interest.for_one_operation()?, op)
        }
    };
}

/// Waiting for several things at once, for a type with a method `source(&self) -> &Source<_>`.
macro_rules! readiness {
    () => {
        /// Waits until any part of `interest` is ready, and says which: so one task can read and write
        /// as it comes.
        ///
        /// Cancel safe. What is said to be ready may turn out not to be: before the first operation,
        /// and where another task was faster. Follow it with the `try_` methods; one that says
        /// `WouldBlock` clears what it has tried, and the next wait waits. Of what was not asked for,
        /// nothing is said, save that the peer has closed its side of what was.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub async fn ready(&self, interest: $crate::io::Interest) -> io::Result<$crate::io::Ready> {
            let seen = self.source().registration().ready(interest).await?;
            Ok(interest.told(seen))
        }
    };
}

/// What every socket can do as a descriptor, for a type with a field `source` and the standard
/// library's counterpart.
macro_rules! descriptor {
    ($socket:ident, $std:ty) => {
        impl fmt::Debug for $socket {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.source.fmt(f)
            }
        }

        impl AsFd for $socket {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.source.get().as_fd()
            }
        }

        impl AsRawFd for $socket {
            fn as_raw_fd(&self) -> RawFd {
                self.source.get().as_raw_fd()
            }
        }

        impl TryFrom<$std> for $socket {
            type Error = io::Error;

            /// As `from_std`.
            fn try_from(socket: $std) -> io::Result<Self> {
                Self::from_std(socket)
            }
        }

        impl From<$socket> for OwnedFd {
            fn from(socket: $socket) -> Self {
                socket.source.into_inner().into()
            }
        }
    };
}

pub(crate) use {
    descriptor, ending, own_operations, polling_reads, polling_writes, readiness, reading, writing,
};

use std::io;

pub(crate) fn ended_early(done: usize, wanted: usize) -> io::Error {
    let text = format!("the stream ended after {done} of {wanted} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

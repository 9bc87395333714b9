//! The traits of other crates, each behind its feature: futures-io, tokio's, hyper's.

#![allow(unused_imports, unused_macros, reason = "each feature uses its part")]

use crate::{
    net::{self, TcpStream, UnixStream, pipes},
    source::Stream,
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Calls `$with` for all that can be read.
macro_rules! each_reader {
    ($with:ident) => {
        $with!(TcpStream, UnixStream);
        $with!(net::tcp::ReadHalf<'_>, net::tcp::OwnedReadHalf);
        $with!(net::unix::ReadHalf<'_>, net::unix::OwnedReadHalf);
        $with!(pipes::Receiver, crate::process::ChildStdout, crate::process::ChildStderr);
    };
}

/// Implements `$writer`, whose end of writing is called `$close`, for all that can be written. What only
/// some of the traits ask for is in a macro of their module's, `more`.
macro_rules! each_writer {
    ($writer:ident, $close:ident) => {
        each_writer!($writer, $close: TcpStream, UnixStream);
        each_writer!($writer, $close: net::tcp::WriteHalf<'_>, net::tcp::OwnedWriteHalf);
        each_writer!($writer, $close: net::unix::WriteHalf<'_>, net::unix::OwnedWriteHalf);
        each_writer!($writer, $close: pipes::Sender, crate::process::ChildStdin);
    };
    ($writer:ident, $close:ident: $($kind:ty),*) => {$(
        impl $writer for $kind {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.source().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.source().poll_write_vectored(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn $close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.source().get().finish())
            }

            more!();
        }
    )*};
}

#[cfg(feature = "futures-io")]
mod futures {
    use super::*;
    use futures_io::{AsyncRead, AsyncWrite};

    macro_rules! reads {
        ($($kind:ty),*) => {$(
            impl AsyncRead for $kind {
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buf: &mut [u8],
                ) -> Poll<io::Result<usize>> {
                    self.source().poll_read(cx, buf)
                }

                fn poll_read_vectored(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    bufs: &mut [IoSliceMut<'_>],
                ) -> Poll<io::Result<usize>> {
                    self.source().poll_read_vectored(cx, bufs)
                }
            }
        )*};
    }

    macro_rules! more {
        () => {};
    }

    each_reader!(reads);
    each_writer!(AsyncWrite, poll_close);
}

#[cfg(feature = "tokio-io")]
mod tokio {
    use super::*;
    use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    macro_rules! reads {
        ($($kind:ty),*) => {$(
            impl AsyncRead for $kind {
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    buf: &mut ReadBuf<'_>,
                ) -> Poll<io::Result<()>> {
                    // SAFETY: a receive only ever writes into the bytes, so none is made
                    // uninitialised again.
                    let room = unsafe { buf.unfilled_mut() };
                    let count = ready!(self.source().poll_recv(cx, room))?;
                    // SAFETY: the system has written the first `count` bytes.
                    unsafe { buf.assume_init(count) };
                    buf.advance(count);
                    Poll::Ready(Ok(()))
                }
            }
        )*};
    }

    macro_rules! more {
        () => {
            fn is_write_vectored(&self) -> bool {
                true
            }
        };
    }

    each_reader!(reads);
    each_writer!(AsyncWrite, poll_shutdown);
}

#[cfg(feature = "hyper")]
mod hyper {
    use super::*;
    use ::hyper::rt::{Read, ReadBufCursor, Write};

    macro_rules! reads {
        ($($kind:ty),*) => {$(
            impl Read for $kind {
                fn poll_read(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                    mut buf: ReadBufCursor<'_>,
                ) -> Poll<io::Result<()>> {
                    // SAFETY: a receive only ever writes into the bytes, so none is made
                    // uninitialised again.
                    let room = unsafe { buf.as_mut() };
                    let count = ready!(self.source().poll_recv(cx, room))?;
                    // SAFETY: the system has written the first `count` bytes.
                    unsafe { buf.advance(count) };
                    Poll::Ready(Ok(()))
                }
            }
        )*};
    }

    macro_rules! more {
        () => {
            fn is_write_vectored(&self) -> bool {
                true
            }
        };
    }

    each_reader!(reads);
    each_writer!(Write, poll_shutdown);
}

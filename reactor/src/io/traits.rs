//! What can be read and written piece by piece.

use crate::{
    net::{self, TcpStream, UnixStream, pipes},
    process,
    source::Stream,
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// What can be read by one task.
pub trait AsyncRead {
    /// Reads at most as much as `buf` holds and returns how much; 0 at the end. Where there is
    /// nothing yet, the task is woken when there may be.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>>;
}

/// What can be written by one task.
pub trait AsyncWrite {
    /// Writes as much of `buf` as there is room for and returns how much. Where there is none, the
    /// task is woken when there may be.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>>;

    /// Passes on what is held back, if anything is.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing: the other side reads the end after what was written.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

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
        }
    )*};
}

macro_rules! writes {
    ($($kind:ty),*) => {$(
        impl AsyncWrite for $kind {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.source().poll_write(cx, buf)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.source().get().finish())
            }
        }
    )*};
}

reads!(TcpStream, &TcpStream, UnixStream, &UnixStream);
reads!(net::tcp::ReadHalf<'_>, net::tcp::OwnedReadHalf);
reads!(net::unix::ReadHalf<'_>, net::unix::OwnedReadHalf);
reads!(pipes::Receiver, &pipes::Receiver, process::ChildStdout, process::ChildStderr);
writes!(TcpStream, &TcpStream, UnixStream, &UnixStream);
writes!(net::tcp::WriteHalf<'_>, net::tcp::OwnedWriteHalf);
writes!(net::unix::WriteHalf<'_>, net::unix::OwnedWriteHalf);
writes!(pipes::Sender, &pipes::Sender, process::ChildStdin);

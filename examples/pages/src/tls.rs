//! TLS over any stream that speaks hyper's `rt` traits: rustls does the talking, this carries the
//! bytes. It serves both ends; the site of the demo uses it as a server.

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use rustls::Connection;
use std::{
    future::poll_fn,
    io::{self, BufRead, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A TLS connection over the stream `S`.
#[derive(Debug)]
pub struct TlsStream<S> {
    io: S,
    tls: Connection,
}

impl<S: Read + Write + Unpin> TlsStream<S> {
    /// Does the handshake over a connected stream.
    ///
    /// `tls` is a `rustls::ClientConnection` or a `rustls::ServerConnection`.
    ///
    /// Cancel safe in the sense that dropping the future closes the stream.
    ///
    /// # Errors
    ///
    /// The stream's own, `UnexpectedEof` where the peer hangs up, and `InvalidData` around a
    /// [`rustls::Error`] where the two do not agree.
    pub async fn handshake(io: S, tls: impl Into<Connection>) -> io::Result<Self> {
        let mut stream = Self { io, tls: tls.into() };
        poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.is_handshaking() {
            ready!(self.poll_drain(cx))?;
            // The last message of a handshake may be ours.
            if self.tls.is_handshaking() && ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
        self.poll_drain(cx)
    }

    /// Reads some TLS records from the stream; 0 means that it has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = match self.tls.read_tls(&mut Blocking { io: &mut self.io, cx }) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if let Err(error) = self.tls.process_new_packets() {
            // The peer is told why, if it takes the message at once.
            let _ = self.poll_drain(cx);
            return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(count))
    }

    /// Writes all waiting TLS records to the stream.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Blocking { io: &mut self.io, cx }) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }
}

impl<S: Read + Write + Unpin> Read for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            // Not WouldBlock: plain text, or the end of it, orderly (empty) or not (an error).
            let mut reader = this.tls.reader();
            match reader.fill_buf() {
                Ok(plain) => {
                    let count = plain.len().min(buf.remaining());
                    buf.put_slice(&plain[..count]);
                    reader.consume(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(this.poll_fill(cx))?;
            // Answers of the protocol's own, such as to a key update, wait for no write of ours.
            if let Poll::Ready(Err(error)) = this.poll_drain(cx) {
                return Poll::Ready(Err(error));
            }
        }
    }
}

impl<S: Read + Write + Unpin> Write for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            // rustls takes nothing while its buffer is full.
            let taken = io::Write::write(&mut this.tls.writer(), buf)?;
            match this.poll_drain(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                _ if taken > 0 || buf.is_empty() => return Poll::Ready(Ok(taken)),
                Poll::Ready(Ok(())) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Said once, however often this is polled: rustls keeps count.
        this.tls.send_close_notify();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

/// A stream as rustls wants it: one that says `WouldBlock` where it would be pending.
struct Blocking<'a, 'cx, S> {
    io: &'a mut S,
    cx: &'a mut Context<'cx>,
}

impl<S: Read + Unpin> io::Read for Blocking<'_, '_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        match Pin::new(&mut *self.io).poll_read(self.cx, buf.unfilled()) {
            Poll::Ready(Ok(())) => Ok(buf.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: Write + Unpin> io::Write for Blocking<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.io).poll_write(self.cx, buf) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Copying from one side to the other, and both ways at once.

use super::{AsyncRead, AsyncWrite};
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

const BUFFER: usize = 16 * 1024;

/// Copies everything up to `reader`'s end to `writer`, flushes it, and returns how many bytes that
/// was. Neither side is shut down.
///
/// Not cancel safe: what was read but not yet written is lost.
///
/// # Errors
///
/// The first error of either side; `WriteZero` where the writer takes nothing any more.
pub async fn copy<R, W>(reader: &mut R, writer: &mut W) -> io::Result<u64>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut pump = Pump::new();
    poll_fn(|cx| pump.poll(cx, Pin::new(reader), Pin::new(writer), false)).await
}

/// Copies both ways until both have ended, and returns how many bytes went from `a` to `b` and from
/// `b` to `a`. Where one side's reading ends, the other's writing is shut down, and the other way
/// goes on.
///
/// Not cancel safe: what was read but not yet written is lost.
///
/// # Errors
///
/// The first error of either way; the other is given up.
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut there, mut back) = (Pump::new(), Pump::new());
    poll_fn(|cx| {
        let one = there.poll(cx, Pin::new(&mut *a), Pin::new(&mut *b), true)?;
        let other = back.poll(cx, Pin::new(&mut *b), Pin::new(&mut *a), true)?;
        match (one, other) {
            (Poll::Ready(one), Poll::Ready(other)) => Poll::Ready(Ok((one, other))),
            _ => Poll::Pending,
        }
    })
    .await
}

/// One way. It can be polled again after its end, and says the same again.
struct Pump {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    total: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Copying,
    /// The reader has ended; what is in the buffer is still to be written, then flushed.
    Ending,
    Done,
}

impl Pump {
    fn new() -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { buffer, start: 0, end: 0, total: 0, state: State::Copying }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
        shut: bool,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            if self.start < self.end {
                ready!(self.poll_drain(cx, writer.as_mut()))?;
                continue;
            }
            match self.state {
                State::Copying => match reader.as_mut().poll_read(cx, &mut self.buffer)? {
                    Poll::Ready(0) => self.state = State::Ending,
                    Poll::Ready(count) => (self.start, self.end) = (0, count),
                    Poll::Pending => {
                        // Nothing more for now: don't leave the other side without what it has.
                        ready!(writer.as_mut().poll_flush(cx))?;
                        return Poll::Pending;
                    }
                },
                State::Ending => {
                    ready!(if shut {
                        writer.as_mut().poll_shutdown(cx)
                    } else {
                        writer.as_mut().poll_flush(cx)
                    })?;
                    self.state = State::Done;
                }
                State::Done => return Poll::Ready(Ok(self.total)),
            }
        }
    }

    fn poll_drain<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> Poll<io::Result<()>> {
        let count = ready!(writer.poll_write(cx, &self.buffer[self.start..self.end]))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.start += count;
        self.total += count as u64;
        Poll::Ready(Ok(()))
    }
}

//! [`Timeout`]: another future, but not for longer than it may take.

use crate::{Instant, Sleep, sleep, sleep_until};
use std::{
    error, fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use wharf_base::coop;

/// Waits for `future`, but no longer than `duration`.
///
/// The future is polled first: one that is ready at once ends well even where `duration` is zero,
/// and its timer is never armed. What no clock can say, such as `Duration::MAX`, is 30 years.
///
/// # Errors
///
/// [`Elapsed`] where the time is over before the future has ended; the future is dropped with the
/// `Timeout`.
///
/// # Panics
///
/// Panics outside of a runtime, and in a runtime without timers.
///
/// # Cancel safety
///
/// Dropping it drops the future.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { delay: sleep(duration), value: future.into_future() }
}

/// Waits for `future`, but no longer than until `deadline`; otherwise as [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] where `deadline` comes before the future has ended.
///
/// # Panics
///
/// Panics outside of a runtime, and in a runtime without timers.
///
/// # Cancel safety
///
/// Dropping it drops the future.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { delay: sleep_until(deadline), value: future.into_future() }
}

/// The future of [`timeout`] and [`timeout_at`].
///
/// Like the future inside it may be sent to other threads. After its end it is not to be polled again.
///
/// # Panics
///
/// Polling it panics where the future does, and where its runtime has shut down before the limit.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Timeout<F> {
    delay: Sleep,
    /// Pinned with `self`.
    value: F,
}

impl<F> Timeout<F> {
    /// The future inside.
    pub fn get_ref(&self) -> &F {
        &self.value
    }

    /// The future inside.
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.value
    }

    /// The future without its limit.
    pub fn into_inner(self) -> F {
        self.value
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `value` is never moved out of a pinned `Timeout`: the methods that give it out
        // take it unpinned, and there is no `Drop` and no `Unpin` save the automatic ones.
        let (value, delay) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.value), Pin::new(&mut this.delay))
        };
        let had_budget = coop::has_budget_remaining();
        if let Poll::Ready(value) = value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        // A future that eats up the budget at each poll must not keep its own limit from ending it.
        let over = if had_budget && !coop::has_budget_remaining() {
            coop::with_unlimited(|| delay.poll(cx))
        } else {
            delay.poll(cx)
        };
        over.map(|()| Err(Elapsed(())))
    }
}

/// The time was over before the future had ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

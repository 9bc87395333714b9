//! [`Sleep`]: waits for a moment.

use crate::{
    Instant,
    seat::{Found, NotArmed, Seat},
    timers::{is_own_seat, own_seat, seat_here},
    wheel::Key,
};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use wharf_base::coop;

/// Waits for `duration`. Zero is over at once; what no clock can say, such as `Duration::MAX`, is
/// 30 years.
///
/// It never ends early. On a worker that has nothing else to do, it ends some microseconds late.
///
/// # Panics
///
/// Panics outside of a runtime, and in a runtime without timers.
///
/// # Cancel safety
///
/// Dropping it ends the wait and nothing else.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(Instant::now().add_or_far_future(duration), duration > FAR)
}

/// Waits until `deadline`. A moment in the past is over at once.
///
/// # Panics
///
/// Panics outside of a runtime, and in a runtime without timers.
///
/// # Cancel safety
///
/// Dropping it ends the wait and nothing else.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, false)
}

/// A sleep of more than this is armed without another look at the clock: one costs as much as arming
/// does. Where it was made so much earlier than polled that it is due, it is over at once if its seat has
/// seen that time, and else ends with the next look for due timers.
const FAR: Duration = Duration::from_millis(1);

/// The future of [`sleep`] and [`sleep_until`].
///
/// It belongs to the runtime that it was made in and may be polled, moved, reset and dropped on any
/// thread. Polling it again after it has ended is allowed; it stays ended until it is
/// [`reset`](Self::reset).
///
/// # Panics
///
/// Polling it panics where its runtime has shut down before the deadline.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    deadline: Instant,
    seat: Arc<Seat>,
    /// The timer, while it is armed or has fired unseen.
    key: Option<Key>,
    ended: bool,
    /// The deadline was far off when it was set, a look at the clock ago.
    far: bool,
}

impl Sleep {
    #[inline]
    #[track_caller]
    fn new(deadline: Instant, far: bool) -> Sleep {
        Sleep { deadline, seat: seat_here(), key: None, ended: false, far }
    }

    /// The moment that is waited for.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the moment has come.
    pub fn is_elapsed(&self) -> bool {
        self.ended || self.is_due()
    }

    /// Waits for `deadline` instead. Whoever waits already is woken then, without polling again.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.get_mut();
        this.deadline = deadline;
        this.ended = false;
        this.far = false;
        let Some(key) = &this.key else { return };
        let nanos = this.nanos();
        if !this.seat.rearm(key, nanos, is_own_seat(&this.seat)) {
            // It has fired: its task has been woken, and will arm it anew when it polls.
            this.disarm();
        }
    }

    fn nanos(&self) -> u64 {
        self.seat.shared.clock.nanos(self.deadline.into_std())
    }

    fn is_due(&self) -> bool {
        self.deadline.into_std() <= self.seat.shared.clock.now()
    }

    fn disarm(&mut self) -> Option<Waker> {
        self.key.take().and_then(|key| self.seat.cancel(key))
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended {
            return Poll::Ready(());
        }
        if self.key.is_some() {
            match self.seat.poll_fired(&mut self.key, cx.waker()) {
                Found::Waiting => return Poll::Pending,
                Found::Closed if !self.is_due() => shut_down(),
                Found::Fired | Found::Closed => {}
            }
        } else if self.far || !self.is_due() {
            ready!(self.arm(cx.waker()));
        }
        self.ended = true;
        Poll::Ready(())
    }

    /// Ready where that is not necessary: it is due.
    fn arm(&mut self, waker: &Waker) -> Poll<()> {
        let mut by_owner = is_own_seat(&self.seat);
        if !by_owner {
            if let Some(own) = own_seat(&self.seat.shared) {
                self.seat = own;
                by_owner = true;
            }
        }
        match self.seat.arm(self.nanos(), waker.clone(), by_owner) {
            Ok(key) => self.key = Some(key),
            Err(NotArmed::Due) => return Poll::Ready(()),
            Err(NotArmed::Closed) => shut_down(),
        }
        Poll::Pending
    }
}

#[cold]
fn shut_down() -> ! {
    panic!("the runtime that this timer was made in has shut down; poll timers while it runs")
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let progress = ready!(coop::poll_proceed(cx));
        let done = self.get_mut().poll_elapsed(cx);
        if done.is_ready() {
            progress.made();
        }
        done
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

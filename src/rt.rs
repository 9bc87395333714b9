//! What hyper asks of a runtime beside sockets: an executor for its tasks and a timer.

use crate::time::{Sleep, sleep, sleep_until};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Spawns hyper's tasks onto the current runtime, detached.
///
/// # Panics
///
/// `execute` panics outside a runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        drop(crate::spawn(future));
    }
}

/// hyper's timer on the current runtime's timers.
///
/// # Panics
///
/// Its sleeps panic outside a runtime with timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep { sleep: sleep(duration) })
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep { sleep: sleep_until(deadline.into()) })
    }

    /// By the same clock as the sleeps, which may be paused.
    fn now(&self) -> Instant {
        crate::time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(ours) => ours.sleep().reset(deadline.into()),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

struct HyperSleep {
    sleep: Sleep,
}

impl HyperSleep {
    fn sleep(self: Pin<&mut Self>) -> Pin<&mut Sleep> {
        // SAFETY: the sleep is pinned with `self`: nothing here moves it out, and `HyperSleep` has
        // neither a `Drop` nor an `Unpin` of its own.
        unsafe { self.map_unchecked_mut(|this| &mut this.sleep) }
    }
}

impl Future for HyperSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep().poll(cx)
    }
}

impl hyper::rt::Sleep for HyperSleep {}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::rt::Timer as _;

    /// hyper counts its deadlines from what it is told the time is.
    #[test]
    fn the_time_is_that_of_the_clock_that_the_sleeps_go_by() {
        crate::block_on(async {
            crate::time::pause();
            let (hour, start) = (Duration::from_secs(3600), Timer.now());
            Timer.sleep_until(start + hour).await;
            assert_eq!(Timer.now(), start + hour);
            let mut sleep = Timer.sleep(hour);
            Timer.reset(&mut sleep, Timer.now() + 2 * hour);
            sleep.await;
            assert_eq!(Timer.now(), start + 3 * hour);
        });
    }
}

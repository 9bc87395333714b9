//! The cooperative budget: how often a task may find something ready before it has to let others
//! run.
//!
//! The executor gives each poll of a task a budget. What a task can wait for (sockets, timers, join
//! handles, ports) calls [`poll_proceed`] first: with budget left it proceeds and pays one unit if
//! it makes progress; with none left it is pending, and the task is woken at once and runs again
//! after the others. Outside a task the budget is unlimited.

use crate::sync::thread_local;
use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The budget of one poll, in units of progress.
pub const BUDGET: u8 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget(Option<u8>);

const UNLIMITED: Budget = Budget(None);

thread_local! {
    static LEFT: Cell<Budget> = const { Cell::new(UNLIMITED) };
}

/// Runs `f`, one poll of a task, on a fresh budget.
#[inline]
pub fn with_budget<R>(f: impl FnOnce() -> R) -> R {
    with(Budget(Some(BUDGET)), f)
}

/// Runs `f` on an unlimited budget.
#[inline]
pub fn with_unlimited<R>(f: impl FnOnce() -> R) -> R {
    with(UNLIMITED, f)
}

fn with<R>(budget: Budget, f: impl FnOnce() -> R) -> R {
    struct Restore(Budget);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _restore = Restore(LEFT.replace(budget));
    f()
}

/// Takes one unit, to be given back unless progress is made; pending, with the task already woken,
/// where the budget is used up.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<Progress> {
    let before = LEFT.get();
    match before.0 {
        Some(0) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Some(left) => {
            LEFT.set(Budget(Some(left - 1)));
            Poll::Ready(Progress(Some(before)))
        }
        None => Poll::Ready(Progress(None)),
    }
}

/// Whether a call of [`poll_proceed`] would proceed now.
#[inline]
pub fn has_budget_remaining() -> bool {
    LEFT.get().0 != Some(0)
}

/// Spends one unit and lets others run where none is left. Cancel safe.
pub async fn consume_budget() {
    std::future::poll_fn(|cx| {
        ready!(poll_proceed(cx)).made();
        Poll::Ready(())
    })
    .await
}

/// A unit taken from the budget; it goes back when this is dropped without [`made`](Self::made).
#[must_use = "say whether progress was made"]
#[derive(Debug)]
pub struct Progress(Option<Budget>);

impl Progress {
    /// Progress was made: the unit is spent.
    #[inline]
    pub fn made(mut self) {
        self.0 = None;
    }
}

impl Drop for Progress {
    #[inline]
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            LEFT.set(before);
        }
    }
}

/// Makes `future` exempt from the budget: it can then keep a worker for as long as it finds
/// something ready.
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained { future }
}

/// The future of [`unconstrained`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Unconstrained<F> {
    future: F,
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with `self`: it is never moved out, and `Unconstrained` has
        // neither a `Drop` nor an `Unpin` of its own.
        let future = unsafe { self.map_unchecked_mut(|this| &mut this.future) };
        with_unlimited(|| future.poll(cx))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_poll_may_make_progress_exactly_budget_times() {
        let mut cx = Context::from_waker(Waker::noop());
        with_budget(|| {
            for _ in 0..BUDGET {
                match poll_proceed(&mut cx) {
                    Poll::Ready(progress) => progress.made(),
                    Poll::Pending => panic!("budget ended early"),
                }
            }
            assert!(!has_budget_remaining());
            assert!(poll_proceed(&mut cx).is_pending());
            with_unlimited(|| assert!(poll_proceed(&mut cx).is_ready()));
            assert!(poll_proceed(&mut cx).is_pending());
        });
        assert!(poll_proceed(&mut cx).is_ready(), "unlimited outside a task");
    }

    #[test]
    fn no_progress_costs_nothing() {
        let mut cx = Context::from_waker(Waker::noop());
        with_budget(|| {
            for _ in 0..3 * u32::from(BUDGET) {
                assert!(poll_proceed(&mut cx).is_ready());
            }
        });
    }
}

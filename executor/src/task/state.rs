//! The state of a task: one word, and one function that changes it.
//!
//! # Bits
//!
//! | bit | meaning | can NOT be set while |
//! | --- | --- | --- |
//! | `SCHEDULED` | the task is in a queue (or on its way there), or was woken during its poll | - (a late wake of a complete task never sets it) |
//! | `RUNNING` | somebody owns the future: polls it, or drops it | `COMPLETE` |
//! | `COMPLETE` | the future is gone; the output is in its place, or was taken | `RUNNING`; never cleared |
//! | `CANCELLED` | the future is to be dropped instead of polled | - ; never cleared |
//! | `JOIN_INTEREST` | the `JoinHandle` lives; the output is its to take or drop | never set again once cleared |
//! | `JOIN_WAKER` | the join waker's cell is full and is the completer's to take | `JOIN_INTEREST` is clear and `COMPLETE` is not set |
//!
//! Above the bits stands the count of references: one for each waker, for the `JoinHandle`, for
//! each `AbortHandle`, for the place in a queue (which the poll inherits) and for the place in the
//! registry of live tasks.
//!
//! # Transitions
//!
//! ```text
//!            wake (1)            start (2)             finish (4)
//!   idle ------------> SCHEDULED ---------> RUNNING ------------> COMPLETE
//!    ^                     ^                 |  |  ^
//!    |      pause (3)      |     pause (3)   |  |  | wake (1): adds SCHEDULED, no queue
//!    +-------------------- | ----------------+  +--+
//!                          +---- woken meanwhile, or by itself (`current.rs`)
//! ```
//!
//! 1. [`State::wake_by_ref`], [`State::wake_by_val`], and [`State::abort`], which adds `CANCELLED`
//! 2. [`State::start`]; or [`State::seize`], the way of a shutdown, from idle and `SCHEDULED` alike
//! 3. [`State::pause`]
//! 4. [`State::finish`]
//!
//! # Orderings
//!
//! Every change is a read-modify-write with `AcqRel`, so all changes of one task are in one order,
//! and each sees what happened before all earlier ones: what a waker did before its wake is seen
//! by the poll that follows, the future left by one poll is seen by the next, the output by the
//! join. Only a new reference is counted with `Relaxed`: it is made from one that exists.

use wharf_base::sync::atomic::{AtomicUsize, Ordering::*};

pub(crate) const SCHEDULED: usize = 1;
pub(crate) const RUNNING: usize = 1 << 1;
pub(crate) const COMPLETE: usize = 1 << 2;
pub(crate) const CANCELLED: usize = 1 << 3;
pub(crate) const JOIN_INTEREST: usize = 1 << 4;
pub(crate) const JOIN_WAKER: usize = 1 << 5;
/// One reference.
pub(crate) const REF: usize = 1 << 6;

/// What a wake has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The task is on its way already, or done.
    Nothing,
    /// Put the task into a queue; the queue's reference is counted.
    Schedule,
    /// That was the last reference: free the task.
    Free,
}

/// What whoever took a task from a queue has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The future is ours: poll it.
    Poll,
    /// The future is ours: drop it.
    Cancel,
    /// Somebody else has ended the task: let the queue's reference go.
    Dead,
}

/// What is to be done after a poll that was pending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The task waits; the queue's reference is gone.
    Idle,
    /// The task was woken meanwhile: back into a queue, with the reference it came with.
    Again,
    /// The task was cancelled meanwhile; it is still ours: drop the future.
    Cancel,
}

/// How the join handle stands to a completed task.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finish {
    /// The output is the handle's; otherwise the completer's, to be dropped.
    pub(crate) join_interest: bool,
    /// The join waker is the completer's, to be woken.
    pub(crate) join_waker: bool,
}

/// What a dropped `JoinHandle` has to clean up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeaveJoin {
    /// The output is the handle's, unless it has taken it.
    pub(crate) output: bool,
    /// The waker in the cell is the handle's.
    pub(crate) waker: bool,
}

pub(crate) struct State(AtomicUsize);

impl State {
    /// A task that is about to be queued, with a handle to join it.
    pub(crate) fn new(references: usize) -> Self {
        Self(AtomicUsize::new(SCHEDULED | JOIN_INTEREST | (references * REF)))
    }

    /// The one place where the word changes (references apart): `step` names the word to come, if
    /// it is to change, and the action that this asks for.
    #[inline(always)]
    fn transition<A>(&self, mut step: impl FnMut(usize) -> (Option<usize>, A)) -> A {
        // Acquire: pairs with the release of the last change (see "Orderings").
        let mut now = self.0.load(Acquire);
        loop {
            let (next, action) = step(now);
            let Some(next) = next else { return action };
            // AcqRel / Acquire: pairs with itself in all other transitions.
            match self.0.compare_exchange_weak(now, next, AcqRel, Acquire) {
                Ok(_) => return action,
                Err(changed) => now = changed,
            }
        }
    }

    /// Wakes, keeping the caller's reference. Never [`Wake::Free`].
    #[inline]
    pub(crate) fn wake_by_ref(&self) -> Wake {
        self.transition(|now| {
            if now & COMPLETE != 0 {
                (None, Wake::Nothing)
            } else if now & (SCHEDULED | RUNNING) != 0 {
                // Written even if nothing changes: the release is what the coming poll acquires.
                (Some(now | SCHEDULED), Wake::Nothing)
            } else {
                (Some((now | SCHEDULED) + REF), Wake::Schedule)
            }
        })
    }

    /// Wakes and gives the caller's reference away, to the queue where there is need.
    #[inline]
    pub(crate) fn wake_by_val(&self) -> Wake {
        self.transition(|now| {
            if now & (COMPLETE | SCHEDULED | RUNNING) == 0 {
                return (Some(now | SCHEDULED), Wake::Schedule);
            }
            let next = if now & COMPLETE != 0 { now } else { now | SCHEDULED } - REF;
            (Some(next), if next < REF { Wake::Free } else { Wake::Nothing })
        })
    }

    /// Asks for the task's end. Never [`Wake::Free`].
    pub(crate) fn abort(&self) -> Wake {
        self.transition(|now| {
            if now & (COMPLETE | CANCELLED) != 0 {
                (None, Wake::Nothing)
            } else if now & (SCHEDULED | RUNNING) != 0 {
                (Some(now | SCHEDULED | CANCELLED), Wake::Nothing)
            } else {
                (Some((now | SCHEDULED | CANCELLED) + REF), Wake::Schedule)
            }
        })
    }

    /// Takes the future of a task that came out of a queue.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        self.transition(|now| {
            if now & (RUNNING | COMPLETE) != 0 {
                // A shutdown has seized it.
                return (None, Start::Dead);
            }
            debug_assert!(now & SCHEDULED != 0, "a task in a queue is scheduled");
            let next = (now & !SCHEDULED) | RUNNING;
            (Some(next), if now & CANCELLED != 0 { Start::Cancel } else { Start::Poll })
        })
    }

    /// Takes the future wherever the task stands, to drop it; `false` where somebody runs it just
    /// now, who will then drop it.
    pub(crate) fn seize(&self) -> bool {
        self.transition(|now| {
            if now & COMPLETE != 0 {
                (None, false)
            } else if now & RUNNING != 0 {
                (Some(now | CANCELLED | SCHEDULED), false)
            } else {
                (Some((now & !SCHEDULED) | RUNNING | CANCELLED), true)
            }
        })
    }

    /// Gives the future back after a poll that was pending. `woken`: the task has woken itself, and
    /// the state does not say so yet.
    #[inline]
    pub(crate) fn pause(&self, woken: bool) -> Pause {
        self.transition(|now| {
            debug_assert!(
                now & RUNNING != 0 && now & COMPLETE == 0,
                "only its runner pauses a task"
            );
            if now & CANCELLED != 0 {
                (None, Pause::Cancel)
            } else if woken || now & SCHEDULED != 0 {
                (Some((now & !RUNNING) | SCHEDULED), Pause::Again)
            } else {
                debug_assert!(now >= 2 * REF, "the books hold a task that is not complete");
                (Some((now & !RUNNING) - REF), Pause::Idle)
            }
        })
    }

    /// The future is gone and the output is in its place.
    #[inline]
    pub(crate) fn finish(&self) -> Finish {
        self.transition(|now| {
            debug_assert!(now & RUNNING != 0 && now & COMPLETE == 0, "only its runner ends a task");
            let finish = Finish {
                join_interest: now & JOIN_INTEREST != 0,
                join_waker: now & JOIN_WAKER != 0,
            };
            (Some((now & !(RUNNING | SCHEDULED)) | COMPLETE), finish)
        })
    }

    /// The join waker's cell was filled: gives it to the completer. `false` if the task is done, in
    /// which case the cell stays the handle's.
    pub(crate) fn offer_join_waker(&self) -> bool {
        self.transition(|now| {
            if now & COMPLETE != 0 { (None, false) } else { (Some(now | JOIN_WAKER), true) }
        })
    }

    /// Takes the join waker's cell back. `false` if the task is done, in which case it is the
    /// completer's.
    pub(crate) fn retract_join_waker(&self) -> bool {
        self.transition(|now| {
            if now & COMPLETE != 0 { (None, false) } else { (Some(now & !JOIN_WAKER), true) }
        })
    }

    /// The join handle goes; its reference is to be dropped afterwards.
    #[inline]
    pub(crate) fn leave_join(&self) -> LeaveJoin {
        self.transition(|now| {
            if now & COMPLETE != 0 {
                (Some(now & !JOIN_INTEREST), LeaveJoin { output: true, waker: false })
            } else {
                let leave = LeaveJoin { output: false, waker: now & JOIN_WAKER != 0 };
                (Some(now & !(JOIN_INTEREST | JOIN_WAKER)), leave)
            }
        })
    }

    /// [`leave_join`](Self::leave_join) and the drop of the reference in one step, for a handle
    /// dropped right after the spawn. `false` if more is to be done than that.
    #[inline]
    pub(crate) fn leave_join_at_once(&self) -> bool {
        // Relaxed: a guess, checked by the exchange.
        let now = self.0.load(Relaxed);
        if now & (COMPLETE | JOIN_WAKER) != 0 || now < 2 * REF {
            return false;
        }
        // Release: what the handle's owner did stays before the task's end. Nothing is read after.
        self.0.compare_exchange(now, (now & !JOIN_INTEREST) - REF, Release, Relaxed).is_ok()
    }

    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        // Acquire: pairs with `finish`, so that a reader may take the output.
        self.0.load(Acquire) & COMPLETE != 0
    }

    #[inline]
    pub(crate) fn has_join_interest(&self) -> bool {
        // Acquire: pairs with `leave_join`, so that the completer may drop the output.
        self.0.load(Acquire) & JOIN_INTEREST != 0
    }

    pub(crate) fn has_join_waker(&self) -> bool {
        // Relaxed: only the join handle sets the bit, and only it asks.
        self.0.load(Relaxed) & JOIN_WAKER != 0
    }

    /// Counts one more reference.
    #[inline]
    pub(crate) fn add_reference(&self) {
        // Relaxed: made from a reference that exists (see "Orderings").
        let before = self.0.fetch_add(REF, Relaxed);
        if before > usize::MAX / 2 {
            // More references than memory can hold: leaked ones. Going on would free too early.
            std::process::abort();
        }
    }

    /// Drops `count` references; whether they were the last.
    #[inline]
    pub(crate) fn drop_references(&self, count: usize) -> bool {
        // AcqRel: pairs with itself: who frees has seen all that others did with the task.
        let before = self.0.fetch_sub(count * REF, AcqRel);
        debug_assert!(before >= count * REF, "more references dropped than were made");
        before < (count + 1) * REF
    }

    /// Whether `count` references are all there are: nobody else can make one.
    #[inline]
    pub(crate) fn is_unshared(&self, count: usize) -> bool {
        // Acquire: pairs with the release of whoever dropped the last other reference.
        self.0.load(Acquire) / REF == count
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Relaxed: for show.
        write!(f, "{:#b}", self.0.load(Relaxed))
    }
}

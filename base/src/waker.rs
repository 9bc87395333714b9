//! A slot for the waker of one waiter, without a lock.
//!
//! One task registers, anybody wakes. The word `state` says who may touch the cell:
//!
//! | state | who owns the cell | may be left by |
//! | --- | --- | --- |
//! | `IDLE` | nobody | `register` to `REGISTERING`, `take` to `TAKING` |
//! | `KEPT` | nobody | as `IDLE`; `take` leaves the bit where it is until its end |
//! | `REGISTERING` | the registering task | its end, to `IDLE` or `KEPT`; a `take` adds `TAKING` and leaves |
//! | `TAKING`, with or without `KEPT` | the taker | its end, to `IDLE` |
//! | `REGISTERING` and `TAKING` | the registering task | its end: it takes the waker itself, then `IDLE` |
//!
//! `KEPT` is `IDLE` with a waker that [`try_register`](WakerSlot::try_register) has left: its task
//! counts on being woken, so whoever puts another waker there has to wake it. It can't be set while
//! the cell is empty and nobody owns it.
//!
//! No wake is lost: a `take` after a finished `register` gets the waker; a `take` during one leaves
//! its bit, and the registering side then wakes for it; a `register` during a `take` wakes its own
//! waker at once. So whoever changes the condition first and then takes, and whoever registers first
//! and then looks at the condition, can't miss each other.

use crate::sync::{
    UnsafeCell,
    atomic::{AtomicUsize, Ordering::*},
    hint,
};
use std::{fmt, task::Waker};

const IDLE: usize = 0;
const REGISTERING: usize = 1;
const TAKING: usize = 2;
const KEPT: usize = 4;

/// A lock-free slot for one [`Waker`].
pub struct WakerSlot {
    state: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: `state` hands the cell to one thread at a time (see the table above), and `Waker` may be
// used from any thread.
unsafe impl Send for WakerSlot {}
// SAFETY: as for `Send`.
unsafe impl Sync for WakerSlot {}

impl WakerSlot {
    /// An empty slot.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { state: AtomicUsize::new(IDLE), waker: UnsafeCell::new(None) }
    }

    /// An empty slot.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { state: AtomicUsize::new(IDLE), waker: UnsafeCell::new(None) }
    }

    /// Leaves `waker` to be woken by the next [`wake`](Self::wake), in place of the one before.
    ///
    /// One task registers at a time; of two that do so at once, one is woken at once and the other
    /// keeps the slot. Look at the awaited condition after registering, not before.
    pub fn register(&self, waker: &Waker) {
        drop(self.replace(waker));
    }

    /// As [`register`](Self::register); returns the waker of a [`try_register`](Self::try_register)
    /// that had to make room. Its task counts on it: wake it.
    #[must_use = "the task of that waker has to be woken"]
    pub fn replace(&self, waker: &Waker) -> Option<Waker> {
        let Ok(before) = self.begin() else {
            // A taker is at work and may have missed us: what it announces, we look at again.
            waker.wake_by_ref();
            hint::spin_loop();
            return None;
        };
        // Dropped only after the cell is free again: a waker's drop is foreign code.
        let old = self.waker.with_mut(|cell| {
            // SAFETY: REGISTERING gives the cell to us.
            let cell = unsafe { &mut *cell };
            match cell {
                Some(kept) if kept.will_wake(waker) => None,
                _ => cell.replace(waker.clone()),
            }
        });
        self.finish(IDLE);
        old.filter(|_| before == KEPT)
    }

    /// Like [`register`](Self::register), but leaves another task's waker where it is and then
    /// says so with `false`: that waiter has to be kept elsewhere.
    ///
    /// `true` where the waker is in the slot, or has been woken because a wake was just going on.
    #[must_use = "where it is false the waker was not left"]
    pub fn try_register(&self, waker: &Waker) -> bool {
        match self.begin() {
            Ok(before) => {
                let kept = self.waker.with_mut(|cell| {
                    // SAFETY: REGISTERING gives the cell to us.
                    let cell = unsafe { &mut *cell };
                    cell.get_or_insert_with(|| waker.clone()).will_wake(waker)
                });
                self.finish(if kept { KEPT } else { before });
                kept
            }
            Err(state) if state & REGISTERING == 0 => {
                waker.wake_by_ref();
                hint::spin_loop();
                true
            }
            // Another task is just registering.
            Err(_) => false,
        }
    }

    /// Takes the cell for a registration, and says which of the two idle states it was in; or in
    /// which state it is.
    fn begin(&self) -> Result<usize, usize> {
        let mut idle = IDLE;
        loop {
            // Acquire: sees the cell as the last owner left it (pairs with the releases in `finish`
            // and `take`), and what a taker announces that is at work.
            match self.state.compare_exchange(idle, REGISTERING, Acquire, Acquire) {
                Ok(before) => return Ok(before),
                Err(now @ (IDLE | KEPT)) => idle = now,
                Err(now) => return Err(now),
            }
        }
    }

    /// Gives the cell free after a registration.
    fn finish(&self, idle: usize) {
        // Release: the next owner sees the cell (pairs with the acquires in `begin` and `take`).
        // Relaxed on failure: the swap below acquires.
        if self.state.compare_exchange(REGISTERING, idle, Release, Relaxed).is_ok() {
            return;
        }
        // A taker came by and left its bit: the cell is still ours, its wake is now our duty.
        // SAFETY: REGISTERING is still set, so the cell is still ours.
        let missed = self.waker.with_mut(|cell| unsafe { (*cell).take() });
        // AcqRel: releases the cell, and acquires what all takers that came by did before (pairs with
        // `take`), so that whoever our wake wakes sees it.
        self.state.swap(IDLE, AcqRel);
        if let Some(waker) = missed {
            waker.wake();
        }
    }

    /// Takes the waker out, if there is one and nobody is just registering or taking it.
    ///
    /// `None` during a registration is no loss: the registering side sees to the wake.
    pub fn take(&self) -> Option<Waker> {
        // AcqRel: what happened before the wake is released to a registering side; the cell's last
        // write is acquired.
        match self.state.fetch_or(TAKING, AcqRel) {
            IDLE | KEPT => {
                // SAFETY: nobody owned the cell, and TAKING came by our hand, so it is ours.
                let waker = self.waker.with_mut(|cell| unsafe { (*cell).take() });
                // Release: the cell is empty for the next owner (pairs with `begin` and `take`).
                self.state.fetch_and(!(TAKING | KEPT), Release);
                waker
            }
            _ => None,
        }
    }

    /// Wakes the waiter, if there is one, and leaves the slot empty.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}

impl Default for WakerSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WakerSlot")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, atomic::AtomicUsize},
        task::Wake,
    };

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn wakes_once_what_was_registered_last() {
        let first = Arc::new(Count(AtomicUsize::new(0)));
        let second = Arc::new(Count(AtomicUsize::new(0)));
        let slot = WakerSlot::new();
        slot.wake();
        slot.register(&first.clone().into());
        slot.register(&second.clone().into());
        slot.wake();
        slot.wake();
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (0, 1));
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1));
    }

    #[test]
    fn try_register_leaves_the_waker_of_another_task() {
        let first = Arc::new(Count(AtomicUsize::new(0)));
        let second = Arc::new(Count(AtomicUsize::new(0)));
        let slot = WakerSlot::new();
        assert!(slot.try_register(&first.clone().into()));
        assert!(!slot.try_register(&second.clone().into()));
        // Who takes its place gets it, to wake it; but not one that has simply been registered.
        let displaced = slot.replace(&second.clone().into()).unwrap();
        assert!(slot.replace(&displaced).is_none());
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (0, 0));
        // The same waker again is the same waiter.
        let again = slot.take().unwrap();
        assert!(slot.try_register(&again));
        assert!(slot.try_register(&again));
        drop(again);
        slot.wake();
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (1, 0));
        assert!(slot.try_register(&second.clone().into()));
        slot.wake();
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (1, 1));
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::{
        future::block_on,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        thread,
    };
    use std::{future::poll_fn, task::Poll};

    fn model(f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(f);
    }

    /// Proves: set then wake, against register then look, never loses the wake (a lost one is a
    /// deadlock to loom). Seen to fail with `register` doing nothing where a taker is at work.
    #[test]
    fn a_wake_against_a_registration_is_never_lost() {
        model(|| {
            let shared = Arc::new((WakerSlot::new(), AtomicBool::new(false)));
            let other = shared.clone();
            let waking = thread::spawn(move || {
                other.1.store(true, Relaxed);
                other.0.wake();
            });
            block_on(poll_fn(|cx| {
                shared.0.register(cx.waker());
                if shared.1.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            }));
            waking.join().unwrap();
        });
    }

    /// Proves: a waker that one task has left with `try_register` is woken, by the waker or by the
    /// task that displaces it. Seen to fail with `try_register` leaving it without `KEPT`.
    #[test]
    fn a_displaced_waiter_is_never_lost() {
        model(|| {
            let shared = Arc::new((WakerSlot::new(), AtomicBool::new(false)));
            let (one, other) = (shared.clone(), shared.clone());
            let displacing = thread::spawn(move || {
                if let Some(displaced) = one.0.replace(Waker::noop()) {
                    one.1.store(true, Relaxed);
                    displaced.wake();
                }
            });
            let waking = thread::spawn(move || {
                other.1.store(true, Relaxed);
                other.0.wake();
            });
            block_on(poll_fn(|cx| {
                let left = shared.0.try_register(cx.waker());
                if shared.1.load(Relaxed) || !left { Poll::Ready(()) } else { Poll::Pending }
            }));
            displacing.join().unwrap();
            waking.join().unwrap();
        });
    }

    /// Proves: two wakers at once touch the cell one at a time, and one of them wakes. Seen to fail with
    /// `take` going on where another takes.
    #[test]
    fn two_takers_against_a_registration() {
        model(|| {
            let shared = Arc::new((WakerSlot::new(), AtomicBool::new(false)));
            let taking: Vec<_> = (0..2)
                .map(|_| {
                    let other = shared.clone();
                    thread::spawn(move || {
                        other.1.store(true, Relaxed);
                        other.0.wake();
                    })
                })
                .collect();
            block_on(poll_fn(|cx| {
                shared.0.register(cx.waker());
                if shared.1.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            }));
            for thread in taking {
                thread.join().unwrap();
            }
        });
    }

    /// A task that may only be woken once something is to be seen.
    struct Expecting(Arc<AtomicBool>);

    impl std::task::Wake for Expecting {
        fn wake(self: std::sync::Arc<Self>) {
            assert!(self.0.load(Relaxed), "woken, and nothing to be seen");
        }
    }

    /// Proves: a wake that the registering side gives in a taker's stead hands on what that one did
    /// before. Seen to fail with `begin` or the swap in `finish` not acquiring.
    #[test]
    fn what_was_before_a_wake_is_seen_after_it() {
        model(|| {
            let (slot, done) = (Arc::new(WakerSlot::new()), Arc::new(AtomicBool::new(false)));
            let (taken, set) = (slot.clone(), done.clone());
            let waking = thread::spawn(move || {
                set.store(true, Relaxed);
                drop(taken.take());
            });
            slot.register(&std::sync::Arc::new(Expecting(done)).into());
            waking.join().unwrap();
        });
    }
}

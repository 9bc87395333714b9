//! Wakers taken out under the lock, to be woken once it is free.
//!
//! Most batches hold one or two, so nothing is done for the places that are not used.

use std::{mem::MaybeUninit, task::Waker};

/// Wakers taken out at a time.
const SIZE: usize = 64;

/// Hands out what was pushed, in that order.
pub(super) struct Batch {
    /// Those from `next` to `len` are there.
    wakers: [MaybeUninit<Waker>; SIZE],
    next: usize,
    len: usize,
}

impl Batch {
    pub(super) fn new() -> Batch {
        Batch { wakers: [const { MaybeUninit::uninit() }; SIZE], next: 0, len: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == SIZE
    }

    pub(super) fn len(&self) -> usize {
        self.len - self.next
    }

    pub(super) fn push(&mut self, waker: Waker) {
        self.wakers[self.len].write(waker);
        self.len += 1;
    }
}

impl Iterator for Batch {
    type Item = Waker;

    fn next(&mut self) -> Option<Waker> {
        let place = self.wakers[..self.len].get(self.next)?;
        self.next += 1;
        // SAFETY: `push` has written it, as it lies before `len`; and it is read once, as `next` is
        // past it from now on.
        Some(unsafe { place.assume_init_read() })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// Wakes them in turn. One that panics is no reason to let the others sleep on.
pub(super) fn wake_all(wakers: impl Iterator<Item = Waker>) {
    struct Rest<I: Iterator<Item = Waker>>(I);

    impl<I: Iterator<Item = Waker>> Drop for Rest<I> {
        fn drop(&mut self) {
            self.0.by_ref().for_each(Waker::wake);
        }
    }

    let mut rest = Rest(wakers);
    for waker in rest.0.by_ref() {
        waker.wake();
    }
}

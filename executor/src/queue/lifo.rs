//! The LIFO slot of a seat: room for the one task that is to run next.
//!
//! What a task has just woken usually wants the data that is still warm, so it goes before the
//! queue. The owner fills and empties the slot; an idle worker that finds the owner held up in a
//! long poll may empty it too ([`LifoSlot::take`] is anybody's).

use std::ptr::{self, NonNull};
use wharf_base::sync::atomic::{AtomicPtr, Ordering::*};

pub(crate) struct LifoSlot<T>(AtomicPtr<T>);

impl<T> LifoSlot<T> {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts `item` in, and gives back what was there. The owner's alone.
    #[inline]
    pub(crate) fn replace(&self, item: NonNull<T>) -> Option<NonNull<T>> {
        // Relaxed: only the owner fills the slot, so an empty one stays empty.
        if self.0.load(Relaxed).is_null() {
            // Release: pairs with the acquire in `take`.
            self.0.store(item.as_ptr(), Release);
            return None;
        }
        // AcqRel: as above, and pairs with a rescuer's `take`.
        NonNull::new(self.0.swap(item.as_ptr(), AcqRel))
    }

    /// Takes the item. Anybody may.
    #[inline]
    pub(crate) fn take(&self) -> Option<NonNull<T>> {
        if self.is_empty() {
            return None;
        }
        // AcqRel: pairs with the release in `replace`, and with the other takers.
        NonNull::new(self.0.swap(ptr::null_mut(), AcqRel))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: a hint; whoever needs to be sure has a fence before this.
        self.0.load(Relaxed).is_null()
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::model;
    use loom::thread;
    use wharf_base::sync::{Arc, UnsafeCell};

    struct Item(UnsafeCell<usize>);

    /// Reads what whoever put the item in has written.
    fn value(item: NonNull<Item>) -> usize {
        // SAFETY: whoever got the item has it alone; loom checks that.
        unsafe { (*item.as_ptr()).0.with_mut(|value| *value) }
    }

    /// Proves: an owner that fills and empties the slot against a rescuer: each item is got once,
    /// with all that was written before. Seen to fail with a load and a store in `take`.
    #[test]
    fn owner_against_a_rescuer() {
        model(3, || {
            let items: Vec<_> =
                (0..3).map(|_| Box::into_raw(Box::new(Item(UnsafeCell::new(0))))).collect();
            let slot = Arc::new(LifoSlot::new());
            let other = slot.clone();
            let rescuer = thread::spawn(move || other.take().map(value));
            let mut got = Vec::new();
            for (n, &item) in items.iter().enumerate() {
                // SAFETY: not in the slot yet, so ours alone.
                unsafe { (*item).0.with_mut(|value| *value = n) };
                got.extend(slot.replace(NonNull::new(item).unwrap()).map(value));
            }
            got.extend(slot.take().map(value));
            got.extend(rescuer.join().unwrap());
            got.sort_unstable();
            assert_eq!(got, [0, 1, 2]);
            for item in items {
                // SAFETY: made above, and nobody uses it any more.
                drop(unsafe { Box::from_raw(item) });
            }
        });
    }
}

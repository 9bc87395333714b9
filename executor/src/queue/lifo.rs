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

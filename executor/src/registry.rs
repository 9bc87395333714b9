//! The live tasks of one seat, so that a shutdown finds those that nothing else leads to.
//!
//! A slab that only the seat's owner writes to, without a lock and without a read-modify-write:
//! a spawn takes a slot, and where the task ends on the seat it was spawned at, the slot is free
//! again at once. A task that ends elsewhere gives its slot back through a stack, `remote`, which
//! the owner takes over whole when it runs out of free slots.
//!
//! A filled slot holds one of the task's references. Whoever swaps the task's address out of the
//! slot has that reference: the one who completes the task, or the shutdown, which leaves
//! `CLAIMED`. So a shutdown can hold on to a task that ends at this very moment elsewhere.
//!
//! | slot | meaning | may be changed by |
//! | --- | --- | --- |
//! | even, not 0 | the address of a live task | who completes it (to a free link), the shutdown (to `CLAIMED`) |
//! | odd | free: the next free slot, or the end | the owner |
//! | `CLAIMED` | a shutdown has taken the reference | nobody: the registry is at its end |
//!
//! Slots lie in pages that never move, each twice as large as the one before, and are given back
//! only with the seat.

use crate::task::{Header, Task};
use std::{
    cell::Cell,
    ptr::{self, NonNull},
};
use wharf_base::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::*};

#[cfg(not(loom))]
const FIRST_PAGE: u32 = 64;
#[cfg(loom)]
const FIRST_PAGE: u32 = 2;
#[cfg(not(loom))]
const PAGES: usize = 25;
#[cfg(loom)]
const PAGES: usize = 3;

/// No slot: the end of a list of free slots.
const END: u32 = (1 << 31) - 1;
/// What a shutdown leaves.
const CLAIMED: usize = 0;

fn link(next: u32) -> usize {
    ((next as usize) << 1) | 1
}

fn linked(word: usize) -> u32 {
    debug_assert!(word & 1 == 1, "a free slot holds a link");
    (word >> 1) as u32
}

struct Page {
    slots: Box<[AtomicUsize]>,
}

pub(crate) struct Registry {
    pages: [AtomicPtr<Page>; PAGES],
    /// The first of the slots given back from elsewhere.
    remote: AtomicU32,
    /// The owner's: the first free slot.
    free: Cell<u32>,
    /// The owner's: the slots of all pages.
    size: Cell<u32>,
}

// SAFETY: the cells are used by the owner only, by the contract of the methods that do so.
unsafe impl Sync for Registry {}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            pages: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            remote: AtomicU32::new(END),
            free: Cell::new(END),
            size: Cell::new(0),
        }
    }

    #[inline]
    fn slot(&self, index: u32) -> &AtomicUsize {
        // Page k starts at FIRST_PAGE * (2^k - 1).
        let page = (index / FIRST_PAGE + 1).ilog2();
        let start = FIRST_PAGE * ((1 << page) - 1);
        // Acquire: pairs with the release in `grow`.
        let page = self.pages[page as usize].load(Acquire);
        // SAFETY: slots are named only after their page was made, and pages live as long as we do.
        unsafe { &(*page).slots[(index - start) as usize] }
    }

    /// Takes a free slot, which [`fill`](Self::fill) is to follow.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[inline]
    pub(crate) unsafe fn reserve(&self) -> u32 {
        if self.free.get() == END {
            self.refill();
        }
        let index = self.free.get();
        // Relaxed: the slot is the owner's.
        self.free.set(linked(self.slot(index).load(Relaxed)));
        index
    }

    #[cold]
    fn refill(&self) {
        // Acquire: pairs with the release in `give_back`: the links are seen.
        self.free.set(self.remote.swap(END, Acquire));
        if self.free.get() == END {
            self.grow();
        }
    }

    fn grow(&self) {
        let start = self.size.get();
        let page = (start / FIRST_PAGE + 1).ilog2();
        let size = FIRST_PAGE << page;
        assert!((page as usize) < PAGES, "a seat holds 2^31 live tasks");
        let next = |index| if index + 1 < start + size { index + 1 } else { END };
        let slots =
            (start..start + size).map(|index| AtomicUsize::new(link(next(index)))).collect();
        let new = Box::into_raw(Box::new(Page { slots }));
        // Release: pairs with the acquire in `slot`.
        self.pages[page as usize].store(new, Release);
        self.size.set(start + size);
        self.free.set(start);
    }

    /// Puts a task into the slot reserved for it, with one reference.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[inline]
    pub(crate) unsafe fn fill(&self, index: u32, task: Task) {
        let address = task.into_raw().as_ptr() as usize;
        // Release: pairs with the acquire of a shutdown.
        self.slot(index).store(address, Release);
    }

    /// Frees the slot of a task that is complete, on the owner's thread; whether its reference is
    /// the caller's now.
    ///
    /// # Safety
    ///
    /// The caller is the owner and has completed the slot's task.
    #[inline]
    pub(crate) unsafe fn free(&self, index: u32) -> bool {
        let slot = self.slot(index);
        // Relaxed: the shutdown that may have claimed it ran on this seat too, or after us.
        if slot.load(Relaxed) == CLAIMED {
            return false;
        }
        slot.store(link(self.free.replace(index)), Relaxed);
        true
    }

    /// The same on any other thread.
    #[inline]
    pub(crate) fn give_back(&self, index: u32) -> bool {
        let slot = self.slot(index);
        // AcqRel: one of us and the shutdown gets the reference (pairs with `claim_all`).
        if slot.swap(link(END), AcqRel) == CLAIMED {
            return false;
        }
        // Relaxed: checked by the exchange.
        let mut first = self.remote.load(Relaxed);
        loop {
            slot.store(link(first), Relaxed);
            // Release: pairs with the acquire in `refill`.
            match self.remote.compare_exchange_weak(first, index, Release, Relaxed) {
                Ok(_) => return true,
                Err(now) => first = now,
            }
        }
    }

    /// Takes the references of all tasks, for a shutdown. No slot is free afterwards.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and reserves nothing from now on.
    pub(crate) unsafe fn claim_all(&self, mut each: impl FnMut(Task)) {
        self.claim_addresses(|word| {
            let header = NonNull::new(word as *mut Header).expect("CLAIMED is null");
            // SAFETY: the slot held this reference, and it was swapped out.
            each(unsafe { Task::from_raw(header) });
        });
    }

    fn claim_addresses(&self, mut each: impl FnMut(usize)) {
        for index in 0..self.size.get() {
            let slot = self.slot(index);
            // Relaxed: a hint; the exchange checks.
            let word = slot.load(Relaxed);
            if word == CLAIMED || word & 1 == 1 {
                continue;
            }
            // AcqRel: pairs with `give_back`: one of the two gets the reference.
            if slot.compare_exchange(word, CLAIMED, AcqRel, Relaxed).is_ok() {
                each(word);
            }
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        for page in &self.pages {
            let page = page.load(Acquire);
            if !page.is_null() {
                // SAFETY: made as a box in `grow`; nobody else is left.
                drop(unsafe { Box::from_raw(page) });
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::{Id, tests::NoOwner};

    fn task() -> Task {
        // SAFETY: the owner of nothing may be null.
        unsafe { Task::new::<_, NoOwner>(async {}, Id::next(), ptr::null(), (0, 0), 1) }
    }

    #[test]
    fn slots_are_used_again_and_pages_grow() {
        let registry = Registry::new();
        let count = 5 * FIRST_PAGE + 1;
        // SAFETY: this thread is the owner throughout.
        unsafe {
            for round in 0..3 {
                let mut slots: Vec<_> = (0..count)
                    .map(|_| {
                        let slot = registry.reserve();
                        registry.fill(slot, task());
                        slot
                    })
                    .collect();
                assert_eq!(registry.size.get(), 7 * FIRST_PAGE, "round {round}");
                slots.sort_unstable();
                slots.dedup();
                assert_eq!(slots.len(), count as usize);
                for slot in slots {
                    let address = registry.slot(slot).load(Relaxed) as *mut Header;
                    assert!(if slot % 2 == 0 {
                        registry.free(slot)
                    } else {
                        registry.give_back(slot)
                    });
                    drop(Task::from_raw(NonNull::new(address).unwrap()));
                }
            }
            let slot = registry.reserve();
            registry.fill(slot, task());
            let mut claimed = Vec::new();
            registry.claim_all(|task| claimed.push(task));
            assert_eq!(claimed.len(), 1);
            assert!(!registry.free(slot) && !registry.give_back(slot));
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::model;
    use loom::thread;
    use wharf_base::sync::Arc;

    /// The address of no task, which nobody follows here.
    const TASK: usize = 64;

    /// Proves: a task that ends elsewhere, while the owner spawns on and then shuts down: its
    /// reference goes to one of the two, and no slot is given out twice. Seen to fail with a load and a
    /// store in place of the swap or of the shutdown's exchange, and with `remote` relaxed on either side.
    #[test]
    fn an_end_elsewhere_against_spawns_and_a_shutdown() {
        model(3, || {
            let registry = Arc::new(Registry::new());
            // SAFETY: this thread is the owner.
            unsafe {
                let slots = [registry.reserve(), registry.reserve()];
                slots.iter().for_each(|slot| registry.slot(*slot).store(TASK, Release));
                let other = registry.clone();
                let ending = thread::spawn(move || other.give_back(slots[0]));
                let third = registry.reserve();
                assert_ne!(third, slots[1]);
                registry.slot(third).store(TASK, Release);
                let mut claimed = 0;
                registry.claim_addresses(|_| claimed += 1);
                let ended = ending.join().unwrap();
                // Three tasks had a slot; each reference is got once.
                assert_eq!(claimed + usize::from(ended), 3, "{third} {ended}");
            }
        });
    }
}

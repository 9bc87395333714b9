//! A seat's queue: a ring that its owner fills and empties, and from which others steal half.
//!
//! FIFO, also where it grows: when the ring is full the owner moves to one twice as large, so tasks
//! never overflow into another queue and never overtake one another. A drained ring goes back to
//! its first size.
//!
//! # Protocol
//!
//! Positions count up for ever and are reduced by the buffer's mask. `tail`, the owner's, is where
//! the next task goes. `head` is two positions in one word: `next`, the first task that nobody has
//! claimed, and `held`, which lags behind `next` while a thief copies what it has claimed.
//!
//! ```text
//!      held        next              tail
//! ------|===========|=================|---------
//!        being copied  ours to pop,
//!        by a thief    or to claim
//! ```
//!
//! - *pop* (owner): moves `next` by one (and `held` with it, if equal), then reads the slot.
//! - *claim* (thief, only if `held == next`): moves `next` over half of the tasks, leaves `held`.
//!   Reads the slots. *release*: sets `held` to `next` as that is then.
//! - *push* (owner): only while `tail - held` is less than the size, so what a thief copies is never
//!   written over; then publishes by moving `tail`.
//! - *grow* (owner): copies `held..tail` into a new buffer and publishes that. A thief that has
//!   claimed may still read the old one, whose contents stay: it is kept until a later change of
//!   buffers finds no claim. A thief reads `buffer` after its claim, and the owner checks for a
//!   claim by a read-modify-write of `head` after it has published: whichever of the two comes
//!   first in the order of `head`, the thief sees the new buffer or the owner sees the claim.
//!
//! # Orderings
//!
//! - `tail`: release in push, acquire in claim: the thief sees the slots up to `tail`.
//! - `head`: release in release (and in claim), acquire in push and pop: what the thief has read is
//!   read before the owner writes over it.
//! - `buffer`: release in grow, acquire in claim: the thief sees what was copied.

use wharf_base::sync::{
    UnsafeCell,
    atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*},
};

/// The size of a ring that has not grown. At least two.
#[cfg(not(loom))]
const SMALLEST: u32 = 256;
#[cfg(loom)]
const SMALLEST: u32 = 2;

/// The most that one theft takes: bounds the time that the owner's ring is held.
const LARGEST_THEFT: u32 = SMALLEST / 2;

struct Buffer<T> {
    slots: Box<[UnsafeCell<Option<std::ptr::NonNull<T>>>]>,
}

impl<T> Buffer<T> {
    fn new(size: u32) -> *mut Self {
        debug_assert!(size.is_power_of_two());
        let slots = (0..size).map(|_| UnsafeCell::new(None)).collect();
        Box::into_raw(Box::new(Self { slots }))
    }

    fn size(&self) -> u32 {
        self.slots.len() as u32
    }

    #[inline]
    fn slot(&self, position: u32) -> &UnsafeCell<Option<std::ptr::NonNull<T>>> {
        let index = (position & (self.size() - 1)) as usize;
        &self.slots[index]
    }

    /// # Safety
    ///
    /// The slot has been written, and nobody writes it meanwhile.
    #[inline]
    unsafe fn read(&self, position: u32) -> std::ptr::NonNull<T> {
        // SAFETY: as the caller says.
        let item = self.slot(position).with(|slot| unsafe { *slot });
        item.expect("a slot between head and tail is filled")
    }

    /// # Safety
    ///
    /// Nobody else looks at the slot meanwhile.
    #[inline]
    unsafe fn write(&self, position: u32, item: std::ptr::NonNull<T>) {
        // SAFETY: as the caller says.
        self.slot(position).with_mut(|slot| unsafe { *slot = Some(item) });
    }
}

/// A queue of pointers with one owner and many thieves.
pub(crate) struct Ring<T> {
    /// `held` in the upper half, `next` in the lower.
    head: AtomicU64,
    tail: AtomicU32,
    buffer: AtomicPtr<Buffer<T>>,
    /// There are no thieves.
    alone: bool,
    /// The owner's: buffers that a thief may still read.
    retired: UnsafeCell<Vec<*mut Buffer<T>>>,
}

// SAFETY: the protocol above says who may touch slots and buffers; the items are only handed on.
unsafe impl<T> Send for Ring<T> {}
// SAFETY: as above. The methods of the owner are unsafe to call for everybody else.
unsafe impl<T> Sync for Ring<T> {}

fn pack(held: u32, next: u32) -> u64 {
    (u64::from(held) << 32) | u64::from(next)
}

fn unpack(head: u64) -> (u32, u32) {
    ((head >> 32) as u32, head as u32)
}

impl<T> Ring<T> {
    /// An empty ring. `alone`: nobody but the owner will ever take from it, which spares the owner
    /// the read-modify-writes.
    pub(crate) fn new(alone: bool) -> Self {
        Self {
            alone,
            head: AtomicU64::new(0),
            tail: AtomicU32::new(0),
            buffer: AtomicPtr::new(Buffer::new(SMALLEST)),
            retired: UnsafeCell::new(Vec::new()),
        }
    }

    /// Whether there are no thieves.
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// How many items are there to be popped or stolen; a guess to all but the owner.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Acquire: a `len` of zero after a fence is believed by whoever goes to sleep; the fence is
        // what counts there, and these loads come after it.
        let (_, next) = unpack(self.head.load(Acquire));
        let tail = self.tail.load(Acquire);
        tail.wrapping_sub(next).min(i32::MAX as u32) as usize
    }

    /// How many items have been pushed, modulo 2^32.
    pub(crate) fn pushes(&self) -> u32 {
        // Relaxed: a figure.
        self.tail.load(Relaxed)
    }

    /// The owner's buffer.
    #[inline]
    fn own_buffer(&self) -> &Buffer<T> {
        // Relaxed: only the owner changes it.
        // SAFETY: the present buffer is alive, and only the owner retires it.
        unsafe { &*self.buffer.load(Relaxed) }
    }

    /// Adds an item at the back.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[inline]
    pub(crate) unsafe fn push(&self, item: std::ptr::NonNull<T>) {
        // Relaxed: only the owner changes it.
        let tail = self.tail.load(Relaxed);
        // Acquire: pairs with a thief's release, before we write over what it has read.
        let (held, _) = unpack(self.head.load(Acquire));
        let mut buffer = self.own_buffer();
        if tail.wrapping_sub(held) >= buffer.size() {
            self.exchange_buffer(buffer.size() * 2, held, tail);
            buffer = self.own_buffer();
        }
        // SAFETY: the position is outside `held..tail`, so nobody reads it.
        unsafe { buffer.write(tail, item) };
        // Release: pairs with the acquire in a thief's claim.
        self.tail.store(tail.wrapping_add(1), Release);
    }

    /// Takes the item at the front.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[inline]
    pub(crate) unsafe fn pop(&self) -> Option<std::ptr::NonNull<T>> {
        // Relaxed: only the owner changes it.
        let tail = self.tail.load(Relaxed);
        // Acquire: pairs with the last change by a thief.
        let mut head = self.head.load(Acquire);
        loop {
            let (held, next) = unpack(head);
            if next == tail {
                return None;
            }
            let after = next.wrapping_add(1);
            let changed = pack(if held == next { after } else { held }, after);
            if self.alone {
                // Relaxed: nobody else looks, save for figures.
                self.head.store(changed, Relaxed);
                // SAFETY: the item is ours now, and only we write slots.
                return Some(unsafe { self.own_buffer().read(next) });
            }
            // AcqRel: pairs with a thief's claim and release.
            match self.head.compare_exchange_weak(head, changed, AcqRel, Acquire) {
                // SAFETY: the item is ours now, and only we write slots.
                Ok(_) => return Some(unsafe { self.own_buffer().read(next) }),
                Err(now) => head = now,
            }
        }
    }

    /// Goes back to the first size after a flood. Costs next to nothing where there was none.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    pub(crate) unsafe fn shrink(&self) {
        let (held, _) = unpack(self.head.load(Acquire));
        let tail = self.tail.load(Relaxed);
        if self.own_buffer().size() > SMALLEST && tail.wrapping_sub(held) <= SMALLEST / 2 {
            self.exchange_buffer(SMALLEST, held, tail);
        }
    }

    /// Moves `held..tail` into a buffer of another size.
    #[cold]
    fn exchange_buffer(&self, size: u32, held: u32, tail: u32) {
        assert!(size <= 1 << 30, "a queue holds 2^30 tasks");
        let old = self.own_buffer();
        let new = Buffer::new(size);
        let mut position = held;
        while position != tail {
            // SAFETY: the slots between are filled; thieves only read them; the new buffer is ours.
            unsafe { (*new).write(position, old.read(position)) };
            position = position.wrapping_add(1);
        }
        // Release: pairs with the acquire in a thief's claim. (The swap is the owner's alone.)
        let old = self.buffer.swap(new, AcqRel);
        // AcqRel: see "grow" above: in one order with the claims.
        let (held, next) = unpack(self.head.fetch_add(0, AcqRel));
        self.retired.with_mut(|retired| {
            // SAFETY: only the owner touches the list, and it is here.
            let retired = unsafe { &mut *retired };
            retired.push(old);
            if held == next {
                // SAFETY: nobody has a claim, and whoever claims now sees the new buffer.
                retired.drain(..).for_each(|old| unsafe { drop(Box::from_raw(old)) });
            }
        });
    }

    /// Steals half of the items: one is returned, the others go into `into`. `None` where nothing
    /// is to be had, or another thief is at work.
    ///
    /// # Safety
    ///
    /// The caller is the owner of `into`, which is another ring.
    pub(crate) unsafe fn steal_into(&self, into: &Self) -> Option<std::ptr::NonNull<T>> {
        debug_assert!(!self.alone, "a ring that has no thieves");
        let (first, count) = self.claim()?;
        // Acquire: pairs with the release in `exchange_buffer`; it comes after the claim.
        // SAFETY: the claim keeps the owner from freeing this buffer.
        let buffer = unsafe { &*self.buffer.load(Acquire) };
        for n in 1..count {
            // SAFETY: claimed slots are filled and not written; the caller owns `into`.
            unsafe { into.push(buffer.read(first.wrapping_add(n))) };
        }
        // SAFETY: as above.
        let item = unsafe { buffer.read(first) };
        self.release();
        Some(item)
    }

    fn claim(&self) -> Option<(u32, u32)> {
        // Acquire: the tail is read after, so it is no older than this.
        let mut head = self.head.load(Acquire);
        loop {
            let (held, next) = unpack(head);
            // Acquire: pairs with the release in push.
            let count = self.tail.load(Acquire).wrapping_sub(next);
            let count = (count - count / 2).min(LARGEST_THEFT);
            if held != next || count == 0 {
                return None;
            }
            let claimed = pack(held, next.wrapping_add(count));
            // AcqRel: pairs with the owner's pop, and with its check in `exchange_buffer`. That
            // `head` has not changed also says that `count` is not stale.
            match self.head.compare_exchange_weak(head, claimed, AcqRel, Acquire) {
                Ok(_) => return Some((next, count)),
                Err(now) => head = now,
            }
        }
    }

    fn release(&self) {
        // Relaxed: checked by the exchange.
        let mut head = self.head.load(Relaxed);
        loop {
            let (_, next) = unpack(head);
            // Release: pairs with the acquire in push: our reads come before its write.
            match self.head.compare_exchange_weak(head, pack(next, next), AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let buffer = self.buffer.load(Acquire);
        self.retired.with_mut(|retired| {
            // SAFETY: nobody else is left.
            for buffer in unsafe { (*retired).drain(..) }.chain([buffer]) {
                // SAFETY: each was made as a box, and is in one place only.
                drop(unsafe { Box::from_raw(buffer) });
            }
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::ptr::NonNull;

    fn item(number: usize) -> NonNull<()> {
        NonNull::new((number + 1) as *mut ()).unwrap()
    }

    #[test]
    fn fifo_at_every_size_and_around_growth() {
        let size = SMALLEST as usize;
        for count in [1, size - 1, size, size + 1, 4 * size, 4 * size + 1] {
            let ring = Ring::new(false);
            for round in 0..3 {
                for n in 0..count {
                    // SAFETY: this thread is the owner.
                    unsafe { ring.push(item(n)) };
                }
                assert_eq!(ring.len(), count);
                for n in 0..count {
                    // SAFETY: as above.
                    assert_eq!(unsafe { ring.pop() }, Some(item(n)), "round {round}");
                }
                // SAFETY: as above.
                unsafe {
                    assert_eq!(ring.pop(), None);
                    ring.shrink();
                }
                assert_eq!(ring.own_buffer().size(), SMALLEST);
            }
        }
    }

    #[test]
    fn a_theft_takes_half_and_no_more_than_its_limit() {
        for (count, stolen) in
            [(0, 0), (1, 1), (2, 1), (3, 2), (10, 5), (1000, LARGEST_THEFT as usize)]
        {
            let (from, into) = (Ring::new(false), Ring::new(false));
            for n in 0..count {
                // SAFETY: this thread owns both rings.
                unsafe { from.push(item(n)) };
            }
            // SAFETY: as above.
            let first = unsafe { from.steal_into(&into) };
            assert_eq!(first, (stolen > 0).then(|| item(0)));
            assert_eq!((into.len(), from.len()), (stolen.saturating_sub(1), count - stolen));
            for n in 1..stolen {
                // SAFETY: as above.
                assert_eq!(unsafe { into.pop() }, Some(item(n)));
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::model;
    use loom::thread;
    use std::ptr::NonNull;
    use wharf_base::sync::Arc;

    fn item(number: usize) -> NonNull<()> {
        NonNull::new((number + 1) as *mut ()).unwrap()
    }

    fn number(item: NonNull<()>) -> usize {
        item.as_ptr() as usize - 1
    }

    fn steal(from: Arc<Ring<()>>) -> thread::JoinHandle<Vec<usize>> {
        thread::spawn(move || {
            let into = Ring::new(false);
            let mut got = Vec::new();
            // SAFETY: `into` is this thread's.
            unsafe {
                got.extend(from.steal_into(&into).map(number));
                while let Some(item) = into.pop() {
                    got.push(number(item));
                }
            }
            got
        })
    }

    /// Pushes and pops as the owner, against thieves; everything must be got once.
    fn owner_against(thieves: usize, script: &[Option<usize>]) {
        let ring = Arc::new(Ring::new(false));
        let thieves: Vec<_> = (0..thieves).map(|_| steal(ring.clone())).collect();
        let mut got = Vec::new();
        // SAFETY: this thread is the owner.
        unsafe {
            for step in script {
                match step {
                    Some(n) => ring.push(item(*n)),
                    None => got.extend(ring.pop().map(number)),
                }
            }
            for thief in thieves {
                got.extend(thief.join().unwrap());
            }
            while let Some(item) = ring.pop() {
                got.push(number(item));
            }
        }
        got.sort_unstable();
        let pushed = script.iter().flatten().count();
        assert_eq!(got, (0..pushed).collect::<Vec<_>>());
    }

    /// Proves: push and pop against a thief: each item is got once, and no slot is read while it
    /// is written. Seen to fail with `claim` moving `held` along with `next`, with a relaxed `tail`, and
    /// with `push` going by `next` in place of `held`.
    #[test]
    fn owner_against_a_thief() {
        model(3, || owner_against(1, &[Some(0), Some(1), None, Some(2)]));
    }

    /// Proves: the same with growth under a theft (the ring holds two here): the thief reads the
    /// old buffer or the new one, both good. Seen to fail with the old buffer freed at once, with a plain
    /// load of `head` after the exchange, with a relaxed claim, and with a relaxed load of the buffer.
    #[test]
    fn growth_against_a_thief() {
        model(3, || owner_against(1, &[Some(0), Some(1), Some(2), None, Some(3)]));
    }

    /// Proves: two thieves and an owner whose ring grows get each item once. Seen to fail (a freed buffer
    /// is read) with `claim` not asking whether another thief is at work.
    #[test]
    fn owner_against_two_thieves() {
        model(3, || owner_against(2, &[Some(0), Some(1), Some(2)]));
    }
}

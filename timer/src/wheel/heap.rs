//! The timers whose tick has come, by deadline: a binary heap in which what is cancelled stays until it
//! is on top, or until too much of it has gathered.

use super::slab::{IN_HEAP, Slab};
use std::{cmp::Ordering, collections::BinaryHeap};

/// Dead entries beyond the live ones that the heap is swept at.
pub(super) const SWEEP_AT: usize = 64;

/// Something in the heap; alive while `node` is in the heap under the same `order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) deadline: u64,
    order: u32,
    pub(super) node: u32,
}

impl Entry {
    #[inline]
    fn is_live<T>(&self, nodes: &Slab<T>) -> bool {
        let node = &nodes[self.node];
        node.prev == IN_HEAP && node.next == self.order
    }
}

impl Ord for Entry {
    /// Reversed, for a heap with the earliest on top. `order` wraps: of two entries of one deadline,
    /// the one fewer than 2^31 pushes behind is the older one.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .deadline
            .cmp(&self.deadline)
            .then_with(|| (other.order.wrapping_sub(self.order) as i32).cmp(&0))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug)]
pub(super) struct Heap {
    entries: BinaryHeap<Entry>,
    /// Entries whose timers are gone.
    pub(super) dead: usize,
    /// The `order` of the next entry.
    order: u32,
}

impl Heap {
    pub(super) const fn new() -> Self {
        Heap { entries: BinaryHeap::new(), dead: 0, order: 0 }
    }

    /// Entries, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push<T>(&mut self, nodes: &mut Slab<T>, node: u32, deadline: u64) {
        let order = self.order;
        self.order = order.wrapping_add(1);
        let place = &mut nodes[node];
        place.prev = IN_HEAP;
        place.next = order;
        self.entries.push(Entry { deadline, order, node });
    }

    /// The earliest live entry, with the dead ones before it removed.
    pub(super) fn top<T>(&mut self, nodes: &Slab<T>) -> Option<Entry> {
        loop {
            let top = *self.entries.peek()?;
            if top.is_live(nodes) {
                return Some(top);
            }
            self.entries.pop();
            self.dead -= 1;
        }
    }

    /// Removes what [`top`](Self::top) has just found.
    pub(super) fn pop(&mut self) {
        self.entries.pop();
    }

    /// Whether the timer after the top one is due by then: one of the two entries below the top is the
    /// second. False where it is dead.
    pub(super) fn is_second_due_by<T>(&self, nodes: &Slab<T>, latest: u64) -> bool {
        let is_near = |entry: &Entry| entry.deadline <= latest && entry.is_live(nodes);
        self.entries.as_slice().iter().skip(1).take(2).any(is_near)
    }

    /// One more entry is dead; sweeps where they are too many.
    pub(super) fn bury<T>(&mut self, nodes: &Slab<T>) {
        self.dead += 1;
        if self.dead > SWEEP_AT + (self.entries.len() - self.dead) {
            self.entries.retain(|entry| entry.is_live(nodes));
            self.dead = 0;
        }
    }

    /// Forgets all entries, which are dead, and gives their memory back.
    pub(super) fn clear(&mut self) {
        self.entries = BinaryHeap::new();
        self.dead = 0;
    }
}

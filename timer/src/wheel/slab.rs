//! Where the timers lie: nodes of 32 bytes, in chunks that never move.
//!
//! Chunks instead of one growing array: a million timers are armed without one long copy, and what
//! is reserved beyond the timers held is at most one chunk.

use std::num::NonZeroU32;

/// Nodes in a chunk.
const CHUNK: usize = 512;
/// Chunks that an empty slab keeps.
const KEPT_CHUNKS: usize = 8;

/// No node. Links above [`LAST`] are marks, not indices.
pub(super) const NIL: u32 = u32::MAX;
/// In `Node::prev`: the timer is in the heap, and `Node::next` is the number of its entry.
pub(super) const IN_HEAP: u32 = u32::MAX - 1;
/// In `Node::prev`: the timer has fired; the node waits for its owner to let it go.
pub(super) const FIRED: u32 = u32::MAX - 2;
/// In `Node::prev`: nobody's; `Node::next` is the next free node.
const FREE: u32 = u32::MAX - 3;
/// The last index there can be.
const LAST: u32 = u32::MAX - 4;

/// The right to one armed or fired timer. It can't be copied, and whoever lets the timer go gives
/// it up: so no key is ever stale, and nodes need no generation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key(NonZeroU32);

impl Key {
    fn new(index: u32) -> Self {
        Key(NonZeroU32::MIN.saturating_add(index))
    }

    pub(super) fn index(&self) -> u32 {
        self.0.get() - 1
    }
}

#[derive(Debug)]
pub(super) struct Node<T> {
    /// What to hand out when the timer fires; `None` once it has, and in free nodes.
    pub(super) value: Option<T>,
    pub(super) deadline: u64,
    pub(super) prev: u32,
    pub(super) next: u32,
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Box<[Node<T>; CHUNK]>>,
    /// Nodes used at least once; the ones from here on are fresh.
    used: u32,
    /// Head of the list of nodes that were used and let go.
    free: u32,
    held: u32,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Slab { chunks: Vec::new(), used: 0, free: NIL, held: 0 }
    }

    /// Nodes held by keys, fired ones included.
    pub(super) fn held(&self) -> usize {
        self.held as usize
    }

    /// Takes a node, which is in no list yet.
    ///
    /// # Panics
    ///
    /// Panics at 4,294,967,292 nodes.
    #[inline]
    pub(super) fn insert(&mut self, deadline: u64, value: T) -> Key {
        let index = match self.free {
            NIL => self.fresh(),
            index => {
                self.free = self[index].next;
                index
            }
        };
        self.held += 1;
        let node = &mut self[index];
        *node = Node { value: Some(value), deadline, prev: FIRED, next: NIL };
        Key::new(index)
    }

    #[cold]
    fn fresh(&mut self) -> u32 {
        assert!(self.used <= LAST, "one worker can hold no more than {LAST} timers");
        if self.used as usize == self.chunks.len() * CHUNK {
            self.chunks.push(chunk());
        }
        self.used += 1;
        self.used - 1
    }

    /// Takes what a node held, and the right to it; the node is to be [freed](Self::free) once it is
    /// in no list.
    #[inline]
    pub(super) fn empty(&mut self, key: Key) -> Option<T> {
        self.held -= 1;
        self[key.index()].value.take()
    }

    /// Lets a node go that is empty and in no list.
    #[inline]
    pub(super) fn free(&mut self, index: u32) {
        let free = self.free;
        let node = &mut self[index];
        debug_assert_ne!(node.prev, FREE);
        node.prev = FREE;
        node.next = free;
        self.free = index;
    }

    /// Whether [starting over](Self::start_over) would give memory back.
    #[inline]
    pub(super) fn could_shrink(&self) -> bool {
        self.held == 0 && self.chunks.len() > KEPT_CHUNKS
    }

    /// With no node held: gives memory back, and forgets all nodes; none is in a list any more. Costs
    /// as many steps as chunks were filled since.
    pub(super) fn start_over(&mut self) {
        debug_assert_eq!(self.held, 0);
        self.chunks.truncate(KEPT_CHUNKS);
        self.used = 0;
        self.free = NIL;
    }
}

fn chunk<T>() -> Box<[Node<T>; CHUNK]> {
    let nodes: Box<[_]> =
        (0..CHUNK).map(|_| Node { value: None, deadline: 0, prev: FREE, next: NIL }).collect();
    nodes.try_into().unwrap_or_else(|_| unreachable!())
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = Node<T>;

    #[inline]
    fn index(&self, index: u32) -> &Node<T> {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_node_with_a_waker_takes_32_bytes_and_a_key_4() {
        assert_eq!(size_of::<Node<Waker>>(), 32);
        assert_eq!(size_of::<Option<Key>>(), 4);
    }

    #[test]
    fn nodes_are_used_again_and_memory_goes_back_when_all_are_gone() {
        let mut slab = Slab::new();
        let first = slab.insert(1, 'a');
        let second = slab.insert(2, 'b');
        let index = first.index();
        assert_eq!(slab.empty(first), Some('a'));
        slab.free(index);
        assert_eq!(slab.insert(3, 'c').index(), index);
        assert_eq!(slab[second.index()].value, Some('b'));

        let mut slab = Slab::new();
        let keys: Vec<_> = (0..100 * CHUNK).map(|i| slab.insert(0, i)).collect();
        assert_eq!((slab.chunks.len(), slab.held()), (100, 100 * CHUNK));
        for (i, key) in keys.into_iter().enumerate() {
            assert_eq!(slab.empty(key), Some(i));
        }
        assert!(slab.could_shrink());
        slab.start_over();
        assert_eq!((slab.chunks.len(), slab.held()), (KEPT_CHUNKS, 0));
    }
}

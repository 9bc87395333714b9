//! Lists of nodes, doubly linked by index, in the order of arming.

use super::slab::{NIL, Slab};

#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) head: u32,
    pub(super) tail: u32,
}

pub(super) const EMPTY: List = List { head: NIL, tail: NIL };

impl List {
    #[inline]
    pub(super) fn push<T>(&mut self, nodes: &mut Slab<T>, index: u32) {
        let tail = std::mem::replace(&mut self.tail, index);
        let node = &mut nodes[index];
        node.prev = tail;
        node.next = NIL;
        match tail {
            NIL => self.head = index,
            tail => nodes[tail].next = index,
        }
    }

    /// Takes a node out. Of the list itself only the ends are touched, and only where the node is at
    /// one of them.
    #[inline]
    pub(super) fn unlink<T>(&mut self, nodes: &mut Slab<T>, index: u32) {
        let node = &nodes[index];
        let (prev, next) = (node.prev, node.next);
        match prev {
            NIL => self.head = next,
            prev => nodes[prev].next = next,
        }
        match next {
            NIL => self.tail = prev,
            next => nodes[next].prev = prev,
        }
    }

    /// Lets the list begin at `head`, one of its nodes or none; the nodes before are in other hands.
    pub(super) fn behead<T>(&mut self, nodes: &mut Slab<T>, head: u32) {
        match head {
            NIL => *self = EMPTY,
            head => {
                nodes[head].prev = NIL;
                self.head = head;
            }
        }
    }
}

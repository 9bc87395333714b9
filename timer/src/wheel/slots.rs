//! The slots that timers lie in until their tick comes, and the list of those about to leave.
//!
//! Which level and slot a tick belongs to depends on the cursor (invariant 2 of the [wheel](super)), which
//! the wheel keeps and passes in.

use super::list::{EMPTY, List};
use super::slab::{NIL, Slab};
use super::{TICK_BITS, tick};

/// log2 of the slots in a level.
pub(super) const SLOT_BITS: u32 = 6;
/// Slots in a level.
pub(super) const SLOTS: usize = 1 << SLOT_BITS;
pub(super) const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(SLOT_BITS) as usize;
/// A slot with more timers is poured at its beginning, not searched for its first deadline.
pub(super) const SEARCHED: usize = 16;
/// Cancelled timers that are unlinked in one go.
const LEAVING: usize = 64;

#[derive(Debug)]
struct Level {
    /// Bit n: slot n is not empty.
    occupied: u64,
    slots: [List; SLOTS],
}

#[derive(Debug)]
pub(super) struct Slots {
    levels: [Level; LEVELS],
    /// Cancelled, their nodes empty, and not yet unlinked; the first `leaving_count` of them.
    leaving: [u32; LEAVING],
    leaving_count: usize,
}

/// A slot, and the first tick that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    level: usize,
    index: usize,
    pub(super) first_tick: u64,
}

impl Slot {
    /// Its level, as a shift of ticks: those that agree with the cursor above it are this slot's, once
    /// the cursor is there.
    pub(super) fn shift(&self) -> u32 {
        self.level as u32 * SLOT_BITS
    }
}

/// What is known of the earliest deadline in the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earliest {
    Unknown,
    /// A timer is due then, and none before.
    Exactly(u64),
    /// The beginning of the next slot, which holds too many to be searched.
    NotBefore(u64),
}

#[inline]
fn place_of(cursor: u64, deadline: u64) -> (usize, usize) {
    let tick = tick(deadline);
    let level = (u64::BITS - 1 - (tick ^ cursor).leading_zeros()) / SLOT_BITS;
    (level as usize, (tick >> (level * SLOT_BITS)) as usize % SLOTS)
}

impl Slots {
    #[cold]
    pub(super) fn new() -> Box<Self> {
        let level = || Level { occupied: 0, slots: [EMPTY; SLOTS] };
        let levels = std::array::from_fn(|_| level());
        Box::new(Slots { levels, leaving: [NIL; LEAVING], leaving_count: 0 })
    }

    #[inline]
    pub(super) fn push<T>(&mut self, nodes: &mut Slab<T>, node: u32, deadline: u64, cursor: u64) {
        let (level, slot) = place_of(cursor, deadline);
        let level = &mut self.levels[level];
        level.occupied |= 1 << slot;
        level.slots[slot].push(nodes, node);
    }

    pub(super) fn unlink<T>(&mut self, nodes: &mut Slab<T>, node: u32, cursor: u64) {
        let (level, slot) = place_of(cursor, nodes[node].deadline);
        let level = &mut self.levels[level];
        level.slots[slot].unlink(nodes, node);
        if level.slots[slot].head == NIL {
            level.occupied &= !(1 << slot);
        }
    }

    /// Notes a cancelled timer, to be unlinked with others; whether it is time for that.
    #[inline]
    pub(super) fn leave(&mut self, node: u32) -> bool {
        self.leaving[self.leaving_count % LEAVING] = node;
        self.leaving_count += 1;
        self.leaving_count == LEAVING
    }

    /// What has been noted since, and how much of it that is.
    pub(super) fn take_leaving(&mut self) -> ([u32; LEAVING], usize) {
        (self.leaving, std::mem::take(&mut self.leaving_count))
    }

    /// The next slot to come due.
    pub(super) fn next(&self, cursor: u64) -> Option<Slot> {
        let level = self.levels.iter().position(|level| level.occupied != 0)?;
        let index = self.levels[level].occupied.trailing_zeros() as usize;
        let shift = level as u32 * SLOT_BITS;
        let above = cursor >> (shift + SLOT_BITS);
        Some(Slot { level, index, first_tick: (above << SLOT_BITS | index as u64) << shift })
    }

    /// Takes out all that lies in a slot.
    pub(super) fn take(&mut self, slot: Slot) -> List {
        let level = &mut self.levels[slot.level];
        level.occupied &= !(1 << slot.index);
        std::mem::replace(&mut level.slots[slot.index], EMPTY)
    }

    /// The earliest deadline, looking at no more than [`SEARCHED`] nodes.
    pub(super) fn search<T>(&self, nodes: &Slab<T>, cursor: u64) -> Earliest {
        let Some(slot) = self.next(cursor) else { return Earliest::Unknown };
        let mut earliest = u64::MAX;
        let mut node = self.levels[slot.level].slots[slot.index].head;
        for _ in 0..SEARCHED {
            earliest = earliest.min(nodes[node].deadline);
            node = nodes[node].next;
            if node == NIL {
                return Earliest::Exactly(earliest);
            }
        }
        Earliest::NotBefore(slot.first_tick << TICK_BITS)
    }
}

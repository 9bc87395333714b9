//! The pure structure: a wheel of coarse slots in front of a binary heap.
//!
//! Time is an argument, in nanoseconds; nothing here knows a clock, a lock or a thread.
//!
//! ```text
//!               tick 0     1     2     3  ...                     (a tick: 2^20 ns, 1.05 ms)
//!  heap   <- ticks up to the cursor: ordered by (deadline, order of arming)
//!  level 0      |     |  x  |     | xxx | ...  64 slots of 1 tick       to 67 ms
//!  level 1      |            |      x     ...  64 slots of 64 ticks     to 4.3 s
//!  level 2      |                         ...  64 slots of 4096 ticks   to 4.6 min
//!   ...
//!  level 7                                      4 slots of 2^42 ticks   to 584 years
//!  past   <- armed when already due: a plain queue
//! ```
//!
//! A slot is a doubly linked list in the order of arming: arming appends, cancelling unlinks, both
//! O(1). Most timers are cancelled before their slot comes due and are never sorted. A slot that
//! comes due is poured: from level 0 into the heap, from further up into the levels below. A timer
//! is moved at most once a level.
//!
//! Cancelling empties the node, and leaves the unlinking to one go with 63 others: of a million
//! timers cancelled in no order, the node and both its neighbours are cache misses each, which in a
//! row, with a lock between them, are waited for one by one, and in one go all at once.
//!
//! Pouring is work in proportion to the slot. So it is done in pieces, of as many timers as the
//! caller allows, and may be left unfinished: what is yet to be poured is a list of its own, at whose
//! end timers of that slot are still armed.
//!
//! Invariants:
//! 1. The heap holds exactly the armed timers with `tick <= cursor` that were not due when armed,
//!    so its top is the earliest of heap and slots together.
//! 2. A timer in a slot has `tick > cursor`, and lies on the level of the highest 6-bit digit in
//!    which its tick and the cursor differ. That digit of the cursor is lower, and the digits above
//!    are equal: so slots never wrap around, the lowest occupied bit of the lowest occupied level
//!    is the next slot to come due, and moving the cursor up to that slot changes no placement.
//! 3. The cursor is not behind `now`, which is the latest time seen, or, where pouring was left
//!    unfinished, the beginning of the last slot that was begun. So a timer in the queue of the past
//!    has `tick <= cursor`. With the node at neither end of the list that is being poured, the node
//!    alone says whose ends its unlinking may concern.
//! 4. Timers of one deadline therefore lie in one list, in the order of arming, and pouring keeps
//!    that order: ties fire in the order armed.
//! 5. What waits to be unlinked lies where it lay when it was cancelled: the cursor doesn't move, and
//!    nobody searches a slot, before it is.
//!
//! Cancelling in the heap is lazy: the entry stays and no longer matches its node. Dead entries
//! never lie on top when somebody looks, and never outnumber the live ones by more than
//! [`SWEEP_AT`].

mod list;
#[cfg(all(test, not(loom)))]
mod model;
mod slab;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use slab::Key;

use list::{EMPTY, List};
use slab::{FIRED, IN_HEAP, NIL, Slab};
use std::{cmp::Ordering, collections::BinaryHeap};

/// log2 of a tick in nanoseconds.
const TICK_BITS: u32 = 20;
/// log2 of the slots in a level.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(SLOT_BITS) as usize;
/// Dead entries beyond the live ones that the heap is swept at.
const SWEEP_AT: usize = 64;
/// A slot with more timers is poured at its beginning, not searched for its first deadline.
const SEARCHED: usize = 16;
/// With so many entries in the heap, timers may share a wake-up.
const CROWD: usize = 16;
/// Cancelled timers that are unlinked in one go.
const LEAVING: usize = 64;

#[derive(Debug)]
struct Level {
    /// Bit n: slot n is not empty.
    occupied: u64,
    slots: [List; SLOTS],
}

#[derive(Debug)]
struct Slots {
    levels: [Level; LEVELS],
    /// Cancelled, their nodes empty, and not yet unlinked; the first `leaving_count` of them.
    leaving: [u32; LEAVING],
    leaving_count: usize,
}

/// A slot that is being poured, where its list isn't empty.
#[derive(Debug)]
struct Pour {
    rest: List,
    /// The slot's level, as a shift of ticks: those that agree with the cursor above it are the slot's.
    shift: u32,
}

/// Something in the heap; alive while `node` is in the heap under the same `order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    deadline: u64,
    order: u32,
    node: u32,
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

/// What is known of the earliest deadline in the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earliest {
    Unknown,
    /// A timer is due then, and none before.
    Exactly(u64),
    /// The beginning of the next slot, which holds too many to be searched.
    NotBefore(u64),
}

/// What [`Wheel::fire_next`] has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// The next timer that is due.
    Due(T),
    /// No timer is due.
    Nothing,
    /// Timers have to be poured before it can be told, more than was allowed.
    Unfinished,
}

/// Timers that hand out a `T` each when they fire.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    nodes: Slab<T>,
    /// Allocated with the first timer that needs a slot.
    slots: Option<Box<Slots>>,
    pour: Pour,
    heap: BinaryHeap<Entry>,
    /// Entries in `heap` whose timers are gone.
    dead: usize,
    /// The `order` of the next entry.
    order: u32,
    past: List,
    /// The tick up to which timers are in the heap.
    cursor: u64,
    /// The latest time that was told.
    seen: u64,
    /// The same, once all is poured that is due then; see invariant 3.
    now: u64,
    earliest: Earliest,
}

const fn tick(time: u64) -> u64 {
    time >> TICK_BITS
}

impl<T> Wheel<T> {
    pub(crate) const fn new() -> Self {
        Wheel {
            nodes: Slab::new(),
            slots: None,
            pour: Pour { rest: EMPTY, shift: 0 },
            heap: BinaryHeap::new(),
            dead: 0,
            order: 0,
            past: EMPTY,
            cursor: 0,
            seen: 0,
            now: 0,
            earliest: Earliest::Unknown,
        }
    }

    /// Arms a timer. Where `deadline` is not after the latest time seen, it counts as that time.
    #[inline]
    pub(crate) fn arm(&mut self, deadline: u64, value: T) -> Key {
        let key = self.nodes.insert(deadline, value);
        self.place_new(key.index(), deadline);
        key
    }

    /// Arms `key`'s timer anew, in its place among those of one deadline too. False, and nothing
    /// changed, where it has fired.
    pub(crate) fn rearm(&mut self, key: &Key, deadline: u64) -> bool {
        if self.has_fired(key) {
            return false;
        }
        self.take_out(key.index());
        self.nodes[key.index()].deadline = deadline;
        self.place_new(key.index(), deadline);
        true
    }

    /// Lets `key`'s timer go; what it held, where it had not fired.
    #[inline]
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let index = key.index();
        let value = self.nodes.empty(key);
        let node = &self.nodes[index];
        match node.prev {
            FIRED => self.nodes.free(index),
            IN_HEAP => {
                self.nodes.free(index);
                self.bury();
            }
            _ if tick(node.deadline) <= self.cursor => {
                self.unlink(index);
                self.nodes.free(index);
            }
            _ => self.leave(index),
        }
        if self.nodes.could_shrink() {
            self.shrink();
        }
        value
    }

    /// With no timer left, forgets the cancelled ones.
    #[cold]
    #[inline(never)]
    fn shrink(&mut self) {
        self.unlink_leaving();
        self.heap = BinaryHeap::new();
        self.dead = 0;
        self.nodes.start_over();
    }

    /// Has a cancelled timer unlinked from its slot, with others.
    #[inline]
    fn leave(&mut self, index: u32) {
        let Some(slots) = &mut self.slots else { unreachable!() };
        slots.leaving[slots.leaving_count % LEAVING] = index;
        slots.leaving_count += 1;
        if slots.leaving_count == LEAVING {
            self.unlink_leaving();
        }
    }

    #[cold]
    #[inline(never)]
    fn unlink_leaving(&mut self) {
        let Some(slots) = &mut self.slots else { return };
        let count = std::mem::take(&mut slots.leaving_count);
        let leaving = slots.leaving;
        for &index in &leaving[..count] {
            self.unlink(index);
            self.nodes.free(index);
        }
    }

    #[inline]
    pub(crate) fn has_fired(&self, key: &Key) -> bool {
        self.nodes[key.index()].prev == FIRED
    }

    /// What `key`'s timer will hand out; `None` where it has.
    pub(crate) fn value_mut(&mut self, key: &Key) -> Option<&mut T> {
        self.nodes[key.index()].value.as_mut()
    }

    /// From when on it should be told the time, for the sake of placing new timers well: after a
    /// round of the lowest level.
    pub(crate) fn stale_at(&self) -> u64 {
        (self.cursor + SLOTS as u64).saturating_mul(1 << TICK_BITS)
    }

    /// Timers armed, and timers fired whose keys are still held.
    pub(crate) fn held(&self) -> usize {
        self.nodes.held()
    }

    /// Fires the next timer that is due at `now`, in the order of deadlines, ties in the order of
    /// arming. Times before one already seen count as that.
    ///
    /// `work` is how many timers may be poured for it, and then how many more might have been.
    pub(crate) fn fire_next(&mut self, now: u64, work: &mut usize) -> Found<T> {
        if !self.catch_up(now, work) {
            return Found::Unfinished;
        }
        let past = self.past_deadline();
        let top = self.live_top().filter(|top| top.deadline <= past.unwrap_or(self.now));
        let next = match (top, self.past.head) {
            (Some(top), _) => {
                self.heap.pop();
                top.node
            }
            (None, NIL) => return Found::Nothing,
            (None, first) => {
                self.past.unlink(&mut self.nodes, first);
                first
            }
        };
        let node = &mut self.nodes[next];
        node.prev = FIRED;
        let Some(value) = node.value.take() else { unreachable!("an armed timer holds something") };
        Found::Due(value)
    }

    /// When the next timer is due, or a time not after it: with more than [`SEARCHED`] timers in
    /// the next slot, and none in the heap, the slot's beginning, and likewise with a slot that is
    /// being poured. `None` without timers.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        if self.is_pouring() {
            self.unlink_leaving();
        }
        let past = self.past_deadline();
        let top = self.live_top().map(|top| top.deadline);
        let poured = self.is_pouring().then_some(self.cursor << TICK_BITS);
        if let Some(first) = past.into_iter().chain(top).chain(poured).min() {
            return Some(first);
        }
        self.unlink_leaving();
        if self.earliest == Earliest::Unknown {
            self.earliest = self.search();
        }
        match self.earliest {
            Earliest::Exactly(time) | Earliest::NotBefore(time) => Some(time),
            Earliest::Unknown => None,
        }
    }

    /// Until when one may sleep: to the next deadline, or `slack` longer where many timers are due
    /// soon and another one within that time, so that they share a wake-up.
    pub(crate) fn next_wake(&mut self, slack: u64) -> Option<u64> {
        let next = self.next_deadline()?;
        if self.is_pouring() {
            return Some(next);
        }
        let latest = next.saturating_add(slack);
        let near = |entry: &Entry| entry.deadline <= latest && is_live(&self.nodes, entry);
        // The two below the top: one of them is the second.
        let shared = self.heap.len() >= CROWD && self.heap.as_slice()[1..3].iter().any(near);
        Some(if shared { latest } else { next })
    }

    /// Fires all timers, due or not, and hands `f` what they held, in no particular order.
    pub(crate) fn drain(&mut self, mut f: impl FnMut(T)) {
        while let Some(deadline) = self.next_deadline() {
            while let Found::Due(value) = self.fire_next(deadline, &mut usize::MAX.clone()) {
                f(value);
            }
        }
    }

    fn past_deadline(&self) -> Option<u64> {
        let first = self.past.head;
        (first != NIL).then(|| self.nodes[first].deadline)
    }

    #[inline]
    fn place_new(&mut self, node: u32, deadline: u64) {
        if deadline <= self.now {
            self.nodes[node].deadline = self.now;
            self.past.push(&mut self.nodes, node);
            return;
        }
        self.place(node, deadline);
    }

    /// Puts a node where its deadline belongs: behind the others of the slot that is being poured, or
    /// where those have gone or will go.
    #[inline]
    fn place(&mut self, node: u32, deadline: u64) {
        if self.is_pouring() && (tick(deadline) ^ self.cursor) >> self.pour.shift == 0 {
            return self.pour.rest.push(&mut self.nodes, node);
        }
        self.place_poured(node, deadline);
    }

    /// Invariants 1 and 2.
    #[inline]
    fn place_poured(&mut self, node: u32, deadline: u64) {
        if tick(deadline) <= self.cursor {
            return self.push_heap(node, deadline);
        }
        self.earliest = match self.earliest {
            Earliest::Exactly(known) => Earliest::Exactly(known.min(deadline)),
            Earliest::NotBefore(known) if deadline < known => Earliest::Exactly(deadline),
            other => other,
        };
        let (level, slot) = self.slot_of(deadline);
        let level = &mut self.slots.get_or_insert_with(new_slots).levels[level];
        level.occupied |= 1 << slot;
        level.slots[slot].push(&mut self.nodes, node);
    }

    #[inline]
    fn slot_of(&self, deadline: u64) -> (usize, usize) {
        let tick = tick(deadline);
        let level = (u64::BITS - 1 - (tick ^ self.cursor).leading_zeros()) / SLOT_BITS;
        (level as usize, (tick >> (level * SLOT_BITS)) as usize % SLOTS)
    }

    fn push_heap(&mut self, node: u32, deadline: u64) {
        let order = self.order;
        self.order = order.wrapping_add(1);
        let place = &mut self.nodes[node];
        place.prev = IN_HEAP;
        place.next = order;
        self.heap.push(Entry { deadline, order, node });
    }

    /// Takes an armed node out of wherever it is.
    fn take_out(&mut self, index: u32) {
        if self.nodes[index].prev == IN_HEAP {
            self.nodes[index].prev = FIRED;
            return self.bury();
        }
        self.unlink(index);
    }

    /// Takes a node out of its list (invariant 3).
    fn unlink(&mut self, index: u32) {
        let deadline = self.nodes[index].deadline;
        if index == self.pour.rest.head || index == self.pour.rest.tail {
            return self.pour.rest.unlink(&mut self.nodes, index);
        }
        if tick(deadline) <= self.cursor {
            return self.past.unlink(&mut self.nodes, index);
        }
        let (level, slot) = self.slot_of(deadline);
        let Some(slots) = &mut self.slots else { unreachable!() };
        let level = &mut slots.levels[level];
        level.slots[slot].unlink(&mut self.nodes, index);
        if level.slots[slot].head == NIL {
            level.occupied &= !(1 << slot);
        }
        if matches!(self.earliest, Earliest::NotBefore(_))
            || self.earliest == Earliest::Exactly(deadline)
        {
            self.earliest = Earliest::Unknown;
        }
    }

    /// One more entry is dead; sweeps where they are too many.
    fn bury(&mut self) {
        self.dead += 1;
        if self.dead > SWEEP_AT + (self.heap.len() - self.dead) {
            let nodes = &self.nodes;
            self.heap.retain(|entry| is_live(nodes, entry));
            self.dead = 0;
        }
    }

    /// The first live entry of the heap, with the dead ones before it removed.
    fn live_top(&mut self) -> Option<Entry> {
        loop {
            let top = *self.heap.peek()?;
            if is_live(&self.nodes, &top) {
                return Some(top);
            }
            self.heap.pop();
            self.dead -= 1;
        }
    }

    /// The next slot to come due, and its first tick.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let levels = &self.slots.as_deref()?.levels;
        let level = levels.iter().position(|level| level.occupied != 0)?;
        let slot = levels[level].occupied.trailing_zeros() as usize;
        let shift = level as u32 * SLOT_BITS;
        let above = self.cursor >> (shift + SLOT_BITS);
        Some((level, slot, (above << SLOT_BITS | slot as u64) << shift))
    }

    #[inline]
    fn is_pouring(&self) -> bool {
        self.pour.rest.head != NIL
    }

    /// Moves the cursor to the present tick and pours every slot that begins up to there; false
    /// where `work` doesn't suffice.
    #[inline]
    fn catch_up(&mut self, now: u64, work: &mut usize) -> bool {
        self.seen = self.seen.max(now);
        let present = tick(self.seen);
        if present > self.cursor || self.is_pouring() {
            self.unlink_leaving();
            if !self.pour_until(present, work) {
                return false;
            }
        }
        self.now = self.seen;
        true
    }

    fn pour_until(&mut self, present: u64, work: &mut usize) -> bool {
        while self.pour_on(work) {
            match self.next_slot().filter(|next| next.2 <= present) {
                Some(next) => self.begin_to_pour(next),
                None => {
                    self.cursor = present;
                    return true;
                }
            }
        }
        false
    }

    fn begin_to_pour(&mut self, (level, slot, first_tick): (usize, usize, u64)) {
        let Some(slots) = &mut self.slots else { unreachable!() };
        slots.levels[level].occupied &= !(1 << slot);
        let rest = std::mem::replace(&mut slots.levels[level].slots[slot], EMPTY);
        self.pour = Pour { rest, shift: level as u32 * SLOT_BITS };
        self.earliest = Earliest::Unknown;
        self.cursor = first_tick;
        self.now = self.now.max(first_tick << TICK_BITS);
    }

    /// Pours on; whether that was all of the slot.
    fn pour_on(&mut self, work: &mut usize) -> bool {
        let mut node = self.pour.rest.head;
        while node != NIL && *work > 0 {
            *work -= 1;
            let next = self.nodes[node].next;
            self.place_poured(node, self.nodes[node].deadline);
            node = next;
        }
        self.pour.rest.behead(&mut self.nodes, node);
        node == NIL
    }

    /// The earliest deadline in the slots, looking at no more than [`SEARCHED`] nodes.
    fn search(&self) -> Earliest {
        let (Some((level, slot, first_tick)), Some(slots)) = (self.next_slot(), &self.slots) else {
            return Earliest::Unknown;
        };
        let mut earliest = u64::MAX;
        let mut node = slots.levels[level].slots[slot].head;
        for _ in 0..SEARCHED {
            earliest = earliest.min(self.nodes[node].deadline);
            node = self.nodes[node].next;
            if node == NIL {
                return Earliest::Exactly(earliest);
            }
        }
        Earliest::NotBefore(first_tick << TICK_BITS)
    }
}

#[inline]
fn is_live<T>(nodes: &Slab<T>, entry: &Entry) -> bool {
    let node = &nodes[entry.node];
    node.prev == IN_HEAP && node.next == entry.order
}

#[cold]
fn new_slots() -> Box<Slots> {
    let level = || Level { occupied: 0, slots: [EMPTY; SLOTS] };
    let levels = std::array::from_fn(|_| level());
    Box::new(Slots { levels, leaving: [NIL; LEAVING], leaving_count: 0 })
}

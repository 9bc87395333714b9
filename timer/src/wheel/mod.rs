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
//! never lie on top when somebody looks, and never outnumber the live ones by more than 64.

mod heap;
mod list;
#[cfg(all(test, not(loom)))]
mod model;
mod slab;
mod slots;
#[cfg(all(test, not(loom)))]
mod tests;

pub(crate) use slab::Key;

use heap::Heap;
use list::{EMPTY, List};
use slab::{FIRED, IN_HEAP, NIL, Slab};
use slots::{Earliest, SLOTS, Slot, Slots};

/// log2 of a tick in nanoseconds.
const TICK_BITS: u32 = 20;
/// With so many entries in the heap, timers may share a wake-up.
const CROWD: usize = 16;
/// A slot that is being poured, where its list isn't empty.
#[derive(Debug)]
struct Pour {
    rest: List,
    /// The slot's level, as a shift of ticks: those that agree with the cursor above it are the slot's.
    shift: u32,
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
    heap: Heap,
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
            heap: Heap::new(),
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
                self.heap.bury(&self.nodes);
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
        self.heap.clear();
        self.nodes.start_over();
    }

    /// Has a cancelled timer unlinked from its slot, with others.
    #[inline]
    fn leave(&mut self, index: u32) {
        let Some(slots) = &mut self.slots else { unreachable!() };
        if slots.leave(index) {
            self.unlink_leaving();
        }
    }

    #[cold]
    #[inline(never)]
    fn unlink_leaving(&mut self) {
        let Some(slots) = &mut self.slots else { return };
        let (leaving, count) = slots.take_leaving();
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

    /// Whether `deadline` is not after the time up to which all is poured.
    #[inline]
    pub(crate) fn has_seen(&self, deadline: u64) -> bool {
        deadline <= self.now
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
        let top = self.heap.top(&self.nodes).filter(|top| top.deadline <= past.unwrap_or(self.now));
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

    /// When the next timer is due, or a time not after it: with more than 16 timers in the next slot,
    /// and none in the heap, the slot's beginning, and likewise with a slot that is being poured.
    /// `None` without timers.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        if self.is_pouring() {
            self.unlink_leaving();
        }
        let past = self.past_deadline();
        let top = self.heap.top(&self.nodes).map(|top| top.deadline);
        let poured = self.is_pouring().then_some(self.cursor << TICK_BITS);
        if let Some(first) = past.into_iter().chain(top).chain(poured).min() {
            return Some(first);
        }
        self.unlink_leaving();
        if self.earliest == Earliest::Unknown {
            let slots = self.slots.as_deref();
            self.earliest =
                slots.map_or(Earliest::Unknown, |slots| slots.search(&self.nodes, self.cursor));
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
        let shared = self.heap.len() >= CROWD && self.heap.is_second_due_by(&self.nodes, latest);
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
        if self.has_seen(deadline) {
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
            return self.heap.push(&mut self.nodes, node, deadline);
        }
        self.earliest = match self.earliest {
            Earliest::Exactly(known) => Earliest::Exactly(known.min(deadline)),
            Earliest::NotBefore(known) if deadline < known => Earliest::Exactly(deadline),
            other => other,
        };
        let slots = self.slots.get_or_insert_with(Slots::new);
        slots.push(&mut self.nodes, node, deadline, self.cursor);
    }

    /// Takes an armed node out of wherever it is.
    fn take_out(&mut self, index: u32) {
        if self.nodes[index].prev == IN_HEAP {
            self.nodes[index].prev = FIRED;
            return self.heap.bury(&self.nodes);
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
        let Some(slots) = &mut self.slots else { unreachable!() };
        slots.unlink(&mut self.nodes, index, self.cursor);
        if matches!(self.earliest, Earliest::NotBefore(_))
            || self.earliest == Earliest::Exactly(deadline)
        {
            self.earliest = Earliest::Unknown;
        }
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
            match self.next_slot().filter(|next| next.first_tick <= present) {
                Some(next) => self.begin_to_pour(next),
                None => {
                    self.cursor = present;
                    return true;
                }
            }
        }
        false
    }

    fn next_slot(&self) -> Option<Slot> {
        self.slots.as_deref()?.next(self.cursor)
    }

    fn begin_to_pour(&mut self, slot: Slot) {
        let Some(slots) = &mut self.slots else { unreachable!() };
        self.pour = Pour { rest: slots.take(slot), shift: slot.shift() };
        self.earliest = Earliest::Unknown;
        self.cursor = slot.first_tick;
        self.now = self.now.max(slot.first_tick << TICK_BITS);
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
}

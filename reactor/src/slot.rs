//! The readiness of one source: a word, a waker slot per direction, and a list for the rare waiter
//! that finds the waker slot of its direction taken.
//!
//! # Protocol
//!
//! The word holds, from the lowest bit: what is ready (see the constants), a *tick* that counts
//! events, and the *generation* of the slot's tenant. Three parties meet here:
//!
//! - **An event** (whoever turns the driver; any number at once after a source has moved) sets the
//!   ready bits and advances the tick in one exchange, unless the generation is not the one of its
//!   token: then the event was for an earlier tenant and is dropped. After that it takes the wakers.
//! - **A waiter** leaves its waker first and looks at the word again afterwards. Either it sees the
//!   bits, or the event, coming later, finds the waker: [`WakerSlot`] proves this for the waker slot.
//!   For the crowd, `CROWD` is set in the very word that the event changes: an event that precedes
//!   it in the word's order is seen by the waiter's second look, a later one sees `CROWD`.
//! - **An operation that found nothing** clears what it saw, and only if the tick is still the one it
//!   saw before its system call: an event in between means that there may be something again.
//!
//! A direction's bit may be cleared by a short read or write too, but not with `*_CLOSED` or
//! `PRIORITY` seen: the end of a stream, or what follows urgent data, comes without another edge. Nor
//! by a read that may have stopped for another reason, as one from a Unix stream or a pipe may: see
//! `Stream::take`.
//!
//! - **A foretelling** is an event that has not come yet: whoever has just sent to this source says what
//!   the system will say at the next look into the epoll (see `registration::foretell`). It sets
//!   `READABLE`, and `FORETOLD` if `READABLE` was not set, and takes the reader's waker. An event that
//!   says `READABLE` clears `FORETOLD`, and so does whoever clears `READABLE`.
//!
//! With `FORETOLD` seen, a read that fills its buffer may clear `READABLE` without another one that finds
//! nothing. What is left then is told of by an event yet to come: all that had arrived before the epoll
//! was last looked into was read, or an event said `READABLE` since, and `FORETOLD` would be gone; for
//! what has arrived since then the source stands in the epoll's list, and at the next look the system
//! says whether there is something. (Linux does; elsewhere nothing is foretold.)
//!
//! `DOWN` is set once, by the shutdown of the reactor, and stays until the tenant leaves.
//!
//! | bit | when it can not be set |
//! | --- | --- |
//! | `READABLE`, `WRITABLE` | always can: at the start, before anything is known, both are |
//! | `READ_CLOSED`, `WRITE_CLOSED`, `PRIORITY`, `ERROR` | before an event has said so |
//! | `CROWD` | while the list is empty and nobody holds its lock |
//! | `RESCUED` | before another seat than the source's home has delivered an event |
//! | `NEIGHBOUR` | before somebody has asked where the peer is, or where it is this reactor's |
//! | `FORETOLD` | without `READABLE` |
//! | `DOWN` | before the reactor was shut down |

use std::{collections::VecDeque, num::NonZeroU64, ptr, task::Waker};
use wharf_base::{
    sync::{
        Mutex,
        atomic::{
            AtomicPtr, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
        lock,
    },
    waker::WakerSlot,
};

pub(crate) const READABLE: u64 = 1;
pub(crate) const WRITABLE: u64 = 1 << 1;
pub(crate) const READ_CLOSED: u64 = 1 << 2;
pub(crate) const WRITE_CLOSED: u64 = 1 << 3;
pub(crate) const PRIORITY: u64 = 1 << 4;
pub(crate) const ERROR: u64 = 1 << 5;
pub(crate) const DOWN: u64 = 1 << 6;
const CROWD: u64 = 1 << 7;
/// An event was delivered by another seat than the source's home.
pub(crate) const RESCUED: u64 = 1 << 8;
/// Whoever causes the events is on this machine, and not of this reactor.
pub(crate) const NEIGHBOUR: u64 = 1 << 9;
/// Nobody but whoever has sent the data has said yet that there is some.
const FORETOLD: u64 = 1 << 10;

const TICK: u64 = 1 << 16;
const TICKS: u64 = 0xffff << 16;
const GENERATION_SHIFT: u32 = 32;

/// How many bits of a generation go with a hint.
pub(crate) const HINT_BITS: u32 = 4;

/// Those bits.
pub(crate) fn last_bits(generation: u32) -> u8 {
    (generation & ((1 << HINT_BITS) - 1)) as u8
}

/// What one can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// The bits with which an operation in this direction is worth a try.
    pub(crate) fn ready(self) -> u64 {
        match self {
            Direction::Read => READABLE,
            Direction::Write => WRITABLE,
        }
    }

    /// The bits that keep a short operation from meaning that nothing is left.
    fn lasting(self) -> u64 {
        match self {
            Direction::Read => READ_CLOSED | PRIORITY | ERROR,
            Direction::Write => WRITE_CLOSED | ERROR,
        }
    }

    /// What is cleared where the operation would block.
    pub(crate) fn all(self) -> u64 {
        self.ready() | self.lasting()
    }
}

/// The word as somebody saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    pub(crate) fn has(self, bits: u64) -> bool {
        self.bits(bits) != 0
    }

    /// Those of `bits` that are set.
    pub(crate) fn bits(self, bits: u64) -> u64 {
        self.0 & bits
    }

    /// Whether an operation is worth a try (it will say so where the reactor is down).
    pub(crate) fn is_ready(self, direction: Direction) -> bool {
        self.has(direction.ready() | DOWN)
    }

    /// Whether what can be read is known from its sender alone.
    pub(crate) fn is_foretold(self, direction: Direction) -> bool {
        direction == Direction::Read && self.has(FORETOLD)
    }

    /// Whether less than was asked for means that nothing is left.
    pub(crate) fn short_is_empty(self, direction: Direction) -> bool {
        !self.has(direction.lasting())
    }
}

/// Where a waiter stands in the crowd.
pub(crate) type Place = NonZeroU64;

/// One source's readiness and waiters.
#[repr(align(64))]
#[derive(Debug)]
pub(crate) struct Slot {
    word: AtomicU64,
    reader: WakerSlot,
    writer: WakerSlot,
    /// Null until a direction has had two waiters at once; then it stays with the slot.
    crowd: AtomicPtr<Mutex<Crowd>>,
}

#[derive(Debug, Default)]
struct Crowd {
    waiters: Vec<(Place, Direction, Waker)>,
    last: u64,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
            reader: WakerSlot::new(),
            writer: WakerSlot::new(),
            crowd: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Lets a new tenant in, with `ready` assumed, and returns its generation.
    ///
    /// Only the slab calls it, for a slot without a tenant.
    pub(crate) fn let_in(&self, ready: u64) -> u32 {
        // Relaxed: the slab's lock orders tenants; the last one's leaving changed the generation.
        let generation = self.word.load(Relaxed) >> GENERATION_SHIFT;
        // Relaxed: nothing is handed on; an event's exchange that is going on comes before or after.
        self.word.swap(ready | (generation << GENERATION_SHIFT), Relaxed);
        generation as u32
    }

    /// Ends a tenancy: later events with its generation go nowhere. Waiters are forgotten; there
    /// are none left that hold the source.
    pub(crate) fn let_out(&self, generations: u32) {
        let generation = (self.word.load(Relaxed) >> GENERATION_SHIFT) as u32;
        let next = u64::from(generation.wrapping_add(1) & generations);
        // Relaxed: as in `let_in`.
        self.word.swap(next << GENERATION_SHIFT, Relaxed);
        drop((self.reader.take(), self.writer.take()));
        if let Some(crowd) = self.crowd() {
            let forgotten = std::mem::take(&mut lock(crowd).waiters);
            drop(forgotten);
        }
    }

    pub(crate) fn look(&self) -> Seen {
        // Acquire: pairs with the Release half of an event's exchange.
        Seen(self.word.load(Acquire))
    }

    /// Ends all waiting for good: every operation of the present tenant finds `DOWN` from now on.
    pub(crate) fn bring_down(&self, wakers: &mut VecDeque<Waker>) {
        // Relaxed: if the tenant leaves before the event, there is nobody left to tell.
        let generation = (self.word.load(Relaxed) >> GENERATION_SHIFT) as u32;
        self.event(generation, DOWN, wakers);
    }

    /// Sets `ready` and moves the wakers of those who wait for it into `wakers`, unless the tenant
    /// of `generation` has left. Returns the word as it was.
    pub(crate) fn event(&self, generation: u32, ready: u64, wakers: &mut VecDeque<Waker>) -> Seen {
        let told = if ready & READABLE != 0 { FORETOLD } else { 0 };
        let is_tenant = |now| now == generation;
        let Some(word) = self.tell(is_tenant, |word| (word | ready) & !told) else {
            return Seen(0);
        };
        if ready & (READABLE | DOWN) != 0 {
            wakers.extend(self.reader.take());
        }
        if ready & (WRITABLE | DOWN) != 0 {
            wakers.extend(self.writer.take());
        }
        if word & CROWD != 0 {
            self.disperse(ready, wakers);
        }
        Seen(word)
    }

    /// Says ahead of the event that there is something to read, unless the tenant of `generation`, of
    /// which the last bits are given, has left (so many tenants later it would be told in error, which
    /// costs it a read in vain). The waker is that of the reader in front: a crowd waits
    /// for the event.
    pub(crate) fn foretell(&self, generation: u8) -> Option<Waker> {
        let foretold = |word| word | READABLE | if word & READABLE == 0 { FORETOLD } else { 0 };
        self.tell(|now| last_bits(now) == generation, foretold)?;
        self.reader.take()
    }

    /// Changes the word and advances the tick, unless the tenant has left. Returns the word as it was.
    fn tell(&self, is_tenant: impl Fn(u32) -> bool, change: impl Fn(u64) -> u64) -> Option<u64> {
        // Relaxed: the exchange below acquires.
        let mut word = self.word.load(Relaxed);
        loop {
            if !is_tenant((word >> GENERATION_SHIFT) as u32) {
                return None;
            }
            let tick = word.wrapping_add(TICK) & TICKS;
            // AcqRel: releases what led to the event to those who look, and acquires what a waiter
            // did before it set CROWD.
            match self.word.compare_exchange_weak(
                word,
                (change(word) & !TICKS) | tick,
                AcqRel,
                Relaxed,
            ) {
                Ok(_) => return Some(word),
                Err(now) => word = now,
            }
        }
    }

    /// Notes whether whoever causes the events is a neighbour.
    pub(crate) fn note_neighbour(&self, is_one: bool) {
        // Relaxed, all of them: a hint. The load keeps the line as it is.
        match (self.word.load(Relaxed) & NEIGHBOUR != 0, is_one) {
            (false, true) => self.word.fetch_or(NEIGHBOUR, Relaxed),
            (true, false) => self.word.fetch_and(!NEIGHBOUR, Relaxed),
            _ => return,
        };
    }

    fn disperse(&self, ready: u64, wakers: &mut VecDeque<Waker>) {
        let Some(crowd) = self.crowd() else { return };
        let mut crowd = lock(crowd);
        // Moved, not cloned: a waker's clone and drop are foreign code, and stay out of the lock.
        for waiter in std::mem::take(&mut crowd.waiters) {
            if ready & (waiter.1.ready() | DOWN) == 0 {
                crowd.waiters.push(waiter);
            } else {
                wakers.push_back(waiter.2);
            }
        }
        self.clear_crowd_if_empty(&crowd);
    }

    /// Called with the list's lock held, so no waiter is between its push and its CROWD.
    fn clear_crowd_if_empty(&self, crowd: &Crowd) {
        if crowd.waiters.is_empty() {
            // Relaxed: the list's lock orders this against whoever sets the bit.
            self.word.fetch_and(!CROWD, Relaxed);
        }
    }

    /// Clears `bits`, unless an event has come since `seen`. Returns whether it did.
    pub(crate) fn clear(&self, seen: Seen, bits: u64) -> bool {
        let bits = if bits & READABLE != 0 { bits | FORETOLD } else { bits };
        let mut word = seen.0;
        loop {
            // Relaxed on success: nobody concludes anything from a bit that is not set. Acquire on
            // failure: pairs with the event that came in between.
            match self.word.compare_exchange_weak(word, word & !bits, Relaxed, Acquire) {
                Ok(_) => return true,
                Err(now) if (now ^ seen.0) & TICKS != 0 => return false,
                Err(now) => word = now,
            }
        }
    }

    /// Leaves a waker that the next event of `direction` takes; look again afterwards.
    ///
    /// `place` remembers where a waiter in the crowd stands; `forget` takes it out.
    pub(crate) fn wait(&self, direction: Direction, waker: &Waker, place: &mut Option<Place>) {
        if let Some(key) = *place {
            let mut kept = waker.clone();
            let mut crowd = lock(self.crowd_or_new());
            if let Some(entry) = crowd.waiters.iter_mut().find(|entry| entry.0 == key) {
                std::mem::swap(&mut entry.2, &mut kept);
                drop(crowd);
                return drop(kept);
            }
            // An event took it; there may be room in front now.
            *place = None;
        }
        if self.waker(direction).try_register(waker) {
            return;
        }
        let waker = waker.clone();
        let mut crowd = lock(self.crowd_or_new());
        crowd.last += 1;
        // Counted from one, and nobody lives to see it wrap.
        let key = Place::new(crowd.last).expect("fewer than 2^64 waits");
        crowd.waiters.push((key, direction, waker));
        // Release: an event that comes after this finds the list. What one before it has announced
        // is acquired by the second look, which reads this very word, or a later one.
        self.word.fetch_or(CROWD, Release);
        *place = Some(key);
    }

    /// Leaves the waker of the one task that polls in this direction, in place of the one before. A
    /// waiting future that has stood there is woken, so that it can look for another place.
    ///
    /// (A waker that a task has left itself is not woken: some combinators poll with a new waker
    /// each time, and such a task would wake itself for ever.)
    pub(crate) fn wait_alone(&self, direction: Direction, waker: &Waker) {
        if let Some(displaced) = self.waker(direction).replace(waker) {
            displaced.wake();
        }
    }

    /// Takes a waiter that gives up out of the crowd.
    pub(crate) fn forget(&self, key: Place) {
        let Some(list) = self.crowd() else { return };
        let mut crowd = lock(list);
        let entry = crowd
            .waiters
            .iter()
            .position(|entry| entry.0 == key)
            .map(|index| crowd.waiters.swap_remove(index));
        self.clear_crowd_if_empty(&crowd);
        drop(crowd);
        drop(entry);
    }

    fn waker(&self, direction: Direction) -> &WakerSlot {
        match direction {
            Direction::Read => &self.reader,
            Direction::Write => &self.writer,
        }
    }

    fn crowd(&self) -> Option<&Mutex<Crowd>> {
        // Acquire: pairs with the AcqRel exchange that put the list there.
        let crowd = self.crowd.load(Acquire);
        // SAFETY: null, or a box that only `drop` frees.
        unsafe { crowd.as_ref() }
    }

    fn crowd_or_new(&self) -> &Mutex<Crowd> {
        if let Some(crowd) = self.crowd() {
            return crowd;
        }
        let new = Box::into_raw(Box::new(Mutex::new(Crowd::default())));
        // AcqRel: releases the new list to, or acquires the other's from, whoever loads it.
        match self.crowd.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
            // SAFETY: just made; only `drop` frees it.
            Ok(_) => unsafe { &*new },
            Err(other) => {
                // SAFETY: `new` was never shown to anybody.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: not null, and only `drop` frees it.
                unsafe { &*other }
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Acquire: pairs with the exchange that put the list there.
        let crowd = self.crowd.load(Acquire);
        if !crowd.is_null() {
            // SAFETY: made by `Box::into_raw`, and nobody else can see it any more.
            drop(unsafe { Box::from_raw(crowd) });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_one_cache_line() {
        assert_eq!(size_of::<Slot>(), 64);
    }

    #[test]
    fn an_event_for_an_earlier_tenant_goes_nowhere() {
        let slot = Slot::new();
        let first = slot.let_in(0);
        slot.let_out(u32::MAX);
        let second = slot.let_in(0);
        assert_ne!(first, second);
        slot.event(first, READABLE, &mut VecDeque::new());
        assert!(!slot.look().is_ready(Direction::Read));
        slot.event(second, READABLE, &mut VecDeque::new());
        assert!(slot.look().is_ready(Direction::Read));
    }

    #[test]
    fn what_is_cleared_was_seen_and_nothing_since() {
        let slot = Slot::new();
        let tenant = slot.let_in(READABLE | WRITABLE);
        let seen = slot.look();
        slot.event(tenant, READABLE, &mut VecDeque::new());
        assert!(!slot.clear(seen, Direction::Read.all()));
        assert!(slot.clear(slot.look(), Direction::Read.all()));
        assert!(!slot.look().is_ready(Direction::Read));
        assert!(slot.look().is_ready(Direction::Write));
    }

    #[test]
    fn the_end_of_a_stream_outlasts_a_short_read() {
        let slot = Slot::new();
        let tenant = slot.let_in(0);
        assert!(slot.look().short_is_empty(Direction::Read));
        slot.event(tenant, READABLE | READ_CLOSED, &mut VecDeque::new());
        assert!(!slot.look().short_is_empty(Direction::Read));
        assert!(slot.look().short_is_empty(Direction::Write));
    }

    #[test]
    fn a_waiter_that_gives_up_leaves_the_crowd() {
        let slot = Slot::new();
        let tenant = slot.let_in(0);
        let wakers: Vec<Waker> = (0..2).map(|_| std::sync::Arc::new(Nobody).into()).collect();
        let mut places = [None, None];
        for (waker, place) in wakers.iter().zip(&mut places) {
            slot.wait(Direction::Read, waker, place);
        }
        assert!(places[0].is_none() && places[1].is_some(), "the second stands in the crowd");
        assert!(slot.look().has(CROWD));
        slot.forget(places[1].unwrap());
        assert!(!slot.look().has(CROWD));
        let mut woken = VecDeque::new();
        slot.event(tenant, READABLE, &mut woken);
        assert_eq!(woken.len(), 1);
    }

    struct Nobody;
    impl std::task::Wake for Nobody {
        fn wake(self: std::sync::Arc<Self>) {}
    }
}

#[cfg(all(test, loom))]
#[path = "slot_models.rs"]
mod models;

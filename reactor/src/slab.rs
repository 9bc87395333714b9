//! Where the slots live: pages that double in size and never move, and a queue of free slots.
//!
//! A token is a slot's index and its tenant's generation. Looking a slot up takes no lock, so the
//! thread that turns a driver never waits for one that opens sockets.
//!
//! # When a slot is used again
//!
//! After a source has left its epoll, the batch that another thread is just working through may
//! still hold an event for it. Such an event carries the old generation and is dropped at the word.
//! For that the generation must not come round meanwhile: a slot is used again only after at least
//! [`RESTING`] others, in the order in which they became free, so that one would have to open and
//! close `RESTING` times as many sockets as there are generations while one batch is worked
//! through: 2^38 of them, or 2^20 where a token has 32 bits.
//!
//! (Tried on paper and rejected: holding freed slots back until their seat has turned. A seat that
//! sleeps would hold them for ever, or has to be woken to let go of them.)

use crate::slot::Slot;
use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

const FIRST_PAGE: usize = 64;
const PAGES: usize = 20;
/// How many free slots are kept back before one is used again.
const RESTING: usize = 64;

#[cfg(target_pointer_width = "64")]
const INDEX_BITS: u32 = 32;
#[cfg(not(target_pointer_width = "64"))]
const INDEX_BITS: u32 = 18;
const GENERATION_BITS: u32 =
    if usize::BITS - INDEX_BITS > 32 { 32 } else { usize::BITS - INDEX_BITS };
const GENERATIONS: u32 = ((1u64 << GENERATION_BITS) - 1) as u32;
/// The highest indices stay free, so that no token equals one of the seats' own.
const CAPACITY: usize = {
    let pages = FIRST_PAGE * ((1 << PAGES) - 1);
    let indices = (1 << INDEX_BITS) - 64;
    if pages < indices { pages } else { indices }
};

/// The slots of one reactor.
#[derive(Debug)]
pub(crate) struct Slab {
    pages: [OnceLock<Box<[Slot]>>; PAGES],
    free: Mutex<Free>,
}

#[derive(Debug)]
struct Free {
    queue: VecDeque<usize>,
    /// The first index that was never used.
    fresh: usize,
    down: bool,
}

/// A slot's index and the generation of its tenant, as the epoll carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) usize);

impl Token {
    pub(crate) fn new(index: usize, generation: u32) -> Self {
        Self(index | (generation as usize) << INDEX_BITS)
    }

    pub(crate) fn index(self) -> usize {
        self.0 & ((1 << INDEX_BITS) - 1)
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32 & GENERATIONS
    }
}

impl Slab {
    pub(crate) fn new() -> Self {
        Self {
            pages: [const { OnceLock::new() }; PAGES],
            free: Mutex::new(Free { queue: VecDeque::new(), fresh: 0, down: false }),
        }
    }

    /// A slot for a new tenant, with `ready` assumed.
    pub(crate) fn let_in(&self, ready: u64) -> io::Result<(Token, &Slot)> {
        let mut free = self.free();
        if free.down {
            return Err(crate::error::down());
        }
        let index = if free.queue.len() > RESTING || free.fresh == CAPACITY {
            free.queue.pop_front().ok_or_else(crate::error::too_many)?
        } else {
            free.fresh += 1;
            free.fresh - 1
        };
        let (page, offset) = place(index);
        let slots =
            self.pages[page].get_or_init(|| (0..FIRST_PAGE << page).map(|_| Slot::new()).collect());
        let slot = &slots[offset];
        // Under the lock: a shutdown either sees the tenant or has been seen above.
        let generation = slot.let_in(ready);
        Ok((Token::new(index, generation), slot))
    }

    /// Ends a tenancy.
    pub(crate) fn let_out(&self, token: Token) {
        if let Some(slot) = self.get(token) {
            slot.let_out(GENERATIONS);
            self.free().queue.push_back(token.index());
        }
    }

    /// The slot of `token`, whoever its tenant is by now.
    pub(crate) fn get(&self, token: Token) -> Option<&Slot> {
        self.at(token.index())
    }

    /// The slot of that index, whoever its tenant is.
    pub(crate) fn at(&self, index: usize) -> Option<&Slot> {
        let (page, offset) = place(index);
        self.pages.get(page)?.get()?.get(offset)
    }

    /// Refuses further tenants; returns all slots that ever had one.
    pub(crate) fn shut(&self) -> impl Iterator<Item = &Slot> {
        let mut free = self.free();
        free.down = true;
        let used = free.fresh;
        drop(free);
        self.pages.iter().map_while(|page| page.get()).flat_map(|page| page.iter()).take(used)
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        // Nothing panics under this lock.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many slots have a tenant.
    pub(crate) fn tenants(&self) -> usize {
        let free = self.free();
        free.fresh - free.queue.len()
    }
}

/// The page of an index, and where in it. Page `n` holds `FIRST_PAGE << n` slots.
fn place(index: usize) -> (usize, usize) {
    let page = ((index / FIRST_PAGE) + 1).ilog2() as usize;
    (page, index - FIRST_PAGE * ((1 << page) - 1))
}

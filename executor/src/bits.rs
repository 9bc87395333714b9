//! A set of seats, changed by any thread, one bit a seat.

use wharf_base::sync::atomic::{AtomicUsize, Ordering::*};

const WORD: usize = usize::BITS as usize;

pub(crate) struct Bits(Box<[AtomicUsize]>);

impl Bits {
    /// The empty set of up to `count` seats.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count.div_ceil(WORD)).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Adds a seat. Release and acquire: what went before is seen by whoever removes it.
    pub(crate) fn insert(&self, seat: usize) {
        // AcqRel: pairs with `remove`.
        self.0[seat / WORD].fetch_or(1 << (seat % WORD), AcqRel);
    }

    /// Removes a seat; whether it was there. Of several who remove it, one did.
    pub(crate) fn remove(&self, seat: usize) -> bool {
        let bit = 1 << (seat % WORD);
        // AcqRel: pairs with `insert`.
        self.0[seat / WORD].fetch_and(!bit, AcqRel) & bit != 0
    }

    /// Whether the seat is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn contains(&self, seat: usize) -> bool {
        // Relaxed: a hint; whoever needs to be sure has a fence before this.
        self.0[seat / WORD].load(Relaxed) & (1 << (seat % WORD)) != 0
    }

    /// Whether no seat is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: as in `contains`.
        self.0.iter().all(|word| word.load(Relaxed) == 0)
    }

    /// Whether any seat but `seat` is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn has_other_than(&self, seat: usize) -> bool {
        let own = |n: usize| if n == seat / WORD { 1 << (seat % WORD) } else { 0 };
        // Relaxed: as in `contains`.
        self.0.iter().enumerate().any(|(n, word)| word.load(Relaxed) & !own(n) != 0)
    }

    /// Removes some seat, one that is not `preferred` only where there is no other.
    pub(crate) fn take_any(&self, preferred: impl Fn(usize) -> bool) -> Option<usize> {
        let first = self.iter().filter(|&seat| preferred(seat));
        first.chain(self.iter()).find(|&seat| self.remove(seat))
    }

    /// The seats in the set, as far as can be seen, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        // Relaxed: as in `contains`.
        let words = self.0.iter().enumerate().map(|(n, word)| (n, word.load(Relaxed)));
        words.flat_map(|(n, word)| {
            (0..WORD).filter(move |bit| word & (1 << bit) != 0).map(move |bit| n * WORD + bit)
        })
    }
}

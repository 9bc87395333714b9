//! A set of seats, changed by any thread, one bit a seat.

use wharf_base::sync::atomic::{AtomicUsize, Ordering::*};

const WORD: usize = usize::BITS as usize;

/// The first word stands by itself: few runtimes have more seats than it has bits, and whoever has just
/// polled a task looks into it.
pub(crate) struct Bits {
    first: AtomicUsize,
    more: Box<[AtomicUsize]>,
}

impl Bits {
    /// The empty set of up to `count` seats.
    pub(crate) fn new(count: usize) -> Self {
        let more = (1..count.div_ceil(WORD)).map(|_| AtomicUsize::new(0)).collect();
        Self { first: AtomicUsize::new(0), more }
    }

    /// The word of a seat, and its bit there.
    #[inline]
    fn place(&self, seat: usize) -> (&AtomicUsize, usize) {
        let word = match seat / WORD {
            0 => &self.first,
            n => &self.more[n - 1],
        };
        (word, 1 << (seat % WORD))
    }

    #[inline]
    fn words(&self) -> impl Iterator<Item = &AtomicUsize> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Adds a seat. Release and acquire: what went before is seen by whoever removes it.
    pub(crate) fn insert(&self, seat: usize) {
        let (word, bit) = self.place(seat);
        // AcqRel: pairs with `remove`.
        word.fetch_or(bit, AcqRel);
    }

    /// Removes a seat; whether it was there. Of several who remove it, one did.
    pub(crate) fn remove(&self, seat: usize) -> bool {
        let (word, bit) = self.place(seat);
        // AcqRel: pairs with `insert`.
        word.fetch_and(!bit, AcqRel) & bit != 0
    }

    /// Whether the seat is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn contains(&self, seat: usize) -> bool {
        let (word, bit) = self.place(seat);
        // Relaxed: a hint; whoever needs to be sure has a fence before this.
        word.load(Relaxed) & bit != 0
    }

    /// Whether no seat is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: as in `contains`.
        self.first.load(Relaxed) == 0 && (self.more.is_empty() || self.is_empty_behind_first())
    }

    /// Whether any seat but `seat` is in the set, as far as can be seen.
    #[inline]
    pub(crate) fn has_other_than(&self, seat: usize) -> bool {
        let own = |n: usize| if n == seat / WORD { 1 << (seat % WORD) } else { 0 };
        // Relaxed: as in `contains`.
        let has_other = |(n, word): (usize, &AtomicUsize)| word.load(Relaxed) & !own(n) != 0;
        has_other((0, &self.first))
            || !self.more.is_empty() && self.words().enumerate().any(has_other)
    }

    #[cold]
    fn is_empty_behind_first(&self) -> bool {
        // Relaxed: as in `contains`.
        self.more.iter().all(|word| word.load(Relaxed) == 0)
    }

    /// Removes some seat, one that is not `preferred` only where there is no other.
    pub(crate) fn take_any(&self, preferred: impl Fn(usize) -> bool) -> Option<usize> {
        let first = self.iter().filter(|&seat| preferred(seat));
        first.chain(self.iter()).find(|&seat| self.remove(seat))
    }

    /// The seats in the set, as far as can be seen, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        // Relaxed: as in `contains`.
        let words = self.words().enumerate().map(|(n, word)| (n, word.load(Relaxed)));
        words.flat_map(|(n, word)| {
            (0..WORD).filter(move |bit| word & (1 << bit) != 0).map(move |bit| n * WORD + bit)
        })
    }
}

//! How often something is tried again that has been in vain.

use std::cell::Cell;

/// After so many tries in vain the rest before the next one grows no longer.
const MOST_IN_VAIN: u32 = 6;

/// What a seat has learned of something that it tries: after one try in vain the next time goes without,
/// after the second in a row the next 3, then 7, up to 63. One that was worth it makes good for all.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    /// How many in a row were in vain.
    in_vain: Cell<u32>,
    /// How many times to come go without.
    rest: Cell<u32>,
}

impl Backoff {
    /// It could be tried now: whether it is to be.
    pub(super) fn is_due(&self) -> bool {
        let rest = self.rest.get();
        self.rest.set(rest.saturating_sub(1));
        rest == 0
    }

    /// It was tried, and was worth it, or not.
    pub(super) fn learn(&self, worth_it: bool) {
        let in_vain = if worth_it { 0 } else { (self.in_vain.get() + 1).min(MOST_IN_VAIN) };
        self.in_vain.set(in_vain);
        self.rest.set((1 << in_vain) - 1);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn tries_in_vain_make_the_next_ones_rarer_until_one_is_worth_it() {
        let backoff = Backoff::default();
        let times = || {
            let rest = (0..1000).take_while(|_| !backoff.is_due()).count();
            backoff.learn(false);
            rest
        };
        let rests: Vec<_> = (0..9).map(|_| times()).collect();
        assert_eq!(rests, [0, 1, 3, 7, 15, 31, 63, 63, 63]);
        backoff.learn(true);
        assert!(backoff.is_due() && backoff.is_due());
    }
}

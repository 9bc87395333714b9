//! How a receiver keeps from running after every single message.
//!
//! A task that posts without a pause, and a host that receives without a pause, meet at the lock for
//! every one or two messages, and each meeting moves the port's cache lines from one processor to
//! the other and back: that takes more than all the rest. So a receiver that has found crumbs many
//! times in a row, without ever having had to sleep, lets them gather for a moment before it takes
//! them. Where this brings little, because what posts is slow, it is not tried again for long.
//!
//! Only who asks for many messages at once, and would wait for the first, is held up; a host that
//! looks without waiting, or sleeps between two messages, never is.

use wharf_base::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// Fewer messages than this are crumbs; who asks for fewer is not paced.
const FEW: usize = 32;
/// So many crumbs in a row make a stream.
const STREAM: i32 = 64;
/// What has gathered has to be as much at least.
const WORTH: usize = 8;
/// For how many receives gathering is not tried again where it was of no use.
const REST: i32 = 4096;
/// How long messages gather.
#[cfg(not(loom))]
const MOMENT: std::time::Duration = std::time::Duration::from_micros(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many crumbs have been found in a row. Relaxed: a guess, which several receivers may spoil
    /// for one another.
    crumbs: AtomicI32,
}

impl Pace {
    /// Whether a receiver that asks for so many messages is to be paced.
    pub(super) fn concerns(asked: usize) -> bool {
        asked >= FEW
    }

    fn is_stream(&self) -> bool {
        self.crumbs.load(Relaxed) >= STREAM
    }

    /// Before a receive: lets messages gather if they come in crumbs.
    #[inline]
    pub(super) fn gather(&self) {
        if self.is_stream() {
            moment();
        }
    }

    /// After a receive that has found so many.
    #[inline]
    pub(super) fn found(&self, count: usize) {
        let crumbs = self.crumbs.load(Relaxed);
        let next = match count {
            _ if crumbs >= STREAM => return self.gathered(count),
            FEW.. => 0.min(crumbs),
            _ => crumbs + 1,
        };
        self.crumbs.store(next, Relaxed);
    }

    fn gathered(&self, count: usize) {
        if count < WORTH {
            self.crumbs.store(-REST, Relaxed);
        }
    }

    /// There was nothing, so that the receiver has slept.
    pub(super) fn slept(&self) {
        let crumbs = self.crumbs.load(Relaxed);
        self.crumbs.store(crumbs.min(0), Relaxed);
    }
}

#[cfg(not(loom))]
#[cold]
fn moment() {
    let begun = std::time::Instant::now();
    while begun.elapsed() < MOMENT {
        std::hint::spin_loop();
    }
}

/// loom knows no time.
#[cfg(loom)]
fn moment() {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn streaming() -> Pace {
        let pace = Pace::default();
        for _ in 0..STREAM {
            assert!(!pace.is_stream());
            pace.found(FEW - 1);
        }
        assert!(pace.is_stream());
        pace
    }

    #[test]
    fn crumbs_in_a_row_make_a_stream_and_a_sleep_ends_it() {
        let pace = streaming();
        pace.found(WORTH);
        pace.found(FEW * 10);
        assert!(pace.is_stream());
        pace.slept();
        assert!(!pace.is_stream());
    }

    #[test]
    fn a_whole_loaf_is_no_crumb() {
        let pace = Pace::default();
        for _ in 0..STREAM {
            pace.found(1);
            pace.found(FEW);
        }
        assert!(!pace.is_stream());
    }

    #[test]
    fn where_it_brings_little_it_is_not_tried_again_for_long() {
        let pace = streaming();
        pace.found(WORTH - 1);
        pace.slept();
        pace.found(FEW);
        for _ in 0..REST + STREAM {
            assert!(!pace.is_stream());
            pace.found(1);
        }
        assert!(pace.is_stream());
    }

    #[test]
    fn who_asks_for_few_is_not_paced() {
        assert!(Pace::concerns(FEW) && !Pace::concerns(FEW - 1));
    }
}

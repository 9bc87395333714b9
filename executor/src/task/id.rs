//! Numbers that tell tasks apart.

use std::{
    cell::Cell,
    fmt,
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Tells a task from all others of the process, of whichever runtime, for as long as it runs.
///
/// The numbers are unique but in no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(NonZeroU64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many numbers a seat takes at once.
const BATCH: u64 = 1024;

static NEXT: AtomicU64 = AtomicU64::new(1);

fn take(count: u64) -> u64 {
    // Relaxed: only the numbers themselves matter.
    NEXT.fetch_add(count, Relaxed)
}

impl Id {
    pub(crate) fn next() -> Self {
        Self::from_number(take(1))
    }

    fn from_number(number: u64) -> Self {
        Self(NonZeroU64::new(number).expect("the process has made 2^64 tasks"))
    }
}

/// A seat's stock of numbers, so that two seats don't fight for one counter.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    next: Cell<u64>,
    left: Cell<u64>,
}

impl Ids {
    #[inline]
    pub(crate) fn next(&self) -> Id {
        if self.left.get() == 0 {
            self.next.set(take(BATCH));
            self.left.set(BATCH);
        }
        self.left.set(self.left.get() - 1);
        Id::from_number(self.next.replace(self.next.get() + 1))
    }
}

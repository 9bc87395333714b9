//! Who sleeps, who searches, who watches: the protocol by which no work is left lying while a seat
//! could run it.
//!
//! # Vocabulary
//!
//! - A seat is *vacant* if no thread sits in it, *sleeping* from just before its owner parks until
//!   it is woken, and awake otherwise.
//! - A *searcher* is a thread on its way to find work in other places than its own: at most one.
//!   A thread that is just being woken or started for the purpose counts as the searcher already,
//!   so that of many pushes only the first pays for a wake.
//! - The *watcher* is a sleeper that looks after the busy seats now and then (see
//!   [`worker`](crate::worker)).
//!
//! # Both sides
//!
//! ```text
//! pusher                              sleeper
//! P1 push                             S1 stop searching, if it was the searcher
//! P2 fence(SeqCst)                    S2 sleeping += me
//! P3 a searcher? then done            S3 fence(SeqCst)
//! P4 a sleeper? make it the searcher, S4 look everywhere once more; found: sleeping -= me
//!    sleeping -= it, and unpark it    S5 park
//! ```
//!
//! *No wake is lost.* Of the two fences one comes first. If the pusher's does, S4 sees what was
//! pushed. If the sleeper's does, the pusher sees S1 and S2: it finds no searcher in the sleeper's
//! person, and finds it sleeping. It may find another searcher at P3, and rely on that: a searcher
//! ends its search in one of three ways, each with the fence and the look of S3 and S4 after it:
//! by finding work, and then it looks whether there is more and wakes the next; by finding none, and
//! then it is a sleeper; or, as a pusher that found nobody to wake at P4, by looking again.

use crate::bits::Bits;
use wharf_base::sync::atomic::{AtomicUsize, Ordering::*};

/// Nobody watches.
const UNWATCHED: usize = 0;

pub(crate) struct Idle {
    /// Seats whose owner is parked, or is about to be.
    pub(crate) sleeping: Bits,
    /// Seats without an owner. Whoever removes a bit owns the seat.
    pub(crate) vacant: Bits,
    /// 1 while somebody searches.
    searching: AtomicUsize,
    /// The watcher's seat plus one.
    watcher: AtomicUsize,
}

impl Idle {
    pub(crate) fn new(seats: usize) -> Self {
        let vacant = Bits::new(seats);
        (0..seats).for_each(|seat| vacant.insert(seat));
        Self {
            sleeping: Bits::new(seats),
            vacant,
            searching: AtomicUsize::new(0),
            watcher: AtomicUsize::new(UNWATCHED),
        }
    }

    #[inline]
    pub(crate) fn is_searched(&self) -> bool {
        // Relaxed: a hint, or after a fence.
        self.searching.load(Relaxed) != 0
    }

    /// Becomes the searcher, if there is none.
    pub(crate) fn begin_search(&self) -> bool {
        // AcqRel: pairs with `end_search`.
        self.searching.compare_exchange(0, 1, AcqRel, Relaxed).is_ok()
    }

    /// The searcher is none any more. A fence and another look must follow.
    pub(crate) fn end_search(&self) {
        // Release: pairs with `begin_search`. (The fences order it with the pushes.)
        self.searching.store(0, Release);
    }

    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        // Relaxed: who watches matters only to within a heartbeat.
        self.watcher.load(Relaxed) != UNWATCHED
    }

    pub(crate) fn watcher(&self) -> Option<usize> {
        // Relaxed: as above.
        self.watcher.load(Relaxed).checked_sub(1)
    }

    /// Makes `seat` the watcher, if there is none or it is already.
    pub(crate) fn begin_watch(&self, seat: usize) -> bool {
        // Relaxed: as above; the watch guards no data.
        match self.watcher.compare_exchange(UNWATCHED, seat + 1, Relaxed, Relaxed) {
            Ok(_) => true,
            Err(watcher) => watcher == seat + 1,
        }
    }

    /// Nobody watches any more, if it was `seat` that did.
    pub(crate) fn end_watch(&self, seat: usize) {
        // Relaxed: as above.
        _ = self.watcher.compare_exchange(seat + 1, UNWATCHED, Relaxed, Relaxed);
    }
}

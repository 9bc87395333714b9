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
//!   Where the builder has asked for it, a searcher that finds nothing *spins* for a while before it
//!   goes to sleep, and is the searcher all that time: a search that takes longer, no state of its own.
//!   Who may spin, for how long, and what bounds it is told in [`spin`](crate::worker::spin). In the same way
//!   a searcher may look on for a while before it [steals](crate::worker::patience).
//! - A *watcher* is a sleeper that gets up every heartbeat to look after the busy seats (see
//!   [`worker`](crate::worker)). A seat is in that set only while its owner parks so: a watcher that
//!   gets work is none any more before it runs any. It is a sleeper also during a beat: whoever takes it
//!   out of `sleeping` then unparks it too, and after each park it looks whether somebody has.
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
//! then it is a sleeper, or, where S4 has found something, brings that home and looks for more as
//! well (`worker::from_injector`); or, as a pusher that found nobody to wake at P4, by looking again.
//!
//! Between S4 and S5 a sleeper may let others have its processor
//! ([`give_way`](crate::worker::give_way)). It is a sleeper that is slow to park: who calls it then leaves
//! a permit, at which its park ends.
//!
//! *No busy seat is left unwatched while another sleeps*, so that what a long poll holds up is
//! rescued, also where it lies in a LIFO slot, which no searcher looks into:
//!
//! ```text
//! busy seat                           sleeper
//! B1 becomes busy: vacant or          W1 stops watching and searching, sleeping += me
//!    sleeping -= me
//! B2 fence(SeqCst)                    W2 fence(SeqCst), the same as S3
//! B3 at each push: a watcher or a     W3 a busy seat, and no watcher: sleeping -= me, and watch
//!    searcher but me? then done
//! B4 fence(SeqCst), a sleeper? as P4  W4 park
//! ```
//!
//! A push has no fence of its own before B3, so W3 asks whether a seat is busy, not what waits there.
//! If B2 comes first, W3 sees the busy seat. If W2 does, then B3 sees neither a watcher nor a
//! searcher in the sleeper's person, and B4 finds it sleeping. A searcher relied on at B3 ends as
//! above: as a sleeper, by W2 and W3; or by finding work, and then it sees to a watcher in turn.
//!
//! (Where both seats were asleep, and their bits are in one word, the two changes of that word have an
//! order, and would do without B2. A seat that was vacant has left another word, and needs it.)
//!
//! A watcher relied on at B3 may have something to do just then, and may have been one only in the eyes of
//! a push whose loads are early. Who goes back to sleep comes by W1 to W3. Who does not calls another
//! watcher, whether or not something is seen to wait for it:
//!
//! ```text
//! busy seat                           watcher
//! B1, B2                              H1 watching -= me, sleeping -= me, fence(SeqCst) (its own B2)
//! B3 a watcher? then done             H2 before it polls anything, or leaves its seat:
//!                                        a busy seat, and no watcher? as P2 to P4
//! ```
//!
//! If B2 comes first, H2 sees the busy seat. If H1 does, B3 sees no watcher in its person.
//!
//! B4 is left out, with its fence, where nobody searches, sleeps, or has left a seat vacant, as far as
//! can be seen, and an earlier push of the busy seat has done it since its queue was last empty: so where
//! all are busy a push costs a few loads. Who falls asleep later sees the busy seat at W3, as ever. Who
//! leaves its seat later, and can't watch, asks for that earlier push ([`Announced`]), which is in front
//! of a fence as the vacant seat is: one of the two fences comes first, and it sees the flag, or the
//! pushes that follow see the vacant seat.

use crate::bits::Bits;
use wharf_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*, fence};

// Aligned: every seat reads it at each poll, and what stands beside it is written.
#[repr(align(128))]
pub(crate) struct Idle {
    /// Seats whose owner is parked, or is about to be.
    pub(crate) sleeping: Bits,
    /// Seats without an owner. Whoever removes a bit owns the seat.
    pub(crate) vacant: Bits,
    /// 1 while somebody searches.
    searching: AtomicUsize,
    /// Sleepers that park for a heartbeat at most. Changed by each seat's owner for itself.
    watching: Bits,
}

impl Idle {
    pub(crate) fn new(seats: usize) -> Self {
        let vacant = Bits::new(seats);
        (0..seats).for_each(|seat| vacant.insert(seat));
        Self {
            sleeping: Bits::new(seats),
            vacant,
            searching: AtomicUsize::new(0),
            watching: Bits::new(seats),
        }
    }

    #[inline]
    pub(crate) fn is_searched(&self) -> bool {
        // Relaxed: a hint, or after a fence.
        self.searching.load(Relaxed) != 0
    }

    /// Whether there is anybody to be called, as far as can be seen: nobody searches, and a seat sleeps, or
    /// has no owner.
    #[inline]
    pub(crate) fn has_somebody_to_call(&self) -> bool {
        !self.is_searched() && self.has_somebody_idle()
    }

    /// Whether a seat sleeps, or has no owner.
    #[inline]
    pub(crate) fn has_somebody_idle(&self) -> bool {
        !self.sleeping.is_empty() || !self.vacant.is_empty()
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

    /// The searcher is none any more, since it has found something: whether there is more must follow, for
    /// those who have relied on its search.
    pub(crate) fn end_search_with_a_find(&self) {
        self.end_search();
        // Pairs with P2: whoever relied on our search has pushed before this.
        fence(SeqCst);
    }

    /// P2 to P4: there is work that somebody else could do. Returns the sleeper to unpark, who has
    /// become the searcher, if one is needed; or what `start` says of a thread that is to be one.
    ///
    /// `is_left`: whether the work is still there, as far as can be seen.
    #[inline]
    pub(crate) fn find_searcher(
        &self,
        may_start: impl Fn() -> bool,
        start: impl Fn() -> bool,
        is_left: impl Fn() -> bool,
    ) -> Option<usize> {
        loop {
            if self.is_searched() || self.sleeping.is_empty() && !may_start() {
                return None;
            }
            if !self.begin_search() {
                return None;
            }
            if let Some(seat) = self.sleeping.take_any(|seat| !self.watching.contains(seat)) {
                return Some(seat);
            }
            if start() {
                return None;
            }
            self.end_search();
            // As any end of a search: somebody may have relied on us (P3).
            fence(SeqCst);
            if !is_left() {
                return None;
            }
        }
    }

    /// S1 to S4: whether the seat may park. If not, or after it has, `wake_up` is to follow.
    pub(crate) fn fall_asleep(
        &self,
        seat: usize,
        searching: bool,
        is_needed: impl FnOnce() -> bool,
    ) -> bool {
        if searching {
            self.end_search();
        }
        self.sleeping.insert(seat);
        // Pairs with P2.
        fence(SeqCst);
        !is_needed()
    }

    /// The seat is awake (B1, B2); whether somebody has made it the searcher.
    pub(crate) fn wake_up(&self, seat: usize) -> bool {
        let searching = !self.sleeping.remove(seat);
        self.become_busy();
        searching
    }

    /// B2, after the seat was taken out of `sleeping` or `vacant`.
    pub(crate) fn become_busy(&self) {
        // Pairs with S3 (W2), and with H1, which is this one too.
        fence(SeqCst);
    }

    /// Whether somebody sits in the seat and is awake.
    pub(crate) fn is_busy(&self, seat: usize) -> bool {
        !self.vacant.contains(seat) && !self.sleeping.contains(seat)
    }

    /// The owner of a seat leaves it. What is in it is to be looked at afterwards: what others put
    /// in before [`is_attended`](Self::is_attended) told them that it has an owner, is seen then.
    pub(crate) fn vacate(&self, seat: usize) {
        self.vacant.insert(seat);
        // Pairs with `is_attended`, and with P2.
        fence(SeqCst);
    }

    /// Whether the seat has an owner who will see what the caller has put into it.
    pub(crate) fn is_attended(&self, seat: usize) -> bool {
        // Pairs with `vacate`: either this sees the seat vacant, or its owner sees what was put in.
        fence(SeqCst);
        !self.vacant.contains(seat)
    }

    /// B3: whether somebody else watches `seat`.
    #[inline]
    pub(crate) fn is_watched(&self, seat: usize) -> bool {
        self.watching.has_other_than(seat)
    }

    /// Makes `seat`, which is about to park, a watcher; `false` if there is one. (Two that go to
    /// sleep at once may both become watchers.)
    pub(crate) fn begin_watch(&self, seat: usize) -> bool {
        let begins = !self.is_watched(seat);
        if begins {
            self.watching.insert(seat);
        }
        begins
    }

    /// `seat` watches no longer (H1); `wake_up` is to follow, for its fence.
    pub(crate) fn end_watch(&self, seat: usize) {
        self.watching.remove(seat);
    }

    /// Of the watchers only one acts.
    pub(crate) fn leads_watch(&self, seat: usize) -> bool {
        self.watching.iter().next() == Some(seat)
    }
}

/// Whether a push of a busy seat's has looked for a watcher, with a fence (B4), since its queue was last
/// empty. Changed by the seat's owner; read by who leaves another seat.
#[derive(Debug, Default)]
pub(crate) struct Announced(AtomicBool);

impl Announced {
    /// Whether a push is to look for a watcher: not where all are seen to be busy, and an earlier one has.
    #[inline]
    pub(crate) fn is_to_ask(&self, idle: &Idle) -> bool {
        // Relaxed: only the caller changes it.
        !self.0.load(Relaxed) || idle.is_searched() || idle.has_somebody_idle()
    }

    /// A push is about to look. Its fence must follow, and pairs with that in `vacate`.
    pub(crate) fn tell(&self) {
        self.set(true);
    }

    /// Nothing waits there: the next push is to look anew.
    #[inline]
    pub(crate) fn retract(&self) {
        self.set(false);
    }

    #[inline]
    fn set(&self, told: bool) {
        // Relaxed: only the owner changes it. Who still sees an old `true` looks after the seat in vain; one
        // that goes before a fence is seen after it. The load keeps the line as it is.
        if self.0.load(Relaxed) != told {
            self.0.store(told, Relaxed);
        }
    }

    /// For who has left a seat: whether something may wait there.
    pub(crate) fn is_told(&self) -> bool {
        // Relaxed: after the fence in `vacate`.
        self.0.load(Relaxed)
    }
}

#[cfg(all(test, loom))]
mod models;

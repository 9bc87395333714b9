//! A searcher looks on before it steals: what is worked off quickly where it is, is left there.
//!
//! A task that is taken to another processor takes its data along: its cell, what it shares with others,
//! the books of its seat. Where its poll is shorter than that takes, both processors are slower
//! together than one alone: a burst of 1,000 tasks of 50 ns each, which one seat works off before a wake has
//! even reached the next, took more than twice as long with its help.
//!
//! Nobody knows beforehand how long polls will take, so whoever has pushed calls for help at once, as ever;
//! but who comes looks at what the other seat does before it takes anything. Where that has begun a
//! poll or pushed a task at least every [`QUICK`] since the last look, it is left alone until its queue
//! is empty, or has not been empty for [`MOST`]. A poll that takes longer is seen at the first look. This
//! is for [a crowd](CROWD) alone.
//!
//! Looking on is a search that takes longer, as a [spin](super::spin) is, and ends as any search does: what
//! a push may have relied on it for is seen by the theft or by the last look before sleep. It is also
//! over where anything else comes up for the seat. Where queues do not become empty meanwhile, since
//! their tasks live long, it becomes rare.

use super::{Guest, park, watch::others};
use crate::{seat::Seat, shared::Shared};
use std::{thread, time::Duration};
use wharf_base::sync::{Instant, atomic::Ordering::Relaxed, hint};

/// How long a searcher looks on at most: some times what it takes to wake one. The models don't try it.
const MOST: Duration = if cfg!(loom) { Duration::ZERO } else { Duration::from_micros(100) };
/// How far apart its looks are: each costs the other seat a miss of its cache.
const LOOK: Duration = Duration::from_micros(1);
/// A poll that takes less is sooner done where it is than elsewhere.
const QUICK: Duration = Duration::from_nanos(500);
/// So many tasks are worth looking on for. Fewer are taken at once: whoever looks on for one or two takes a
/// processor from the program that has caused them more often than it spares anybody anything.
const CROWD: usize = 8;
/// Looks between two looks into the searcher's own driver.
const LOOKS: u32 = 8;

/// What a look at the other seats has found.
#[derive(Debug, PartialEq, Eq)]
enum Sight {
    /// Nothing waits there.
    Empty,
    /// All that waits is being worked off.
    Quick,
    /// Something waits behind a poll that takes longer.
    Slow,
}

/// Called by the searcher: whether it is to steal. If not, it has nothing to do elsewhere, or something of
/// its own.
pub(super) fn is_over(shared: &Shared, seat: &Seat, guest: &impl Guest) -> bool {
    let is_crowd = others(shared, seat).any(|other| other.ring.len() >= CROWD);
    if !is_crowd || MOST.is_zero() || !seat.own.patience.is_due() {
        return true;
    }
    look_on(shared, seat, guest)
}

#[cold]
fn look_on(shared: &Shared, seat: &Seat, guest: &impl Guest) -> bool {
    let since = Instant::now();
    let (mut last, mut looks) = (since, 0);
    look(shared, seat, Duration::ZERO);
    loop {
        let now = wait(last);
        match look(shared, seat, now.duration_since(last)) {
            Sight::Quick => {}
            Sight::Slow => return true,
            Sight::Empty => {
                seat.own.patience.learn(true);
                return false;
            }
        }
        if now.duration_since(since) >= MOST {
            seat.own.patience.learn(false);
            return true;
        }
        looks += 1;
        let is_called = guest.is_woken() || park::is_wanted(shared, seat, guest);
        if is_called || shared.injector.len() > 0 || looks % LOOKS == 0 && seat.driver.poll() {
            return false;
        }
        last = now;
    }
}

/// Until the next look is due.
fn wait(last: Instant) -> Instant {
    // The other seat's owner, or who brings it work, may wait for this very processor.
    thread::yield_now();
    loop {
        hint::spin_loop();
        let now = Instant::now();
        if now.duration_since(last) >= LOOK {
            return now;
        }
    }
}

/// Looks at the other seats, so long after the last look.
fn look(shared: &Shared, seat: &Seat, elapsed: Duration) -> Sight {
    let quick = (elapsed.as_nanos() / QUICK.as_nanos()) as u32;
    let mut sight = Sight::Empty;
    for other in others(shared, seat) {
        let steps = other.steps();
        // Relaxed, also below: only the searcher uses it, and the next one needs no more than some number.
        let before = other.seen.load(Relaxed);
        other.seen.store(steps, Relaxed);
        if other.ring.len() > 0 && sight != Sight::Slow {
            let is_quick = steps.wrapping_sub(before) >= quick;
            sight = if is_quick { Sight::Quick } else { Sight::Slow };
        }
    }
    sight
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        task::{Id, Task, tests::NoOwner},
        tests::multi,
    };

    #[test]
    fn a_queue_is_left_alone_as_long_as_its_owner_gets_on_with_it() {
        let runtime = multi(3);
        let shared = runtime.shared();
        let [seat, other, third] = &*shared.seats else { unreachable!("three seats") };
        let look = |quick: u32| look(shared, seat, QUICK * quick);
        assert_eq!(look(0), Sight::Empty);
        for other in [other, third] {
            // SAFETY: the owner of nothing may be null.
            other.push_back(unsafe {
                Task::new::<_, NoOwner>(async {}, Id::next(), std::ptr::null(), (0, 0), 1)
            });
        }
        // Each of them has pushed one.
        assert_eq!((look(1), look(1)), (Sight::Quick, Sight::Slow));
        other.counters.polls.add(2);
        assert_eq!(look(2), Sight::Slow, "the third stands still");
        drop(third.pop());
        other.counters.polls.add(2);
        assert_eq!(look(2), Sight::Quick, "nothing waits at the third");
        other.counters.polls.add(2);
        assert_eq!(look(3), Sight::Slow);
        drop(other.pop());
        assert_eq!(look(1), Sight::Empty);
    }
}

//! The watch: a sleeper that looks after seats which are held up.
//!
//! A poll that takes long holds up everything at its seat: the LIFO slot and the ring, the timers
//! and the sources of its driver. So of the sleepers one is the *watcher*, which parks for a heartbeat
//! ([`HEARTBEAT`]) at most and then looks at the busy seats. Where the count of polls has not moved
//! since the last beat, it polls that seat's driver, and takes a share of its queue. So an event waits
//! for two heartbeats at most, as long as any seat has nothing else to do. Where the busy seats are well
//! the heart beats [slower](Pulse), up to a quarter as fast: the first long poll after a calm time is
//! found in 8 ms, and those that follow in 2.
//!
//! A watcher that gets work of its own watches no longer, and a push that finds nobody watching wakes
//! a sleeper, which then does. A wake from outside spares the watcher, so that it is always the same,
//! warm worker that serves a foreign thread. When all is quiet for a few heartbeats, or for some more
//! parks, nobody watches any more, and an idle executor makes no system calls at all. Why no seat is
//! left unwatched is told in [`idle`](crate::idle).
//!
//! A seat that is always busy never sleeps, and so can't watch: its owner [glances](super::glance) at the
//! others instead, one after the other.

use crate::{seat::Seat, shared::Shared, task::Task};
use std::{cell::Cell, ptr, time::Duration};
use wharf_base::sync::atomic::Ordering::*;

/// How long the watcher sleeps between two looks at the busy seats, where a poll has taken long of late.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(1);
/// How often this is doubled where none has: a beat costs the processor that it wakes some 10 µs, and
/// whoever is at home there its place.
const MOST_DOUBLINGS: u32 = 2;
/// A seat that has begun so many polls since the last beat is well.
const WELL: u64 = 16;
/// After how many parks in a row that found no other seat busy a watcher retires.
#[cfg(not(loom))]
const QUIET_PARKS: u32 = 18;
#[cfg(loom)]
const QUIET_PARKS: u32 = 0;
/// For how many of these a whole heartbeat counts.
const PARKS_PER_BEAT: u32 = 6;

/// How far apart a watcher's beats are.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    doublings: Cell<u32>,
}

impl Pulse {
    pub(super) fn interval(&self) -> Duration {
        HEARTBEAT * (1 << self.doublings.get())
    }

    /// A beat is over, and found all well, or not.
    fn learn(&self, well: bool) {
        let more = (self.doublings.get() + 1).min(MOST_DOUBLINGS);
        self.doublings.set(if well { more } else { 0 });
    }
}

/// What a long poll here would hold up is there already: sees to a watcher, as a push does.
pub(super) fn see_to(seat: &Seat) {
    if seat.waiting() > 0 {
        seat.see_to_watch();
    }
}

/// Whether a seat is busy, and nobody but us watches (W3). What waits there can't be asked for: its
/// owner pushes without a fence.
pub(super) fn is_unwatched(shared: &Shared, seat: &Seat) -> bool {
    let is_busy = |other: &Seat| shared.idle.is_busy(other.number);
    !shared.idle.is_watched(seat.number) && others(shared, seat).any(is_busy)
}

/// Whether something is seen that a busy seat could hold up, and nobody watches: for who leaves, and
/// can't watch itself. Whoever has relied on our search has had a fence after its push; and whoever has
/// seen nobody idle, after an earlier one, of which its seat tells until its queue is empty.
pub(super) fn leaves_unwatched(shared: &Shared, seat: &Seat) -> bool {
    let may_be_held_up =
        |other: &Seat| other.announced.is_told() || other.waiting() > 0 || !other.driver.is_idle();
    is_unwatched(shared, seat)
        && others(shared, seat)
            .any(|other| shared.idle.is_busy(other.number) && may_be_held_up(other))
}

pub(super) fn others<'a>(shared: &'a Shared, seat: &'a Seat) -> impl Iterator<Item = &'a Seat> {
    shared.seats.iter().filter(|other| !ptr::eq(*other, seat))
}

/// Whether this seat, which is about to park, is to watch; then it is counted as a watcher.
pub(super) fn watches(shared: &Shared, seat: &Seat) -> bool {
    if shared.seats.len() == 1 || !shared.is_multi_thread() {
        return false;
    }
    watches_on(shared, seat) && shared.idle.begin_watch(seat.number)
}

/// Whether somebody else was busy of late: else the watch is over.
pub(super) fn watches_on(shared: &Shared, seat: &Seat) -> bool {
    let quiet = if others(shared, seat).any(|other| shared.idle.is_busy(other.number)) {
        0
    } else {
        seat.own.quiet.get().saturating_add(1)
    };
    seat.own.quiet.set(quiet);
    quiet <= QUIET_PARKS
}

/// A watcher's park is over. `whole`: it was as long as a heartbeat.
pub(super) fn beat(shared: &Shared, seat: &Seat, whole: bool) {
    let own = &seat.own;
    if !whole {
        return own.led.set(false);
    }
    own.quiet.set(own.quiet.get() + PARKS_PER_BEAT);
    let leads = shared.idle.leads_watch(seat.number);
    let again = own.led.replace(leads);
    if leads {
        look_after_others(shared, seat, again);
    }
}

/// A heartbeat of the watch: notes how far the busy seats are. `again`: the last note was ours too,
/// a beat ago: helps those that are still in the same poll.
fn look_after_others(shared: &Shared, seat: &Seat, again: bool) {
    let mut well = true;
    for other in others(shared, seat).filter(|other| shared.idle.is_busy(other.number)) {
        let polls = other.counters.polls.get();
        // Relaxed, as the count: only a change of it matters; one watcher at a time looks.
        let before = other.watched.swap(polls, Relaxed);
        well &= polls.wrapping_sub(before) >= WELL;
        if before == polls && again {
            help(seat, other, polls);
        }
    }
    seat.own.pulse.learn(well);
}

/// Takes over what waits at a seat that is held up by a poll, its `polls`-th.
pub(super) fn help(seat: &Seat, other: &Seat, polls: u64) {
    // Relaxed: only a change of it matters; two helpers at once tell of it once all the same.
    if other.told.swap(polls, Relaxed) != polls {
        let seat = other.number;
        log::debug!("slow poll: a task holds up seat {seat}; its events are looked after");
    }
    let mut helped = other.driver.poll();
    let slot = other.lifo.take();
    // SAFETY: the slot held a reference.
    let rescued = slot.map(|task| unsafe { Task::from_raw(task) });
    for task in rescued.into_iter().chain(seat.steal_from(other)) {
        seat.push_back(task);
        helped = true;
    }
    seat.counters.rescues.add(helped.into());
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_heart_slows_down_where_all_is_well_and_is_fast_again_at_once() {
        let pulse = Pulse::default();
        let beats = [true, true, true, false, true].map(|well| {
            pulse.learn(well);
            pulse.interval().as_millis()
        });
        assert_eq!(beats, [2, 4, 4, 1, 2]);
    }
}

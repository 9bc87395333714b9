//! How the owner of a seat goes to sleep, and gets up.

use super::{Guest, give_way::give_way, watch};
use crate::{seat::Seat, shared::Shared};
use wharf_base::sync::{Instant, atomic::Ordering::Relaxed};

/// Sleeps in the driver until there is something to do (S1 to S5, and W1 to W4, in `idle`).
pub(super) fn park(shared: &Shared, seat: &Seat, guest: &impl Guest) {
    let watches = watch::watches(shared, seat);
    let is_needed =
        || is_needed(shared, seat, guest) || !watches && watch::is_unwatched(shared, seat);
    let searching = seat.own.searching.replace(false);
    // Relaxed: the fence of S3 follows; who then finds us asleep sees it.
    seat.kept.store(!guest.yields_seat(), Relaxed);
    let may_park = shared.idle.fall_asleep(seat.number, searching, is_needed);
    if may_park && guest.may_park() {
        seat.counters.parks.add(1);
        // SAFETY: we are the owner.
        unsafe { seat.ring.shrink() };
        shared.config.hook(|config| &config.on_thread_park);
        seat.end_busy();
        give_way(shared, seat);
        if watches {
            sleep_and_watch(shared, seat, guest);
        } else {
            seat.driver.park(None);
        }
        seat.begin_busy();
        shared.config.hook(|config| &config.on_thread_unpark);
        guest.parked();
    }
    if watches {
        shared.idle.end_watch(seat.number);
    }
    let searching = shared.idle.wake_up(seat.number);
    seat.own.begin_duty(searching, watches);
    watch::see_to(seat);
}

/// Sleeps, and looks after the busy seats every heartbeat, until there is something else to do.
///
/// The seat counts as asleep all that time. So it takes nothing from the others that they have not
/// called for: a beat that took from their queues would be a wake for next to nothing.
fn sleep_and_watch(shared: &Shared, seat: &Seat, guest: &impl Guest) {
    loop {
        let (since, interval) = (Instant::now(), seat.own.pulse.interval());
        seat.driver.park(Some(interval));
        let whole = since.elapsed() >= interval / 2;
        watch::beat(shared, seat, whole);
        if !whole || is_roused(shared, seat, guest) || !watch::watches_on(shared, seat) {
            return;
        }
    }
}

/// Whether a seat that counts as asleep has something to do. Each of these is done before the unpark
/// that ends the sleep: after a sleep that has used one up it is seen.
fn is_roused(shared: &Shared, seat: &Seat, guest: &impl Guest) -> bool {
    !shared.idle.sleeping.contains(seat.number)
        || seat.waiting() > 0
        || shared.injector.len() > 0
        || guest.is_woken()
        || is_wanted(shared, seat, guest)
}

/// The last look around before sleep.
pub(super) fn is_needed(shared: &Shared, seat: &Seat, guest: &impl Guest) -> bool {
    shared.injector.len() > 0
        || seat.waiting() > 0
        || is_wanted(shared, seat, guest)
        || !shared.idle.is_searched() && others_wait(shared, seat)
}

/// Whether the owner is to see to something that is no task: the end, or somebody who wants the seat.
pub(super) fn is_wanted(shared: &Shared, seat: &Seat, guest: &impl Guest) -> bool {
    shared.is_closed() && !seat.own.drained.get() || guest.yields_seat() && shared.is_seat_wanted()
}

/// Whether there is something to steal.
pub(super) fn others_wait(shared: &Shared, seat: &Seat) -> bool {
    watch::others(shared, seat).any(|other| other.ring.len() > 0)
}

//! How the owner of a seat goes to sleep, and gets up.

use super::{Guest, watch};
use crate::{seat::Seat, shared::Shared};
use wharf_base::sync::Instant;

/// Sleeps in the driver until there is something to do (S1 to S5, and W1 to W4, in `idle`).
pub(super) fn park(shared: &Shared, seat: &Seat, guest: &impl Guest) {
    let since = watch::watches(shared, seat).then(Instant::now);
    let is_needed =
        || is_needed(shared, seat, guest) || since.is_none() && watch::is_unwatched(shared, seat);
    let searching = seat.own.searching.replace(false);
    let may_park = shared.idle.fall_asleep(seat.number, searching, is_needed);
    if may_park && guest.may_park() {
        seat.counters.parks.add(1);
        // SAFETY: we are the owner.
        unsafe { seat.ring.shrink() };
        shared.config.hook(|config| &config.on_thread_park);
        seat.end_busy();
        seat.driver.park(since.map(|_| watch::HEARTBEAT));
        seat.begin_busy();
        shared.config.hook(|config| &config.on_thread_unpark);
        guest.parked();
    }
    seat.own.searching.set(shared.idle.wake_up(seat.number));
    if let Some(since) = since {
        watch::beat(shared, seat, since.elapsed() >= watch::HEARTBEAT / 2);
        shared.idle.end_watch(seat.number);
    }
    watch::see_to(shared, seat);
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

//! A short, bounded look-out for work before a worker parks.
//!
//! Off, unless [`Config::spin_before_park`](crate::Config::spin_before_park) gives it a limit: it
//! trades processor time for the microseconds that waking a thread takes, where a thread outside
//! brings the next task as soon as it has the answer to the last.
//!
//! # Who may spin, and as what
//!
//! A worker that has run out of work and found none elsewhere. Among several seats it has become the
//! searcher by then (see [`idle`](crate::idle)), or goes to sleep if somebody else has: so at most
//! one thread of an executor spins. It stays the searcher all the time. A sole seat's owner is simply
//! awake meanwhile. It looks wherever it would look after a wake: its own queue, the
//! injector, other seats, its driver; and for whoever wants its seat.
//!
//! # Why no wake is lost
//!
//! A spin is a search that takes longer, and ends as any search does: with work, and then as the
//! searcher that has found some; or without, and then with S1 to S4 of the sleeper, the last look
//! among them. A push that comes meanwhile finds a searcher at P3 and pays for no wake; a sole
//! seat's pusher finds no sleeper at P4. What either relies on is seen by the spin, or at S4. A waker
//! of the main future finds its thread running, and leaves a mark that `Guest::may_park` sees. A
//! seat that relies on the searcher as its watcher to be (B3) waits longer for it, by the limit at most.
//!
//! # Its bounds
//!
//! - In time: no spin is longer than its limit, nor than [`MOST`], and each ends in work or in a park,
//!   so an idle executor doesn't spin.
//! - By what it brings: after one in vain, the next time that the worker runs out of work it parks at
//!   once, and so on ([`Backoff`](super::Backoff)).
//! - By processors: only where fewer seats are awake than there are processors, since whoever is to
//!   bring the work needs one too. So there is none on a machine with one processor.

use super::{Guest, INJECTOR_BATCH, from_injector, park, search};
use crate::{seat::Seat, shared::Shared, task::Task};
use std::{thread, time::Duration};
use wharf_base::sync::{Instant, hint};

/// The longest spin that can be asked for.
const MOST: Duration = Duration::from_millis(1);
/// Looks at the queues between two looks at driver and clock.
#[cfg(not(loom))]
const LOOKS: u32 = 16;
#[cfg(loom)]
const LOOKS: u32 = 1;
/// Pauses of the processor between two looks.
const PAUSES: u32 = 4;

/// What the executor allows.
#[derive(Debug)]
pub(crate) struct Limit {
    time: Duration,
    processors: usize,
}

impl Limit {
    pub(crate) fn new(time: Duration) -> Self {
        #[cfg(loom)]
        let count = || usize::MAX;
        #[cfg(not(loom))]
        let count = || thread::available_parallelism().map_or(1, usize::from);
        let processors = if time.is_zero() { 0 } else { count() };
        Self { time: time.min(MOST), processors }
    }

    /// Whether the builder has asked for spins.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.processors > 0
    }

    /// Whether a thread may spin where so many seats are awake, its own among them.
    fn permits(&self, awake: usize) -> bool {
        awake < self.processors
    }
}

/// How a spin ended.
pub(super) enum Spun {
    /// With a task to run.
    Task(Task),
    /// With something else to do.
    Wanted,
    /// In vain, or there was none.
    Nothing,
}

/// Looks out for work, where that is allowed and has paid lately.
#[inline]
pub(super) fn spin(shared: &Shared, seat: &Seat, guest: &impl Guest) -> Spun {
    if !shared.spin.is_on() || !may_spin(shared, seat) {
        return Spun::Nothing;
    }
    let spun = look_out(shared, seat, guest);
    let found = !matches!(spun, Spun::Nothing);
    seat.own.spin.learn(found);
    seat.counters.spins.add(1);
    seat.counters.useful_spins.add(found.into());
    spun
}

fn may_spin(shared: &Shared, seat: &Seat) -> bool {
    let has_role = seat.own.searching.get() || shared.seats.len() == 1;
    let awake = || shared.seats.iter().filter(|seat| shared.idle.is_busy(seat.number)).count();
    has_role && shared.spin.permits(awake()) && seat.own.spin.is_due()
}

#[cold]
fn look_out(shared: &Shared, seat: &Seat, guest: &impl Guest) -> Spun {
    let since = Instant::now();
    loop {
        for _ in 0..LOOKS {
            if guest.is_woken() || park::is_wanted(shared, seat, guest) {
                return Spun::Wanted;
            }
            let own = seat.pop().or_else(|| from_injector(shared, seat, INJECTOR_BATCH));
            if let Some(task) = own.or_else(|| search(shared, seat, guest)) {
                return Spun::Task(task);
            }
            (0..PAUSES).for_each(|_| hint::spin_loop());
        }
        if seat.driver.poll() {
            return Spun::Wanted;
        }
        if since.elapsed() >= shared.spin.time {
            return Spun::Nothing;
        }
        // Whoever is to bring the work may wait for this very processor.
        thread::yield_now();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn nobody_spins_on_one_processor_or_where_all_are_taken() {
        let limit = |processors| Limit { time: MOST, processors };
        assert!(!limit(1).permits(1));
        assert!(limit(2).permits(1) && !limit(2).permits(2));
        assert!(limit(8).permits(7) && !limit(8).permits(8));
    }

    #[test]
    fn a_limit_is_at_most_a_millisecond_and_zero_is_off() {
        assert_eq!(Limit::new(Duration::from_secs(3600)).time, MOST);
        assert!(!Limit::new(Duration::ZERO).permits(1));
    }
}

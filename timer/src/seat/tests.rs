//! How much of its work a seat does at once.

use super::*;
use std::sync::Arc;

#[test]
fn a_million_in_one_slot_are_poured_over_several_turns_and_nobody_sleeps_meanwhile() {
    const TURNS: usize = 4;
    /// A slot of the third level begins here.
    const BEGIN: u64 = 1 << 38;
    let shared =
        Shared { clock: Clock::new(false), unpark: Box::new(|_| {}), timers: std::ptr::null() };
    let seat = Seat::new(0, Arc::new(shared));
    let count = POURED_AT_ONCE * TURNS;
    let arm = |n: usize| seat.arm(BEGIN + n as u64, Waker::noop().clone(), true);
    let keys = Vec::from_iter((0..count).map(arm));
    for _ in 1..TURNS {
        assert_eq!(seat.fire(|| BEGIN), 0);
        assert!(seat.sleep_until().latest <= BEGIN);
        assert!(!seat.is_idle());
    }
    assert_eq!(seat.fire(|| BEGIN), 1, "the first one, once all that is before it is known");
    assert_eq!(seat.sleep_until().next, BEGIN + 1);
    let last = BEGIN + count as u64;
    assert_eq!(seat.fire_all(last), count - 1);
    for key in keys {
        assert_eq!(seat.cancel(key.unwrap()).map(drop), None);
    }
}

struct Panics;

impl std::task::Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

struct Counts(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A seat with as many timers as fill some batches, of which the one at `bad` has a waker that panics.
fn seat_with_a_bad_waker(count: usize, bad: usize) -> (Seat, Arc<Counts>) {
    let shared =
        Shared { clock: Clock::new(false), unpark: Box::new(|_| {}), timers: std::ptr::null() };
    let seat = Seat::new(0, Arc::new(shared));
    let counts = Arc::new(Counts(Default::default()));
    for n in 0..count {
        let waker = if n == bad { Arc::new(Panics).into() } else { counts.clone().into() };
        assert!(seat.arm(1 + n as u64, waker, true).is_ok());
    }
    (seat, counts)
}

#[test]
fn a_waker_that_panics_keeps_no_other_from_being_woken() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    const COUNT: usize = 200;
    let (seat, counts) = seat_with_a_bad_waker(COUNT, 70);
    assert!(catch_unwind(AssertUnwindSafe(|| seat.fire_all(1000))).is_err());
    seat.fire_all(1000);
    assert_eq!(counts.0.load(Relaxed), COUNT - 1);

    let (seat, counts) = seat_with_a_bad_waker(COUNT, 70);
    assert!(catch_unwind(AssertUnwindSafe(|| seat.close())).is_err());
    assert_eq!(counts.0.load(Relaxed), COUNT - 1);
    assert_eq!(Arc::strong_count(&counts), 1, "none is kept, none is dropped twice");
}

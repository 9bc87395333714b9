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

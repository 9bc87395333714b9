use super::heap::SWEEP_AT;
use super::slots::{LEVELS, SEARCHED, SLOT_BITS};
use super::*;

const TICK: u64 = 1 << TICK_BITS;

fn fire_one<T>(wheel: &mut Wheel<T>, now: u64) -> Option<T> {
    match wheel.fire_next(now, &mut usize::MAX.clone()) {
        Found::Due(value) => Some(value),
        Found::Nothing => None,
        Found::Unfinished => panic!("that was not all the work"),
    }
}

fn fire_all<T>(wheel: &mut Wheel<T>, now: u64) -> Vec<T> {
    std::iter::from_fn(|| fire_one(wheel, now)).collect()
}

#[test]
fn fires_in_order_of_deadline_and_ties_in_order_of_arming() {
    let mut wheel = Wheel::new();
    let deadlines = [9, 3 * TICK, 3 * TICK, 9, 200 * TICK, 3 * TICK - 1, 9, 70_000 * TICK];
    for (i, deadline) in deadlines.into_iter().enumerate() {
        wheel.arm(deadline, i);
    }
    assert_eq!(fire_all(&mut wheel, 8), []);
    assert_eq!(fire_all(&mut wheel, 9), [0, 3, 6]);
    wheel.arm(3 * TICK, 8);
    assert_eq!(fire_all(&mut wheel, 1_000_000 * TICK), [5, 1, 2, 8, 4, 7]);
}

#[test]
fn what_is_due_when_armed_fires_in_order_of_arming_after_what_was_due_before() {
    let mut wheel = Wheel::new();
    wheel.arm(100, 'a');
    assert_eq!(fire_all(&mut wheel, 50), []);
    wheel.arm(50, 'b');
    wheel.arm(0, 'c');
    let cancelled = wheel.arm(7, '-');
    wheel.arm(7, 'd');
    assert_eq!(wheel.next_deadline(), Some(50));
    assert_eq!(wheel.cancel(cancelled), Some('-'));
    assert_eq!(fire_all(&mut wheel, 100), ['b', 'c', 'd', 'a']);
    wheel.arm(120, 'e');
    assert_eq!(fire_one(&mut wheel, 150), Some('e'));
    wheel.arm(1, 'f');
    wheel.arm(151, 'g');
    assert_eq!(fire_all(&mut wheel, 151), ['f', 'g']);
}

#[test]
fn the_edges_of_every_level_are_exact() {
    for level in 0..LEVELS as u32 {
        for start in [0, TICK - 1, 12_345 * TICK, 1 << 50] {
            let edge = TICK << (level * SLOT_BITS);
            let after =
                [edge - 1, edge, edge + 1, edge.saturating_mul(63), edge.saturating_mul(64)];
            let mut deadlines = Vec::from_iter(after.map(|after| start.saturating_add(after)));
            deadlines.dedup();
            let mut wheel = Wheel::new();
            assert_eq!(fire_one(&mut wheel, start), None);
            for &deadline in &deadlines {
                wheel.arm(deadline, deadline);
            }
            for &deadline in &deadlines {
                assert_eq!(fire_one(&mut wheel, deadline - 1), None, "{level} {start} {deadline}");
                assert_eq!(wheel.next_deadline(), Some(deadline));
                assert_eq!(fire_one(&mut wheel, deadline), Some(deadline));
            }
            assert_eq!(wheel.next_deadline(), None);
        }
    }
}

#[test]
fn the_next_deadline_is_exact_for_few_and_a_slots_beginning_for_many() {
    let mut wheel = Wheel::new();
    let keys: Vec<_> = (0..SEARCHED as u64).map(|i| wheel.arm(64 * TICK + 100 - i, i)).collect();
    assert_eq!(wheel.next_deadline(), Some(64 * TICK + 100 - (SEARCHED as u64 - 1)));
    let more = wheel.arm(64 * TICK + 200, 99);
    for key in keys {
        wheel.cancel(key);
    }
    assert_eq!(wheel.next_deadline(), Some(64 * TICK + 200), "the cancelled don't count");
    for i in 0..SEARCHED as u64 {
        wheel.arm(64 * TICK + 300, i);
    }
    wheel.cancel(more);
    wheel.arm(64 * TICK + 300, 16);
    assert_eq!(wheel.next_deadline(), Some(64 * TICK));
    let earlier = wheel.arm(63 * TICK + 5, 17);
    assert_eq!(wheel.next_deadline(), Some(63 * TICK + 5));
    wheel.cancel(earlier);
    assert_eq!(fire_one(&mut wheel, 64 * TICK), None);
    assert_eq!(wheel.next_deadline(), Some(64 * TICK + 300), "one more wake-up, then exact");
}

#[test]
fn dead_heap_entries_are_bounded_and_never_on_top() {
    let mut wheel = Wheel::new();
    wheel.arm(TICK - 1, 0);
    for i in 1..100_000 {
        let key = wheel.arm(i % TICK + 1, i);
        assert_eq!(wheel.next_deadline(), Some(i % TICK + 1));
        wheel.cancel(key);
        assert_eq!(wheel.next_deadline(), Some(TICK - 1));
        assert!(wheel.heap.len() <= SWEEP_AT + 3, "{}", wheel.heap.len());
    }
    let keys = Vec::from_iter((0..10_000).map(|i| wheel.arm(TICK - 1, i)));
    assert_eq!(wheel.heap.len() - wheel.heap.dead, 10_001);
    for key in keys {
        wheel.cancel(key);
        assert!(wheel.heap.dead <= wheel.heap.len() - wheel.heap.dead + SWEEP_AT);
    }
    assert_eq!(wheel.held(), 1);
    assert!(wheel.heap.len() <= SWEEP_AT + 2, "{}", wheel.heap.len());
    assert_eq!(fire_all(&mut wheel, TICK), [0]);
}

#[test]
fn rearming_moves_a_timer_and_a_fired_one_stays_fired() {
    let mut wheel = Wheel::new();
    let a = wheel.arm(10, 'a');
    let b = wheel.arm(5 * TICK, 'b');
    let c = wheel.arm(5 * TICK, 'c');
    assert!(wheel.rearm(&a, 90 * TICK));
    assert!(wheel.rearm(&b, 5 * TICK));
    assert_eq!(fire_all(&mut wheel, 5 * TICK), ['c', 'b']);
    assert!(!wheel.rearm(&b, 6 * TICK));
    assert!(wheel.has_fired(&c));
    assert_eq!(wheel.value_mut(&c), None);
    assert!(wheel.rearm(&a, 0), "to the past");
    assert_eq!(wheel.next_deadline(), Some(5 * TICK));
    assert_eq!(fire_all(&mut wheel, 0), ['a']);
    assert_eq!((wheel.cancel(a), wheel.cancel(b), wheel.cancel(c)), (None, None, None));
    assert_eq!(wheel.held(), 0);
}

#[test]
fn time_does_not_run_backwards() {
    let mut wheel = Wheel::new();
    assert_eq!(fire_one(&mut wheel, 9 * TICK), None);
    wheel.arm(9 * TICK - 1, 'a');
    wheel.arm(9 * TICK + 1, 'b');
    assert_eq!(fire_all(&mut wheel, 0), ['a']);
    assert_eq!(fire_all(&mut wheel, u64::MAX), ['b']);
}

#[test]
fn draining_hands_out_every_value() {
    let mut wheel = Wheel::new();
    for i in 0..64 {
        wheel.arm(1 << i, i);
    }
    wheel.arm(u64::MAX, 64);
    let mut seen = Vec::new();
    wheel.drain(|i| seen.push(i));
    seen.sort_unstable();
    assert_eq!(seen, Vec::from_iter(0..65));
}

#[test]
fn a_crowd_shares_a_wake_up_and_a_few_do_not() {
    let mut wheel = Wheel::new();
    let keys = Vec::from_iter((0..CROWD as u64 - 1).map(|i| wheel.arm(1000 + i * 50, i)));
    assert_eq!(wheel.next_wake(50), Some(1000), "a few");
    wheel.arm(9000, 99);
    assert_eq!(wheel.next_wake(50), Some(1050), "the second is 50 later");
    assert_eq!(wheel.next_wake(49), Some(1000), "50 are more than 49");
    for key in keys.into_iter().skip(1) {
        wheel.cancel(key);
    }
    assert_eq!(wheel.next_wake(50), Some(1000), "the cancelled share nothing");
    assert_eq!(wheel.next_deadline(), Some(1000));
    assert_eq!(fire_all(&mut wheel, 1050), [0]);
}

#[test]
fn a_slot_of_very_many_is_poured_in_pieces_and_fires_in_order() {
    const COUNT: u64 = 20_000;
    const WORK: usize = 1_000;
    let mut wheel = Wheel::new();
    let begin = 4096 * TICK;
    let mut keys = Vec::from_iter((0..COUNT).map(|i| wheel.arm(begin + COUNT - i, i)));
    let mut pieces = 0;
    loop {
        let mut work = WORK;
        let found = wheel.fire_next(begin, &mut work);
        if found == Found::Nothing {
            break;
        }
        assert_eq!((found, work), (Found::Unfinished, 0));
        assert_eq!(wheel.next_deadline(), Some(begin), "nobody sleeps on it");
        pieces += 1;
        // Beside one of the rest, one of the poured, and one that is armed meanwhile.
        for _ in 0..2 {
            let last = keys.pop().unwrap();
            assert_eq!(wheel.cancel(last), Some(keys.len() as u64));
        }
        let first = keys.swap_remove(pieces);
        assert!(wheel.cancel(first).is_some());
        wheel.arm(begin + 1 + pieces as u64, COUNT + pieces as u64);
    }
    assert_eq!(pieces, COUNT as usize / WORK - 1, "and the rest in the last call");
    let fired = fire_all(&mut wheel, begin + COUNT);
    assert_eq!(fired.len(), COUNT as usize - 2 * pieces);
    let deadline = |i: &u64| if *i < COUNT { COUNT - i } else { 1 + i - COUNT };
    assert!(fired.is_sorted_by_key(|i| (deadline(i), *i)));
}

#[test]
fn when_all_are_cancelled_nothing_of_them_is_looked_at_again() {
    for deadline in [TICK - 1, 100 * TICK] {
        let mut wheel = Wheel::new();
        let keys = Vec::from_iter((0..10_000).map(|i| wheel.arm(deadline, i)));
        for key in keys {
            wheel.cancel(key);
        }
        assert_eq!((wheel.held(), wheel.next_deadline()), (0, None));
        wheel.arm(deadline, 1);
        assert_eq!(fire_all(&mut wheel, deadline), [1]);
    }
}

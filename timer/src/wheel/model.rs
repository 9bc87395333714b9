//! The wheel against a sorted map, which is slow, obvious, and right.

use super::heap::SWEEP_AT;
use super::slots::{LEVELS, SEARCHED, SLOT_BITS};
use super::*;
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

/// Indices are taken modulo what there is, times are counted from the present.
#[derive(Clone, Debug)]
enum Op {
    Arm(u64),
    /// Arms so many, a nanosecond apart.
    ArmMany(u64, u64),
    Cancel(usize),
    Rearm(usize, u64),
    /// Lets time pass and fires all that is due.
    Pass(u64),
    /// Lets time pass and fires so many only.
    PassAndFire(u64, usize),
    /// Lets time pass and fires what can be had for pouring so many.
    PassAndWork(u64, usize),
    /// Jumps to the next deadline.
    Next,
    /// Says that it is earlier than it was.
    Back(u64),
}

/// Lengths of time at and beside every edge of the structure, and any others.
fn length() -> impl Strategy<Value = u64> {
    let edges = (0..LEVELS as u32 + 1, 1..=64u64, 0..3u64).prop_map(|(level, slots, beside)| {
        let slot = 1u64.checked_shl(TICK_BITS + level * SLOT_BITS).unwrap_or(u64::MAX);
        slot.saturating_mul(slots).saturating_add(beside).saturating_sub(1)
    });
    let any_bits = (0..64u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift);
    prop_oneof![2 => edges, 2 => any_bits, 2 => 0..4u64, 4 => 0..1u64 << 24, 1 => Just(u64::MAX)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => length().prop_map(Op::Arm),
        2 => (length(), 1..100u64).prop_map(|(length, count)| Op::ArmMany(length, count)),
        3 => any::<usize>().prop_map(Op::Cancel),
        2 => (any::<usize>(), length()).prop_map(|(i, length)| Op::Rearm(i, length)),
        2 => length().prop_map(Op::Pass),
        1 => (length(), 1..4usize).prop_map(|(length, count)| Op::PassAndFire(length, count)),
        4 => (length(), 0..30usize).prop_map(|(length, work)| Op::PassAndWork(length, work)),
        2 => Just(Op::Next),
        1 => length().prop_map(Op::Back),
    ]
}

/// The wheel, the map, and the keys of all timers not yet let go.
#[derive(Default)]
struct Both {
    wheel: Option<Wheel<u64>>,
    map: BTreeMap<(u64, u64), u64>,
    keys: Vec<(Key, (u64, u64))>,
    now: u64,
    arms: u64,
}

impl Both {
    fn wheel(&mut self) -> &mut Wheel<u64> {
        self.wheel.get_or_insert_with(Wheel::new)
    }

    fn place(&mut self, length: u64) -> (u64, u64) {
        self.arms += 1;
        (self.now.saturating_add(length), self.arms)
    }

    fn arm(&mut self, length: u64) {
        let place = self.place(length);
        let key = self.wheel().arm(place.0, place.1);
        self.map.insert(place, place.1);
        self.keys.push((key, place));
    }

    fn cancel(&mut self, index: usize) {
        let (key, place) = self.keys.swap_remove(index);
        let value = self.wheel().cancel(key);
        assert_eq!(value, self.map.remove(&place));
    }

    fn rearm(&mut self, index: usize, length: u64) {
        let place = self.place(length);
        let (key, old) = self.keys.swap_remove(index);
        let rearmed = self.wheel().rearm(&key, place.0);
        let value = self.map.remove(&old);
        assert_eq!(rearmed, value.is_some());
        self.map.extend(value.map(|value| (place, value)));
        self.keys.push((key, if rearmed { place } else { old }));
    }

    fn fire(&mut self, now: u64, at_most: usize, mut work: usize) {
        self.now = self.now.max(now);
        for _ in 0..at_most {
            let allowed = work;
            let found = self.wheel().fire_next(now, &mut work);
            if found == Found::Unfinished {
                assert_eq!(work, 0, "of {allowed}");
                self.wheel().next_deadline().filter(|next| *next <= self.now).unwrap();
                break;
            }
            let due = self.map.first_entry().filter(|first| first.key().0 <= self.now);
            match due.map(|first| first.remove()) {
                Some(expected) => assert_eq!(found, Found::Due(expected)),
                None => return assert_eq!(found, Found::Nothing),
            }
        }
    }

    fn fire_all(&mut self, now: u64) {
        self.fire(now, usize::MAX, usize::MAX);
    }

    fn check(&mut self) {
        let first = self.map.keys().next().map(|first| first.0);
        let armed = self.map.len();
        let next = self.wheel().next_deadline();
        assert_eq!(next.is_some(), first.is_some());
        assert!(next <= first, "{next:?} {first:?}");
        if armed <= SEARCHED && !self.wheel().is_pouring() {
            assert_eq!(next, first);
        }
        assert_eq!(self.wheel().held(), self.keys.len());
        let (live, dead) =
            (self.wheel().heap.len() - self.wheel().heap.dead, self.wheel().heap.dead);
        assert!(dead <= live + SWEEP_AT + 1);
        for (key, place) in &self.keys {
            let fired = self.wheel.as_ref().is_none_or(|wheel| wheel.has_fired(key));
            assert_eq!(fired, !self.map.contains_key(place));
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Arm(length) => self.arm(length),
            Op::ArmMany(length, count) => {
                (0..count).for_each(|i| self.arm(length.saturating_add(i)));
            }
            Op::Cancel(i) if !self.keys.is_empty() => self.cancel(i % self.keys.len()),
            Op::Rearm(i, length) if !self.keys.is_empty() => {
                self.rearm(i % self.keys.len(), length);
            }
            Op::Cancel(_) | Op::Rearm(..) => {}
            Op::Pass(length) => self.fire_all(self.now.saturating_add(length)),
            Op::PassAndFire(length, count) => {
                self.fire(self.now.saturating_add(length), count, usize::MAX);
            }
            Op::PassAndWork(length, work) => {
                self.fire(self.now.saturating_add(length), usize::MAX, work);
            }
            Op::Next => {
                if let Some(next) = self.wheel().next_deadline() {
                    self.fire_all(next.saturating_sub(1));
                    self.fire_all(next);
                }
            }
            Op::Back(length) => self.fire_all(self.now.saturating_sub(length)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wheel_does_what_a_sorted_map_does(ops in vec(op(), 1..200)) {
        let mut both = Both::default();
        for op in ops {
            both.apply(op);
            both.check();
        }
        both.fire_all(u64::MAX);
        assert_eq!((both.map.len(), both.wheel().next_deadline()), (0, None));
    }

    #[test]
    fn searching_for_the_next_deadline_ends(lengths in vec(length(), 1..200)) {
        let mut wheel = Wheel::new();
        let first = lengths.iter().copied().min();
        for &length in &lengths {
            wheel.arm(length, ());
        }
        for _ in 0..=LEVELS {
            let next = wheel.next_deadline();
            if next == first {
                break;
            }
            assert!(next < first);
            let found = next.map(|next| wheel.fire_next(next, &mut usize::MAX.clone()));
            assert_eq!(found, Some(Found::Nothing));
        }
        assert_eq!(wheel.next_deadline(), first, "at most one wake-up a level before it");
    }
}

//! Models of a seat between its owner, a rescuer, and threads that hold its timers.

use super::*;
use loom::{
    sync::{
        Arc, Notify,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};
use std::task::{RawWaker, RawWakerVTable};

const DUE: u64 = 10;
const LATER: u64 = 1 << 40;

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// A seat whose owner sleeps in `Notify`, which keeps a permit as a reactor does.
struct House {
    seat: Seat,
    bed: std::sync::Arc<Notify>,
}

impl House {
    /// What an owner does that has nothing to run but timers.
    fn work_until(&self, done: impl Fn() -> bool) {
        let mut now = 0;
        loop {
            self.seat.awake();
            self.seat.fire(|| now);
            if done() {
                return;
            }
            match self.seat.sleep_until().next {
                NEVER => self.bed.wait(),
                deadline => now = deadline,
            }
        }
    }
}

fn house() -> Arc<House> {
    let bed = std::sync::Arc::new(Notify::new());
    let bell = bed.clone();
    let unpark = Box::new(move |_| bell.notify());
    let shared = Shared { clock: Clock::new(false), unpark, timers: std::ptr::null() };
    Arc::new(House { seat: Seat::new(0, std::sync::Arc::new(shared)), bed })
}

/// Counts in loom's atomics: how often it was woken and how many there are.
#[derive(Clone)]
struct Count(Arc<(AtomicUsize, AtomicUsize)>);

impl Count {
    fn new() -> Count {
        Count(Arc::new((AtomicUsize::new(0), AtomicUsize::new(0))))
    }

    fn woken(&self) -> usize {
        self.0.0.load(Relaxed)
    }

    fn wakers(&self) -> usize {
        self.0.1.load(Relaxed)
    }

    fn waker(&self) -> Waker {
        self.0.1.fetch_add(1, Relaxed);
        let count = Box::into_raw(Box::new(self.clone()));
        // SAFETY: the functions below are made for boxes of `Count`.
        unsafe { Waker::from_raw(RawWaker::new(count.cast(), &VTABLE)) }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |count| {
        // SAFETY: the pointer is the box of a waker that is alive.
        let count = unsafe { &*count.cast::<Count>() };
        count.0.1.fetch_add(1, Relaxed);
        RawWaker::new(Box::into_raw(Box::new(count.clone())).cast(), &VTABLE)
    },
    |count| {
        // SAFETY: the pointer is the box of a waker that is used up here.
        let count = unsafe { Box::from_raw(count.cast::<Count>().cast_mut()) };
        count.0.0.fetch_add(1, Relaxed);
        count.0.1.fetch_sub(1, Relaxed);
    },
    |count| {
        // SAFETY: the pointer is the box of a waker that is alive.
        let count = unsafe { &*count.cast::<Count>() };
        count.0.0.fetch_add(1, Relaxed);
    },
    |count| {
        // SAFETY: the pointer is the box of a waker that is dropped here.
        let count = unsafe { Box::from_raw(count.cast::<Count>().cast_mut()) };
        count.0.1.fetch_sub(1, Relaxed);
    },
);

/// Proves: of firing (by the owner and a rescuer at once) and cancelling, exactly one gets the
/// waker, and nothing is left of it. Seen to fail with `cancel` taking a fired node for one in a list.
#[test]
fn fire_against_cancel() {
    model(|| {
        let house = house();
        let count = Count::new();
        let key = house.seat.arm(DUE, count.waker(), true).unwrap();
        let rescuing = house.clone();
        let rescuer = thread::spawn(move || rescuing.seat.fire(|| DUE));
        let holding = house.clone();
        let holder = thread::spawn(move || holding.seat.cancel(key).is_some());
        let fired = house.seat.fire(|| DUE) + rescuer.join().unwrap();
        let cancelled = holder.join().unwrap();
        assert_eq!(fired + usize::from(cancelled), 1);
        assert_eq!((count.woken(), count.wakers()), (fired, 0));
        assert_eq!(house.seat.held(), 0);
    });
}

/// Proves: a reset that says that it was in time leaves the timer armed for later with its waker,
/// one that says that it was not finds it fired. Seen to fail with `rearm` not asking `has_fired`.
#[test]
fn reset_against_fire() {
    model(|| {
        let house = house();
        let count = Count::new();
        let key = house.seat.arm(DUE, count.waker(), true).unwrap();
        let firing = house.clone();
        let owner = thread::spawn(move || firing.seat.fire(|| DUE));
        let in_time = house.seat.rearm(&key, LATER, false);
        let fired = owner.join().unwrap();
        assert_eq!(fired, usize::from(!in_time));
        assert_eq!(count.woken(), fired);
        assert_eq!(house.seat.fire(|| LATER), usize::from(in_time));
        assert_eq!((count.woken(), count.wakers()), (1, 0));
    });
}

/// Proves: a poll with another waker that says "not yet" has left that waker where the firing finds
/// it. Seen to fail with `look_and_leave` saying "not yet" of a timer that has fired meanwhile.
#[test]
fn a_waker_changed_between_polls_against_fire() {
    model(|| {
        let house = house();
        let (first, second) = (Count::new(), Count::new());
        let mut key = Some(house.seat.arm(DUE, first.waker(), true).unwrap());
        let firing = house.clone();
        let owner = thread::spawn(move || firing.seat.fire(|| DUE));
        let waker = second.waker();
        let seen = house.seat.poll_fired(&mut key, &waker) == Found::Fired;
        assert_eq!(owner.join().unwrap(), 1);
        assert_eq!((first.woken(), second.woken()), if seen { (1, 0) } else { (0, 1) });
        assert_eq!(key.is_none(), seen);
        drop(waker);
        assert_eq!((first.wakers(), second.wakers()), (0, 0));
    });
}

/// Proves: `earliest` is never after a deadline, whoever arms at once. Seen to fail with `announce`
/// called after the lock is gone.
#[test]
fn arming_against_arming() {
    model(|| {
        let house = house();
        let count = Count::new();
        let arming = (house.clone(), count.waker());
        let other = thread::spawn(move || arming.0.seat.arm(DUE, arming.1, false).is_ok());
        assert!(house.seat.arm(DUE + 1, count.waker(), true).is_ok());
        assert!(other.join().unwrap());
        assert_eq!(house.seat.fire(|| DUE), 1);
        assert_eq!(house.seat.fire(|| DUE + 1), 1);
    });
}

/// Proves: the owner does not sleep through a deadline that somebody else arms, whether it was just
/// awake or going to sleep (a slept-through one is a deadlock to loom). Seen to fail with
/// `asleep_until` written after the lock is gone, and with `awake` called after `sleep_until`.
#[test]
fn arming_from_afar_against_going_to_sleep() {
    model(|| {
        let house = house();
        let count = Count::new();
        let arming = (house.clone(), count.waker());
        let other = thread::spawn(move || arming.0.seat.arm(DUE, arming.1, false).is_ok());
        house.work_until(|| count.woken() == 1);
        assert!(other.join().unwrap());
        assert_eq!((count.woken(), count.wakers()), (1, 0));
    });
}

/// Proves: a thread that arms a timer in its own seat, and so unparks nobody, may leave the seat:
/// whoever takes it next asks for the deadline before it sleeps, and finds it, also while a third
/// thread arms. Seen to fail with the successor sleeping before it asks.
#[test]
fn a_seat_whose_thread_leaves() {
    model(|| {
        let house = house();
        let count = Count::new();
        let leaving = (house.clone(), count.waker());
        let afar = (house.clone(), count.waker());
        let first = thread::spawn(move || {
            leaving.0.seat.awake();
            assert!(leaving.0.seat.arm(DUE, leaving.1, true).is_ok());
        });
        let third = thread::spawn(move || assert!(afar.0.seat.arm(DUE + 1, afar.1, false).is_ok()));
        // The seat is free from here on.
        first.join().unwrap();
        house.work_until(|| count.woken() == 2);
        third.join().unwrap();
        assert_eq!(count.wakers(), 0);
    });
}

/// Proves: arming against the shutdown is refused, or woken by it. Seen to fail with `close` taking
/// the wakers out before it closes, in a lock of its own.
#[test]
fn arming_against_the_shutdown() {
    model(|| {
        let house = house();
        let count = Count::new();
        let arming = (house.clone(), count.waker());
        let other = thread::spawn(move || arming.0.seat.arm(LATER, arming.1, false).ok());
        house.seat.close();
        let key = other.join().unwrap();
        assert_eq!(count.woken(), usize::from(key.is_some()));
        assert_eq!(count.wakers(), 0);
        if let Some(key) = key {
            assert!(house.seat.cancel(key).is_none());
        }
        assert_eq!(house.seat.held(), 0);
    });
}

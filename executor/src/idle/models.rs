//! loom models of the protocols in `idle`: pushers, sleepers, searchers, watchers.

use super::*;
use crate::{Driver, ThreadDriver, models::model};
use loom::thread;
use std::time::Duration;
use wharf_base::sync::{Arc, Mutex, atomic::AtomicBool, lock};

/// Two seats, a queue that both take from, and the protocol as the workers use it.
struct Room {
    idle: Idle,
    drivers: [ThreadDriver; 2],
    queue: Mutex<usize>,
    /// As the injector's: looked at without the lock.
    len: AtomicUsize,
    done: AtomicUsize,
    closed: AtomicBool,
}

impl Room {
    fn new() -> Arc<Self> {
        let idle = Idle::new(2);
        (0..2).for_each(|seat| assert!(idle.vacant.remove(seat)));
        Arc::new(Self {
            idle,
            drivers: [ThreadDriver::new(), ThreadDriver::new()],
            queue: Mutex::new(0),
            len: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        })
    }

    fn push(&self) {
        {
            let mut queue = lock(&self.queue);
            *queue += 1;
            self.len.store(*queue, Relaxed);
        }
        fence(SeqCst);
        self.wake_one();
    }

    fn wake_one(&self) {
        let is_left = || self.len.load(Relaxed) > 0;
        if let Some(seat) = self.idle.find_searcher(|| false, || false, is_left) {
            self.drivers[seat].unpark();
        }
    }

    fn pop(&self) -> bool {
        if self.len.load(Relaxed) == 0 {
            return false;
        }
        let mut queue = lock(&self.queue);
        let got = *queue > 0;
        *queue -= usize::from(got);
        self.len.store(*queue, Relaxed);
        got
    }

    /// A worker's loop, until `jobs` are done.
    fn work(&self, seat: usize, jobs: usize) {
        let mut searching = false;
        while self.closed.load(Relaxed) == false {
            if self.pop() {
                if std::mem::take(&mut searching) {
                    self.idle.end_search();
                    fence(SeqCst);
                    if self.len.load(Relaxed) > 0 {
                        self.wake_one();
                    }
                }
                if self.done.fetch_add(1, Relaxed) + 1 == jobs {
                    self.closed.store(true, Relaxed);
                    self.drivers.iter().for_each(Driver::unpark);
                    break;
                }
                continue;
            }
            let is_needed = || self.len.load(Relaxed) > 0 || self.closed.load(Relaxed);
            if self.idle.fall_asleep(seat, std::mem::take(&mut searching), is_needed) {
                self.sleep_and_watch(seat);
            }
            searching = self.idle.wake_up(seat);
        }
    }

    /// The first park is a whole heartbeat, which ends when it likes. (`worker::park`)
    fn sleep_and_watch(&self, seat: usize) {
        let is_roused = || {
            !self.idle.sleeping.contains(seat)
                || self.len.load(Relaxed) > 0
                || self.closed.load(Relaxed)
        };
        self.drivers[seat].park(Some(Duration::ZERO));
        while !is_roused() {
            self.drivers[seat].park(None);
        }
    }
}

/// Proves: a push from outside against a seat that goes to sleep is never missed by both (a lost
/// wake is a deadlock to loom). Seen to fail without the fence in `fall_asleep`, and without the
/// pusher's.
#[test]
fn a_push_against_a_sleeper() {
    model(3, || {
        let room = Room::new();
        let other = room.clone();
        let worker = thread::spawn(move || other.work(0, 1));
        room.push();
        worker.join().unwrap();
    });
}

/// Proves: of two pushes the second may rely on the searcher that the first has woken, for that
/// one looks again. Seen to fail with the last look before sleep left out.
#[test]
fn two_pushes_and_one_searcher() {
    model(3, || {
        let room = Room::new();
        let other = room.clone();
        let worker = thread::spawn(move || other.work(0, 2));
        let pusher = room.clone();
        let pusher = thread::spawn(move || pusher.push());
        room.push();
        pusher.join().unwrap();
        worker.join().unwrap();
    });
}

/// Proves: with two seats that sleep and wake each other no job is left lying, and both end. Seen to
/// fail with the last look left out, and where a seat stays the searcher when it falls asleep. (Three
/// preemptions pass too, and take a minute.)
#[test]
fn two_sleepers() {
    model(2, || {
        let room = Room::new();
        let workers: Vec<_> = (0..2)
            .map(|seat| {
                let room = room.clone();
                thread::spawn(move || room.work(seat, 2))
            })
            .collect();
        room.push();
        room.push();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// Proves: something put into a seat's driver while its owner leaves is seen by the one or the
/// other, and exactly one of them takes the seat to look after it. Seen to fail without the
/// fence in `vacate`, and without that in `is_attended`.
#[test]
fn a_seat_that_is_left_against_something_put_into_it() {
    model(3, || {
        let idle = Arc::new(Idle::new(1));
        assert!(idle.vacant.remove(0));
        let filled = Arc::new(AtomicBool::new(false));
        let (other_idle, other_filled) = (idle.clone(), filled.clone());
        // `worker::leave`
        let leaver = thread::spawn(move || {
            other_idle.vacate(0);
            other_filled.load(Relaxed) && other_idle.vacant.remove(0)
        });
        // `Executor::unpark`
        filled.store(true, Relaxed);
        let attended = !idle.is_attended(0) && idle.vacant.remove(0);
        let left_attended = leaver.join().unwrap();
        assert!(!(attended && left_attended), "two owners");
        // Neither, only where the owner was still there when it was put in, and saw it.
        assert!(attended || left_attended, "forgotten");
    });
}

/// Set once, and waited for.
struct Flag(Mutex<bool>, wharf_base::sync::Condvar);

impl Flag {
    fn new() -> Self {
        Self(Mutex::new(false), wharf_base::sync::Condvar::new())
    }

    fn set(&self) {
        *lock(&self.0) = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let mut set = lock(&self.0);
        while !*set {
            set = self.1.wait(set).unwrap();
        }
    }
}

/// Two jobs from outside, of which the one that is taken first waits for the other; a worker that
/// takes home all there is; and a thread that is started once, when it is sent for.
struct Pair {
    idle: Idle,
    drivers: [ThreadDriver; 2],
    /// Outside, and at the first worker's seat.
    jobs: Mutex<[usize; 2]>,
    /// As the queues': looked at without the lock.
    lens: [AtomicUsize; 2],
    taken: AtomicUsize,
    started: Flag,
    answered: Flag,
}

const OUTSIDE: usize = 0;
const HOME: usize = 1;

impl Pair {
    fn change<T>(&self, change: impl FnOnce(&mut [usize; 2]) -> T) -> T {
        let mut jobs = lock(&self.jobs);
        let result = change(&mut jobs);
        (0..2).for_each(|at| self.lens[at].store(jobs[at], Relaxed));
        result
    }

    fn is_left(&self) -> bool {
        self.lens.iter().any(|len| len.load(Relaxed) > 0)
    }

    fn push(&self) {
        self.change(|jobs| jobs[OUTSIDE] += 1);
        fence(SeqCst);
        self.wake_one();
    }

    fn wake_one(&self) {
        let start = || {
            let vacant = self.idle.vacant.remove(1);
            if vacant {
                self.started.set();
            }
            vacant
        };
        let may_start = || self.idle.vacant.contains(1);
        if let Some(seat) = self.idle.find_searcher(may_start, start, || self.is_left()) {
            self.drivers[seat].unpark();
        }
    }

    /// `worker::from_injector`; only where `brings_home`, more than one job.
    fn take(&self, brings_home: bool) -> bool {
        let got = self.change(|jobs| {
            let from = if jobs[HOME] > 0 { HOME } else { OUTSIDE };
            let got = jobs[from] > 0;
            jobs[from] -= usize::from(got);
            if brings_home && got {
                jobs[HOME] += std::mem::take(&mut jobs[OUTSIDE]);
            }
            got
        });
        if got && self.is_left() {
            // `Shared::post_watch`
            fence(SeqCst);
            self.wake_one();
        }
        got
    }

    /// A worker until it has done one job.
    fn work(&self, seat: usize, mut searching: bool) {
        loop {
            if self.is_left() && self.take(seat == 0) {
                break;
            }
            let searching_still = std::mem::take(&mut searching);
            if self.idle.fall_asleep(seat, searching_still, || self.is_left()) {
                self.drivers[seat].park(None);
            }
            searching = self.idle.wake_up(seat);
        }
        if searching {
            self.idle.end_search();
            fence(SeqCst);
            if self.is_left() {
                self.wake_one();
            }
        }
        match self.taken.fetch_add(1, Relaxed) {
            0 => self.answered.wait(),
            _ => self.answered.set(),
        }
    }
}

/// Proves: of two jobs from outside that came while a worker searched in vain, neither is left
/// lying where that worker takes both home and the first waits for the second. Seen to fail
/// where the worker doesn't see to what it has brought home, and without the fence before it does.
#[test]
fn what_is_brought_home_against_a_search_in_vain() {
    model(2, || {
        let idle = Idle::new(2);
        assert!(idle.vacant.remove(0) && idle.begin_search());
        let pair = Arc::new(Pair {
            idle,
            drivers: [ThreadDriver::new(), ThreadDriver::new()],
            jobs: Mutex::new([0; 2]),
            lens: [AtomicUsize::new(0), AtomicUsize::new(0)],
            taken: AtomicUsize::new(0),
            started: Flag::new(),
            answered: Flag::new(),
        });
        let first = pair.clone();
        let first = thread::spawn(move || first.work(0, true));
        let second = pair.clone();
        let second = thread::spawn(move || {
            second.started.wait();
            second.work(1, true);
        });
        pair.push();
        pair.push();
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// A seat whose poll pushes into its LIFO slot and then waits until that was rescued, and a
/// watcher that is about to retire.
struct Watch {
    idle: Idle,
    driver: ThreadDriver,
    slot: Mutex<Slot>,
    changed: wharf_base::sync::Condvar,
}

#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Empty,
    Full,
    Rescued,
}

impl Watch {
    fn set(&self, slot: Slot) {
        *lock(&self.slot) = slot;
        self.changed.notify_all();
    }

    fn wait_for(&self, slot: Slot) {
        let mut now = lock(&self.slot);
        while *now != slot {
            now = self.changed.wait(now).unwrap();
        }
    }

    /// `worker::park`, of the seat that is not held up.
    fn park(&self, watches: bool) {
        let watches = watches && self.idle.begin_watch(1);
        let is_needed = || !watches && !self.idle.is_watched(1) && self.idle.is_busy(0);
        if self.idle.fall_asleep(1, self.idle.is_searched(), is_needed) {
            if watches {
                // Heartbeats without number.
                self.wait_for(Slot::Full);
                self.set(Slot::Rescued);
            } else {
                self.driver.park(None);
            }
        }
        if self.idle.wake_up(1) {
            self.idle.end_search();
        }
        if watches {
            self.idle.end_watch(1);
        }
    }

    /// The busy seat: gets up, pushes, sees to a watcher, and is held up.
    fn hold_up(&self) {
        // `worker::Sitting::new`. (Two seats that share a word of `sleeping` would be ordered
        // by that.)
        self.idle.vacant.remove(0);
        self.idle.become_busy();
        self.set(Slot::Full);
        if !self.idle.is_watched(0) {
            if let Some(seat) = self.idle.find_searcher(|| false, || false, || false) {
                assert_eq!(seat, 1, "the busy seat does not sleep");
                self.driver.unpark();
            }
        }
        self.wait_for(Slot::Rescued);
    }
}

/// Proves: what a seat has in its LIFO slot when it is held up is rescued, also where the last
/// watcher retires just then (a seat that nobody watches is a deadlock to loom). Seen to fail
/// with W3 left out, and without the fence of B2.
#[test]
fn a_watcher_that_retires_against_a_seat_that_becomes_busy() {
    model(3, || {
        let idle = Idle::new(2);
        assert!(idle.vacant.remove(1));
        idle.watching.insert(1);
        let room = Arc::new(Watch {
            idle,
            driver: ThreadDriver::new(),
            slot: Mutex::new(Slot::Empty),
            changed: wharf_base::sync::Condvar::new(),
        });
        let other = room.clone();
        let busy = thread::spawn(move || other.hold_up());
        // Quiet for long enough: it retires, unless it sees the other seat busy.
        while *lock(&room.slot) != Slot::Rescued {
            room.idle.end_watch(1);
            room.park(room.idle.is_busy(0));
        }
        busy.join().unwrap();
    });
}

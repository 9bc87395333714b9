//! loom models of `idle` alone, with workers that do nothing else, so that more interleavings can be
//! tried: pushers, sleepers, searchers. Those with the real workers are in `models`.

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
/// wake is a deadlock to loom). Seen to fail without the fence in `fall_asleep`.
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
/// one looks again. Seen to fail without the fence that follows a search in vain in `find_searcher`.
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

/// Proves: what is pushed without a look for a watcher, since an earlier push has seen that all are busy,
/// is seen to also where another seat is left just then: by who leaves, or by the push. Seen to fail where
/// who leaves does not ask whether there was such a push, and without that one's fence.
#[test]
fn a_push_that_asks_nobody_against_who_leaves_a_seat() {
    model(3, || {
        let room = Room::new();
        let (waits, announced) = (Arc::new(AtomicBool::new(false)), Arc::new(Announced::default()));
        let leaving = thread::spawn({
            let (room, waits, announced) = (room.clone(), waits.clone(), announced.clone());
            move || {
                room.idle.vacate(1);
                announced.is_told() || waits.load(Relaxed)
            }
        });
        let mut calls = false;
        let mut push = || {
            waits.store(true, Relaxed);
            if announced.is_to_ask(&room.idle) {
                announced.tell();
                fence(SeqCst);
                calls |= room.idle.has_somebody_idle();
            }
        };
        push();
        // It is run, and pushes the next.
        waits.store(false, Relaxed);
        push();
        assert!(leaving.join().unwrap() || calls, "left behind");
    });
}

/// Three seats, of which the last sleeps until it is called: nobody but the two others sees to that.
fn with_a_sleeper() -> Arc<Idle> {
    let idle = Idle::new(3);
    (0..3).for_each(|seat| assert!(idle.vacant.remove(seat)));
    idle.sleeping.insert(2);
    Arc::new(idle)
}

/// P2 to P4, or B4.
fn call(idle: &Idle) {
    fence(SeqCst);
    idle.find_searcher(|| false, || false, || false);
}

/// The first seat, which is vacant or asleep, gets busy (B1, B2), and pushes (B3, B4).
fn get_busy(idle: &Idle) {
    if idle.vacant.remove(0) {
        idle.become_busy();
    } else {
        idle.wake_up(0);
    }
    if !idle.is_watched(0) {
        call(idle);
    }
}

/// Proves: a push that sees a watcher has one, also where that one is just getting work: the third seat is
/// called. Seen to fail without H2, where a watcher stops watching after the fence, and, where the seat was
/// vacant, without the fence in `become_busy`.
#[test]
fn a_push_that_sees_a_watcher_against_its_getting_work() {
    for set in [|idle: &Idle| idle.vacant.insert(0), |idle: &Idle| idle.sleeping.insert(0)] {
        model(3, move || {
            let idle = with_a_sleeper();
            set(&idle);
            idle.sleeping.insert(1);
            assert!(idle.begin_watch(1));
            let watching = thread::spawn({
                let idle = idle.clone();
                move || {
                    idle.end_watch(1);
                    if idle.wake_up(1) {
                        idle.end_search_with_a_find();
                    }
                    if !idle.is_watched(1) && idle.is_busy(0) {
                        call(&idle);
                    }
                }
            });
            get_busy(&idle);
            watching.join().unwrap();
            assert!(!idle.sleeping.contains(2), "unwatched");
        });
    }
}

/// Proves: a push that sees a searcher, and looks for no watcher, has one, also where that searcher is just
/// falling asleep. Seen to fail without W3.
#[test]
fn a_push_that_sees_a_searcher_against_its_falling_asleep() {
    for set in [|idle: &Idle| idle.vacant.insert(0), |idle: &Idle| idle.sleeping.insert(0)] {
        model(3, move || {
            let idle = with_a_sleeper();
            idle.sleeping.remove(2);
            set(&idle);
            assert!(idle.begin_search());
            let searching = thread::spawn({
                let idle = idle.clone();
                move || idle.fall_asleep(1, true, || idle.is_busy(0))
            });
            get_busy(&idle);
            let sleeps = searching.join().unwrap();
            assert!(!sleeps || !idle.sleeping.contains(1), "unwatched");
        });
    }
}

/// Proves: a push that relies on a searcher which is just finding something else is seen by that one, or
/// calls somebody itself. Seen to fail without the fence in `end_search_with_a_find`.
#[test]
fn a_push_that_relies_on_a_searcher_against_its_find() {
    model(3, || {
        let (idle, len) = (with_a_sleeper(), Arc::new(AtomicUsize::new(0)));
        assert!(idle.begin_search());
        let searching = thread::spawn({
            let (idle, len) = (idle.clone(), len.clone());
            move || {
                idle.end_search_with_a_find();
                if len.load(Relaxed) > 0 {
                    call(&idle);
                }
            }
        });
        len.store(1, Relaxed);
        call(&idle);
        searching.join().unwrap();
        assert!(!idle.sleeping.contains(2), "left behind");
    });
}

//! Seats that a `block_on` waits for, and who gets them.

use super::{Runtime, api::gate, multi, runtime_on};
use crate::{Config, Driver, ThreadDriver, task};
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};
use wharf_base::context;

/// A driver whose owner's heart does not beat.
#[derive(Default)]
struct Still {
    thread: ThreadDriver,
    /// Something always waits here.
    filled: bool,
    unparks: AtomicUsize,
    /// Who sleeps here is slow to get up: it waits for the end of this.
    held: AtomicBool,
}

thread_local! {
    /// The main future of this thread, which is to be polled when the thread sits down: whoever does
    /// looks into the driver.
    static WAITING: Cell<Option<Waker>> = const { Cell::new(None) };
}

impl Driver for Still {
    fn poll(&self) -> bool {
        WAITING.take().map(Waker::wake).is_some()
    }
    fn park(&self, _: Option<Duration>) {
        if self.poll() {
            return;
        }
        self.thread.park(None);
        while self.held.load(SeqCst) {
            thread::yield_now();
        }
    }
    fn unpark(&self) {
        self.unparks.fetch_add(1, SeqCst);
        self.thread.unpark();
    }
    fn is_idle(&self) -> bool {
        !self.filled
    }
}

pub(super) fn still(seats: usize, filled: bool) -> Runtime {
    let driver = |_| Arc::new(Still { filled, ..Still::default() });
    runtime_on(Config::default(), (0..seats).map(driver))
}

fn is_seated() -> bool {
    context::with(|_, seat| seat).flatten().is_some()
}

/// Done as soon as its thread sits in a seat. Nobody wakes it but who offers one.
fn seated() -> impl Future<Output = ()> {
    poll_fn(|cx| {
        if is_seated() {
            return Poll::Ready(());
        }
        WAITING.set(Some(cx.waker().clone()));
        Poll::Pending
    })
}

/// The same, where nobody else wants a seat: the second poll is that of the offer.
async fn seated_when_offered() {
    let (mut seated, mut polls) = (pin!(seated()), 0);
    poll_fn(|cx| {
        polls += 1;
        assert!(is_seated() || polls == 1, "it was offered a seat and has not got it");
        seated.as_mut().poll(cx)
    })
    .await
}

/// Waits until a seat's owner sleeps.
fn await_sleep(runtime: &Runtime, seat: usize) {
    while !runtime.shared().idle.sleeping.contains(seat) {
        thread::yield_now();
    }
}

/// Whoever leaves a seat with something in its driver has it looked after, but not before a `block_on`
/// that wants it: the two took the seat from each other, for ever where each poll brought up a worker.
#[test]
fn a_seat_with_something_in_its_driver_goes_to_a_block_on() {
    let runtime = still(1, true);
    let (send, receive) = mpsc::channel();
    drop(runtime.spawn(async move { send.send(()).unwrap() }));
    receive.recv().unwrap();
    await_sleep(&runtime, 0);
    runtime.block_on(seated_when_offered());
}

/// The same where another seat is held up, for which whoever leaves is to call a watcher: that took the
/// seat back.
#[test]
fn a_seat_beside_one_that_is_held_up_goes_to_a_block_on() {
    let runtime = still(2, true);
    let runtime = &runtime;
    let (held_up, is_held_up) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            runtime.block_on(async {
                // Brings up a worker in the other seat.
                drop(task::spawn(pending::<()>()));
                held_up.send(()).unwrap();
                wait.recv().unwrap();
            });
        });
        is_held_up.recv().unwrap();
        await_sleep(runtime, 1);
        runtime.block_on(seated_when_offered());
        go_on.send(()).unwrap();
    });
}

/// Of two that sleep, the one that was asked for its seat was in a `block_on` itself, and kept it.
#[test]
fn a_block_on_asks_an_idle_worker_for_its_seat_and_no_other_block_on() {
    let runtime = &still(2, false);
    let (go_on, wait) = gate();
    thread::scope(|scope| {
        scope.spawn(move || {
            runtime.block_on(async {
                // Brings up a worker in the other seat.
                drop(task::spawn(pending::<()>()));
                wait.await;
            });
        });
        (0..2).for_each(|seat| await_sleep(runtime, seat));
        runtime.block_on(seated_when_offered());
        go_on();
    });
}

/// Both ask the same worker, before it gets up: the second was forgotten.
#[test]
fn two_block_on_get_the_seats_of_two_idle_workers() {
    let drivers: Vec<_> = (0..2).map(|_| Arc::new(Still::default())).collect();
    let runtime = &runtime_on(Config::default(), drivers.clone().into_iter());
    // Each brings up a worker, for the first is held up until the second has come.
    let both = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let both = both.clone();
        drop(runtime.spawn(async move { _ = both.wait() }));
    }
    (0..2).for_each(|seat| await_sleep(runtime, seat));
    let unparks = || drivers.iter().map(|driver| driver.unparks.load(SeqCst)).sum::<usize>();
    let before = unparks();
    drivers.iter().for_each(|driver| driver.held.store(true, SeqCst));
    let both = &both;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                runtime.block_on(async {
                    seated().await;
                    // Keeps its seat until the other has one too.
                    both.wait();
                });
            });
        }
        while unparks() < before + 2 {
            thread::yield_now();
        }
        drivers.iter().for_each(|driver| driver.held.store(false, SeqCst));
    });
}

/// Who brings a task from outside finds all seats taken and their owners awake, and relies on them to
/// look for it; the last of them leaves.
#[test]
fn a_block_on_that_leaves_sees_to_what_came_from_outside() {
    let runtime = &multi(1);
    let (send, receive) = mpsc::channel();
    runtime.block_on(async {
        let spawn = move || drop(runtime.spawn(async move { send.send(()).unwrap() }));
        thread::scope(|scope| scope.spawn(spawn).join().unwrap());
    });
    receive.recv().unwrap();
}

/// Who leaves a seat with a task in it relies on whoever searches just then; and that one finds another,
/// which waits for this one. A third seat has its owner asleep, and watching.
#[test]
fn what_is_left_behind_is_not_forgotten_by_a_searcher_that_finds_something_else() {
    let drivers: Vec<_> = (0..3).map(|_| Arc::new(Still::default())).collect();
    let runtime = &runtime_on(Config::default(), drivers.clone().into_iter());
    let hold = |held| drivers.iter().for_each(|driver| driver.held.store(held, SeqCst));
    let from_outside = |task: Pin<Box<dyn Future<Output = ()> + Send>>| {
        thread::scope(|scope| scope.spawn(|| drop(runtime.spawn(task))).join().unwrap());
    };
    let (left, ran) = mpsc::channel();
    let (found, done) = mpsc::channel();
    runtime.block_on(async {
        let both = Arc::new(Barrier::new(2));
        for _ in 0..2 {
            let both = both.clone();
            from_outside(Box::pin(async move { _ = both.wait() }));
        }
        (1..3).for_each(|seat| await_sleep(runtime, seat));
        // The worker that this is for gets up slowly, and is the searcher meanwhile.
        hold(true);
        from_outside(Box::pin(async move {
            ran.recv().unwrap();
            found.send(()).unwrap();
        }));
        drop(task::spawn(async move { left.send(()).unwrap() }));
    });
    hold(false);
    done.recv().unwrap();
}

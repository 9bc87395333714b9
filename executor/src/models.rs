//! loom models of the executor as a whole: the code that ships, on one or two seats, with threads that
//! it starts itself. The models of the parts stand beside the parts; these try what lies between.
//!
//! The heart does not beat here: a park ends only by an unpark or an event, so a wake that is lost is a
//! deadlock to loom, as is a thread that is not sent home.

use crate::{Config, Driver, Executor, JoinSet, task};
use loom::{future::block_on, sync::Notify, thread};
use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};
use wharf_base::{
    context::{self, Parts},
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::*},
        lock,
    },
};

/// Runs a model with so many preemptions at most: unbounded ones grow without end.
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(f);
}

/// A driver whose parks have no limit.
#[derive(Default)]
struct Still {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    permit: bool,
    /// What events have made ready.
    ready: Vec<Waker>,
}

impl Still {
    fn event(&self, waker: Waker) {
        lock(&self.state).ready.push(waker);
        self.arrived.notify_one();
    }
}

impl Driver for Still {
    fn poll(&self) -> bool {
        let ready = std::mem::take(&mut lock(&self.state).ready);
        let found = !ready.is_empty();
        ready.into_iter().for_each(Waker::wake);
        found
    }

    fn park(&self, _: Option<Duration>) {
        let mut state = lock(&self.state);
        while !std::mem::take(&mut state.permit) && state.ready.is_empty() {
            state = self.arrived.wait(state).unwrap();
        }
        let ready = std::mem::take(&mut state.ready);
        drop(state);
        ready.into_iter().for_each(Waker::wake);
    }

    fn unpark(&self) {
        lock(&self.state).permit = true;
        self.arrived.notify_one();
    }

    fn is_idle(&self) -> bool {
        true
    }
}

/// A runtime of nothing but an executor.
struct Runtime(Arc<Parts>, Vec<Arc<Still>>);

impl std::ops::Deref for Runtime {
    type Target = Executor;
    fn deref(&self) -> &Executor {
        Executor::of(&self.0).unwrap()
    }
}

impl Runtime {
    fn new(seats: usize) -> Arc<Self> {
        let drivers: Vec<_> = (0..seats).map(|_| Arc::new(Still::default())).collect();
        let as_drivers = drivers.iter().map(|driver| driver.clone() as Arc<dyn Driver>).collect();
        let parts = Arc::new_cyclic(|parts| Parts {
            executor: Executor::new(Config::default(), as_drivers, parts.clone()),
            timers: None,
            reactor: None,
        });
        Arc::new(Self(parts, drivers))
    }

    fn end(&self) {
        assert!(self.shutdown(None).is_empty());
    }
}

/// Set once, by whoever; one task waits for it.
#[derive(Default)]
struct Signal {
    set: AtomicBool,
    /// With the seat on which it was left.
    waker: Mutex<Option<(Waker, usize)>>,
}

impl Signal {
    fn set(&self) {
        // Relaxed: the lock orders it, or the task's word.
        self.set.store(true, Relaxed);
        let waker = lock(&self.waker).take();
        waker.into_iter().for_each(|(waker, _)| waker.wake());
    }

    /// As an event does: the waker is called by whoever looks into the driver.
    fn set_by_event(&self, drivers: &[Arc<Still>]) {
        self.set.store(true, Relaxed);
        let waker = lock(&self.waker).take();
        waker.into_iter().for_each(|(waker, seat)| drivers[seat].event(waker));
    }

    fn wait(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let signal = self.clone();
        poll_fn(move |cx| {
            let seat = context::with(|_, seat| seat).flatten().unwrap_or(0);
            *lock(&signal.waker) = Some((cx.waker().clone(), seat));
            if signal.set.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

/// Counts its drops.
struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Proves: of two tasks from outside, neither is left lying, whether the worker that the first has
/// brought up is at work, searches, or goes to sleep when the second comes. Seen to fail without the
/// fence of the sleeper, and without the pusher's.
#[test]
fn spawns_from_outside_against_a_worker_that_goes_to_sleep() {
    model(1, || {
        let runtime = Runtime::new(1);
        let first = runtime.spawn(async {});
        let second = runtime.spawn(async {});
        block_on(first).unwrap();
        block_on(second).unwrap();
        runtime.end();
    });
}

/// Proves: a wake from outside against the poll that it is for, and against the worker's sleep. Seen to
/// fail without either fence, and with the last look before sleep leaving the injector out.
#[test]
fn a_wake_from_outside_against_a_worker_that_goes_to_sleep() {
    model(2, || {
        let runtime = Runtime::new(1);
        let signal = Arc::new(Signal::default());
        let task = runtime.spawn(signal.wait());
        signal.set();
        block_on(task).unwrap();
        runtime.end();
    });
}

/// Proves: a task that is spawned from outside while the executor is shut down ends, once: it has run,
/// or its future was dropped; and no thread stays behind. Seen to fail where a seat that was taken for
/// a thread goes back without a look whether the end has come, and where the strays that come after
/// the drain are queued.
#[test]
fn a_spawn_from_outside_against_the_shutdown() {
    model(3, || {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let (other, on_drop) = (runtime.clone(), OnDrop(drops.clone()));
        let spawning = thread::spawn(move || drop(other.spawn(async move { drop(on_drop) })));
        runtime.end();
        spawning.join().unwrap();
        runtime.end();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: a task that waits, and is woken from outside while the executor is shut down, is ended once.
#[test]
fn a_wake_from_outside_against_the_shutdown() {
    model(2, || {
        let runtime = Runtime::new(1);
        let (drops, signal) = (Arc::new(AtomicUsize::new(0)), Arc::new(Signal::default()));
        let (ready, on_drop) = (signal.wait(), OnDrop(drops.clone()));
        drop(runtime.spawn(async move {
            ready.await;
            drop(on_drop);
        }));
        let waking = thread::spawn(move || signal.set());
        runtime.end();
        waking.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: what a task spawns inside while the executor is shut down ends with it. Seen to fail where the
/// shutdown keeps the seats of threads that have not come yet.
#[test]
fn a_spawn_inside_against_the_shutdown() {
    model(3, || {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let on_drop = OnDrop(drops.clone());
        drop(runtime.spawn(async move {
            drop(task::spawn(async move {
                std::future::pending::<()>().await;
                drop(on_drop);
            }));
        }));
        runtime.end();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: a task that the thread of a `block_on` leaves behind, and that is woken while that thread
/// leaves its seat, is run by a worker. Seen to fail where who leaves does not see to what is in the
/// ring, and without the fence of the waking side.
#[test]
fn a_wake_against_a_block_on_that_leaves_its_seat() {
    model(1, || {
        let runtime = Runtime::new(1);
        let signal = Arc::new(Signal::default());
        let waking = thread::spawn({
            let signal = signal.clone();
            move || signal.set()
        });
        let task = runtime.block_on(async { task::spawn(signal.wait()) });
        block_on(task).unwrap();
        waking.join().unwrap();
        runtime.end();
    });
}

/// Proves: two `block_on` at once for one seat both come to their end, though one has to wait for it.
/// Seen to fail without the fence of who waits, and where who leaves offers the seat to nobody.
#[test]
fn two_block_on_and_one_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        let other = runtime.clone();
        let run = |runtime: &Runtime| {
            runtime.block_on(async { task::spawn(async {}).await.unwrap() });
        };
        let second = thread::spawn(move || run(&other));
        run(&runtime);
        second.join().unwrap();
        runtime.end();
    });
}

/// Proves: a `block_on` that finds the only seat taken by a worker gets it, or its main future is
/// woken without one.
#[test]
fn a_block_on_against_a_worker_in_the_only_seat() {
    model(3, || {
        let runtime = Runtime::new(1);
        let task = runtime.spawn(async {});
        runtime.block_on(task).unwrap();
        runtime.end();
    });
}

/// Proves: what waits at a seat when its thread goes away to block is run meanwhile, also where it comes
/// just then, and the thread goes on with a seat or without one. Seen to fail where who leaves does not
/// see to what is in the ring, and where it offers the seat to nobody.
#[test]
fn block_in_place_gives_up_its_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        runtime.block_on(async {
            let ran = std::sync::Arc::new(Notify::new());
            let run = ran.clone();
            drop(task::spawn(async move { run.notify() }));
            task::block_in_place(|| ran.wait());
            task::spawn(async {}).await.unwrap();
        });
        runtime.end();
    });
}

/// Proves: tasks of a set that end at once with their being awaited are all joined. Seen to fail where a
/// wake leaves the set's waker, and where a waker is left with a task that is complete.
#[test]
fn a_join_set_against_its_tasks() {
    model(2, || {
        let runtime = Runtime::new(1);
        let mut set = JoinSet::new();
        for n in 0..2 {
            set.spawn_on(async move { n }, &*runtime);
        }
        let mut sum = 0;
        while let Some(n) = block_on(set.join_next()) {
            sum += n.unwrap();
        }
        assert_eq!(sum, 1);
        runtime.end();
    });
}

impl AsRef<Executor> for Runtime {
    fn as_ref(&self) -> &Executor {
        self
    }
}

/// Proves: with two workers and at most one searcher, a task from outside, one that another task
/// spawns, and one that an event makes ready, all at once, are all run.
#[test]
fn arrivals_from_outside_from_inside_and_by_an_event() {
    model(0, || {
        let runtime = Runtime::new(2);
        let signal = Arc::new(Signal::default());
        let by_event = runtime.spawn(signal.wait());
        let from_outside = runtime.spawn(async { task::spawn(async {}).await.unwrap() });
        signal.set_by_event(&runtime.1);
        block_on(from_outside).unwrap();
        block_on(by_event).unwrap();
        runtime.end();
    });
}

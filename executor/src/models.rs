//! loom models of the executor as a whole: the code that ships, on one or two seats, with threads that
//! it starts itself. The models of the parts stand beside the parts; these try what lies between.
//!
//! The heart does not beat here, save where a model says so: a park ends only by an unpark or an event,
//! so a wake that is lost is a deadlock to loom, as is a thread that is not sent home.
//!
//! Once a model has shown what it is to show, the rest of it ([`Runtime::end`]) is run in one order only:
//! what may come between a shutdown and all else is tried by the models of `shutdown` and `blocking`.

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
        Condvar, Instant, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::*},
        lock,
    },
};

/// Runs a model with so many preemptions at most: unbounded ones grow without end.
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || {
        Instant::reset();
        f();
    });
}

/// How long a look into the driver takes.
const TICK: Duration = Duration::from_nanos(1);

/// A driver whose parks have no limit, or one that is over when nobody else has anything to do.
#[derive(Default)]
struct Still {
    beats: bool,
    /// Something has been put in here.
    filled: AtomicBool,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    permit: bool,
    /// What events have made ready.
    ready: Vec<Waker>,
    /// What is found by a look alone, and does not count as something that waits here.
    aside: Vec<Waker>,
}

impl Still {
    /// An event that wakes nobody who sleeps; whoever asks is told that there is something.
    fn put_in(&self, waker: Waker) {
        lock(&self.state).ready.push(waker);
        // Relaxed: whoever needs to be sure has a fence between.
        self.filled.store(true, Relaxed);
    }

    /// Wakes whoever has sat down and looks, and nobody before.
    fn put_aside(&self, waker: Waker) {
        lock(&self.state).aside.push(waker);
    }
}

impl Driver for Still {
    fn poll(&self) -> bool {
        let mut state = lock(&self.state);
        let mut ready = std::mem::take(&mut state.ready);
        if !ready.is_empty() {
            self.filled.store(false, Relaxed);
        }
        ready.append(&mut state.aside);
        drop(state);
        let found = !ready.is_empty();
        Instant::advance(TICK);
        ready.into_iter().for_each(Waker::wake);
        found
    }

    fn park(&self, limit: Option<Duration>) {
        let mut state = lock(&self.state);
        while !std::mem::take(&mut state.permit) && state.ready.is_empty() {
            if let Some(limit) = limit.filter(|_| self.beats) {
                drop(state);
                thread::yield_now();
                Instant::advance(limit);
                return;
            }
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
        !self.filled.load(Relaxed)
    }
}

/// Threads stay for ever.
fn config() -> Config {
    Config { thread_keep_alive: Duration::MAX, ..Config::default() }
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
        Self::with(seats, config(), false)
    }

    /// One whose idle workers spin before they sleep, for as long as one look into the driver takes.
    fn spinning(seats: usize) -> Arc<Self> {
        Self::with(seats, Config { spin_before_park: TICK, ..config() }, true)
    }

    /// One whose heart beats.
    fn beating(seats: usize) -> Arc<Self> {
        Self::with(seats, config(), true)
    }

    fn with(seats: usize, config: Config, beats: bool) -> Arc<Self> {
        let driver = || Arc::new(Still { beats, ..Still::default() });
        let drivers: Vec<_> = (0..seats).map(|_| driver()).collect();
        let as_drivers = drivers.iter().map(|driver| driver.clone() as Arc<dyn Driver>).collect();
        let parts = Arc::new_cyclic(|parts| Parts {
            executor: Executor::new(config.clone(), as_drivers, parts.clone()),
            timers: None,
            reactor: None,
        });
        Arc::new(Self(parts, drivers))
    }

    /// Shuts down, against whatever else there is.
    fn shut_down(&self) {
        assert!(self.shutdown(None).is_empty());
    }

    /// The same where nothing is to be shown by it any more.
    fn end(&self) {
        is_shown();
        self.shut_down();
    }
}

/// Set once, by whoever; one task waits for it.
#[derive(Default)]
pub(crate) struct Signal {
    set: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Signal {
    pub(crate) fn set(&self) {
        // Relaxed: the lock orders it, or the task's word.
        self.set.store(true, Relaxed);
        let waker = lock(&self.waker).take();
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wait(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let signal = self.clone();
        poll_fn(move |cx| {
            *lock(&signal.waker) = Some(cx.waker().clone());
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

impl AsRef<Executor> for Runtime {
    fn as_ref(&self) -> &Executor {
        self
    }
}

/// Whether this thread sits in a seat.
fn is_seated() -> bool {
    context::with(|_, seat| seat).flatten().is_some()
}

/// What follows, on whatever thread, is run in one order only.
fn is_shown() {
    loom::skip_branch();
}

/// Puts a task into the LIFO slot, and holds the seat up until it has run; then calls `f` there.
fn hold_up_and(runtime: &Runtime, f: impl FnOnce()) {
    runtime.block_on(async {
        let ran = Arc::new(Notify::new());
        let run = ran.clone();
        drop(task::spawn(async move { run.notify() }));
        ran.wait();
        f();
    });
}

fn hold_up(runtime: &Runtime) {
    hold_up_and(runtime, || ());
}

mod blocking;
mod outside;
mod seats;
mod shutdown;
mod watch;

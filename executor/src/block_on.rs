//! `block_on`: a future run to its end on the calling thread, which takes a seat where it can.
//!
//! In a seat, the main future is polled whenever it was woken, between the polls of the seat's
//! tasks, and the thread parks in the seat's driver like any worker. Without one (all are taken by
//! workers that are busy, or by another `block_on`) it only polls the main future and parks by
//! itself, until a seat becomes free: it stands in the list of the [`Waiting`], an idle worker
//! gives its seat up for it, and whoever leaves a seat looks into the list.
//!
//! The main future is woken by a flag of its own:
//!
//! | state | meaning | left by |
//! | --- | --- | --- |
//! | `RUNNING` | its thread is awake | a wake, to `WOKEN`; the thread, to `PARKED` |
//! | `WOKEN` | it is to be polled | the thread, to `RUNNING`, before it polls |
//! | `PARKED` | its thread sleeps, or is about to | a wake, to `WOKEN`, which unparks; the thread, to `RUNNING` |

use crate::{
    Driver, Executor,
    seat::Seat,
    shared::Shared,
    worker::{self, Guest, Sitting},
};
use std::{
    cell::Cell,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};
use wharf_base::{
    context,
    context::Parts,
    coop,
    sync::{
        Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering::*, fence},
        lock,
        thread::{self, Thread},
        thread_local,
    },
};

const RUNNING: u8 = 0;
const WOKEN: u8 = 1;
const PARKED: u8 = 2;

/// Wakes the thread of a `block_on`.
pub(crate) struct Flag {
    state: AtomicU8,
    /// Where the thread parks while it sits in a seat; else it parks by itself. Changed only while
    /// the thread is awake.
    driver: Mutex<Option<Arc<dyn Driver>>>,
    thread: Thread,
}

impl Flag {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(WOKEN),
            driver: Mutex::new(None),
            thread: thread::current(),
        })
    }

    fn set_driver(&self, driver: Option<Arc<dyn Driver>>) {
        *lock(&self.driver) = driver;
    }

    /// Whether the future is to be polled.
    #[inline]
    fn take(&self) -> bool {
        // Relaxed: a hint; the swap acquires.
        // Acquire: pairs with the release in `rouse`.
        self.state.load(Relaxed) == WOKEN && self.state.swap(RUNNING, Acquire) == WOKEN
    }

    fn may_park(&self) -> bool {
        // Release: a waker that finds `PARKED` sees the driver.
        self.state.compare_exchange(RUNNING, PARKED, Release, Relaxed).is_ok()
    }

    fn parked(&self) {
        // Relaxed: if it fails the flag is `WOKEN`, and `take` will acquire that.
        _ = self.state.compare_exchange(PARKED, RUNNING, Relaxed, Relaxed);
    }

    pub(crate) fn rouse(&self) {
        // AcqRel: releases to `take` what went before; acquires the driver from `may_park`.
        if self.state.swap(WOKEN, AcqRel) == PARKED {
            // Cloned: `unpark` may be foreign code, and is not called under a lock.
            let driver = lock(&self.driver).clone();
            match driver {
                Some(driver) => driver.unpark(),
                None => self.thread.unpark(),
            }
        }
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.rouse();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.rouse();
    }
}

/// The `block_on` calls that want a seat.
pub(crate) struct Waiting {
    flags: Mutex<Vec<Arc<Flag>>>,
    count: AtomicUsize,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self { flags: Mutex::new(Vec::new()), count: AtomicUsize::new(0) }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Flag>>)) {
        let mut flags = lock(&self.flags);
        change(&mut flags);
        // Relaxed: whoever needs to be sure has a fence between.
        self.count.store(flags.len(), Relaxed);
    }
}

impl Shared {
    /// Whether a `block_on` waits for a seat.
    #[inline]
    pub(crate) fn is_seat_wanted(&self) -> bool {
        // Relaxed: a hint, or after a fence.
        self.waiting.count.load(Relaxed) != 0
    }

    /// The executor ends: all who wait for a seat look at what that means for them.
    pub(crate) fn wake_waiting(&self) {
        let mut waiting = Vec::new();
        self.waiting.change(|flags| waiting = std::mem::take(flags));
        waiting.iter().for_each(|flag| flag.rouse());
    }

    /// A seat has become vacant: tells a `block_on` that wants one; whether there is any.
    pub(crate) fn offer_seat(&self) -> bool {
        if !self.is_seat_wanted() {
            return false;
        }
        let mut first = None;
        self.waiting.change(|flags| first = (!flags.is_empty()).then(|| flags.remove(0)));
        let Some(first) = first else { return false };
        first.rouse();
        if self.is_seat_wanted() {
            // Who is still in the list may have asked the worker that has just left.
            self.ask_for_seat();
        }
        true
    }

    /// Has an idle worker that sleeps give its seat up.
    fn ask_for_seat(&self) {
        // Relaxed: as `sleeping`; who goes to sleep writes both before its fence.
        let is_idle =
            |seat: &&Seat| self.idle.sleeping.contains(seat.number) && !seat.kept.load(Relaxed);
        if let Some(seat) = self.seats.iter().find(is_idle) {
            seat.driver.unpark();
        }
    }
}

thread_local! {
    /// This thread runs an executor: it must not block in another.
    static DRIVING: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, `block_on` panics on this thread.
pub(crate) struct Driving(bool);

impl Driving {
    pub(crate) fn begin() -> Self {
        Self(DRIVING.replace(true))
    }

    /// While it lives, `block_on` is allowed again.
    pub(crate) fn suspend() -> Self {
        Self(DRIVING.replace(false))
    }

    pub(crate) fn is_on() -> bool {
        DRIVING.get()
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        DRIVING.set(self.0);
    }
}

/// The main future, beside the tasks of its thread's seat.
struct Main<'a, F: Future> {
    future: Pin<&'a mut F>,
    flag: &'a Arc<Flag>,
    waker: &'a Waker,
    output: Option<F::Output>,
}

impl<F: Future> Main<'_, F> {
    /// Polls the future if it was woken; whether it is done.
    fn poll(&mut self) -> bool {
        if !self.flag.take() {
            return false;
        }
        let mut cx = Context::from_waker(self.waker);
        match coop::with_budget(|| self.future.as_mut().poll(&mut cx)) {
            Poll::Pending => false,
            Poll::Ready(output) => {
                self.output = Some(output);
                true
            }
        }
    }
}

impl<F: Future> Guest for Main<'_, F> {
    #[inline]
    fn turn(&mut self, seat: &Seat) -> bool {
        if seat.own.drained.get() {
            assert_unpanicked(seat.shared());
        }
        if !self.is_woken() {
            return false;
        }
        worker::begin_poll(seat.shared(), seat);
        let polling = Polling::begin(seat);
        let done = self.poll();
        drop(polling);
        done || !seat.is_ours()
    }

    #[inline]
    fn is_woken(&self) -> bool {
        // Relaxed: as in `Flag::take`.
        self.flag.state.load(Relaxed) == WOKEN
    }

    fn may_park(&self) -> bool {
        self.flag.may_park()
    }

    fn parked(&self) {
        self.flag.parked();
    }

    fn yields_seat(&self) -> bool {
        false
    }
}

/// Marks the seat as polling, also where the main future panics.
struct Polling<'a>(&'a Seat);

impl<'a> Polling<'a> {
    fn begin(seat: &'a Seat) -> Self {
        seat.own.polling.set(true);
        Self(seat)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if self.0.is_ours() {
            self.0.own.polling.set(false);
        }
    }
}

impl Executor {
    /// Runs `future` on this thread until it is done, and tasks beside it.
    ///
    /// It returns as soon as the future is done, whatever else was spawned; only the poll of a task
    /// that is just then in progress on this thread can delay it. Tasks left behind are run on by
    /// the workers; on a current-thread executor they wait for the next `block_on`.
    ///
    /// # Panics
    ///
    /// If this thread already runs an executor, this or another: inside a task, or inside another
    /// `block_on`. A panic of the future is passed on.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        assert!(
            !Driving::is_on(),
            "`block_on` was called on a thread that is already running tasks: it would hold them \
             up. Await the future instead, or wrap the call in `block_in_place`, or move it to \
             `spawn_blocking`"
        );
        let shared = self.shared();
        let parts = shared.parts.upgrade().expect("the runtime is alive while it is borrowed");
        let _driving = Driving::begin();
        let flag = Flag::new();
        let waker = Waker::from(flag.clone());
        let mut future = pin!(future);
        let mut main = Main { future: future.as_mut(), flag: &flag, waker: &waker, output: None };
        // More than once only if `block_in_place` gives the seat away.
        while main.output.is_none() {
            let vacant = shared.idle.vacant.take_any(|_| true);
            let Some(seat) = vacant.or_else(|| wait_for_seat(&parts, shared, &mut main)) else {
                continue;
            };
            let seat = &shared.seats[seat];
            flag.set_driver(Some(seat.driver.clone()));
            let _sitting = Sitting::new(parts.clone(), shared, seat);
            worker::drive(shared, seat, &mut main);
        }
        main.output.expect("the main future is done")
    }
}

#[cold]
fn assert_unpanicked(shared: &Shared) {
    assert!(
        !shared.has_panicked(),
        "a task panicked that nobody joins, and `unhandled_panic` says that this ends the runtime"
    );
}

/// Polls the main future without a seat, until it is done or a seat is free, which is then ours.
fn wait_for_seat<F: Future>(
    parts: &Arc<Parts>,
    shared: &Shared,
    main: &mut Main<'_, F>,
) -> Option<usize> {
    struct Leave<'a>(&'a Shared, &'a Arc<Flag>);
    impl Drop for Leave<'_> {
        fn drop(&mut self) {
            let mut there = false;
            self.0.waiting.change(|flags| {
                let before = flags.len();
                flags.retain(|flag| !Arc::ptr_eq(flag, self.1));
                there = flags.len() < before;
            });
            // A seat was offered to us. Where it was not taken, others may want it, or it is to be
            // looked after.
            if !there && !self.0.idle.vacant.is_empty() && !self.0.offer_seat() {
                self.0.see_to_vacant();
            }
        }
    }
    main.flag.set_driver(None);
    let _entered = context::enter(parts.clone(), None);
    let _leave = Leave(shared, main.flag);
    loop {
        assert_unpanicked(shared);
        if main.poll() {
            return None;
        }
        shared.waiting.change(|flags| {
            if !flags.iter().any(|flag| Arc::ptr_eq(flag, main.flag)) {
                flags.push(main.flag.clone());
            }
        });
        // Pairs with the fence in `Sitting::drop` and in `worker::park`: whoever vacates a seat or
        // goes to sleep after this sees us in the list, and of all others we see that they did.
        fence(SeqCst);
        if let Some(seat) = shared.idle.vacant.take_any(|_| true) {
            return Some(seat);
        }
        shared.ask_for_seat();
        while main.flag.may_park() {
            // It may return without a reason; then the flag still is `PARKED`.
            thread::park();
            main.flag.parked();
        }
        // Before the next poll: what that spawns might bring up a worker for the seat we were offered.
        if let Some(seat) = shared.idle.vacant.take_any(|_| true) {
            return Some(seat);
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::{ThreadDriver, models::model};
    use wharf_base::sync::atomic::AtomicBool;

    /// Waits as the thread of a `block_on` does, until `done`.
    fn wait(flag: &Flag, done: &AtomicBool, mut park: impl FnMut()) {
        loop {
            if flag.take() && done.load(Relaxed) {
                return;
            }
            if flag.may_park() {
                park();
                flag.parked();
            }
        }
    }

    /// Proves: the main future is polled after every wake, also where the thread is just going to
    /// park, in a seat or without one. Seen to fail where `may_park` or `parked` stores in place of the
    /// exchange, and with a relaxed `rouse`.
    #[test]
    fn a_wake_against_a_thread_that_parks() {
        for seated in [false, true] {
            model(3, move || {
                let (flag, done) = (Flag::new(), Arc::new(AtomicBool::new(false)));
                let driver = Arc::new(ThreadDriver::new());
                if seated {
                    flag.set_driver(Some(driver.clone()));
                }
                let (other, set) = (flag.clone(), done.clone());
                let waking = thread::spawn(move || {
                    other.rouse();
                    set.store(true, Relaxed);
                    other.rouse();
                });
                wait(&flag, &done, || if seated { driver.park(None) } else { thread::park() });
                waking.join().unwrap();
            });
        }
    }
}

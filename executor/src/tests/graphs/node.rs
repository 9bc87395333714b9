//! A task of a random graph, and all that it may do.

use super::{
    Plan, Random,
    driver::{EventDriver, Heart},
    outside::{Errand, Signal, dawdle},
};
use crate::{Executor, Flavor, JoinHandle, JoinSet, task};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use wharf_base::context::{self, Parts};

/// What the tasks of one graph share.
pub(super) struct World {
    plan: Plan,
    parts: Weak<Parts>,
    drivers: Vec<Arc<EventDriver>>,
    errands: Mutex<Option<mpsc::Sender<Errand>>>,
    /// Futures that were made and not dropped yet.
    live: AtomicUsize,
    /// The mains: each is woken when none is left.
    ends: Mutex<Vec<Arc<Signal>>>,
    cut_short: AtomicBool,
    /// How many steps have begun, with no end once a main has ended.
    steps: Mutex<u64>,
    stepped: Condvar,
    /// Threads that may still be blocked by tasks on tasks.
    may_block: AtomicUsize,
    /// How many tasks are at which step.
    at: [AtomicUsize; STEPS.len()],
}

const STEPS: [&str; 14] = [
    "yield",
    "await",
    "detach",
    "join set",
    "abort",
    "wait for outside",
    "wait for an event",
    "spawn from outside",
    "blocking job",
    "block in place",
    "sleep",
    "block on a task",
    "block on outside",
    "drop a handle late",
];

impl World {
    pub(super) fn new(
        plan: &Plan,
        parts: &Arc<Parts>,
        drivers: Vec<Arc<EventDriver>>,
    ) -> Arc<Self> {
        // A shutdown helps nobody out: what waits at a seat that is held up ends after that poll.
        let helped = plan.heart == Heart::Beats && !plan.ends_early;
        let may_block = if helped { plan.seats - 1 } else { 0 };
        Arc::new(Self {
            plan: plan.clone(),
            parts: Arc::downgrade(parts),
            drivers,
            errands: Mutex::new(None),
            live: AtomicUsize::new(0),
            ends: Mutex::default(),
            cut_short: AtomicBool::new(false),
            steps: Mutex::new(0),
            stepped: Condvar::new(),
            may_block: AtomicUsize::new(may_block),
            at: Default::default(),
        })
    }

    pub(super) fn set_errands(&self, errands: mpsc::Sender<Errand>) {
        *self.errands.lock().unwrap() = Some(errands);
    }

    fn send(&self, errand: Errand) {
        let errands = self.errands.lock().unwrap().clone();
        // Nobody is there any more where the executor was shut down meanwhile.
        drop(errands.unwrap().send(errand));
    }

    pub(super) fn live(&self) -> usize {
        self.live.load(SeqCst)
    }

    /// The executor was shut down: the mains are not to wait for its tasks.
    pub(super) fn cut_short(&self) {
        self.cut_short.store(true, SeqCst);
        self.drivers.iter().for_each(|driver| driver.close());
        self.tell_mains();
    }

    /// Blocks until so many steps have begun, or a main has ended.
    pub(super) fn await_step(&self, number: u64) {
        let steps = self.steps.lock().unwrap();
        drop(self.stepped.wait_while(steps, |steps| *steps < number).unwrap());
    }

    fn count_steps(&self, more: u64) {
        let mut steps = self.steps.lock().unwrap();
        *steps = steps.saturating_add(more);
        self.stepped.notify_one();
    }

    fn tell_mains(&self) {
        let ends = std::mem::take(&mut *self.ends.lock().unwrap());
        ends.iter().for_each(|end| end.set());
    }

    pub(super) fn spawn_from_outside(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(parts) = self.parts.upgrade() {
            drop(Executor::of(&parts).unwrap().spawn(future));
        }
    }

    /// How it stands, for whoever looks for the reason of a hang.
    pub(super) fn describe(&self) -> String {
        let at = STEPS.iter().zip(&self.at).map(|(name, at)| (*name, at.load(SeqCst)));
        let at: Vec<_> = at.filter(|(_, count)| *count > 0).collect();
        let drivers: Vec<_> = self.drivers.iter().map(|driver| driver.describe()).collect();
        let parts = self.parts.upgrade();
        let metrics = parts.as_ref().map(|parts| Executor::of(parts).unwrap().metrics());
        let idle = parts.as_ref().map(|parts| {
            let shared = Executor::of(parts).unwrap().shared();
            let of = |f: &dyn Fn(usize) -> bool| (0..self.plan.seats).map(f).collect::<Vec<_>>();
            (
                ("sleeping", of(&|seat| shared.idle.sleeping.contains(seat))),
                ("vacant", of(&|seat| shared.idle.vacant.contains(seat))),
                ("searched", shared.idle.is_searched()),
                ("seat wanted", shared.is_seat_wanted()),
                ("polls", shared.seats.iter().map(|seat| seat.waiting()).collect::<Vec<_>>()),
            )
        });
        format!(
            "{:#?}\n{} live, at {at:?}\n{idle:?}\ndrivers {drivers:#?}\n{metrics:#?}",
            self.plan,
            self.live(),
        )
    }
}

/// Counts one future, or one step.
struct Count<'a>(&'a AtomicUsize);

impl<'a> Count<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A future that is counted as live until it is dropped.
struct Live(Arc<World>);

impl Live {
    fn new(world: Arc<World>) -> Self {
        world.live.fetch_add(1, SeqCst);
        Self(world)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.0.live.fetch_sub(1, SeqCst) == 1 {
            self.0.tell_mains();
        }
    }
}

/// Ends the steps when a main ends, however it does.
struct Ended(Arc<World>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.count_steps(u64::MAX);
    }
}

/// The main future of a `block_on`: a tree of its own, and the wait for all others.
pub(super) async fn main(world: Arc<World>, id: u64) {
    let _ended = Ended(world.clone());
    node(world.clone(), id, 5).await;
    loop {
        let end = Arc::new(Signal::default());
        world.ends.lock().unwrap().push(end.clone());
        if world.live() == 0 || world.cut_short.load(SeqCst) {
            return world.tell_mains();
        }
        end.wait().await;
    }
}

pub(super) type Node = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tree of tasks below one that has this number.
pub(super) fn node(world: Arc<World>, id: u64, depth: u32) -> Node {
    let live = Live::new(world);
    Box::pin(async move {
        let mut random = Random::new(id);
        for _ in 0..=random.below(3) {
            dawdle(&mut random);
            step(&live.0, &mut random, depth).await;
        }
    })
}

fn child(world: &Arc<World>, random: &mut Random, depth: u32) -> Node {
    node(world.clone(), random.next(), depth - 1)
}

async fn step(world: &Arc<World>, random: &mut Random, depth: u32) {
    // Leaves do what needs no children.
    let kind =
        if depth == 0 { [0, 5, 6, 10, 12][random.below(5) as usize] } else { random.below(14) };
    let _at = Count::new(&world.at[kind as usize]);
    world.count_steps(1);
    match kind {
        0 => yield_a_while(random).await,
        1 => await_children(world, random, depth).await,
        2 => (0..=random.below(2)).for_each(|_| drop(task::spawn(child(world, random, depth)))),
        3 => join_set(world, random, depth).await,
        4 => abort(world, random, depth).await,
        5 => wait_for_outside(world).await,
        6 => wait_for_event(world).await,
        7 => spawn_from_outside(world, random, depth).await,
        8 => blocking_job(world, random, depth).await,
        9 => in_place(world, random, depth),
        10 => sleep(world, random).await,
        11 => block_on_task(world, random, depth),
        12 => block_on_outside(world),
        _ => drop_late(world, random, depth).await,
    }
}

async fn yield_a_while(random: &mut Random) {
    for _ in 0..random.below(20) {
        task::yield_now().await;
    }
}

async fn await_children(world: &Arc<World>, random: &mut Random, depth: u32) {
    let mut children: Vec<_> =
        (0..=random.below(3)).map(|_| task::spawn(child(world, random, depth))).collect();
    if random.one_in(2) {
        children.reverse();
    }
    for child in children {
        ended(child).await;
    }
}

/// Cancelled it can only be where the executor ends.
async fn ended(handle: JoinHandle<()>) {
    if let Err(error) = handle.await {
        assert!(error.is_cancelled(), "{error}");
    }
}

async fn join_set(world: &Arc<World>, random: &mut Random, depth: u32) {
    let mut set = JoinSet::new();
    for _ in 0..=random.below(3) {
        set.spawn(child(world, random, depth));
    }
    if random.one_in(4) {
        return;
    }
    while let Some(joined) = set.join_next().await {
        assert!(joined.is_ok_and(|()| true) || world.plan.ends_early);
    }
}

async fn abort(world: &Arc<World>, random: &mut Random, depth: u32) {
    let handle = task::spawn(child(world, random, depth));
    yield_a_while(random).await;
    handle.abort();
    ended(handle).await;
}

async fn wait_for_outside(world: &Arc<World>) {
    let signal = Arc::new(Signal::default());
    world.send(Errand::Set(signal.clone()));
    signal.wait().await;
}

/// The seat's driver, or the first one's for who sits in none.
fn driver_here() -> (usize, bool) {
    match context::with(|_, seat| seat).flatten() {
        Some(seat) => (seat, true),
        None => (0, false),
    }
}

/// Something was put into a seat's driver from outside of the seat.
fn unpark(world: &World, seat: usize) {
    if let Some(parts) = world.parts.upgrade() {
        Executor::of(&parts).unwrap().unpark(seat);
    }
}

/// A source that is registered as long as this lives.
struct Source<'a>(&'a EventDriver);

impl Drop for Source<'_> {
    fn drop(&mut self) {
        self.0.deregister();
    }
}

async fn wait_for_event(world: &Arc<World>) {
    let (seat, sits) = driver_here();
    let driver = &world.drivers[seat];
    driver.register();
    let _source = Source(driver);
    if !sits {
        unpark(world, seat);
    }
    let signal = Arc::new(Signal::default());
    let mut sent = false;
    poll_fn(|cx| {
        let polled = signal.poll(cx);
        if !std::mem::replace(&mut sent, true) {
            world.send(Errand::Event(signal.clone(), driver.clone()));
        }
        polled
    })
    .await;
}

async fn spawn_from_outside(world: &Arc<World>, random: &mut Random, depth: u32) {
    let spawned = Arc::new(Signal::default());
    // Made here: it counts as live from now on, also if this task is aborted meanwhile.
    let future = child(world, random, depth);
    world.send(Errand::Spawn(world.clone(), future, spawned.clone()));
    spawned.wait().await;
}

/// A job that computes, or that runs a tree on its thread.
async fn blocking_job(world: &Arc<World>, random: &mut Random, depth: u32) {
    let (other, future) = (world.clone(), child(world, random, depth));
    let runs = random.one_in(4);
    ended(task::spawn_blocking(move || {
        if runs {
            block_on(&other, future);
        }
    }))
    .await;
}

fn block_on(world: &World, future: Node) {
    if let Some(parts) = world.parts.upgrade() {
        Executor::of(&parts).unwrap().block_on(future);
    }
}

fn in_place(world: &Arc<World>, random: &mut Random, depth: u32) {
    if world.plan.flavor == Flavor::CurrentThread {
        return;
    }
    let runs = random.one_in(2);
    let mut inner = *random;
    task::block_in_place(|| {
        dawdle(&mut inner);
        if runs {
            block_on(world, child(world, &mut inner, depth));
        } else {
            block_on_outside(world);
        }
    });
    if random.one_in(2) {
        // With or without a seat.
        drop(task::spawn(child(world, random, depth)));
    }
}

struct Sleep<'a> {
    world: &'a World,
    until: Instant,
    armed: Option<(usize, (Instant, u64))>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        self.disarm();
        let (seat, sits) = driver_here();
        let key = self.world.drivers[seat].arm(self.until, cx.waker().clone());
        self.armed = Some((seat, key));
        if !sits {
            unpark(self.world, seat);
        }
        Poll::Pending
    }
}

impl Sleep<'_> {
    fn disarm(&mut self) {
        if let Some((seat, key)) = self.armed.take() {
            self.world.drivers[seat].disarm(key);
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.disarm();
    }
}

async fn sleep(world: &World, random: &mut Random) {
    let until = Instant::now() + Duration::from_micros(random.below(300));
    Sleep { world, until, armed: None }.await;
}

/// Blocks the thread until a task has run that was spawned just before, perhaps with others around
/// it. Only so many do so at a time that one seat is left to help them out.
fn block_on_task(world: &Arc<World>, random: &mut Random, depth: u32) {
    let taken = world.may_block.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
    if taken.is_err() {
        return;
    }
    let (done, wait) = mpsc::channel();
    let yields = random.below(3);
    let spawn = || {
        drop(task::spawn(async move {
            for _ in 0..yields {
                task::yield_now().await;
            }
            // The thread may have been let go by the end of the executor.
            _ = done.send(());
        }));
    };
    let mut others = random.below(3);
    if random.one_in(2) {
        drop(task::spawn(child(world, random, depth)));
        others = 0;
    }
    spawn();
    (0..others).for_each(|_| drop(task::spawn(async {})));
    // An error: the task was dropped at the end of the executor.
    _ = wait.recv();
    world.may_block.fetch_add(1, SeqCst);
}

fn block_on_outside(world: &World) {
    let (done, wait) = mpsc::channel();
    world.send(Errand::Send(done));
    _ = wait.recv();
}

async fn drop_late(world: &Arc<World>, random: &mut Random, depth: u32) {
    let mut handle = task::spawn(child(world, random, depth));
    // Leaves a waker behind.
    poll_fn(|cx| {
        drop(Pin::new(&mut handle).poll(cx));
        Poll::Ready(())
    })
    .await;
    yield_a_while(random).await;
    drop(handle);
}

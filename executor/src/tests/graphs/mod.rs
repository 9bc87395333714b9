//! Tasks at random: they spawn, await, join, abort, block and wake each other in every way that
//! there is, on one to four seats, and all must come to their end.
//!
//! A graph follows from its seed alone; what the scheduler makes of it does not. So a seed that has hung
//! once is run again and again: `WHARF_SEED=4711 WHARF_SOAK=100000 cargo test -p wharf-executor graphs`
//! runs that one so many times; without `WHARF_SEED` so many different ones are run, from `WHARF_FIRST` on.
//!
//! In every other graph the heart does not beat: parks with a limit last until they are ended, so that a
//! wake that gets lost is not made good a millisecond later, but hangs. There no task blocks its thread
//! on a task that waits in the same seat, as that is what the heartbeat is for.

mod driver;
mod node;
mod outside;

use super::Runtime;
use crate::{Config, Driver, Executor, Flavor};
use driver::{EventDriver, Heart};
use node::World;
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use wharf_base::context::Parts;

/// How long a graph of a few hundred short tasks may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a seed decides.
#[derive(Clone, Copy)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What a graph runs on, and how it ends.
#[derive(Clone, Debug)]
struct Plan {
    seats: usize,
    flavor: Flavor,
    heart: Heart,
    event_interval: u32,
    keep_alive: Duration,
    /// Threads that call `block_on` at once.
    mains: u64,
    /// Trees of tasks that are spawned from outside.
    strays: u64,
    /// The executor is shut down in the middle.
    ends_early: bool,
}

impl Plan {
    fn new(random: &mut Random) -> Self {
        let single = random.one_in(8);
        Self {
            seats: if single { 1 } else { 1 + random.below(4) as usize },
            flavor: if single { Flavor::CurrentThread } else { Flavor::MultiThread },
            heart: if random.one_in(2) { Heart::Still } else { Heart::Beats },
            event_interval: [1, 3, 61][random.below(3) as usize],
            keep_alive: Duration::from_micros([0, 50, 10_000_000][random.below(3) as usize]),
            mains: 1 + random.below(3),
            strays: random.below(3),
            ends_early: random.one_in(6),
        }
    }

    fn runtime(&self) -> (Runtime, Vec<Arc<EventDriver>>) {
        let drivers: Vec<_> =
            (0..self.seats).map(|_| Arc::new(EventDriver::new(self.heart))).collect();
        let config = Config {
            flavor: self.flavor,
            event_interval: self.event_interval,
            thread_keep_alive: self.keep_alive,
            ..Config::default()
        };
        let as_drivers = drivers.iter().map(|driver| driver.clone() as Arc<dyn Driver>).collect();
        let parts = Arc::new_cyclic(|parts| Parts {
            executor: Executor::new(config, as_drivers, parts.clone()),
            timers: None,
            reactor: None,
        });
        (Runtime(parts), drivers)
    }
}

fn run(seed: u64, tell: &mpsc::Sender<Arc<World>>) {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    let (runtime, drivers) = plan.runtime();
    let world = World::new(&plan, &runtime.0, drivers);
    tell.send(world.clone()).unwrap();
    let outside = outside::start(&world, random.next());
    for n in 0..plan.strays {
        drop(runtime.spawn(node::node(world.clone(), seed ^ n << 32, 4)));
    }
    std::thread::scope(|scope| {
        for n in 0..plan.mains {
            let (world, runtime) = (world.clone(), &runtime);
            scope.spawn(move || runtime.block_on(node::main(world, seed ^ n << 40)));
        }
        if plan.ends_early {
            // About two in three graphs are still growing then.
            world.await_step(random.below(50));
            // As a runtime ends: its tasks, then its timers and sources, for which a `block_on` in a
            // blocking job may still wait.
            _ = runtime.shutdown(Some(Duration::ZERO));
            world.cut_short();
        }
    });
    assert!(runtime.shutdown(None).is_empty());
    outside.end();
    assert_eq!(world.live(), 0, "a shutdown has left futures behind");
}

/// Runs the graph, and says what hangs where it does not end.
fn watch(seed: u64) {
    let (tell, told) = mpsc::channel();
    let (ended, end) = mpsc::channel();
    let running = std::thread::spawn(move || {
        run(seed, &tell);
        ended.send(()).unwrap();
    });
    match end.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Timeout) => {
            let world = told.try_recv().map_or("nothing".to_owned(), |world| world.describe());
            eprintln!("WHARF_SEED={seed} hangs: {world}");
            std::process::abort();
        }
        _ => running.join().unwrap_or_else(|_| panic!("WHARF_SEED={seed} panics, see above")),
    }
}

#[test]
fn all_tasks_of_random_graphs_come_to_their_end() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let count: u64 = number("WHARF_SOAK", 100);
    let seed = number("WHARF_SEED", u64::MAX);
    let first = number("WHARF_FIRST", 0);
    for n in first..first + count {
        if n % 1000 == 999 {
            eprintln!("{n}");
        }
        watch(if seed == u64::MAX { n } else { seed });
    }
}

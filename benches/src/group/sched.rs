//! Scheduling: spawns, joins, yields, wakes; no sockets, no timers.

use crate::floor::thread::{self as bare, Flag};
use crate::group::on_a_worker;
use crate::rt::Rt;
use crate::stopwatch::{Sample, Stopwatch};
use crate::suite::{Spec, Suite};
use crate::turns;
use futures_channel::oneshot;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Workers of both, unless the row says otherwise.
const WORKERS: usize = 2;

/// Runs the group.
pub fn run(suite: &mut Suite) {
    tasks(suite);
    main_thread(suite);
    tokios_own(suite);
    growth(suite);
}

fn ms(work: &str) -> Spec {
    Spec::new("sched", work).wall_ms()
}

fn tasks(s: &mut Suite) {
    turns!(s, ms("spawn 10k from a task, detached"), WORKERS, |rt| spawn_detached(rt, 10_000));
    turns!(s, ms("spawn and join, 20k"), WORKERS, |rt| spawn_join(rt, 20_000));
    turns!(s, ms("spawn and await, one at a time, 20k"), WORKERS, |rt| spawn_await(rt, 20_000));
    turns!(s, ms("spawn 10k from outside"), WORKERS, |rt| spawn_outside(rt, 10_000));
    turns!(s, ms("200 tasks x 1,000 yields"), WORKERS, |rt| yields(rt, 200, 1_000));
    turns!(s, ms("a lone task, 20k yields"), WORKERS, |rt| yields(rt, 1, 20_000));
    turns!(s, ms("ping-pong pairs, 1,000"), WORKERS, |rt| ping_pong(rt, 1_000));
    turns!(s, ms("ping-pong pairs, 10,000"), WORKERS, |rt| ping_pong(rt, 10_000));
    turns!(s, ms("16 channel pairs x 2,000"), WORKERS, |rt| channel_pairs(rt, 16, 2_000));
    turns!(s, ms("chain of 20k spawns"), WORKERS, |rt| chain(rt, 20_000));
}

fn main_thread(s: &mut Suite) {
    let work = "spawn and await inside block_on, 5k";
    turns!(s, ms(work), WORKERS, |rt| await_in_block_on(rt, 5_000));
    let work = "5k round trips from a foreign thread";
    turns!(s, ms(work).cpu_ms(), WORKERS, |rt| foreign(rt, 5_000), floor bare::round_trips(5_000));
    let limit = Duration::from_micros(50);
    let work = "5k foreign round trips, wharf alone spins for 50 µs";
    let floor = || bare::spinning_round_trips(5_000, limit);
    turns!(s, ms(work).cpu_ms(), spinning(WORKERS, limit), |rt| foreign(rt, 5_000), floor floor());
    let work = "5k wakes of a waiting task from a foreign thread";
    let spec = ms(work).cpu_ms().latency("p50", 0.5).latency("p99", 0.99).latency("p99.9", 0.999);
    turns!(s, spec, WORKERS, |rt| foreign_wakes(rt, 5_000), floor bare::round_trips(5_000));
}

/// The workloads of tokio's own `rt_multi_threaded` and `rt_current_thread`, written anew.
fn tokios_own(s: &mut Suite) {
    let four = |work: &str| ms(&format!("4 workers: {work}"));
    turns!(s, four("spawn many local, 10k"), 4, |rt| spawn_in_block_on(rt, 10_000));
    turns!(s, four("spawn many remote, idle, 10k"), 4, |rt| spawn_outside(rt, 10_000));
    turns!(s, four("spawn many remote beside 8 that yield, 10k"), 4, |rt| {
        beside(rt, yield_while, 8, |rt| spawn_outside(rt, 10_000))
    });
    turns!(s, four("spawn many remote beside 8 that respawn, 10k"), 4, |rt| {
        beside(rt, respawn_while, 8, |rt| spawn_outside(rt, 10_000))
    });
    turns!(s, four("200 tasks x 1,000 yields"), 4, |rt| yields(rt, 200, 1_000));
    turns!(s, four("ping-pong, 1,000"), 4, |rt| ping_pong(rt, 1_000));
    turns!(s, four("chained spawn, 1,000"), 4, |rt| chain(rt, 1_000));

    let one = |work: &str| ms(&format!("current thread: {work}"));
    turns!(s, one("spawn many local, 10k"), 0, |rt| spawn_in_block_on(rt, 10_000));
    turns!(s, one("spawn many remote, idle, 10k"), 0, |rt| spawn_outside(rt, 10_000));
    turns!(s, one("200 tasks x 1,000 yields"), 0, |rt| yields(rt, 200, 1_000));
    turns!(s, one("ping-pong, 1,000"), 0, |rt| ping_pong(rt, 1_000));
    turns!(s, one("chained spawn, 1,000"), 0, |rt| chain(rt, 1_000));
}

fn growth(s: &mut Suite) {
    for n in [1_000, 10_000, 100_000, 1_000_000] {
        let each = |curve: &str| {
            Spec::new("sched", format!("{curve}, {n}")).on_curve(curve, n).wall_each(n)
        };
        turns!(s, each("spawn and join"), WORKERS, |rt| spawn_join(rt, n));
        turns!(s, each("tasks woken in order"), WORKERS, |rt| woken_in_order(rt, n));
        turns!(s, each("spawn from outside"), WORKERS, |rt| spawn_outside(rt, n));
    }
}

/// Counts down and tells when it is done.
struct Countdown(AtomicUsize, Mutex<Option<oneshot::Sender<()>>>);

impl Countdown {
    fn new(count: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (done, wait) = oneshot::channel();
        (Arc::new(Self(AtomicUsize::new(count), Mutex::new(Some(done)))), wait)
    }

    fn one(&self) {
        // AcqRel: the last one to come has all the others' work behind it.
        if self.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            let done = self.1.lock().expect("nobody panics here").take();
            done.expect("zero is reached once").send(()).expect("the main task waits");
        }
    }
}

async fn detached<R: Rt>(count: usize) -> Sample {
    let watch = Stopwatch::start();
    let (left, done) = Countdown::new(count);
    for _ in 0..count {
        let left = left.clone();
        R::detach(R::spawn(async move { left.one() }));
    }
    done.await.expect("counted down");
    watch.stop()
}

fn spawn_detached<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, detached::<R>(count))
}

fn spawn_in_block_on<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    rt.block_on(detached::<R>(count))
}

fn spawn_join<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let handles: Vec<_> = (0..count).map(|n| R::spawn(async move { n })).collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await;
        }
        assert_eq!(sum, count * (count - 1) / 2);
        watch.stop()
    })
}

async fn await_each<R: Rt>(count: usize) -> Sample {
    let watch = Stopwatch::start();
    for n in 0..count {
        assert_eq!(R::spawn(async move { n }).await, n);
    }
    watch.stop()
}

fn spawn_await<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, await_each::<R>(count))
}

fn await_in_block_on<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    rt.block_on(await_each::<R>(count))
}

fn spawn_outside<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    let watch = Stopwatch::start();
    let (left, done) = Countdown::new(count);
    for _ in 0..count {
        let left = left.clone();
        R::detach(rt.spawn_outside(async move { left.one() }));
    }
    rt.block_on(done).expect("counted down");
    watch.stop()
}

fn yields<R: Rt>(rt: &Arc<R>, tasks: usize, each: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let (left, done) = Countdown::new(tasks);
        for _ in 0..tasks {
            let left = left.clone();
            R::detach(R::spawn(async move {
                for _ in 0..each {
                    R::yield_now().await;
                }
                left.one();
            }));
        }
        done.await.expect("counted down");
        watch.stop()
    })
}

fn ping_pong<R: Rt>(rt: &Arc<R>, pairs: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let (left, done) = Countdown::new(pairs);
        for _ in 0..pairs {
            let left = left.clone();
            R::detach(R::spawn(async move {
                let (ping, pinged) = oneshot::channel();
                let (pong, ponged) = oneshot::channel();
                R::detach(R::spawn(async move {
                    pinged.await.expect("pinged");
                    pong.send(()).expect("the other half waits");
                }));
                ping.send(()).expect("the other half waits");
                ponged.await.expect("ponged");
                left.one();
            }));
        }
        done.await.expect("counted down");
        watch.stop()
    })
}

fn channel_pairs<R: Rt>(rt: &Arc<R>, pairs: usize, messages: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let (left, done) = Countdown::new(pairs);
        for _ in 0..pairs {
            let left = left.clone();
            let (sender, receiver) = async_channel::bounded(1);
            R::detach(R::spawn(async move {
                for n in 0..messages {
                    sender.send(n).await.expect("the receiver lives until the channel closes");
                }
            }));
            R::detach(R::spawn(async move {
                let mut count = 0;
                while receiver.recv().await.is_ok() {
                    count += 1;
                }
                assert_eq!(count, messages);
                left.one();
            }));
        }
        done.await.expect("counted down");
        watch.stop()
    })
}

fn link<R: Rt>(rest: usize, done: oneshot::Sender<()>) {
    R::detach(R::spawn(async move {
        match rest {
            0 => done.send(()).expect("the main task waits"),
            _ => link::<R>(rest - 1, done),
        }
    }));
}

fn chain<R: Rt>(rt: &Arc<R>, links: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let (done, wait) = oneshot::channel();
        link::<R>(links, done);
        wait.await.expect("the chain ends");
        watch.stop()
    })
}

fn foreign<R: Rt>(rt: &Arc<R>, trips: usize) -> Sample {
    let back = Arc::new(Flag::default());
    let trip = || {
        let flag = back.clone();
        R::detach(rt.spawn_outside(async move { flag.raise() }));
        back.wait();
    };
    trip();
    let watch = Stopwatch::start();
    (0..trips).for_each(|_| trip());
    watch.stop()
}

/// A task that waits to be woken, again and again; the thread outside waits for its answer.
fn foreign_wakes<R: Rt>(rt: &Arc<R>, trips: usize) -> Sample {
    let back = Arc::new(Flag::default());
    let gate = Arc::new(Mutex::new((0, None::<Waker>)));
    let (flag, waiting) = (back.clone(), gate.clone());
    let task = rt.spawn_outside(async move {
        for trip in 1..=trips + 1 {
            poll_fn(|cx| {
                let mut gate = waiting.lock().expect("nobody panics here");
                if gate.0 == trip {
                    return Poll::Ready(());
                }
                gate.1 = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            flag.raise();
        }
    });
    let trip = |trip| {
        let mut gate = gate.lock().expect("nobody panics here");
        gate.0 = trip;
        let waker = gate.1.take();
        drop(gate);
        waker.into_iter().for_each(Waker::wake);
        back.wait();
    };
    trip(1);
    let mut latencies = Vec::with_capacity(trips);
    let watch = Stopwatch::start();
    for n in 0..trips {
        let start = Instant::now();
        trip(n + 2);
        latencies.push(start.elapsed().as_nanos() as u64);
    }
    let sample = watch.stop().with_latencies(latencies);
    rt.block_on(task);
    sample
}

/// Runs a work while `count` others keep the runtime busy.
fn beside<R: Rt>(
    rt: &Arc<R>,
    other: impl Fn(Arc<AtomicBool>, &Arc<R>) -> R::Handle<()>,
    count: usize,
    work: impl FnOnce(&Arc<R>) -> Sample,
) -> Sample {
    let go_on = Arc::new(AtomicBool::new(true));
    let others: Vec<_> = (0..count).map(|_| other(go_on.clone(), rt)).collect();
    let sample = work(rt);
    // Relaxed, here and in the loads: nothing hangs on it but the end.
    go_on.store(false, Ordering::Relaxed);
    rt.block_on(async {
        for other in others {
            other.await;
        }
    });
    sample
}

fn yield_while<R: Rt>(go_on: Arc<AtomicBool>, rt: &Arc<R>) -> R::Handle<()> {
    rt.spawn_outside(async move {
        while go_on.load(Ordering::Relaxed) {
            R::yield_now().await;
        }
    })
}

fn respawn_while<R: Rt>(go_on: Arc<AtomicBool>, rt: &Arc<R>) -> R::Handle<()> {
    fn again<R: Rt>(go_on: Arc<AtomicBool>, last: oneshot::Sender<()>) {
        R::detach(R::spawn(async move {
            match go_on.load(Ordering::Relaxed) {
                true => again::<R>(go_on, last),
                false => last.send(()).expect("the first one waits"),
            }
        }));
    }
    rt.spawn_outside(async move {
        let (last, wait) = oneshot::channel();
        again::<R>(go_on, last);
        wait.await.expect("the last one says so");
    })
}

/// Spawned, then woken one after the other in the order spawned, then done.
fn woken_in_order<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    /// Where a task waits; open once it has been woken.
    #[derive(Default)]
    struct Gate(Mutex<(bool, Option<Waker>)>);

    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let gates: Arc<[Gate]> = (0..count).map(|_| Gate::default()).collect();
        let (left, done) = Countdown::new(count);
        let (waiting, all_wait) = Countdown::new(count);
        for n in 0..count {
            let (gates, left, waiting) = (gates.clone(), left.clone(), waiting.clone());
            R::detach(R::spawn(async move {
                poll_fn(|cx| {
                    let mut gate = gates[n].0.lock().expect("nobody panics here");
                    if gate.0 {
                        return Poll::Ready(());
                    }
                    gate.1 = Some(cx.waker().clone());
                    drop(gate);
                    waiting.one();
                    Poll::Pending
                })
                .await;
                left.one();
            }));
        }
        all_wait.await.expect("all have come to their gates");
        for gate in gates.iter() {
            let mut gate = gate.0.lock().expect("nobody panics here");
            gate.0 = true;
            let waker = gate.1.take();
            drop(gate);
            waker.expect("left by the first poll").wake();
        }
        done.await.expect("counted down");
        watch.stop()
    })
}

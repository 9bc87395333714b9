//! Timers: arming, cancelling, holding, and how late they are.

use crate::floor::timer as bare;
use crate::group::{hold_worker, on_a_worker};
use crate::lateness::{HEAD_START, Random, judged};
use crate::row::Better;
use crate::rt::Rt;
use crate::stopwatch::{Sample, Stopwatch};
use crate::suite::{Spec, Suite};
use crate::turns;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

/// A runtime's cooperative budget would turn the hundredth poll of a timer in a row into a mere
/// pause, and an unarmed timer is cheap: so everybody goes round the scheduler before that.
const POLLS_BETWEEN_YIELDS: usize = 64;

/// Runs the group.
pub fn run(s: &mut Suite) {
    let ms = |work: &str| Spec::new("time", work).wall_ms();
    let work = "100k timeouts armed and cancelled";
    turns!(s, ms(work), WORKERS, |rt| arm_and_cancel(rt, 100_000));
    let work = "100k timeouts armed and cancelled, 1,000 at a time";
    turns!(s, ms(work), WORKERS, |rt| arm_and_cancel_batches(rt, 100, 1_000));
    let work = "50k sleepers of 1 to 50 ms";
    turns!(s, ms(work), WORKERS, |rt| sleepers(rt, 50_000), floor bare::sleepers(50_000));
    lateness(s);
    growth(s);
}

fn lateness(s: &mut Suite) {
    let late = |work: &str| Spec::new("time", work).latency("median lateness", 0.5);
    let spec = late("50k sleepers armed first, due within 50 ms")
        .latency("p99 lateness", 0.99)
        .cpu_ms()
        .named_figure("how many early", "", Better::Lower);
    turns!(s, spec, WORKERS, |rt| armed_first(rt, 50_000), floor bare::armed_first(50_000));
    let spec = Spec::new("time", "200 sleeps of 200 µs").wall_ms();
    turns!(s, spec, WORKERS, |rt| naps(rt, 200, 200), floor bare::naps(200, 200));
    let spec = Spec::new("time", "a 100 µs sleep on an idle runtime")
        .latency("median", 0.5)
        .latency("p99", 0.99);
    turns!(s, spec, WORKERS, |rt| naps(rt, 500, 100), floor bare::naps(500, 100));
    let spec = Spec::new("time", "1 ms sleeps beside a task of 10 ms polls")
        .latency("median", 0.5)
        .latency("p99", 0.99);
    turns!(s, spec, WORKERS, |rt| naps_beside_a_long_poll(rt, 16, 30));
}

fn growth(s: &mut Suite) {
    for n in [1_000, 10_000, 100_000, 1_000_000] {
        let each = |curve: &str| {
            Spec::new("time", format!("{curve}, {n}")).on_curve(curve, n).wall_each(n)
        };
        let curve = "timers armed in order and held";
        turns!(s, each(curve), WORKERS, |rt| held(rt, n, Part::Arm));
        let curve = "held timers cancelled in random order";
        turns!(s, each(curve), WORKERS, |rt| held(rt, n, Part::Cancel), floor boxes(n));
    }
}

/// Polls once, whatever comes of it.
async fn touch<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        assert!(polled.is_pending(), "far from due");
        Poll::Ready(())
    })
    .await;
}

fn arm_and_cancel<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        for n in 0..count {
            let far = Duration::from_millis(10_000 + (n as u64 * 7) % 20_000);
            touch(pin!(R::timeout(far, pending::<()>()))).await;
            if n % POLLS_BETWEEN_YIELDS == 0 {
                R::yield_now().await;
            }
        }
        watch.stop()
    })
}

fn arm_and_cancel_batches<R: Rt>(rt: &Arc<R>, batches: usize, size: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        for batch in 0..batches {
            let mut held = Vec::with_capacity(size);
            for n in 0..size {
                let far = Duration::from_millis(10_000 + ((batch + n) as u64 * 7) % 20_000);
                let mut timeout = Box::pin(R::timeout(far, pending::<()>()));
                touch(timeout.as_mut()).await;
                held.push(timeout);
                if n % POLLS_BETWEEN_YIELDS == 0 {
                    R::yield_now().await;
                }
            }
        }
        watch.stop()
    })
}

fn sleepers<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let mut random = Random(1);
        let nap = |_| Duration::from_micros(1_000 + random.below(49_000));
        let naps: Vec<Duration> = (0..count).map(nap).collect();
        let tasks: Vec<_> = naps.into_iter().map(|nap| R::spawn(R::sleep(nap))).collect();
        for task in tasks {
            task.await;
        }
        watch.stop()
    })
}

fn armed_first<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let mut random = Random(2);
        let first = watch.started() + HEAD_START;
        let mut tasks = Vec::with_capacity(count);
        for _ in 0..count {
            let due = first + Duration::from_micros(random.below(50_000));
            tasks.push(R::spawn(async move {
                R::sleep(due.saturating_duration_since(Instant::now())).await;
                let now = Instant::now();
                now.checked_duration_since(due).map(|late| late.as_nanos() as u64)
            }));
        }
        let mut late = Vec::with_capacity(count);
        for task in tasks {
            late.push(task.await);
        }
        judged(watch.stop(), &late)
    })
}

fn naps<R: Rt>(rt: &Arc<R>, count: usize, micros: u64) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            R::sleep(Duration::from_micros(micros)).await;
            times.push(start.elapsed().as_nanos() as u64);
        }
        watch.stop().with_latencies(times)
    })
}

fn naps_beside_a_long_poll<R: Rt>(rt: &Arc<R>, tasks: usize, naps: usize) -> Sample {
    hold_worker(rt, Duration::from_millis(10), Duration::ZERO, async move {
        let watch = Stopwatch::start();
        let nap = || async move {
            let mut times = Vec::with_capacity(naps);
            for _ in 0..naps {
                let start = Instant::now();
                R::sleep(Duration::from_millis(1)).await;
                times.push(start.elapsed().as_nanos() as u64);
            }
            times
        };
        let tasks: Vec<_> = (0..tasks).map(|_| R::spawn(nap())).collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await);
        }
        watch.stop().with_latencies(times)
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Arm,
    Cancel,
}

/// All numbers below `count`, in no order.
fn shuffled(count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut random = Random(3);
    for n in (1..count).rev() {
        order.swap(n, random.below(n as u64 + 1) as usize);
    }
    order
}

/// What of cancelling is the caller's: boxes of a timer's size dropped in the same order.
fn boxes(count: usize) -> Sample {
    let order = shuffled(count);
    let mut boxes: Vec<_> = (0..count as u64).map(|n| Some(Box::new([n; 4]))).collect();
    let watch = Stopwatch::start();
    for n in order {
        boxes[n as usize] = None;
    }
    watch.stop()
}

/// Arms so many timers in the order of their deadlines, holds them, cancels them in random order.
fn held<R: Rt>(rt: &Arc<R>, count: usize, timed: Part) -> Sample {
    on_a_worker(rt, async move {
        let order = shuffled(count);
        let mut timers = Vec::with_capacity(count);
        let watch = Stopwatch::start();
        for n in 0..count {
            let far = Duration::from_secs(600) + Duration::from_micros(n as u64 * 10);
            let mut timer = Box::pin(R::sleep(far));
            touch(timer.as_mut()).await;
            timers.push(Some(timer));
            if n % POLLS_BETWEEN_YIELDS == 0 {
                R::yield_now().await;
            }
        }
        let armed = watch.stop();
        let watch = Stopwatch::start();
        for n in order {
            timers[n as usize] = None;
        }
        let cancelled = watch.stop();
        if timed == Part::Arm { armed } else { cancelled }
    })
}

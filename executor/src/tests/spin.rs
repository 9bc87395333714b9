//! Spins before parking, by what they spare and how often there are any.

use super::Runtime;
use crate::{Config, Driver, Executor, Flavor, WorkerMetrics};
use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};
use wharf_base::context::Parts;

/// A driver that does something of the test's at each look and each sleep, and does not sleep.
struct Scripted {
    polls: AtomicUsize,
    parks: AtomicUsize,
    on_poll: Box<dyn Fn(usize) + Send + Sync>,
    on_park: Box<dyn Fn(usize) + Send + Sync>,
}

impl Driver for Scripted {
    fn poll(&self) -> bool {
        (self.on_poll)(self.polls.fetch_add(1, SeqCst) + 1);
        false
    }
    fn park(&self, _: Option<Duration>) {
        (self.on_park)(self.parks.fetch_add(1, SeqCst) + 1);
    }
    fn unpark(&self) {}
    fn is_idle(&self) -> bool {
        true
    }
}

fn runtime(
    flavor: Flavor,
    seats: usize,
    limit: Duration,
    on_poll: impl Fn(usize) + Clone + Send + Sync + 'static,
    on_park: impl Fn(usize) + Clone + Send + Sync + 'static,
) -> Runtime {
    let config = Config { flavor, spin_before_park: limit, ..Config::default() };
    let driver = |_| -> Arc<dyn Driver> {
        Arc::new(Scripted {
            polls: AtomicUsize::new(0),
            parks: AtomicUsize::new(0),
            on_poll: Box::new(on_poll.clone()),
            on_park: Box::new(on_park.clone()),
        })
    };
    let drivers = (0..seats).map(driver).collect();
    Runtime(Arc::new_cyclic(|parts| Parts {
        executor: Executor::new(config, drivers, parts.clone()),
        timers: None,
        reactor: None,
    }))
}

/// A future that is done once it was told so.
#[derive(Default)]
struct Bell(Mutex<(bool, Option<Waker>)>);

impl Bell {
    fn ring(&self) {
        let mut bell = self.0.lock().unwrap();
        bell.0 = true;
        let waker = bell.1.take();
        drop(bell);
        waker.into_iter().for_each(Waker::wake);
    }

    async fn heard(&self) {
        poll_fn(|cx| {
            let mut bell = self.0.lock().unwrap();
            bell.1 = Some(cx.waker().clone());
            if bell.0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn has_processors() -> bool {
    thread::available_parallelism().is_ok_and(|count| count.get() > 1)
}

fn worker(runtime: &Runtime) -> WorkerMetrics {
    runtime.metrics().workers[0].clone()
}

#[test]
fn a_task_from_outside_during_a_spin_costs_neither_a_park_nor_a_wake() {
    for (flavor, seats) in [(Flavor::CurrentThread, 1), (Flavor::MultiThread, 2)] {
        let bell = Arc::new(Bell::default());
        let parts: Arc<OnceLock<Weak<Parts>>> = Arc::default();
        // The first look is that before the spin. Without a spin there is no second before the park.
        let (rung, home) = (bell.clone(), parts.clone());
        let bring = move || {
            let (bell, parts) = (rung.clone(), home.get().unwrap().upgrade().unwrap());
            let spawn =
                move || drop(Executor::of(&parts).unwrap().spawn(async move { bell.ring() }));
            thread::spawn(spawn).join().unwrap();
        };
        let late = bring.clone();
        let runtime = runtime(
            flavor,
            seats,
            Duration::from_millis(1),
            move |poll| {
                if poll == 2 {
                    bring()
                }
            },
            move |park| {
                if park == 1 {
                    late()
                }
            },
        );
        parts.set(Arc::downgrade(&runtime.0)).unwrap();
        runtime.block_on(bell.heard());
        if has_processors() {
            let WorkerMetrics { parks, unparks, spins, .. } = worker(&runtime);
            assert_eq!((parks, unparks, spins), (0, 0, 1), "{flavor:?}");
            assert_eq!(runtime.metrics().worker_threads, 0);
        }
    }
}

#[test]
fn spins_that_find_nothing_become_rare() {
    for (limit, most) in [(Duration::ZERO, 0), (Duration::from_micros(1), 20)] {
        let bell = Arc::new(Bell::default());
        let rung = bell.clone();
        let ring_after_thousand = move |park| {
            if park == 1000 {
                rung.ring()
            }
        };
        let flavor = Flavor::CurrentThread;
        let runtime = runtime(flavor, 1, limit, |_| (), ring_after_thousand);
        runtime.block_on(bell.heard());
        let WorkerMetrics { parks, spins, useful_spins, gave_way, .. } = worker(&runtime);
        // The 1st time, the 3rd, 7th, 15th, 31st, 63rd, and then each 64th.
        let expected = if has_processors() { most } else { 0 };
        assert_eq!((parks, spins, useful_spins), (1000, expected, 0));
        // Nothing came from outside.
        assert_eq!(gave_way, 0);
    }
}

/// One task from outside at each sleep, as a thread brings that waits for each answer.
#[test]
fn a_worker_that_gives_way_in_vain_does_it_ever_more_rarely() {
    for (limit, allowed) in [
        (Duration::ZERO, 1..=3),
        (Duration::from_micros(1), 0..=if has_processors() { 0 } else { 3 }),
    ] {
        let bell = Arc::new(Bell::default());
        let parts: Arc<OnceLock<Weak<Parts>>> = Arc::default();
        let (rung, home) = (bell.clone(), parts.clone());
        let bring = move |park| {
            let (bell, parts) = (rung.clone(), home.get().unwrap().upgrade().unwrap());
            let task = async move {
                if park == 300 {
                    bell.ring()
                }
            };
            let spawn = move || drop(Executor::of(&parts).unwrap().spawn(task));
            thread::spawn(spawn).join().unwrap();
        };
        let runtime = runtime(Flavor::CurrentThread, 1, limit, |_| (), bring);
        parts.set(Arc::downgrade(&runtime.0)).unwrap();
        runtime.block_on(bell.heard());
        let WorkerMetrics { parks, gave_way, .. } = worker(&runtime);
        assert_eq!(parks, 300);
        // Before the 2nd sleep, the 18th and the 82nd; or none for a while, where one was long. Where spins
        // were asked for, they are tried in its place.
        assert!(allowed.contains(&gave_way), "{gave_way} of {allowed:?}");
    }
}

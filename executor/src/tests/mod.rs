//! The executor as a whole.

mod api;
mod fairness;
mod graphs;
mod panics;
mod seats;
mod spin;

use crate::{Config, Driver, Executor, Flavor, ThreadDriver, task};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};
use wharf_base::context::Parts;

/// A runtime of nothing but an executor.
pub(crate) struct Runtime(pub(crate) Arc<Parts>);

impl std::ops::Deref for Runtime {
    type Target = Executor;
    fn deref(&self) -> &Executor {
        Executor::of(&self.0).unwrap()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let unfinished = self.shutdown(Some(Duration::from_secs(60)));
        assert!(unfinished.is_empty() || std::thread::panicking(), "{unfinished:?}");
    }
}

pub(crate) fn runtime_with(config: Config, seats: usize) -> Runtime {
    runtime_on(config, (0..seats).map(|_| Arc::new(ThreadDriver::new())))
}

pub(crate) fn runtime_on<D: Driver>(
    config: Config,
    drivers: impl Iterator<Item = Arc<D>>,
) -> Runtime {
    let drivers = drivers.map(|driver| driver as Arc<dyn Driver>).collect();
    Runtime(Arc::new_cyclic(|parts| Parts {
        executor: Executor::new(config, drivers, parts.clone()),
        timers: None,
        reactor: None,
    }))
}

pub(crate) fn multi(seats: usize) -> Runtime {
    runtime_with(Config::default(), seats)
}

pub(crate) fn current() -> Runtime {
    runtime_with(Config { flavor: Flavor::CurrentThread, ..Config::default() }, 1)
}

#[test]
fn spawn_and_join() {
    for runtime in [current(), multi(1), multi(2), multi(4)] {
        let sum = runtime.block_on(async {
            let tasks: Vec<_> = (0..1000).map(|n| task::spawn(async move { n })).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 499_500);
        // A task is struck off the books just after its joiner has been told.
        assert!(runtime.shutdown(None).is_empty());
        assert_eq!(runtime.metrics().live_tasks, 0);
    }
}

#[test]
fn spawn_from_outside_starts_a_worker() {
    let runtime = multi(2);
    let (send, receive) = mpsc::channel();
    for n in 0..1000 {
        let send = send.clone();
        drop(runtime.spawn(async move { send.send(n).unwrap() }));
    }
    drop(send);
    assert_eq!(receive.iter().sum::<i32>(), 499_500);
}

#[test]
fn yields_interleave_on_all_seats() {
    let runtime = multi(3);
    let count = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let count = count.clone();
                task::spawn(async move {
                    for _ in 0..200 {
                        task::yield_now().await;
                        count.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(count.load(SeqCst), 10_000);
}

#[test]
fn shutdown_drops_pending_futures() {
    struct OnDrop(Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    for runtime in [current(), multi(2)] {
        let dropped = Arc::new(AtomicUsize::new(0));
        let pend = || {
            let on_drop = OnDrop(dropped.clone());
            async move {
                std::future::pending::<()>().await;
                drop(on_drop);
            }
        };
        let mut handles = Vec::new();
        runtime.block_on(async {
            for _ in 0..100 {
                handles.push(task::spawn(pend()));
                task::yield_now().await;
            }
        });
        handles.push(runtime.spawn(pend()));
        let unfinished = runtime.shutdown(None);
        assert!(unfinished.is_empty());
        assert_eq!(dropped.load(SeqCst), 101);
        handles.push(runtime.spawn(pend()));
        assert_eq!(dropped.load(SeqCst), 102);
        runtime.block_on(async {
            for handle in handles {
                assert!(handle.await.unwrap_err().is_cancelled());
            }
        });
    }
}

#[test]
fn block_on_returns_when_its_own_future_is_done() {
    for runtime in [current(), multi(2)] {
        let value = runtime.block_on(async {
            for _ in 0..10 {
                drop(task::spawn(std::future::pending::<()>()));
                drop(task::spawn(async {
                    loop {
                        task::yield_now().await;
                    }
                }));
            }
            task::yield_now().await;
            7
        });
        assert_eq!(value, 7);
    }
}

#[test]
fn main_may_block_on_what_a_task_does() {
    // A thread must come for the task, although the one inside `block_on` never parks.
    let runtime = multi(2);
    runtime.block_on(async {
        let (send, receive) = mpsc::channel();
        drop(task::spawn(async move { send.send(1).unwrap() }));
        assert_eq!(receive.recv(), Ok(1));
    });
}

#[test]
fn a_task_that_blocks_is_helped_out() {
    let runtime = multi(2);
    runtime.block_on(async {
        let outer = task::spawn(async {
            let (send, receive) = mpsc::channel();
            drop(task::spawn(async move { send.send(1).unwrap() }));
            receive.recv().unwrap()
        });
        assert_eq!(outer.await.unwrap(), 1);
    });
}

#[test]
fn panics_and_aborts_reach_the_handle() {
    for runtime in [current(), multi(2)] {
        runtime.block_on(async {
            let error = task::spawn(async { panic!("on purpose") }).await.unwrap_err();
            assert!(error.is_panic());
            assert!(error.to_string().ends_with("panicked: on purpose"), "{error}");
            let pending = task::spawn(std::future::pending::<()>());
            task::yield_now().await;
            pending.abort();
            assert!(pending.await.unwrap_err().is_cancelled());
        });
    }
}

#[test]
fn nested_block_on_panics() {
    let runtime = multi(2);
    let other = current();
    let other = &*other;
    let nested = runtime.block_on(async {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| other.block_on(async {}))).is_err()
    });
    assert!(nested);
    let (send, receive) = mpsc::channel();
    let parts = runtime.0.clone();
    drop(runtime.spawn(async move {
        let nested =
            std::panic::AssertUnwindSafe(|| Executor::of(&parts).unwrap().block_on(async {}));
        send.send(std::panic::catch_unwind(nested).is_err()).unwrap();
    }));
    assert_eq!(receive.recv(), Ok(true));
}

#[test]
fn blocking_jobs_run_and_are_joined() {
    let runtime = multi(2);
    runtime.block_on(async {
        let jobs: Vec<_> = (0..500).map(|n| task::spawn_blocking(move || n)).collect();
        let mut sum = 0;
        for job in jobs {
            sum += job.await.unwrap();
        }
        assert_eq!(sum, 124_750);
    });
    // Jobs that wait for one another need a thread each.
    let barrier = Arc::new(Barrier::new(8));
    runtime.block_on(async {
        let jobs: Vec<_> = (0..8)
            .map(|_| {
                let barrier = barrier.clone();
                task::spawn_blocking(move || barrier.wait().is_leader())
            })
            .collect();
        let mut leaders = 0;
        for job in jobs {
            leaders += usize::from(job.await.unwrap());
        }
        assert_eq!(leaders, 1);
    });
}

#[test]
fn several_block_on_at_once() {
    for runtime in [current(), multi(2)] {
        let runtime = &*runtime;
        std::thread::scope(|scope| {
            for n in 0..6 {
                scope.spawn(move || {
                    for _ in 0..50 {
                        let got =
                            runtime.block_on(async move { task::spawn(async move { n }).await });
                        assert_eq!(got.unwrap(), n);
                    }
                });
            }
        });
    }
}

#[test]
fn a_waker_outlives_the_executor() {
    let runtime = multi(2);
    let (send, receive) = mpsc::channel();
    drop(runtime.spawn(std::future::poll_fn(move |cx| {
        send.send(cx.waker().clone()).unwrap();
        std::task::Poll::<()>::Pending
    })));
    let waker = receive.recv().unwrap();
    drop(runtime);
    waker.wake_by_ref();
    waker.wake();
}

#[test]
fn a_spawn_returns_where_the_system_refuses_threads() {
    struct Dropped(mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    // No memory holds such a stack.
    let config = Config { thread_stack_size: Some(1 << 46), ..Config::default() };
    let runtime = runtime_with(config, 2);
    let (sender, dropped) = mpsc::channel();
    for _ in 0..3 {
        let held = Dropped(sender.clone());
        drop(runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
    }
    assert!(runtime.shutdown(Some(Duration::from_secs(60))).is_empty());
    assert_eq!(dropped.try_iter().count(), 3);
}

#[test]
fn what_nobody_will_run_is_ended_on_demand() {
    let config = Config { thread_stack_size: Some(1 << 46), ..Config::default() };
    let runtime = runtime_with(config, 2);
    let error = || {
        let joining = runtime.spawn(async { 7 });
        runtime.end_stranded();
        runtime.block_on(joining)
    };
    let refused = error().unwrap_err();
    assert!(refused.is_refused() && runtime.refusal().is_some(), "{refused}");
    // Where somebody sits in a seat, nothing is stranded.
    let done = runtime.block_on(async {
        let joining = runtime.spawn(async { 7 });
        std::thread::scope(|scope| scope.spawn(|| runtime.end_stranded()).join().unwrap());
        joining.await
    });
    assert_eq!(done.unwrap(), 7);
    assert_eq!(runtime.metrics().live_tasks, 0);
}

#[test]
fn time_awake_is_counted_when_a_worker_parks() {
    let runtime = multi(1);
    let (send, receive) = mpsc::channel();
    drop(runtime.spawn(async move { send.send(()).unwrap() }));
    receive.recv().unwrap();
    while runtime.metrics().workers[0].parks == 0 {
        std::thread::yield_now();
    }
    while runtime.metrics().workers[0].busy.is_zero() {
        std::thread::yield_now();
    }
}

//! Timers on whole runtimes: across seats, threads and runtimes. Counts and order, no lengths of
//! time, save that nothing ends early.

use std::{
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use wharf::{
    Runtime,
    runtime::Builder,
    time::{self, Instant, sleep, sleep_until, timeout},
};

const SHORT: Duration = Duration::from_millis(2);
const HOUR: Duration = Duration::from_secs(3600);

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

fn current() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Polls once.
async fn arm(mut nap: Pin<&mut time::Sleep>) {
    let polled = poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
}

#[test]
fn sleepers_of_all_lengths_all_end_and_none_early() {
    let runtime = workers(2);
    let ended = runtime.block_on(async {
        let sleepers = Vec::from_iter((0..5_000u64).map(|i| {
            let due = Instant::now() + Duration::from_nanos(i * 7_919 % 20_000_000);
            wharf::spawn(async move {
                sleep_until(due).await;
                assert!(Instant::now() >= due);
            })
        }));
        let mut ended = 0;
        for sleeper in sleepers {
            sleeper.await.unwrap();
            ended += 1;
        }
        ended
    });
    assert_eq!(ended, 5_000);
}

#[test]
fn one_worker_wakes_sleepers_in_the_order_of_their_deadlines() {
    let runtime = current();
    let order = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        // However long it takes to arm them, none is due before all are.
        time::pause();
        let start = Instant::now() + SHORT;
        let armed = Arc::new(AtomicUsize::new(0));
        let sleepers = Vec::from_iter((0..200u64).map(|i| {
            let (nanos, order, armed) = (i * 7_919 % 1_000, order.clone(), armed.clone());
            wharf::spawn(async move {
                armed.fetch_add(1, SeqCst);
                sleep_until(start + Duration::from_nanos(nanos)).await;
                order.lock().unwrap().push(nanos);
            })
        }));
        while armed.load(SeqCst) < 200 {
            wharf::task::yield_now().await;
        }
        time::advance(SHORT * 2).await;
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    let order = order.lock().unwrap();
    assert_eq!(order.len(), 200);
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_timer_polled_on_a_foreign_thread_is_fired_by_the_runtime() {
    struct Thread(thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    for runtime in [workers(1), workers(2)] {
        let mut sleep = {
            let _in = runtime.enter();
            pin!(sleep(SHORT))
        };
        let waker = Waker::from(Arc::new(Thread(thread::current())));
        while sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park();
        }
        assert!(Instant::now() >= sleep.deadline());
    }
}

#[test]
fn a_timer_moved_to_another_task_wakes_that_one() {
    let runtime = workers(2);
    runtime.block_on(async {
        let mut nap = Box::pin(sleep(10 * SHORT));
        arm(nap.as_mut()).await;
        wharf::spawn(nap).await.unwrap();
    });
}

#[test]
fn a_timer_dropped_on_another_worker_or_thread_lets_its_task_go() {
    let runtime = workers(2);
    let held = Arc::new(());
    runtime.block_on(async {
        for _ in 0..100 {
            let (send, receive) = mpsc::channel::<Pin<Box<time::Sleep>>>();
            let in_task = held.clone();
            let task = wharf::spawn(async move {
                let _held = in_task;
                let mut nap = Box::pin(sleep(HOUR));
                arm(nap.as_mut()).await;
                send.send(nap).unwrap();
            });
            task.await.unwrap();
            thread::spawn(move || drop(receive.recv())).join().unwrap();
        }
    });
    assert_eq!(Arc::strong_count(&held), 1, "no waker keeps a task");
}

#[test]
fn timers_of_a_worker_that_is_held_up_are_fired_by_another() {
    let runtime = workers(2);
    let fired = Arc::new(AtomicBool::new(false));
    let armed = Arc::new(AtomicBool::new(false));
    let (set_fired, set_armed) = (fired.clone(), armed.clone());
    let holder = runtime.spawn(async move {
        // Both are at this seat: the sleeper runs first, and this poll does not end before it.
        let sleeper = wharf::spawn(async move {
            let mut nap = pin!(sleep(SHORT));
            arm(nap.as_mut()).await;
            set_armed.store(true, SeqCst);
            nap.await;
            set_fired.store(true, SeqCst);
        });
        while !armed.load(SeqCst) {
            wharf::task::yield_now().await;
        }
        while !fired.load(SeqCst) {
            thread::yield_now();
        }
        sleeper.await.unwrap();
    });
    runtime.block_on(holder).unwrap();
}

#[test]
fn a_task_of_timers_that_are_due_gives_way_to_others() {
    let runtime = current();
    runtime.block_on(async {
        let others_turns = Arc::new(AtomicUsize::new(0));
        let count = others_turns.clone();
        let other = wharf::spawn(async move {
            loop {
                count.fetch_add(1, SeqCst);
                wharf::task::yield_now().await;
            }
        });
        for _ in 0..1_000 {
            sleep(Duration::ZERO).await;
        }
        assert!(others_turns.load(SeqCst) >= 1_000 / 128 - 1);
        other.abort();
    });
}

#[test]
fn a_limit_ends_a_future_that_eats_up_its_budget() {
    let runtime = current();
    let greedy = async {
        loop {
            sleep(Duration::ZERO).await;
        }
    };
    assert!(runtime.block_on(async { timeout(SHORT, greedy).await }).is_err());
}

#[test]
fn a_paused_clock_waits_for_blocking_jobs_and_for_nothing_else() {
    let (parks, parked) = mpsc::channel();
    let park = move || {
        // The job that listens may be over.
        let _ = parks.send(());
    };
    let runtime = Builder::new_current_thread().on_thread_park(park).build().unwrap();
    runtime.block_on(async {
        time::pause();
        let start = Instant::now();
        // It goes on until the thread has nothing else to wait for.
        let job = wharf::spawn_blocking(move || parked.recv().unwrap());
        assert!(timeout(HOUR, job).await.is_ok(), "the clock did not jump beyond the job");
        assert_eq!(Instant::now(), start);
        assert!(timeout(HOUR, pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), HOUR);
        time::advance(HOUR).await;
        assert_eq!(start.elapsed(), 2 * HOUR);
        time::resume();
        sleep(Duration::from_micros(10)).await;
    });
}

#[test]
fn each_runtime_has_a_clock_of_its_own() {
    let (paused, real) = (current(), current());
    let start = paused.block_on(async {
        time::pause();
        let start = Instant::now();
        sleep(HOUR).await;
        start
    });
    real.block_on(async {
        assert!(start.elapsed() < HOUR);
        sleep(SHORT).await;
    });
    paused.block_on(async { assert_eq!(start.elapsed(), HOUR) });
}

#[test]
fn a_timer_outlives_its_runtime_without_harm() {
    let mut cx = Context::from_waker(Waker::noop());
    let runtime = workers(2);
    let mut armed = {
        let _in = runtime.enter();
        Box::pin(sleep(HOUR))
    };
    assert!(armed.as_mut().poll(&mut cx).is_pending());
    drop(runtime);
    let polled = catch_unwind(AssertUnwindSafe(|| armed.as_mut().poll(&mut cx).is_ready()));
    assert!(polled.is_err(), "a clear panic, not a wait for ever");
    drop(armed);
}

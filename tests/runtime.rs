//! The runtime as its users see it: what `block_on`, `spawn`, handles and shutdown promise.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::Poll,
    time::{Duration, Instant},
};
use wharf::{Runtime, runtime::Builder};

/// Every flavour in turn, so that one test holds for all.
fn each_flavor(test: impl Fn(&Runtime)) {
    each_flavor_built(|runtime| test(&runtime));
}

fn each_flavor_built(test: impl Fn(Runtime)) {
    test(Builder::new_current_thread().build().unwrap());
    test(Builder::new_multi_thread().worker_threads(1).build().unwrap());
    test(Builder::new_multi_thread().worker_threads(3).build().unwrap());
}

/// Says when it is dropped.
struct OnDrop(Arc<AtomicUsize>);
impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn block_on_returns_whatever_else_runs() {
    each_flavor(|runtime| {
        let answer = runtime.block_on(async {
            drop(wharf::spawn(pending::<()>()));
            wharf::spawn(async {
                loop {
                    wharf::task::yield_now().await;
                }
            });
            wharf::task::yield_now().await;
            7
        });
        assert_eq!(answer, 7);
    });
}

#[test]
fn a_panic_reaches_the_join_handle_and_nobody_else() {
    each_flavor(|runtime| {
        runtime.block_on(async {
            let error = wharf::spawn(async { panic!("overboard") }).await.unwrap_err();
            assert!(error.is_panic());
            assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "overboard");
            assert_eq!(wharf::spawn(async { 1 }).await.unwrap(), 1);
        });
    });
}

#[test]
fn an_aborted_task_drops_its_future_and_says_cancelled() {
    each_flavor(|runtime| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let held = OnDrop(dropped.clone());
        runtime.block_on(async {
            let task = wharf::spawn(async move {
                let _held = held;
                pending::<()>().await
            });
            wharf::task::yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
        assert_eq!(dropped.load(SeqCst), 1);
    });
}

#[test]
fn shutdown_drops_every_pending_future() {
    for workers in [1, 3] {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        let dropped = Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let held = OnDrop(dropped.clone());
            runtime.spawn(async move {
                let _held = held;
                wharf::time::sleep(Duration::from_secs(3600)).await;
            });
        }
        let left = runtime.shutdown_timeout(Duration::from_secs(20));
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(dropped.load(SeqCst), 1_000);
    }
}

#[test]
fn shutdown_is_bounded_and_says_what_did_not_stop() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (release, held) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    drop(runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        held.recv().ok();
    }));
    has_started.recv().unwrap();
    let left = runtime.shutdown_timeout(Duration::from_millis(20));
    assert!(!left.is_empty(), "a blocking job was still running");
    drop(release);
}

#[test]
fn a_block_on_in_a_blocking_job_ends_with_the_timers() {
    each_flavor_built(|runtime| {
        let (handle, (tell, told)) = (runtime.handle().clone(), mpsc::channel());
        drop(runtime.spawn_blocking(move || {
            tell.send(false).unwrap();
            let wait = || handle.block_on(async { wharf::time::sleep(Duration::MAX).await });
            let panicked = catch_unwind(AssertUnwindSafe(wait)).is_err();
            tell.send(panicked).unwrap();
        }));
        assert_eq!(told.recv(), Ok(false));
        let left = runtime.shutdown_timeout(Duration::from_millis(20));
        assert_eq!(left.blocking_threads, 1);
        assert_eq!(told.recv(), Ok(true));
    });
}

#[test]
fn spawning_after_shutdown_says_cancelled() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let dropped = Arc::new(AtomicUsize::new(0));
    let held = OnDrop(dropped.clone());
    let task = handle.spawn(async move { drop(held) });
    assert_eq!(dropped.load(SeqCst), 1);
    let job = handle.spawn_blocking(|| ());
    wharf::block_on(async {
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(job.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn blocking_inside_a_task_is_a_clear_panic() {
    each_flavor(|runtime| {
        let error = runtime.block_on(async {
            wharf::spawn(async { wharf::block_on(async {}) }).await.unwrap_err()
        });
        let panic = error.into_panic();
        let text = panic.downcast_ref::<&str>().expect("a message");
        assert!(text.contains("already running tasks"), "{text}");
    });
}

#[test]
#[should_panic(expected = "a thread's name has no NUL byte")]
fn a_thread_name_that_no_thread_can_have_is_refused_at_once() {
    Builder::new_multi_thread().thread_name("do\0ck");
}

#[test]
fn several_runtimes_live_side_by_side() {
    let one = Builder::new_multi_thread().worker_threads(1).thread_name("one").build().unwrap();
    let two = Builder::new_multi_thread().worker_threads(1).thread_name("two").build().unwrap();
    let name = || async { std::thread::current().name().map(str::to_owned) };
    let (in_one, in_two) = (one.spawn(name()), two.spawn(name()));
    let names = one.block_on(async { (in_one.await.unwrap(), in_two.await.unwrap()) });
    assert!(names.0.unwrap().starts_with("one"));
    assert!(names.1.unwrap().starts_with("two"));
}

#[test]
fn a_runtime_may_be_dropped_by_a_task_of_another_or_of_its_own() {
    let outer = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let inner = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    drop(inner.spawn(pending::<()>()));
    outer.block_on(async move { drop(inner) });

    let own = Arc::new(std::sync::Mutex::new(None));
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (done, is_done) = mpsc::channel();
    let slot = own.clone();
    let handle = runtime.handle().clone();
    *own.lock().unwrap() = Some(runtime);
    handle.spawn(async move {
        drop(slot.lock().unwrap().take());
        done.send(()).unwrap();
    });
    is_done.recv().unwrap();
}

/// Whatever it has entered, and whether or not it sits in a seat.
#[test]
fn dropping_a_runtime_never_blocks_a_thread_that_runs_tasks() {
    const LONG: Duration = Duration::from_secs(5);
    let held_up = |drop_here: &dyn Fn(Runtime)| {
        let busy = Builder::new_current_thread().build().unwrap();
        let (go, held) = mpsc::channel::<()>();
        let (say, heard) = mpsc::channel();
        let (start, has_started) = mpsc::channel();
        drop(busy.spawn_blocking(move || {
            start.send(()).unwrap();
            say.send(held.recv_timeout(LONG).is_err()).unwrap();
        }));
        has_started.recv().unwrap();
        drop_here(busy);
        // Nobody is there to hear it, where it was held up.
        go.send(()).ok();
        heard.recv().unwrap()
    };
    let [outer, other] = [(); 2].map(|()| Builder::new_current_thread().build().unwrap());
    let entered = outer.block_on(async {
        held_up(&|busy| {
            let _in_another = other.enter();
            drop(busy);
        })
    });
    assert!(!entered, "with another runtime entered");
    let (seated, is_seated) = mpsc::channel();
    let (leave, has_left) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let outer = &outer;
        scope.spawn(move || {
            outer.block_on(async {
                seated.send(()).unwrap();
                has_left.recv().ok();
            });
        });
        is_seated.recv().unwrap();
        let standing = outer.handle().block_on(async { held_up(&|busy| drop(busy)) });
        drop(leave);
        assert!(!standing, "in a `block_on` that has no seat");
    });
}

#[test]
fn timers_are_never_early() {
    each_flavor(|runtime| {
        runtime.block_on(async {
            for micros in [0, 1, 50, 100, 999, 1_000, 1_001, 5_000] {
                let asked = Duration::from_micros(micros);
                let start = Instant::now();
                wharf::time::sleep(asked).await;
                assert!(start.elapsed() >= asked, "{asked:?}");
            }
        });
    });
}

#[test]
fn a_timeout_ends_what_does_not_end_itself() {
    each_flavor(|runtime| {
        runtime.block_on(async {
            let limit = Duration::from_millis(2);
            assert!(wharf::time::timeout(limit, pending::<()>()).await.is_err());
            assert_eq!(wharf::time::timeout(limit, async { 3 }).await.unwrap(), 3);
        });
    });
}

#[test]
fn channels_and_locks_of_others_run_here() {
    each_flavor(|runtime| {
        let sum = runtime.block_on(async {
            let (numbers, received) = async_channel::bounded(4);
            let total = Arc::new(async_lock::Mutex::new(0));
            let adding: Vec<_> = (0..4)
                .map(|_| {
                    let (received, total) = (received.clone(), total.clone());
                    wharf::spawn(async move {
                        while let Ok(number) = received.recv().await {
                            *total.lock().await += number;
                        }
                    })
                })
                .collect();
            for number in 1..=1_000 {
                numbers.send(number).await.unwrap();
            }
            drop(numbers);
            for task in adding {
                task.await.unwrap();
            }
            *total.lock().await
        });
        assert_eq!(sum, 500_500);
    });
}

#[test]
fn an_entered_handle_is_found_and_left() {
    assert!(wharf::Handle::try_current().is_err());
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let task = {
        let _entered = runtime.enter();
        assert!(wharf::Handle::try_current().is_ok());
        wharf::spawn(async { 5 })
    };
    assert!(wharf::Handle::try_current().is_err());
    assert_eq!(runtime.block_on(task).unwrap(), 5);
}

#[test]
fn a_future_woken_from_a_foreign_thread_goes_on() {
    each_flavor(|runtime| {
        runtime.block_on(async {
            let set = Arc::new(AtomicBool::new(false));
            let mut waking = None;
            poll_fn(|cx| {
                if set.load(SeqCst) {
                    return Poll::Ready(());
                }
                if waking.is_none() {
                    let (waker, set) = (cx.waker().clone(), set.clone());
                    waking = Some(std::thread::spawn(move || {
                        set.store(true, SeqCst);
                        waker.wake();
                    }));
                }
                Poll::Pending
            })
            .await;
            waking.unwrap().join().unwrap();
        });
    });
}

/// A foreign executor that has entered the runtime: its timers and sockets sit in a seat in which,
/// until then, nobody sat.
#[test]
fn timers_and_sockets_work_off_any_seat() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let _entered = runtime.enter();
    foreign_block_on(async {
        wharf::time::sleep(Duration::from_millis(1)).await;
        let listener = wharf::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::thread::spawn(move || std::net::TcpStream::connect(address).unwrap());
        let (stream, _) = listener.accept().await.unwrap();
        drop(client.join().unwrap());
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

/// The simplest of foreign executors: polls on this thread, and parks it.
fn foreign_block_on<F: std::future::Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[wharf::test(start_paused = true)]
async fn a_clock_that_is_paused_from_the_start_jumps() {
    let hour = Duration::from_secs(3600);
    let start = wharf::time::Instant::now();
    wharf::time::sleep(hour).await;
    assert_eq!(start.elapsed(), hour);
}

#[test]
fn a_clock_that_can_not_be_paused_is_refused_when_it_is_built() {
    let refused = |builder: &mut Builder| {
        catch_unwind(AssertUnwindSafe(|| drop(builder.start_paused(true).build()))).is_err()
    };
    assert!(refused(&mut Builder::new_multi_thread()));
    assert!(refused(Builder::new_current_thread().disable_time()));
    assert!(!refused(&mut Builder::new_current_thread()));
}

#[test]
fn a_paused_clock_waits_for_blocking_jobs() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        wharf::time::pause();
        let (go, held) = mpsc::channel::<()>();
        let job = wharf::spawn_blocking(move || held.recv().is_err());
        let start = wharf::time::Instant::now();
        wharf::task::yield_now().await;
        drop(go);
        assert!(job.await.unwrap());
        assert_eq!(start.elapsed(), Duration::ZERO);
        wharf::time::sleep(Duration::from_secs(3600)).await;
        assert!(start.elapsed() >= Duration::from_secs(3600));
    });
}

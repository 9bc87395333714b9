//! Panics of foreign code: each reaches whom the crate's table says, and nobody else.

use super::{current, multi, runtime_with};
use crate::{Config, Hook, task};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker},
    time::Duration,
};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Whether the runtime still runs tasks.
fn assert_sound(runtime: &super::Runtime) {
    assert_eq!(runtime.block_on(async { task::spawn(async { 7 }).await.unwrap() }), 7);
}

#[test]
fn in_the_drop_of_an_output_that_nobody_joins() {
    for runtime in [current(), multi(2)] {
        let (send, done) = mpsc::channel();
        runtime.block_on(async {
            // Once with the handle gone before the end, once after.
            drop(task::spawn(async { Bomb }));
            let late = task::spawn(async { Bomb });
            while !late.is_finished() {
                task::yield_now().await;
            }
            drop(late);
            task::spawn(async move { send.send(()).unwrap() }).await.unwrap();
        });
        done.recv().unwrap();
        assert_sound(&runtime);
    }
}

#[test]
fn in_the_drop_of_a_future_at_its_end() {
    for runtime in [current(), multi(2)] {
        // The output has come already, and gives way to the panic.
        struct Ready(Bomb);
        impl Future for Ready {
            type Output = u8;
            fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
                let _ = &self.0;
                Poll::Ready(1)
            }
        }
        let error = runtime.block_on(async { task::spawn(Ready(Bomb)).await.unwrap_err() });
        assert!(error.is_panic() && error.to_string().ends_with("panicked: dropped"), "{error}");
        assert_sound(&runtime);
    }
}

async fn pending_with_a_bomb() {
    let _bomb = Bomb;
    std::future::pending::<()>().await;
}

#[test]
fn in_the_drop_of_a_future_at_an_abort() {
    for runtime in [current(), multi(2)] {
        runtime.block_on(async {
            let pending = task::spawn(pending_with_a_bomb());
            // It has to have begun, so that it holds the bomb.
            for _ in 0..100 {
                task::yield_now().await;
            }
            pending.abort();
            let error = pending.await.unwrap_err();
            assert!(error.is_panic() || error.is_cancelled());
        });
        assert_sound(&runtime);
    }
    let runtime = current();
    let error = runtime.block_on(async {
        let pending = task::spawn(pending_with_a_bomb());
        task::yield_now().await;
        pending.abort();
        pending.await.unwrap_err()
    });
    assert!(error.is_panic(), "{error}");
}

#[test]
fn in_the_drop_of_futures_at_the_shutdown() {
    for runtime in [current(), multi(2)] {
        let mut handles = runtime.block_on(async {
            let handles: Vec<_> = (0..10).map(|_| task::spawn(pending_with_a_bomb())).collect();
            for _ in 0..100 {
                task::yield_now().await;
            }
            handles
        });
        // One from outside as well, which may not have begun.
        handles.push(runtime.spawn(pending_with_a_bomb()));
        assert!(runtime.shutdown(Some(Duration::from_secs(60))).is_empty());
        assert!(handles.iter().all(|handle| handle.is_finished()));
        let panicked = runtime.block_on(async {
            let mut panicked = 0;
            for handle in handles {
                panicked += usize::from(handle.await.unwrap_err().is_panic());
            }
            panicked
        });
        assert!(panicked >= 10 || runtime.metrics().workers.len() > 1, "{panicked}");
    }
}

/// A waker that panics when it is woken, or when it is dropped.
struct Touchy {
    wake: bool,
    drops: Arc<AtomicUsize>,
}

impl Wake for Touchy {
    fn wake(self: Arc<Self>) {
        assert!(!self.wake, "woken");
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        self.drops.fetch_add(1, SeqCst);
        assert!(self.wake, "dropped");
    }
}

#[test]
fn in_the_wake_or_the_drop_of_a_joiners_waker() {
    for wake in [true, false] {
        let runtime = current();
        let drops = Arc::new(AtomicUsize::new(0));
        let (output, held) = runtime.block_on(async {
            let mut handle = pin!(task::spawn(async { 7 }));
            let touchy = Arc::new(Touchy { wake, drops: drops.clone() });
            let waker = Waker::from(touchy.clone());
            assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            // The task's room holds the last one but ours.
            drop(waker);
            if wake {
                drop(touchy);
                (handle.await.unwrap(), None)
            } else {
                let output = handle.await.unwrap();
                (output, Some(touchy))
            }
        });
        assert_eq!(output, 7);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(held)));
        assert_eq!(dropped.is_err(), !wake);
        assert_eq!(drops.load(SeqCst), 1);
        assert_sound(&runtime);
    }
}

#[test]
fn in_the_drop_of_a_waker_that_is_replaced() {
    let runtime = current();
    let drops = Arc::new(AtomicUsize::new(0));
    let output = runtime.block_on(async {
        let mut handle = pin!(task::spawn(async { 7 }));
        let waker = Waker::from(Arc::new(Touchy { wake: false, drops: drops.clone() }));
        assert!(handle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(waker))).is_ok(), "the task holds it too");
        // Polled with another waker, the first goes, and was the last.
        handle.await.unwrap()
    });
    assert_eq!((output, drops.load(SeqCst)), (7, 1));
    assert_sound(&runtime);
}

#[test]
fn in_the_clone_of_a_joiners_waker() {
    const TABLE: RawWakerVTable = RawWakerVTable::new(|_| panic!("cloned"), |_| {}, |_| {}, |_| {});
    let runtime = current();
    let output = runtime.block_on(async {
        let mut handle = pin!(task::spawn(async { 7 }));
        // SAFETY: the functions of the table use no data.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) };
        let poll = || handle.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        handle.await.unwrap()
    });
    assert_eq!(output, 7);
    assert_sound(&runtime);
}

#[test]
fn in_hooks_and_in_the_naming_of_threads() {
    let calls: [Arc<AtomicUsize>; 5] = Default::default();
    let hook = |n: usize| -> Option<Hook> {
        let count = calls[n].clone();
        Some(Arc::new(move || {
            count.fetch_add(1, SeqCst);
            panic!("hook {n}");
        }))
    };
    let names = calls[4].clone();
    let config = Config {
        on_thread_start: hook(0),
        on_thread_stop: hook(1),
        on_thread_park: hook(2),
        on_thread_unpark: hook(3),
        thread_name: Arc::new(move || match names.fetch_add(1, SeqCst) % 2 {
            0 => "a name with a \0".to_owned(),
            _ => panic!("name"),
        }),
        ..Config::default()
    };
    let runtime = runtime_with(config, 2);
    for n in 0..50 {
        let (send, receive) = mpsc::channel();
        drop(runtime.spawn(async move { send.send(n).unwrap() }));
        assert_eq!(receive.recv(), Ok(n));
    }
    assert_eq!(runtime.block_on(async { task::spawn_blocking(|| 7).await.unwrap() }), 7);
    while calls[2].load(SeqCst) == 0 || calls[3].load(SeqCst) == 0 {
        let (send, receive) = mpsc::channel();
        drop(runtime.spawn(async move { send.send(()).unwrap() }));
        receive.recv().unwrap();
    }
    assert!(runtime.shutdown(Some(Duration::from_secs(60))).is_empty());
    let calls = calls.map(|count| count.load(SeqCst));
    assert!(calls.iter().all(|&count| count > 0), "{calls:?}");
    assert_eq!(calls[0], calls[1], "each thread that started has stopped");
}

#[test]
fn in_a_blocking_job_and_in_the_drop_of_one_that_did_not_run() {
    let runtime = runtime_with(Config { max_blocking_threads: 1, ..Config::default() }, 2);
    let error =
        runtime.block_on(async { task::spawn_blocking(|| panic!("job")).await.unwrap_err() });
    assert!(error.is_panic(), "{error}");
    let (send, hold) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let holding = runtime.spawn_blocking(move || {
        begin.send(()).unwrap();
        _ = hold.recv();
    });
    begun.recv().unwrap();
    let bomb = Bomb;
    let waiting = runtime.spawn_blocking(move || std::mem::forget(bomb));
    let left = runtime.shutdown(Some(Duration::ZERO));
    assert_eq!(left.blocking_threads, 1);
    drop(send);
    runtime.block_on(async {
        holding.await.unwrap();
        assert!(waiting.await.unwrap_err().is_panic());
    });
}

#[test]
fn a_refused_thread_is_an_error_of_its_job_and_no_panic() {
    // No memory holds such a stack.
    let config = Config { thread_stack_size: Some(1 << 46), ..Config::default() };
    let runtime = runtime_with(config, 1);
    let error = runtime.block_on(async { task::spawn_blocking(|| 7).await.unwrap_err() });
    assert!(error.is_refused() && !error.is_panic() && !error.is_cancelled(), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    let text = error.to_string();
    assert!(text.contains("no thread could be started"), "{text}");
    let error = error.try_into_panic().unwrap_err();
    assert_ne!(std::io::Error::from(error).kind(), std::io::ErrorKind::Other);
}

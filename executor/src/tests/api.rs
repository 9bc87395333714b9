//! The users' API, piece by piece.

use super::{current, multi, runtime_with};
use crate::{
    AbortHandle, Config, Executor, Flavor, JoinSet, UnhandledPanic,
    task::{self, LocalSet, spawn, spawn_local},
};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::Poll,
};

#[test]
fn a_join_set_joins_in_the_order_of_finishing() {
    for runtime in [current(), multi(2)] {
        runtime.block_on(async {
            let mut set = JoinSet::new();
            let gates: Vec<_> = (0..3)
                .map(|n| {
                    let (open, gate) = gate();
                    set.spawn(async move {
                        gate.await;
                        n
                    });
                    open
                })
                .collect();
            assert!(set.try_join_next().is_none());
            for n in [2, 0, 1] {
                gates[n]();
                assert_eq!(set.join_next().await.unwrap().unwrap(), n);
            }
            assert!(set.join_next().await.is_none());
        });
    }
}

/// A gate: a function that opens it, and a future that waits for it.
pub(super) fn gate() -> (impl Fn(), impl Future<Output = ()>) {
    type Gate = Arc<Mutex<(bool, Option<std::task::Waker>)>>;
    let gate: Gate = Arc::default();
    let other = gate.clone();
    let open = move || {
        let waker = {
            let mut gate = gate.lock().unwrap();
            gate.0 = true;
            gate.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    };
    let wait = std::future::poll_fn(move |cx| {
        let mut gate = other.lock().unwrap();
        if gate.0 {
            return std::task::Poll::Ready(());
        }
        gate.1 = Some(cx.waker().clone());
        std::task::Poll::Pending
    });
    (open, wait)
}

#[test]
fn a_large_join_set_yields_and_loses_nobody() {
    let runtime = multi(2);
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for n in 0..5000_u64 {
            set.spawn(async move {
                if n % 3 == 0 {
                    task::yield_now().await;
                }
                n
            });
        }
        assert_eq!(set.join_all().await.into_iter().sum::<u64>(), 4999 * 5000 / 2);
    });
}

#[test]
fn a_task_that_aborts_itself_ends_with_that_poll() {
    assert!(AbortHandle::of_current().is_none());
    let runtime = multi(2);
    runtime.block_on(async {
        assert!(AbortHandle::of_current().is_none(), "the main future is no task");
        let mut polls = 0;
        let task = spawn(poll_fn(move |_| {
            polls += 1;
            assert_eq!(polls, 1);
            let own = AbortHandle::of_current().unwrap();
            assert_eq!(Some(own.id()), task::try_id());
            own.abort();
            assert!(!own.is_finished());
            Poll::<()>::Pending
        }));
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn dropping_a_join_set_aborts_and_detaching_does_not() {
    let runtime = multi(2);
    runtime.block_on(async {
        let alive = Arc::new(());
        let mut set = JoinSet::new();
        let kept = alive.clone();
        set.spawn(async move {
            std::future::pending::<()>().await;
            drop(kept);
        });
        set.shutdown().await;
        assert_eq!(Arc::strong_count(&alive), 1);
        let (send, receive) = mpsc::channel();
        set.spawn(async move {
            task::yield_now().await;
            send.send(()).unwrap();
        });
        set.detach_all();
        drop(set);
        receive.recv().unwrap();
    });
}

#[test]
fn local_tasks_run_in_fifo_order_on_their_own_thread() {
    for runtime in [current(), multi(2)] {
        let set = LocalSet::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        let seen = order.clone();
        set.block_on(&*runtime, async move {
            let thread = std::thread::current().id();
            let tasks: Vec<_> = (0..100)
                .map(|n| {
                    let order = order.clone();
                    spawn_local(async move {
                        for round in 0..3 {
                            assert_eq!(std::thread::current().id(), thread);
                            order.borrow_mut().push((round, n));
                            task::yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let expected: Vec<_> = (0..3).flat_map(|round| (0..100).map(move |n| (round, n))).collect();
        assert_eq!(*seen.borrow(), expected);
    }
}

#[test]
fn a_dropped_local_set_drops_its_futures_and_late_wakers_do_no_harm() {
    let runtime = multi(2);
    let dropped = Rc::new(Cell::new(0));
    struct OnDrop(Rc<Cell<u32>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            // A spawn from inside the drop ends at once.
            drop(spawn_local(async {}));
        }
    }
    let set = LocalSet::new();
    let waker = Rc::new(RefCell::new(None));
    let handle = {
        let (kept, on_drop) = (waker.clone(), OnDrop(dropped.clone()));
        set.spawn_local(std::future::poll_fn(move |cx| {
            let _on_drop = &on_drop;
            *kept.borrow_mut() = Some(cx.waker().clone());
            std::task::Poll::<()>::Pending
        }))
    };
    set.block_on(&*runtime, async { task::yield_now().await });
    let waker = waker.borrow_mut().take().unwrap();
    drop(set);
    assert_eq!(dropped.get(), 1);
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert!(runtime.block_on(handle).unwrap_err().is_cancelled());
}

#[test]
fn a_local_set_is_woken_from_other_threads() {
    let runtime = multi(2);
    let set = LocalSet::new();
    set.block_on(&*runtime, async {
        let from_afar = Rc::new(task::spawn_blocking(|| 5));
        let got = spawn_local(async move { Rc::into_inner(from_afar).unwrap().await.unwrap() });
        assert_eq!(got.await.unwrap(), 5);
    });
}

crate::task_local! {
    static NUMBER: Cell<u32>;
}

#[test]
fn task_locals_belong_to_the_future() {
    let runtime = multi(2);
    runtime.block_on(async {
        assert!(NUMBER.try_with(|_| ()).is_err());
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                task::spawn(NUMBER.scope(Cell::new(n), async move {
                    for round in 0..10 {
                        assert_eq!(NUMBER.with(Cell::get), n + round);
                        NUMBER.with(|number| number.set(n + round + 1));
                        task::yield_now().await;
                    }
                }))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        NUMBER.sync_scope(Cell::new(1), || {
            NUMBER.sync_scope(Cell::new(2), || assert_eq!(NUMBER.with(Cell::get), 2));
            assert_eq!(NUMBER.with(Cell::get), 1);
        });
    });
}

#[test]
fn block_in_place_lets_the_seats_other_tasks_go_on() {
    for seats in [1, 2] {
        let runtime = multi(seats);
        let parts = runtime.0.clone();
        let wait_for_another = move || {
            let (send, receive) = mpsc::channel();
            drop(task::spawn(async move { send.send(3).unwrap() }));
            task::block_in_place(|| {
                let inner = Executor::of(&parts).unwrap().block_on(async { 4 });
                receive.recv().unwrap() + inner
            })
        };
        runtime.block_on(async {
            // In the main future, and in tasks that go on afterwards.
            assert_eq!(wait_for_another(), 7);
            task::yield_now().await;
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let wait_for_another = wait_for_another.clone();
                    task::spawn(async move {
                        let sum = wait_for_another();
                        task::yield_now().await;
                        sum
                    })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), 7);
            }
        });
    }
    let runtime = current();
    let refused = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { task::block_in_place(|| ()) });
    }));
    assert!(refused.is_err());
}

/// The set goes when the thread ends, perhaps after the thread-local by which its tasks find it.
#[test]
fn a_local_set_in_a_thread_local_ends_its_tasks_with_the_thread() {
    struct OnDrop(mpsc::Sender<u8>, Option<std::task::Waker>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.1.take().into_iter().for_each(std::task::Waker::wake);
            self.0.send(1).unwrap();
        }
    }
    std::thread_local! {
        static SET: LocalSet = LocalSet::new();
    }
    let (send, drops) = mpsc::channel();
    let ending = std::thread::spawn(move || {
        SET.with(|set| {
            let wakers = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            for _ in 0..2 {
                let (send, wakers) = (send.clone(), wakers.clone());
                drop(set.spawn_local(async move {
                    let mut on_drop = OnDrop(send, None);
                    std::future::poll_fn(|cx| {
                        on_drop.1 = wakers.borrow_mut().pop();
                        wakers.borrow_mut().push(cx.waker().clone());
                        std::task::Poll::<()>::Pending
                    })
                    .await;
                }));
            }
            current().block_on(set.run_until(task::yield_now()));
        });
    });
    ending.join().unwrap();
    assert_eq!(drops.iter().sum::<u8>(), 2);
}

/// What is armed or opened in the rest of the poll would count on an owner who has gone.
#[test]
fn a_seat_given_away_under_an_entered_context_is_not_the_threads_afterwards() {
    for entered_is_another in [false, true] {
        let (runtime, other) = (multi(1), multi(1));
        let parts = if entered_is_another { other.0.clone() } else { runtime.0.clone() };
        runtime.block_on(async {
            let seat = || wharf_base::context::with(|_, seat| seat).flatten();
            assert_eq!(seat(), Some(0));
            let entered = wharf_base::context::enter(parts, None);
            let (send, receive) = mpsc::channel();
            drop(runtime.spawn(async move { send.send(()).unwrap() }));
            // Another thread comes for the task, and keeps the seat.
            task::block_in_place(|| receive.recv().unwrap());
            drop(entered);
            assert_eq!(seat(), None);
        });
    }
}

#[test]
fn block_in_place_between_polls_keeps_the_seat() {
    let seat = || wharf_base::context::with(|_, seat| seat).flatten();
    let (send, seats) = mpsc::channel();
    let hook = move || send.send((seat(), task::block_in_place(seat))).unwrap();
    let config = Config { on_thread_park: Some(Arc::new(hook)), ..Config::default() };
    let runtime = runtime_with(config, 1);
    let (open, gate) = gate();
    let opener = std::thread::spawn(move || {
        let seen = seats.recv().unwrap();
        open();
        seen
    });
    runtime.block_on(gate);
    assert_eq!(opener.join().unwrap(), (Some(0), Some(0)));
}

#[test]
fn hooks_run_and_their_panics_are_contained() {
    let counts: Arc<[AtomicUsize; 4]> = Arc::default();
    let hook = |n: usize| {
        let counts = counts.clone();
        let hook: crate::Hook = Arc::new(move || {
            counts[n].fetch_add(1, SeqCst);
            panic!("in a hook");
        });
        Some(hook)
    };
    let config = Config {
        on_thread_start: hook(0),
        on_thread_stop: hook(1),
        on_thread_park: hook(2),
        on_thread_unpark: hook(3),
        ..Config::default()
    };
    let runtime = runtime_with(config, 2);
    let seen = counts.clone();
    let until_parked = move || {
        while seen[2].load(SeqCst) == 0 {
            std::thread::yield_now();
        }
    };
    runtime.block_on(async { task::spawn_blocking(until_parked).await.unwrap() });
    assert!(runtime.shutdown(None).is_empty());
    let [start, stop, park, unpark] = &*counts;
    assert!(start.load(SeqCst) >= 1 && start.load(SeqCst) == stop.load(SeqCst));
    assert!(park.load(SeqCst) >= 1 && park.load(SeqCst) == unpark.load(SeqCst));
}

#[test]
fn an_unhandled_panic_ends_the_runtime_where_asked_to() {
    for flavor in [Flavor::CurrentThread, Flavor::MultiThread] {
        let unhandled_panic = UnhandledPanic::ShutdownRuntime;
        let runtime = runtime_with(Config { flavor, unhandled_panic, ..Config::default() }, 1);
        runtime.block_on(async {
            let handled = task::spawn(async { panic!("handled") });
            assert!(handled.await.unwrap_err().is_panic());
        });
        let ended = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                drop(task::spawn(async { panic!("not handled") }));
                std::future::pending::<()>().await;
            });
        }));
        assert!(ended.is_err());
    }
}

#[test]
fn ids_are_those_of_the_handles() {
    let runtime = multi(2);
    runtime.block_on(async {
        assert_eq!(task::try_id(), None);
        let task = task::spawn(async { task::id() });
        let id = task.id();
        assert_eq!(task.await.unwrap(), id);
        let other = task::spawn(async { task::id() }).await.unwrap();
        assert_ne!(other, id);
    });
}

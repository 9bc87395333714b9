//! Nobody waits for ever: each claim with the polls counted.

use super::{current, multi, runtime_with, seats::still};
use crate::{Config, Driver, Executor, Flavor, ThreadDriver, task};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use wharf_base::{context::Parts, coop};

#[test]
fn self_waking_tasks_take_turns_exactly() {
    // One seat: among n tasks that wake themselves, each is polled once a round.
    for runtime in [current(), multi(1)] {
        let order = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(async {
            let tasks: Vec<_> = (0..7)
                .map(|n| {
                    let order = order.clone();
                    task::spawn(async move {
                        for _ in 0..50 {
                            order.lock().unwrap().push(n);
                            task::yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let order = order.lock().unwrap();
        for round in order.chunks(7) {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, (0..7).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_current_thread_flavour_runs_tasks_in_the_order_of_their_spawning() {
    let runtime = current();
    let order = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..2000)
            .map(|n| {
                let order = order.clone();
                task::spawn(async move { order.lock().unwrap().push(n) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), (0..2000).collect::<Vec<_>>());
}

#[test]
fn an_always_ready_task_spends_its_budget_and_lets_others_run() {
    for runtime in [current(), multi(1)] {
        let progress = Arc::new(AtomicUsize::new(0));
        let greedy = progress.clone();
        runtime.block_on(async {
            drop(task::spawn(async move {
                loop {
                    coop::consume_budget().await;
                    greedy.fetch_add(1, SeqCst);
                }
            }));
            for turn in 0..5 {
                task::yield_now().await;
                // In each of its polls the greedy task gets so far and no further.
                let most = (turn + 1) * usize::from(coop::BUDGET);
                assert!(progress.load(SeqCst) <= most, "{} > {most}", progress.load(SeqCst));
            }
        });
    }
}

/// Two tasks that wake each other for ever.
fn spawn_ping_pong() {
    type Side = Arc<Mutex<Option<Waker>>>;
    let sides: [Side; 2] = Default::default();
    for n in 0..2 {
        let (own, other) = (sides[n].clone(), sides[1 - n].clone());
        drop(task::spawn(poll_fn(move |cx| {
            *own.lock().unwrap() = Some(cx.waker().clone());
            if let Some(other) = other.lock().unwrap().take() {
                other.wake();
            }
            Poll::<()>::Pending
        })));
    }
}

#[test]
fn a_lifo_pair_does_not_starve_the_queue() {
    let runtime = multi(1);
    runtime.block_on(async {
        task::spawn(async {
            spawn_ping_pong();
            let (polls, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let (counted, ended) = (polls.clone(), done.clone());
            drop(task::spawn(async move {
                for _ in 0..100 {
                    task::yield_now().await;
                    counted.fetch_add(1, SeqCst);
                }
                ended.store(true, SeqCst);
            }));
            // Ours is a turn in the same queue: the other's hundred come in about as many of ours.
            for _ in 0..110 {
                task::yield_now().await;
            }
            assert!(done.load(SeqCst), "{} polls", polls.load(SeqCst));
        })
        .await
        .unwrap();
    });
}

#[test]
fn tasks_from_outside_get_their_turn_beside_busy_ones() {
    let event_interval = 10;
    let runtime = runtime_with(Config { event_interval, ..Config::default() }, 1);
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let (stop, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (stopping, is_stopped) = (stop.clone(), stopped.clone());
    drop(runtime.spawn(async move {
        while !stopping.load(SeqCst) {
            counted.fetch_add(1, SeqCst);
            task::yield_now().await;
        }
        is_stopped.store(true, SeqCst);
    }));
    while polls.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let (send, receive) = mpsc::channel();
    drop(runtime.spawn(async move { send.send(()).unwrap() }));
    receive.recv().unwrap();
    stop.store(true, SeqCst);
    while !stopped.load(SeqCst) {
        std::thread::yield_now();
    }
}

#[test]
fn the_main_future_is_polled_beside_busy_tasks_and_they_beside_it() {
    for runtime in [current(), multi(1)] {
        let polls = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            let counted = polls.clone();
            drop(task::spawn(async move {
                loop {
                    counted.fetch_add(1, SeqCst);
                    task::yield_now().await;
                }
            }));
            for _ in 0..100 {
                task::yield_now().await;
            }
            let polls = polls.load(SeqCst);
            assert!((99..=101).contains(&polls), "{polls} polls beside 100 of the main future");
        });
    }
}

/// A driver that counts, and wakes its waker when it is polled.
#[derive(Default)]
struct Events {
    thread: ThreadDriver,
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
}

impl Driver for Events {
    fn poll(&self) -> bool {
        self.polls.fetch_add(1, SeqCst);
        let waker = self.waker.lock().unwrap().take();
        waker.map(Waker::wake).is_some()
    }
    fn park(&self, limit: Option<Duration>) {
        self.thread.park(limit);
    }
    fn unpark(&self) {
        self.thread.unpark();
    }
    fn is_idle(&self) -> bool {
        self.waker.lock().unwrap().is_none()
    }
}

fn with_events(config: Config, seats: usize) -> (super::Runtime, Vec<Arc<Events>>) {
    let events: Vec<_> = (0..seats).map(|_| Arc::new(Events::default())).collect();
    let drivers = events.iter().map(|events| events.clone() as Arc<dyn Driver>).collect();
    let parts = Arc::new_cyclic(|parts| Parts {
        executor: Executor::new(config, drivers, parts.clone()),
        timers: None,
        reactor: None,
    });
    (super::Runtime(parts), events)
}

/// Waits for an event at `events`.
struct Event<'a>(&'a Events, bool);

impl Future for Event<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.1, true) {
            return Poll::Ready(());
        }
        *self.0.waker.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[test]
fn the_driver_has_its_turn_every_interval_beside_busy_tasks() {
    let event_interval = 10;
    let config = Config { flavor: Flavor::CurrentThread, event_interval, ..Config::default() };
    let (runtime, events) = with_events(config, 1);
    let events = &*events[0];
    runtime.block_on(async {
        let spinning = Arc::new(AtomicUsize::new(0));
        let counted = spinning.clone();
        drop(task::spawn(async move {
            loop {
                counted.fetch_add(1, SeqCst);
                task::yield_now().await;
            }
        }));
        for _ in 0..20 {
            let before = spinning.load(SeqCst);
            Event(events, false).await;
            let polls = spinning.load(SeqCst) - before;
            assert!(polls <= 11, "{polls} polls until the driver had its turn");
        }
    });
}

#[test]
fn a_seat_in_a_long_poll_is_looked_after_by_an_idle_one() {
    let (runtime, events) = with_events(Config::default(), 2);
    runtime.block_on(async {
        // This seat's thread is held up until an event at its own driver has been seen to, and the
        // task woken by it has run: somebody else must do both.
        let (send, receive) = mpsc::channel();
        let polled: Vec<_> = events.iter().map(|events| events.polls.load(SeqCst)).collect();
        let seat = wharf_base::context::with(|_, seat| seat.unwrap()).unwrap();
        let own = events[seat].clone();
        let waiting = task::spawn(async move {
            Event(&own, false).await;
            send.send(()).unwrap();
        });
        // The task registers in its first poll, which is on either seat.
        receive.recv().unwrap();
        waiting.await.unwrap();
        assert!(events[seat].polls.load(SeqCst) > polled[seat]);
    });
}

/// Waits until it was woken once.
fn woken_once(send: mpsc::Sender<Waker>) -> impl Future<Output = ()> + Send {
    let mut polled = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        send.send(cx.waker().clone()).unwrap();
        Poll::Pending
    })
}

#[test]
fn a_watcher_that_gets_work_is_watched_in_its_turn() {
    let runtime = multi(2);
    let (go_on, held_up) = mpsc::channel::<()>();
    let (started, is_held_up) = mpsc::channel();
    drop(runtime.spawn(async move {
        // Brings up the other seat, which then watches this one.
        drop(task::spawn(std::future::pending::<()>()));
        started.send(()).unwrap();
        held_up.recv().unwrap();
    }));
    is_held_up.recv().unwrap();
    while runtime.metrics().workers.iter().all(|worker| worker.parks == 0) {
        std::thread::yield_now();
    }
    let (send, done) = mpsc::channel();
    drop(runtime.spawn(async move {
        let (answer, answered) = mpsc::channel();
        drop(task::spawn(async move { answer.send(()).unwrap() }));
        // The seat that was watched until now goes to sleep, and is to watch this one.
        go_on.send(()).unwrap();
        answered.recv().unwrap();
        send.send(()).unwrap();
    }));
    done.recv().unwrap();
}

#[test]
fn a_main_future_that_blocks_is_relied_on_by_nobody() {
    let runtime = multi(2);
    let runtime = &*runtime;
    for _ in 0..100 {
        let (send, woken) = mpsc::channel::<Waker>();
        let (answer, answered) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let waker = woken.recv().unwrap();
                // The thread inside `block_on` is on its way to its main future, and sent for the
                // task as well.
                waker.wake();
                drop(runtime.spawn(async move { answer.send(()).unwrap() }));
            });
            runtime.block_on(async move {
                woken_once(send).await;
                answered.recv().unwrap();
            });
        });
    }
}

#[test]
fn tasks_from_outside_that_wait_for_one_another() {
    for round in 0..500 {
        let runtime = multi(2);
        let (send, done) = mpsc::channel();
        drop(runtime.spawn(async move { send.send(()).unwrap() }));
        done.recv().unwrap();
        // The only worker looks around once more, and goes to sleep: some time on that way.
        (0..round * 20).for_each(|_| std::hint::spin_loop());
        let (answer, answered) = mpsc::channel();
        let (send, done) = mpsc::channel();
        drop(runtime.spawn(async move {
            answered.recv().unwrap();
            send.send(()).unwrap();
        }));
        drop(runtime.spawn(async move { answer.send(()).unwrap() }));
        done.recv().unwrap();
    }
}

#[test]
fn no_wake_from_outside_needs_a_heartbeat() {
    let runtime = &*still(3, false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(move || {
                for _ in 0..2000 {
                    let (send, woken) = mpsc::channel();
                    let (answer, answered) = mpsc::channel();
                    drop(runtime.spawn(async move {
                        woken_once(send).await;
                        answer.send(()).unwrap();
                    }));
                    woken.recv().unwrap().wake();
                    answered.recv().unwrap();
                }
            });
        }
    });
}

#[test]
fn a_task_beside_a_main_future_that_is_always_ready_goes_to_an_idle_worker() {
    for _ in 0..20 {
        let runtime = multi(2);
        let main = std::thread::current().id();
        runtime.block_on(async {
            let task = task::spawn(async move {
                while std::thread::current().id() == main {
                    task::yield_now().await;
                }
            });
            while !task.is_finished() {
                task::yield_now().await;
            }
        });
    }
}

#[test]
fn what_is_held_up_is_rescued_by_a_worker_that_is_never_idle() {
    let runtime = multi(2);
    let (elsewhere, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let main = std::thread::current().id();
    runtime.block_on(async {
        let (is_elsewhere, until) = (elsewhere.clone(), done.clone());
        // Keeps the other worker busy with polls that are short.
        let busy = task::spawn(async move {
            while !until.load(SeqCst) {
                is_elsewhere.store(std::thread::current().id() != main, SeqCst);
                task::yield_now().await;
            }
        });
        poll_fn(|cx| {
            if !elsewhere.load(SeqCst) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // In one poll, so that nobody brings the busy task back here.
            let (rescued, waiting) = mpsc::channel();
            drop(task::spawn(async move { rescued.send(()).unwrap() }));
            waiting.recv_timeout(Duration::from_secs(60)).expect("rescued behind a long poll");
            Poll::Ready(())
        })
        .await;
        done.store(true, SeqCst);
        busy.await.unwrap();
    });
}

/// The thread of a `block_on` that has watched, and is woken for its main future, leaves the watch to
/// another: a push that has seen it watching relies on that.
#[test]
fn a_main_future_that_blocks_after_a_watch_is_replaced_as_the_watcher() {
    let runtime = multi(3);
    let (send, woken) = mpsc::channel::<Waker>();
    let (over, is_over) = mpsc::channel();
    let (started, has_started) = mpsc::channel();
    let parts = runtime.0.clone();
    drop(runtime.spawn(async move {
        started.send(()).unwrap();
        let waker = woken.recv().unwrap();
        let seat = wharf_base::context::with(|_, seat| seat.unwrap()).unwrap();
        let idle = &crate::Executor::of(&parts).unwrap().shared().idle;
        while !idle.is_watched(seat) {
            std::thread::yield_now();
        }
        let (answer, answered) = mpsc::channel();
        drop(task::spawn(async move { answer.send(()).unwrap() }));
        waker.wake();
        answered.recv_timeout(Duration::from_secs(60)).expect("rescued");
        drop(parts);
        over.send(()).unwrap();
    }));
    has_started.recv().unwrap();
    runtime.block_on(async {
        woken_once(send).await;
        is_over.recv().unwrap();
    });
}

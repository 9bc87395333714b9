//! The API on runtimes of which only the timers are real: each test is its own worker, and counts.

use crate::*;
use std::{
    future::{Future, pending, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use wharf_base::context::{self, Entered, Parts};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), count.into())
    }

    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A runtime with timers only, and how often each of its two seats was unparked.
struct Fake {
    timers: Arc<Timers>,
    parts: Arc<Parts>,
    unparked: Arc<[AtomicUsize; 2]>,
}

impl Fake {
    fn new() -> Fake {
        Fake::with(|unpark| Timers::new(2, unpark))
    }

    fn with(timers: impl FnOnce(Box<dyn Fn(usize) + Send + Sync>) -> Arc<Timers>) -> Fake {
        let unparked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let counts = unparked.clone();
        let unpark = move |seat: usize| {
            counts[seat].fetch_add(1, SeqCst);
        };
        let timers = timers(Box::new(unpark));
        let parts = Parts { executor: Arc::new(()), timers: Some(timers.clone()), reactor: None };
        Fake { timers, parts: Arc::new(parts), unparked }
    }

    fn enter(&self, seat: impl Into<Option<usize>>) -> Entered {
        context::enter(self.parts.clone(), seat.into())
    }

    fn unparked(&self, seat: usize) -> usize {
        self.unparked[seat].load(SeqCst)
    }

    /// What a worker does that has nothing to run, until a timer has fired.
    fn sleep_and_fire(&self, seat: usize) -> usize {
        loop {
            let deadline = self.timers.next_deadline(seat).expect("a timer is armed");
            thread::sleep(deadline.saturating_duration_since(std::time::Instant::now()));
            match self.timers.fire(seat) {
                0 => continue,
                fired => return fired,
            }
        }
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Something short that is armed. Where this thread was held up for as long, it is over at its first poll.
fn armed<F: Future + Unpin>(waker: &Waker, short: impl Fn() -> F) -> F {
    loop {
        let mut future = short();
        if poll(&mut future, waker).is_pending() {
            return future;
        }
    }
}

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[test]
fn a_sleep_fires_once_and_not_before_its_deadline() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (count, waker) = Count::new();
    let mut sleep = armed(&waker, || sleep(SHORT));
    assert_eq!(fake.timers.held(), 1);
    assert_eq!(fake.sleep_and_fire(0), 1);
    assert!(Instant::now() >= sleep.deadline());
    assert!(sleep.is_elapsed());
    assert_eq!(count.get(), 1);
    assert!(poll(&mut sleep, &waker).is_ready());
    assert!(poll(&mut sleep, &waker).is_ready(), "ended stays ended");
    assert_eq!((fake.timers.held(), fake.timers.next_deadline(0)), (0, None));
    assert_eq!(fake.unparked(0), 0);
}

#[test]
fn durations_of_every_length_are_all_right() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (_, waker) = Count::new();
    assert!(poll(&mut sleep(Duration::ZERO), &waker).is_ready());
    assert!(poll(&mut sleep_until(Instant::now() - SHORT), &waker).is_ready());
    for duration in [LONG, LONG * 24 * 365 * 500, LONG * 24 * 365 * 600, Duration::MAX] {
        let mut long = sleep(duration);
        assert!(poll(&mut long, &waker).is_pending());
        assert!(!long.is_elapsed());
        fake.timers.next_deadline(0);
        assert_eq!(fake.timers.fire(0), 0);
        let mut limited = timeout(duration, pending::<()>());
        assert!(poll(&mut pin!(&mut limited), &waker).is_pending());
        assert!(interval(duration).period() == duration);
    }
    assert_eq!(fake.timers.held(), 0);
}

#[test]
fn dropping_takes_the_waker_out_on_whatever_thread() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (count, waker) = Count::new();
    let mut sleeps: Vec<_> = (0..3).map(|_| sleep(LONG)).collect();
    for sleep in &mut sleeps {
        assert!(poll(sleep, &waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&count), 5);
    drop(sleeps.pop());
    let sent = sleeps.pop();
    thread::spawn(move || drop(sent)).join().unwrap();
    assert_eq!((Arc::strong_count(&count), fake.timers.held()), (3, 1));
    drop(sleeps);
    assert_eq!((Arc::strong_count(&count), fake.timers.held()), (2, 0));
}

#[test]
fn the_task_of_the_latest_poll_is_woken() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (first, first_waker) = Count::new();
    let (second, second_waker) = Count::new();
    let mut sleep = sleep(LONG);
    assert!(poll(&mut sleep, &first_waker).is_pending());
    assert!(poll(&mut sleep, &second_waker).is_pending());
    assert_eq!(Arc::strong_count(&first), 2, "the first waker is gone");
    Pin::new(&mut sleep).reset(Instant::now() + SHORT);
    fake.sleep_and_fire(0);
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn reset_moves_an_armed_timer_and_revives_an_ended_one() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (count, waker) = Count::new();
    let mut sleep = sleep(LONG);
    assert!(poll(&mut sleep, &waker).is_pending());
    Pin::new(&mut sleep).reset(Instant::now() + SHORT);
    assert_eq!(fake.sleep_and_fire(0), 1);
    assert_eq!(count.get(), 1, "woken without another poll");
    Pin::new(&mut sleep).reset(Instant::now() + LONG);
    assert!(poll(&mut sleep, &waker).is_pending(), "fired, but reset before it was seen");
    Pin::new(&mut sleep).reset(Instant::now());
    assert_eq!(fake.sleep_and_fire(0), 1);
    assert!(poll(&mut sleep, &waker).is_ready());
    Pin::new(&mut sleep).reset(Instant::now() + LONG);
    assert!(poll(&mut sleep, &waker).is_pending());
    assert_eq!(fake.timers.held(), 1);
}

#[test]
fn a_sleeping_seat_is_unparked_for_an_earlier_deadline_only() {
    let fake = Fake::new();
    let (_, waker) = Count::new();
    let arm = |seat: Option<usize>, duration| {
        let _in = fake.enter(seat);
        let mut sleep = sleep(duration);
        assert!(poll(&mut sleep, &waker).is_pending());
        sleep
    };
    let _own = arm(Some(0), LONG);
    fake.timers.next_deadline(0);
    let _later = arm(None, LONG * 2);
    assert_eq!(fake.unparked(0), 0, "a later one");
    let _earlier = arm(None, LONG / 2);
    assert_eq!(fake.unparked(0), 1, "an earlier one");
    let _between = arm(None, LONG / 2 + SHORT);
    assert_eq!(fake.unparked(0), 1, "the seat will wake up for the one before");
    {
        let _in = fake.enter(0);
        fake.timers.fire(0);
    }
    let _awake = arm(None, LONG / 3);
    assert_eq!(fake.unparked(0), 1, "the seat is awake, and will look before it sleeps");
    fake.timers.next_deadline(0);
    {
        let _in = fake.enter(1);
        fake.timers.fire(0);
    }
    let _asleep = arm(None, LONG / 4);
    assert_eq!(fake.unparked(0), 2, "another thread's firing doesn't wake the owner");
    assert_eq!(fake.unparked(1), 0);
}

#[test]
fn a_timer_is_armed_where_it_is_first_polled() {
    let fake = Fake::new();
    let (_, waker) = Count::new();
    let mut moved = {
        let _in = fake.enter(0);
        sleep(LONG)
    };
    {
        let _in = fake.enter(1);
        assert!(poll(&mut moved, &waker).is_pending());
    }
    assert_eq!(fake.timers.next_deadline(0), None);
    assert!(fake.timers.next_deadline(1).is_some());
    Pin::new(&mut moved).reset(Instant::now() + LONG / 2);
    assert_eq!(fake.unparked(1), 1, "reset from outside, while seat 1 sleeps");
}

#[test]
fn another_runtimes_seat_is_not_ours() {
    let (ours, theirs) = (Fake::new(), Fake::new());
    let (_, waker) = Count::new();
    let mut moved = {
        let _in = ours.enter(0);
        sleep(LONG)
    };
    let _in = theirs.enter(1);
    assert!(poll(&mut moved, &waker).is_pending());
    assert_eq!((ours.timers.held(), theirs.timers.held()), (1, 0));
    assert_eq!(ours.unparked(0), 1, "armed from outside");
}

#[test]
fn timers_fire_in_order_of_their_deadlines() {
    #[derive(Clone)]
    struct Log(Arc<std::sync::Mutex<Vec<usize>>>, usize);
    impl Wake for Log {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    let fake = Fake::with(Timers::new_pausable);
    let _in = fake.enter(0);
    pause();
    let log = Log(Arc::default(), 0);
    let start = Instant::now() + SHORT;
    let mut sleeps = Vec::new();
    let mut expected = Vec::new();
    for i in 0..1000 {
        let micros = i * 7919 % 1000;
        expected.push((micros, i as usize));
        let mut sleep = sleep_until(start + Duration::from_micros(micros));
        let _ = poll(&mut sleep, &Arc::new(Log(log.0.clone(), i as usize)).into());
        sleeps.push(sleep);
    }
    fake.timers.clock().advance(2 * SHORT).unwrap();
    assert_eq!(fake.timers.fire(0), 1000);
    expected.sort_unstable();
    assert_eq!(*log.0.lock().unwrap(), Vec::from_iter(expected.iter().map(|e| e.1)));
}

#[test]
fn timeouts_end_with_the_future_or_with_the_time() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (_, waker) = Count::new();
    assert_eq!(poll(&mut timeout(Duration::ZERO, ready(1)), &waker), Poll::Ready(Ok(1)));
    let over = poll(&mut timeout(Duration::ZERO, pending::<()>()), &waker);
    let Poll::Ready(Err(elapsed)) = over else { panic!("{over:?}") };
    assert_eq!(elapsed.to_string(), "deadline has elapsed");
    assert_eq!(std::io::Error::from(elapsed).kind(), std::io::ErrorKind::TimedOut);
    let mut limited = armed(&waker, || timeout(SHORT, pending::<()>()));
    fake.sleep_and_fire(0);
    assert!(matches!(poll(&mut limited, &waker), Poll::Ready(Err(_))));
}

#[test]
fn a_missing_runtime_or_missing_timers_are_said_clearly() {
    let outside = message(catch_unwind(|| sleep(LONG)).unwrap_err());
    assert!(outside.contains("no runtime here"), "{outside}");
    let parts = Parts { executor: Arc::new(()), timers: None, reactor: None };
    let _in = context::enter(Arc::new(parts), None);
    let without = message(catch_unwind(|| interval(LONG)).unwrap_err());
    assert!(without.contains("no timers"), "{without}");
}

#[test]
fn shutdown_wakes_all_and_polls_after_it_panic() {
    let fake = Fake::new();
    let (count, waker) = Count::new();
    let _in = fake.enter(1);
    let mut armed = sleep(LONG);
    let mut fresh = sleep(LONG);
    let dropped = {
        let mut sleep = sleep(LONG);
        assert!(poll(&mut sleep, &waker).is_pending());
        sleep
    };
    assert!(poll(&mut armed, &waker).is_pending());
    fake.timers.shutdown();
    assert_eq!(count.get(), 2);
    drop(dropped);
    for sleep in [&mut armed, &mut fresh] {
        let panic = catch_unwind(AssertUnwindSafe(|| poll(sleep, &waker))).unwrap_err();
        assert!(message(panic).contains("shut down"));
    }
    assert_eq!((fake.timers.held(), Arc::strong_count(&count)), (0, 2));
}

#[test]
fn a_panicking_waker_does_not_keep_the_others_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker's own");
        }
    }
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (count, waker) = Count::new();
    let (mut bad, mut good) = (sleep(LONG), sleep(LONG));
    assert!(poll(&mut bad, &Arc::new(Panics).into()).is_pending());
    assert!(poll(&mut good, &waker).is_pending());
    let at = Instant::now() + SHORT;
    for sleep in [&mut bad, &mut good] {
        Pin::new(sleep).reset(at);
    }
    thread::sleep(2 * SHORT);
    assert!(catch_unwind(AssertUnwindSafe(|| fake.timers.fire(0))).is_err());
    assert_eq!(count.get(), 1);
}

#[test]
fn an_interval_ticks_by_its_own_schedule() {
    let fake = Fake::new();
    let _in = fake.enter(0);
    let (_, waker) = Count::new();
    let start = Instant::now();
    let mut interval = interval_at(start, SHORT);
    let tick = |interval: &mut Interval| {
        let mut cx = Context::from_waker(&waker);
        match interval.poll_tick(&mut cx) {
            Poll::Ready(tick) => tick,
            Poll::Pending => {
                fake.sleep_and_fire(0);
                match interval.poll_tick(&mut cx) {
                    Poll::Ready(tick) => tick,
                    Poll::Pending => panic!("fired, but pending"),
                }
            }
        }
    };
    for i in 0..5 {
        assert_eq!(tick(&mut interval), start + SHORT * i);
    }
    assert!(catch_unwind(|| crate::interval(Duration::ZERO)).is_err());
}

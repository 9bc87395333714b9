//! The paused clock, on runtimes of which only the timers are real.

use crate::*;
use std::{
    future::Future,
    panic::catch_unwind,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use wharf_base::context::{self, Entered, Parts};

const HOUR: Duration = Duration::from_secs(3600);

fn fake() -> (Arc<Timers>, Entered, Arc<AtomicUsize>) {
    let unparked = Arc::new(AtomicUsize::new(0));
    let count = unparked.clone();
    let timers = Timers::new_pausable(Box::new(move |_| {
        count.fetch_add(1, SeqCst);
    }));
    let parts = Parts { executor: Arc::new(()), timers: Some(timers.clone()), reactor: None };
    (timers, context::enter(Arc::new(parts), Some(0)), unparked)
}

/// Notes that it was called.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// Runs `future` as a current-thread runtime would; no turn ever sleeps here, or finds an event.
fn block_on<F: Future>(timers: &Timers, future: F) -> F::Output {
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !woken.0.swap(false, SeqCst) {
            timers.park(0, |_| false);
        }
    }
}

#[test]
fn a_paused_clock_jumps_from_deadline_to_deadline() {
    let (timers, _in, _) = fake();
    let real = std::time::Instant::now();
    pause();
    let start = Instant::now();
    block_on(&timers, async {
        sleep(HOUR).await;
        assert_eq!(Instant::now() - start, HOUR);
        sleep(Duration::from_nanos(1)).await;
        assert_eq!(Instant::now() - start, HOUR + Duration::from_nanos(1));
        let over = timeout(HOUR, std::future::pending::<()>()).await;
        assert!(over.is_err());
        assert_eq!(start.elapsed(), HOUR * 2 + Duration::from_nanos(1));
    });
    assert!(real.elapsed() < HOUR);
}

#[test]
fn advancing_wakes_what_is_due_and_nothing_else() {
    let (timers, _in, _) = fake();
    timers.pause();
    let start = Instant::now();
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = sleep(HOUR);
    let mut second = sleep(HOUR + Duration::from_nanos(1));
    assert!(Pin::new(&mut first).poll(&mut cx).is_pending());
    assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
    block_on(&timers, advance(HOUR));
    assert_eq!(Instant::now() - start, HOUR);
    assert!(Pin::new(&mut first).poll(&mut cx).is_ready());
    assert!(Pin::new(&mut second).poll(&mut cx).is_pending());
}

#[test]
fn a_sleep_that_is_first_polled_when_it_is_due_is_over() {
    let (timers, _in, _) = fake();
    timers.pause();
    let mut cx = Context::from_waker(Waker::noop());
    let mut sleep = sleep(HOUR);
    let mut limit = timeout(HOUR, std::future::pending::<()>());
    timers.advance(HOUR);
    assert!(Pin::new(&mut sleep).poll(&mut cx).is_ready());
    assert!(Pin::new(&mut limit).poll(&mut cx).is_ready());
    assert_eq!(timers.held(), 0);
}

#[test]
fn the_clock_stops_where_a_sleep_can_still_be_told_from_never() {
    const YEAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    let (timers, _in, _) = fake();
    timers.pause();
    assert!(catch_unwind(|| timers::here(|timers| timers.advance(YEAR * 293))).is_err());
    timers.advance(YEAR * 292);
    let start = Instant::now();
    block_on(&timers, sleep(YEAR * 100));
    assert_eq!(start.elapsed(), YEAR * 100);
}

#[test]
fn an_event_a_limit_or_a_hold_keeps_the_clock_from_jumping() {
    let (timers, _in, unparked) = fake();
    pause();
    let start = Instant::now();
    let mut cx = Context::from_waker(Waker::noop());
    let mut sleep = sleep(HOUR);
    assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());

    assert_eq!(timers.park(0, |until| until.is_some()), 0);
    assert_eq!(Instant::now(), start, "there was an event");

    let hold = timers.hold_clock().unwrap();
    let other = timers.hold_clock().unwrap();
    let turn = |until: Option<std::time::Instant>| {
        assert_eq!(until, None, "nothing to wait for but an event");
        false
    };
    assert_eq!(timers.park(0, turn), 0);
    drop(hold);
    assert_eq!(timers.park(0, turn), 0);
    assert_eq!((Instant::now(), unparked.load(SeqCst)), (start, 0));
    drop(other);
    assert_eq!(unparked.load(SeqCst), 1, "the sleeping worker has to look again");
    assert_eq!(timers.park(0, |_| false), 1);
    assert_eq!(start.elapsed(), HOUR);
}

#[test]
fn a_resumed_clock_runs_on_from_where_it_stood() {
    let (timers, _in, _) = fake();
    let real = std::time::Instant::now();
    pause();
    block_on(&timers, advance(HOUR));
    resume();
    let ahead = Instant::now().into_std() - std::time::Instant::now();
    assert!(ahead <= HOUR && Instant::now().into_std() - real >= HOUR);
    let mut cx = Context::from_waker(Waker::noop());
    let mut sleep = sleep(Duration::from_millis(1));
    assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
    let until = timers.next_deadline(0).expect("the clock runs");
    assert!(until < real + HOUR, "in real time");
    timers.park(0, |until| {
        std::thread::sleep(until.unwrap() - std::time::Instant::now());
        false
    });
    assert!(Pin::new(&mut sleep).poll(&mut cx).is_ready());
}

#[test]
fn an_interval_deals_with_missed_ticks_as_it_was_told() {
    let (_timers, _in, _) = fake();
    pause();
    let ms = Duration::from_millis;
    let mut cx = Context::from_waker(Waker::noop());
    for (behavior, after) in [
        (MissedTickBehavior::Burst, [100, 200, 300, 400]),
        (MissedTickBehavior::Delay, [100, 350, 450, 550]),
        (MissedTickBehavior::Skip, [100, 300, 400, 500]),
    ] {
        let start = Instant::now();
        let mut interval = interval(ms(100));
        interval.set_missed_tick_behavior(behavior);
        let mut at = |time: u64, expected: Option<u64>| {
            timers::here(|timers| timers.advance(start + ms(time) - Instant::now()));
            let tick = interval.poll_tick(&mut cx);
            assert_eq!(
                tick,
                expected.map_or(Poll::Pending, |ms| Poll::Ready(start + Duration::from_millis(ms))),
                "{behavior:?} {time}"
            );
        };
        at(0, Some(0));
        at(0, None);
        at(250, Some(after[0]));
        at(700, Some(after[1]));
        assert_eq!(interval.missed_tick_behavior(), behavior);
        interval.reset();
        let mut at = |time: u64, due| {
            timers::here(|timers| timers.advance(start + ms(time) - Instant::now()));
            assert_eq!(interval.poll_tick(&mut cx).is_ready(), due, "{behavior:?} {time}");
        };
        at(799, false);
        at(800, true);
        interval.reset_immediately();
        assert!(interval.poll_tick(&mut cx).is_ready());
        interval.reset_after(ms(50));
        assert!(interval.poll_tick(&mut cx).is_pending());
    }
}

#[test]
fn a_little_late_is_not_missed() {
    let (timers, _in, _) = fake();
    pause();
    let mut cx = Context::from_waker(Waker::noop());
    let start = Instant::now();
    let period = Duration::from_millis(100);
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    assert!(interval.poll_tick(&mut cx).is_ready());
    timers.advance(period + Duration::from_millis(5));
    assert_eq!(interval.poll_tick(&mut cx), Poll::Ready(start + period));
    timers.advance(period - Duration::from_millis(5));
    assert_eq!(interval.poll_tick(&mut cx), Poll::Ready(start + 2 * period), "no drift");
    timers.advance(period + Duration::from_millis(5) + Duration::from_nanos(1));
    assert_eq!(interval.poll_tick(&mut cx), Poll::Ready(start + 3 * period));
    timers.advance(period - Duration::from_nanos(1));
    assert_eq!(interval.poll_tick(&mut cx), Poll::Pending, "missed: the delay counts from then");
    timers.advance(Duration::from_nanos(1));
    assert!(interval.poll_tick(&mut cx).is_ready());
}

#[test]
fn misuse_is_said_clearly() {
    let message = |f: fn()| *catch_unwind(f).unwrap_err().downcast::<&str>().unwrap();
    {
        let _in = fake();
        assert!(message(resume).contains("isn't paused"));
        pause();
        assert!(message(pause).contains("paused already"));
        assert!(message(|| timers::here(|t| t.advance(Duration::MAX))).contains("so far"));
    }
    let timers = Timers::new(1, Box::new(|_| {}));
    assert!(timers.hold_clock().is_none());
    let parts = Parts { executor: Arc::new(()), timers: Some(timers), reactor: None };
    let _in = context::enter(Arc::new(parts), Some(0));
    assert!(message(pause).contains("new_current_thread"));
}

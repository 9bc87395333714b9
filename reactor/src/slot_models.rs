//! What loom proves about readiness and its waiters. A waiter that is not woken is a deadlock to
//! loom, and fails the model.

use super::*;
use loom::{
    future::block_on,
    sync::{Arc, atomic::AtomicBool},
    thread,
};
use std::{future::poll_fn, mem, task::Poll};

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 10_000;
    builder.check(f);
}

/// A slot, its tenant, and whether there is something to read behind it.
struct Source {
    slot: Slot,
    tenant: u32,
    data: AtomicBool,
}

fn source() -> Arc<Source> {
    let slot = Slot::new();
    let tenant = slot.let_in(0);
    Arc::new(Source { slot, tenant, data: AtomicBool::new(false) })
}

impl Source {
    /// As a driver does.
    fn event(&self, ready: u64) {
        let mut wakers = VecDeque::new();
        self.slot.event(self.tenant, ready, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// As `Registration::poll_with` does, with a read that succeeds once there is data.
    fn poll_read(&self, waker: &Waker, mut wait: impl FnMut(&Waker)) -> Poll<()> {
        let mut waiting = false;
        loop {
            let seen = self.slot.look();
            if seen.is_ready(Direction::Read) {
                // Relaxed: the word has to order it.
                if self.data.load(Relaxed) || seen.has(DOWN) {
                    return Poll::Ready(());
                }
                let cleared = self.slot.clear(seen, Direction::Read.all());
                // There is only one event without data, the first.
                assert!(cleared || self.data.load(Relaxed), "an event in between led to nothing");
            } else if waiting {
                return Poll::Pending;
            } else {
                wait(waker);
                waiting = true;
            }
        }
    }

    fn read(&self) {
        let mut place = None;
        block_on(poll_fn(|cx| {
            self.poll_read(cx.waker(), |waker| {
                self.slot.wait(Direction::Read, waker, &mut place);
            })
        }));
        // As `Waiter` does when it is dropped.
        if let Some(place) = place {
            self.slot.forget(place);
        }
    }
}

/// Proves: an event against a poll never leaves the reader waiting, and what led to the event is
/// seen. Seen to fail without the second look, with the reader's waker left where it is, and with the
/// word relaxed on either side.
#[test]
fn an_event_against_a_poll() {
    model(|| {
        let source = source();
        let other = source.clone();
        let driver = thread::spawn(move || {
            other.data.store(true, Relaxed);
            other.event(READABLE);
        });
        source.read();
        driver.join().unwrap();
    });
}

/// Proves: clearing after a read that found nothing does not clear an event that came meanwhile, and
/// what led to that is seen then. Seen to fail with `clear` ignoring the tick, and with its failure
/// relaxed.
#[test]
fn an_event_against_a_read_that_finds_nothing() {
    model(|| {
        let source = source();
        source.event(READABLE);
        let other = source.clone();
        let driver = thread::spawn(move || {
            other.data.store(true, Relaxed);
            other.event(READABLE);
        });
        source.read();
        driver.join().unwrap();
    });
}

/// Proves: two readers on one source are both woken by one event. Seen to fail with `disperse` left
/// out.
#[test]
fn a_second_waiter_against_an_event() {
    model(|| {
        let source = source();
        let (one, driver) = (source.clone(), source.clone());
        let threads = [
            thread::spawn(move || one.read()),
            thread::spawn(move || {
                driver.data.store(true, Relaxed);
                driver.event(READABLE);
            }),
        ];
        source.read();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// Proves: a task that polls with a new waker each time is woken by the last, and does not wake
/// itself for ever. Seen to fail with `wait_alone` waking whatever it replaces.
#[test]
fn a_changed_waker_against_an_event() {
    model(|| {
        let source = source();
        let other = source.clone();
        let driver = thread::spawn(move || {
            other.data.store(true, Relaxed);
            other.event(READABLE);
        });
        block_on(poll_fn(|cx| {
            // loom's wakers never say that they are the same: each is a new one.
            source.poll_read(cx.waker(), |waker| source.slot.wait_alone(Direction::Read, waker))
        }));
        driver.join().unwrap();
    });
}

/// Proves: a waiting future whose place in front is taken by a task that polls is woken all the
/// same. Seen to fail with `wait_alone` dropping the waker it displaces.
#[test]
fn a_polling_task_against_a_waiting_future() {
    model(|| {
        let source = source();
        let (polling, driver) = (source.clone(), source.clone());
        let threads = [
            thread::spawn(move || polling.slot.wait_alone(Direction::Read, Waker::noop())),
            thread::spawn(move || {
                driver.data.store(true, Relaxed);
                driver.event(READABLE);
            }),
        ];
        source.read();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// Proves: an event of an earlier tenant's does not mark the slot for a later one, and wakes its
/// waiter if it takes its waker. Seen to fail with `event` not comparing generations.
#[test]
fn an_event_against_a_change_of_tenants() {
    model(|| {
        let source = source();
        let other = source.clone();
        let driver = thread::spawn(move || other.event(READABLE));
        source.slot.let_out(u32::MAX);
        let tenant = source.slot.let_in(0);
        let waiter = std::sync::Arc::new(Count::default());
        source.slot.wait_alone(Direction::Read, &waiter.clone().into());
        driver.join().unwrap();
        assert!(!source.slot.look().is_ready(Direction::Read));
        let mut wakers = VecDeque::new();
        source.slot.event(tenant, READABLE, &mut wakers);
        let needless = waiter.0.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(wakers.len() + needless, 1, "the waker is still there, or was woken");
    });
}

/// Proves: a shutdown ends the wait of whoever waits or is about to. Seen to fail with `event` taking the
/// reader for READABLE alone.
#[test]
fn a_shutdown_against_a_wait() {
    model(|| {
        let source = source();
        let other = source.clone();
        let stopper = thread::spawn(move || {
            let mut wakers = VecDeque::new();
            other.slot.bring_down(&mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        });
        source.read();
        stopper.join().unwrap();
    });
}

/// Proves: a waiter that gives up while an event comes leaves nobody else without a wake, and no mark
/// of a crowd behind. Seen to fail with `forget` clearing CROWD unconditionally.
#[test]
fn a_waiter_that_gives_up_against_an_event() {
    model(|| {
        let source = source();
        source.slot.wait_alone(Direction::Read, Waker::noop());
        // Two in the crowd: one gives up, the other is a reader on another thread.
        let mut place = None;
        source.slot.wait(
            Direction::Read,
            &std::sync::Arc::new(Count::default()).into(),
            &mut place,
        );
        let (driver, reader) = (source.clone(), source.clone());
        let threads = [
            thread::spawn(move || {
                driver.data.store(true, Relaxed);
                driver.event(READABLE);
            }),
            thread::spawn(move || reader.read()),
        ];
        if let Some(place) = place {
            source.slot.forget(place);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!source.slot.look().has(CROWD));
    });
}

/// A slot, and what the system knows of the source behind it.
struct Stream {
    slot: Slot,
    tenant: u32,
    system: Mutex<System>,
}

#[derive(Default)]
struct System {
    data: usize,
    /// The source stands in its epoll's list.
    listed: bool,
}

impl Stream {
    fn arrive(&self) {
        let mut system = lock(&self.system);
        system.data += 1;
        system.listed = true;
    }

    fn foretell(&self) {
        if let Some(waker) = self.slot.foretell(last_bits(self.tenant)) {
            waker.wake();
        }
    }

    /// A look into the epoll: the system says what holds now, and it is told some time later.
    fn look(&self) {
        let mut system = lock(&self.system);
        let was_listed = mem::take(&mut system.listed);
        let ready = if system.data > 0 { READABLE } else { WRITABLE };
        drop(system);
        if was_listed {
            let mut wakers = VecDeque::new();
            self.slot.event(self.tenant, ready, &mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Reads one piece into a buffer of just its size, as `Registration::poll_with` does.
    fn poll_read(&self, waker: &Waker) -> Poll<()> {
        let mut waiting = false;
        loop {
            let seen = self.slot.look();
            if seen.is_ready(Direction::Read) {
                let mut system = lock(&self.system);
                let found = system.data > 0;
                system.data -= usize::from(found);
                drop(system);
                if !found {
                    self.slot.clear(seen, Direction::Read.all());
                    continue;
                }
                if seen.is_foretold(Direction::Read) {
                    self.slot.clear(seen, Direction::Read.ready());
                }
                return Poll::Ready(());
            } else if waiting {
                return Poll::Pending;
            }
            self.slot.wait_alone(Direction::Read, waker);
            waiting = true;
        }
    }
}

/// Proves: a reader that takes a filled buffer of foretold data for all there is misses nothing that
/// nobody has foretold, with two that look for events. Seen to fail with an event that leaves FORETOLD,
/// with FORETOLD set beside READABLE, and with `clear` ignoring the tick.
#[test]
fn a_foretelling_against_events_and_reads() {
    model(|| {
        let slot = Slot::new();
        let tenant = slot.let_in(0);
        let stream = Arc::new(Stream { slot, tenant, system: Mutex::default() });
        let (sender, rescuer) = (stream.clone(), stream.clone());
        let threads = [
            thread::spawn(move || {
                sender.arrive();
                sender.arrive();
                sender.foretell();
                sender.look();
            }),
            thread::spawn(move || rescuer.look()),
        ];
        for _ in 0..2 {
            block_on(poll_fn(|cx| stream.poll_read(cx.waker())));
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// Counts its wakes, for the model's own eyes.
#[derive(Default)]
struct Count(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

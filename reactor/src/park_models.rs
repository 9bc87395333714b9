//! What loom proves about an owner's sleep. An owner that is not woken is a deadlock to loom.

use super::*;
use loom::{
    sync::{Arc, atomic::AtomicBool},
    thread,
};

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// A seat with an epoll of loom's own making.
struct Seat {
    parking: Parking,
    /// What the kernel would publish by opening the epoll.
    open: AtomicBool,
    /// `polling`: whoever looks into the epoll holds it.
    polling: Mutex<()>,
    kernel: Mutex<Kernel>,
    arrival: Condvar,
    /// What a task waits for; whoever delivers the event counts it here.
    delivered: AtomicUsize,
}

#[derive(Default)]
struct Kernel {
    /// An event of a socket, not yet taken.
    event: bool,
    /// An edge of the eventfd, not yet taken: by whom ever.
    wake: bool,
}

impl Seat {
    fn new(open: bool) -> Arc<Self> {
        Arc::new(Self {
            parking: Parking::new(),
            open: AtomicBool::new(open),
            polling: Mutex::new(()),
            kernel: Mutex::new(Kernel::default()),
            arrival: Condvar::new(),
            delivered: AtomicUsize::new(0),
        })
    }

    /// `epoll_wait`: takes both edges, and blocks while there is none.
    fn epoll_wait(&self, block: bool) {
        let mut kernel = lock(&self.kernel);
        while block && !kernel.event && !kernel.wake {
            kernel = self.arrival.wait(kernel).unwrap();
        }
        let taken = std::mem::take(&mut *kernel);
        if taken.event {
            self.delivered.fetch_add(1, AcqRel);
        }
    }

    fn arrive(&self, event: bool) {
        let mut kernel = lock(&self.kernel);
        if event {
            kernel.event = true;
        } else {
            kernel.wake = true;
        }
        drop(kernel);
        self.arrival.notify_one();
    }

    /// As `seat::Seat::turn`.
    fn turn(&self) {
        if !self.open.load(Acquire) {
            return self.parking.sleep_on_condvar(None);
        }
        let _polling = lock(&self.polling);
        let block = self.parking.sleep_on_poll();
        self.epoll_wait(block);
        if block {
            self.parking.got_up();
        }
    }

    /// As `seat::Seat::poll`, by a rescuer.
    fn rescue(&self) {
        if let Ok(_polling) = self.polling.try_lock() {
            self.epoll_wait(false);
        }
    }

    fn unpark(&self) {
        self.parking.unpark(|| {
            // Relaxed: the word has to order it.
            assert!(self.open.load(Relaxed), "its owner sleeps in an epoll that is not there");
            self.arrive(false);
        });
    }
}

/// Proves: what an unparker did before is seen after the sleep that it ended, on the condition
/// variable. Seen to fail with `unpark` not taking the lock before it notifies.
#[test]
fn an_unpark_against_a_sleep_without_an_epoll() {
    model(|| {
        let seat = Seat::new(false);
        let other = seat.clone();
        let told = Arc::new(AtomicBool::new(false));
        let tell = told.clone();
        let unparker = thread::spawn(move || {
            tell.store(true, Relaxed);
            other.unpark();
        });
        while !told.load(Relaxed) {
            seat.turn();
        }
        unparker.join().unwrap();
    });
}

/// Proves: the same in an epoll. Seen to fail with `unpark` not waking the epoll.
#[test]
fn an_unpark_against_a_sleep_in_the_epoll() {
    model(|| {
        let seat = Seat::new(true);
        let other = seat.clone();
        let told = Arc::new(AtomicBool::new(false));
        let tell = told.clone();
        let unparker = thread::spawn(move || {
            tell.store(true, Relaxed);
            other.unpark();
        });
        while !told.load(Relaxed) {
            seat.turn();
        }
        unparker.join().unwrap();
    });
}

/// Proves: a seat whose owner sleeps without an epoll hears the first source that another thread
/// registers. Seen to fail where whoever opens the epoll does not unpark the owner.
#[test]
fn an_epoll_is_opened_while_its_owner_sleeps_without() {
    model(|| {
        let seat = Seat::new(false);
        let other = seat.clone();
        let registering = thread::spawn(move || {
            // Release: as the `OnceLock` that holds the epoll.
            other.open.store(true, wharf_base::sync::atomic::Ordering::Release);
            other.unpark();
            other.arrive(true);
        });
        while seat.delivered.load(Acquire) == 0 {
            seat.turn();
        }
        registering.join().unwrap();
    });
}

/// Proves: whoever unparks an owner that has just opened its epoll and sleeps in it finds that epoll.
/// Seen to fail with `lie_down` not releasing, and with `unpark` not acquiring.
#[test]
fn an_unpark_against_an_owner_that_opens_its_epoll() {
    model(|| {
        let seat = Seat::new(false);
        let other = seat.clone();
        let unparker = thread::spawn(move || other.unpark());
        // Relaxed: nobody but the owner looks, save whom it has to be handed on to.
        seat.open.store(true, Relaxed);
        seat.turn();
        unparker.join().unwrap();
    });
}

/// Proves: a rescuer that looks into the epoll of an owner who is held up, or is just going to
/// sleep, delivers the event or leaves it to the owner, and does not make off with the owner's
/// wake: the event is delivered once, and the driver of a sleeping owner is in its own hands. Seen to
/// fail with `lie_down` sleeping in spite of a permit.
#[test]
fn a_rescue_against_the_owner_and_an_unpark() {
    model(|| {
        let seat = Seat::new(true);
        seat.arrive(true);
        let (rescuer, unparker) = (seat.clone(), seat.clone());
        let told = Arc::new(AtomicBool::new(false));
        let tell = told.clone();
        let threads = [
            thread::spawn(move || rescuer.rescue()),
            thread::spawn(move || {
                tell.store(true, Relaxed);
                unparker.unpark();
            }),
        ];
        while !told.load(Relaxed) {
            seat.turn();
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(seat.delivered.load(Acquire) <= 1);
        seat.rescue();
        assert_eq!(seat.delivered.load(Acquire), 1);
    });
}

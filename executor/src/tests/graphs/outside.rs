//! Threads that belong to no runtime, and what tasks have them do.

use super::{
    Random,
    driver::EventDriver,
    node::{Node, World},
};
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread,
};

/// Set once, and waited for by one task.
#[derive(Default)]
pub(super) struct Signal {
    set: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Signal {
    pub(super) fn set(&self) {
        self.set.store(true, SeqCst);
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        *self.waker.lock().unwrap() = Some(cx.waker().clone());
        if self.set.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn wait(&self) -> impl Future<Output = ()> + '_ {
        std::future::poll_fn(|cx| self.poll(cx))
    }
}

pub(super) enum Errand {
    /// Wakes whoever waits, perhaps by more wakers than one.
    Set(Arc<Signal>),
    /// The same through an event of a driver.
    Event(Arc<Signal>, Arc<EventDriver>),
    /// Ends a receive that blocks its thread.
    Send(mpsc::Sender<()>),
    /// Spawns a tree of tasks, and sets the signal.
    Spawn(Arc<World>, Node, Arc<Signal>),
    End,
}

pub(super) struct Outside {
    errands: mpsc::Sender<Errand>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Outside {
    pub(super) fn end(self) {
        self.threads.iter().for_each(|_| self.errands.send(Errand::End).unwrap());
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// Starts two threads that run the errands of the world's tasks.
pub(super) fn start(world: &World, seed: u64) -> Outside {
    let (errands, waiting) = mpsc::channel();
    world.set_errands(errands.clone());
    let waiting = Arc::new(Mutex::new(waiting));
    let threads = (0..2).map(|n| {
        let waiting = waiting.clone();
        thread::spawn(move || run(&waiting, Random::new(seed + n)))
    });
    Outside { threads: threads.collect(), errands }
}

fn run(errands: &Mutex<mpsc::Receiver<Errand>>, mut random: Random) {
    loop {
        let errand = errands.lock().unwrap().recv().unwrap();
        dawdle(&mut random);
        match errand {
            Errand::Set(signal) => {
                let early = signal.waker.lock().unwrap().clone();
                early.iter().for_each(Waker::wake_by_ref);
                signal.set();
                early.into_iter().for_each(Waker::wake);
            }
            Errand::Event(signal, driver) => {
                signal.set.store(true, SeqCst);
                let waker = signal.waker.lock().unwrap().take();
                waker.into_iter().for_each(|waker| driver.event(waker));
            }
            Errand::Send(sender) => _ = sender.send(()),
            Errand::Spawn(world, node, signal) => {
                world.spawn_from_outside(node);
                signal.set();
            }
            Errand::End => return,
        }
    }
}

/// Lets some time go by: none, a few hundred nanoseconds, or somebody else's turn.
pub(super) fn dawdle(random: &mut Random) {
    match random.below(4) {
        0 => {}
        1 => thread::yield_now(),
        2 => (0..random.below(300)).for_each(|_| std::hint::spin_loop()),
        _ => (0..random.below(5_000)).for_each(|_| std::hint::spin_loop()),
    }
}

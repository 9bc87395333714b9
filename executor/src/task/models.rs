//! The life of a task, in all the pairs of hands that can be at it at once.
//!
//! loom checks besides, in all of them, that the future, the output and the joiner's waker are touched
//! by one thread at a time, and that a model that waits for ever is a lost wake.

use super::{AbortHandle, Header, Id, JoinHandle, Owner, Task, waker};
use crate::models::model;
use loom::{future::block_on, thread};
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use wharf_base::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering::*},
    lock,
};

/// An executor of one queue and one task.
#[derive(Default)]
struct Room {
    state: Mutex<RoomState>,
    changed: Condvar,
    freed: AtomicUsize,
}

#[derive(Default)]
struct RoomState {
    queue: VecDeque<Task>,
    books: Option<Task>,
    released: bool,
}

impl Owner for Room {
    unsafe fn schedule(task: Task) {
        // SAFETY: each model keeps its room to the end.
        let room = unsafe { &*task.header().owner.cast::<Room>() };
        lock(&room.state).queue.push_back(task);
        room.changed.notify_all();
    }

    unsafe fn reschedule(task: Task) {
        // SAFETY: the same contract.
        unsafe { Self::schedule(task) };
    }

    unsafe fn release(header: &Header, _: bool) -> usize {
        // SAFETY: as above.
        let room = unsafe { &*header.owner.cast::<Room>() };
        let mut state = lock(&room.state);
        assert!(!std::mem::replace(&mut state.released, true), "released twice");
        room.changed.notify_all();
        state.books.take().map_or(0, |books| {
            _ = books.into_raw();
            1
        })
    }

    unsafe fn freed(owner: *const ()) {
        // SAFETY: as above.
        let room = unsafe { &*owner.cast::<Room>() };
        room.freed.fetch_add(1, Relaxed);
    }
}

impl Room {
    fn spawn<F: Future>(&self, future: F) -> (JoinHandle<F::Output>, Waker) {
        let owner = std::ptr::from_ref(self).cast();
        // SAFETY: the room outlives the task, as `end` checks; the models' futures are `Send`.
        let task = unsafe { Task::new::<F, Self>(future, Id::next(), owner, (0, 0), 3) };
        let (task, join, books) = task.split();
        // SAFETY: the reference is the waker's.
        let waker = unsafe { waker::from_raw(task.clone().into_raw()) };
        let mut state = lock(&self.state);
        state.queue.push_back(task);
        state.books = Some(books);
        // SAFETY: the handle's reference, and its output's type.
        (unsafe { JoinHandle::new(join) }, waker)
    }

    /// A worker: runs what is queued until the task has ended.
    fn run(&self) {
        loop {
            let mut state = lock(&self.state);
            while state.queue.is_empty() && !state.released {
                state = self.changed.wait(state).unwrap();
            }
            let Some(task) = state.queue.pop_front() else { return };
            drop(state);
            task.run();
        }
    }

    /// Everything is over: the task must be freed, once.
    fn end(&self) {
        let late = std::mem::take(&mut lock(&self.state).queue);
        drop(late);
        assert_eq!(self.freed.load(Relaxed), 1);
    }
}

/// Counts its drops.
struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A future that is done when the flag is set.
fn until(flag: &Arc<AtomicBool>) -> impl Future<Output = ()> + Send + use<> {
    let flag = flag.clone();
    poll_fn(move |_| if flag.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending })
}

/// Proves: two wakes, by value and by reference, against the polls: none is lost, the task is in
/// the queue once at a time, and a poll sees what came before the wake. Seen to fail where a wake that
/// finds the task queued already writes nothing.
#[test]
fn wakes_against_polls() {
    model(3, || {
        let room = Arc::new(Room::default());
        let flags: Vec<_> = (0..2).map(|_| Arc::new(AtomicBool::new(false))).collect();
        let (first, second) = (until(&flags[0]), until(&flags[1]));
        let (join, waker) = room.spawn(async {
            first.await;
            second.await;
        });
        drop(join);
        let other = waker.clone();
        let (flag, other_flag) = (flags[0].clone(), flags[1].clone());
        let by_value = thread::spawn(move || {
            flag.store(true, Relaxed);
            waker.wake();
        });
        let by_reference = thread::spawn(move || {
            other_flag.store(true, Relaxed);
            other.wake_by_ref();
        });
        room.run();
        by_value.join().unwrap();
        by_reference.join().unwrap();
        room.end();
    });
}

/// Proves: a task that wakes itself in its poll, which its state does not say, is polled again, and a
/// wake from elsewhere at the same time is no more lost than any other. Seen to fail where `pause` does
/// not hear of it, and where a wake from elsewhere is taken for the task's own.
#[test]
fn a_task_that_wakes_itself_against_a_wake() {
    model(3, || {
        let room = Arc::new(Room::default());
        let flag = Arc::new(AtomicBool::new(false));
        let (ready, mut yielded) = (until(&flag), false);
        let (join, waker) = room.spawn(async move {
            poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            ready.await;
        });
        drop(join);
        let waking = thread::spawn(move || {
            flag.store(true, Relaxed);
            waker.wake_by_ref();
        });
        room.run();
        waking.join().unwrap();
        room.end();
    });
}

/// Proves: an abort against a wake and the polls: the future is dropped once, and the joiner
/// learns of one end or the other.
#[test]
fn abort_against_wake_and_poll() {
    model(3, || {
        let room = Arc::new(Room::default());
        let (drops, flag) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (on_drop, ready) = (OnDrop(drops.clone()), until(&flag));
        let (join, waker) = room.spawn(async move {
            ready.await;
            drop(on_drop);
        });
        let abort = join.abort_handle();
        let aborter = thread::spawn(move || abort.abort());
        let waking = thread::spawn(move || {
            flag.store(true, Relaxed);
            waker.wake();
        });
        room.run();
        aborter.join().unwrap();
        waking.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
        // What becomes of a join meanwhile is the next model's.
        if let Err(error) = block_on(join) {
            assert!(error.is_cancelled());
        }
        room.end();
    });
}

/// Proves: a join against the end of the task: the joiner is woken, and gets the output once. Seen to
/// fail where a waker is left with a task that is complete, and where the end does not wake it.
#[test]
fn join_against_the_end() {
    model(3, || {
        let room = Arc::new(Room::default());
        let drops = Arc::new(AtomicUsize::new(0));
        let output = OnDrop(drops.clone());
        let (join, waker) = room.spawn(async move { output });
        drop(waker);
        let other = room.clone();
        let runner = thread::spawn(move || other.run());
        let output = block_on(join).unwrap();
        assert_eq!(drops.load(Relaxed), 0);
        drop(output);
        runner.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
        room.end();
    });
}

/// Proves: a handle that has registered its waker and is dropped, against the end of the task:
/// output and waker are dropped once, by one side. Seen to fail where the end leaves an output that
/// nobody joins any more, and where the handle leaves its waker.
#[test]
fn drop_of_the_handle_against_the_end() {
    model(3, || {
        let room = Arc::new(Room::default());
        let drops = Arc::new(AtomicUsize::new(0));
        let output = OnDrop(drops.clone());
        let (mut join, waker) = room.spawn(async move { output });
        drop(waker);
        let other = room.clone();
        let runner = thread::spawn(move || other.run());
        block_on(poll_fn(|cx| {
            drop(std::pin::Pin::new(&mut join).poll(cx));
            Poll::Ready(())
        }));
        drop(join);
        runner.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
        room.end();
    });
}

/// Proves: a handle dropped at once, against the end of the task. Seen to fail where the end does not
/// look once more whether anybody joins.
#[test]
fn drop_of_a_fresh_handle_against_the_end() {
    model(3, || {
        let room = Arc::new(Room::default());
        let drops = Arc::new(AtomicUsize::new(0));
        let output = OnDrop(drops.clone());
        let (join, waker) = room.spawn(async move { output });
        drop(waker);
        let other = room.clone();
        let runner = thread::spawn(move || other.run());
        drop(join);
        runner.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
        room.end();
    });
}

/// Proves: a shutdown, which takes the task wherever it stands, against its polls and a wake: the
/// future is dropped once, and a place in the queue that is left behind does no harm. Seen to fail with
/// `seize` not marking a task that runs, and with `start` not seeing that it was seized.
#[test]
fn shutdown_against_poll_and_wake() {
    model(3, || {
        let room = Arc::new(Room::default());
        let drops = Arc::new(AtomicUsize::new(0));
        let on_drop = OnDrop(drops.clone());
        let (join, waker) = room.spawn(async move {
            std::future::pending::<()>().await;
            drop(on_drop);
        });
        drop(join);
        let other = room.clone();
        let shutdown = thread::spawn(move || {
            let books = lock(&other.state).books.take();
            if let Some(task) = books {
                task.shut_down();
            }
        });
        let waking = thread::spawn(move || waker.wake());
        room.run();
        shutdown.join().unwrap();
        waking.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
        room.end();
    });
}

/// What can come to a task beside its polls.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Hand {
    WakeByValue,
    WakeByReference,
    Abort,
    ShutDown,
    /// Awaits the handle.
    Join,
    /// The same, after a poll with another waker.
    JoinAnew,
    /// Drops the handle.
    Leave,
    /// The same, after a poll.
    LeaveJoin,
}

type Handle = JoinHandle<OnDrop>;

/// What a hand holds of the task.
enum Held {
    Waker(Waker),
    Abort(AbortHandle),
    Books,
    Handle(Handle),
}

impl Hand {
    fn has_the_handle(self) -> bool {
        matches!(self, Self::Join | Self::JoinAnew | Self::Leave | Self::LeaveJoin)
    }

    /// Whether a task that waits comes to its end by this.
    fn leads_on(self) -> bool {
        !self.has_the_handle()
    }

    /// Comes to the task with a waker, an abort handle, or the handle.
    fn act(self, room: &Room, done: &AtomicBool, held: Held) {
        match held {
            Held::Waker(waker) => {
                // Relaxed: the wake orders it.
                done.store(true, Relaxed);
                if self == Self::WakeByValue { waker.wake() } else { waker.wake_by_ref() }
            }
            Held::Abort(handle) => handle.abort(),
            Held::Books => {
                let books = lock(&room.state).books.take();
                books.into_iter().for_each(Task::shut_down);
            }
            Held::Handle(handle) => self.use_handle(handle),
        }
    }

    fn use_handle(self, mut handle: Handle) {
        let mut poll = || Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
        let polls = matches!(self, Self::JoinAnew | Self::LeaveJoin);
        if polls && poll().is_ready() || matches!(self, Self::Leave | Self::LeaveJoin) {
            return;
        }
        drop(block_on(handle));
    }
}

/// One hand at a task on a thread of its own, another on the thread that polls the task afterwards: it
/// ends, its future or its output is dropped once, and then it is freed.
fn pair(elsewhere: Hand, here: Hand) {
    model(2, move || {
        let room = Arc::new(Room::default());
        let drops = Arc::new(AtomicUsize::new(0));
        let done = Arc::new(AtomicBool::new(!elsewhere.leads_on() && !here.leads_on()));
        let (ready, output) = (until(&done), OnDrop(drops.clone()));
        let (handle, waker) = room.spawn(async move {
            ready.await;
            output
        });
        let (abort, mut handle) = (handle.abort_handle(), Some(handle));
        let [elsewhere, here] = [elsewhere, here].map(|hand| {
            let held = match hand {
                Hand::WakeByValue | Hand::WakeByReference => Held::Waker(waker.clone()),
                Hand::Abort => Held::Abort(abort.clone()),
                Hand::ShutDown => Held::Books,
                _ => Held::Handle(handle.take().expect("there is one handle")),
            };
            let (room, done) = (room.clone(), done.clone());
            move || hand.act(&room, &done, held)
        });
        drop((waker, abort));
        let elsewhere = thread::spawn(elsewhere);
        here();
        room.run();
        elsewhere.join().unwrap();
        drop(handle);
        assert_eq!(drops.load(Relaxed), 1);
        room.end();
    });
}

const HANDS: [Hand; 8] = [
    Hand::WakeByValue,
    Hand::WakeByReference,
    Hand::Abort,
    Hand::ShutDown,
    Hand::Join,
    Hand::JoinAnew,
    Hand::Leave,
    Hand::LeaveJoin,
];

/// Proves: of all that can come to a task, any two at once do no harm, nor does any one beside a poll. Seen
/// to fail where a handle that changes its waker takes the old one from a task that is complete.
#[test]
fn all_pairs() {
    for elsewhere in HANDS {
        // Whoever polls the task can't wait for it.
        for here in HANDS.into_iter().filter(|hand| !matches!(hand, Hand::Join | Hand::JoinAnew)) {
            if !(elsewhere.has_the_handle() && here.has_the_handle()) {
                pair(elsewhere, here);
            }
        }
    }
}

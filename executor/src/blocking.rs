//! The blocking pool: threads for code that blocks.
//!
//! A job is one allocation, the task itself, whose "future" calls the closure. Jobs wait in one
//! queue under a lock, idle threads in a stack: the one that went idle last is woken first, its
//! memory still being warm, and those at the bottom leave after the keep-alive.
//!
//! Whoever adds a job sees to it that one thread is on its way (woken, or started where none is
//! idle), and only one: a thread that arrives takes a job and, if there are more, sends for the next
//! thread itself. So a burst of short jobs is done by the few threads that keep up with it, and a
//! burst of long ones brings up as many threads as it needs, one after the other.

use crate::{
    Executor,
    shared::Shared,
    task::{Failure, Header, Id, JoinHandle, Owner, Task, contain},
    threads::again,
};
use std::{
    any::Any,
    cell::Cell,
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    ptr,
    sync::Arc,
    task::{Context, Poll},
};
use wharf_base::{
    context::{self, Parts},
    coop,
    sync::{
        Instant, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::*},
        lock,
        thread::{self, Thread},
        thread_local,
    },
};

thread_local! {
    static KEPT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// Keeps `guard` until the blocking job that this thread runs has ended and its handle was woken.
pub fn keep_until_done(guard: Box<dyn Any>) {
    KEPT.set(Some(guard));
}

/// A closure as a future that is done at its first poll.
struct Job<F>(Option<F>);

impl<F> Unpin for Job<F> {}

impl<F: FnOnce() -> R, R> Future for Job<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let job = self.0.take().expect("a job runs once");
        // It has a thread of its own: nobody is held up by it.
        Poll::Ready(coop::with_unlimited(job))
    }
}

/// The pool as owner of its tasks: it keeps no books, for its queue leads to all that wait.
struct Jobs;

impl Owner for Jobs {
    unsafe fn schedule(task: Task) {
        // A job is scheduled from the beginning, and done after its only poll.
        drop(task);
    }
    unsafe fn reschedule(task: Task) {
        drop(task);
    }
    unsafe fn release(_: &Header, _: bool) -> usize {
        // The books' reference is the second that the thread holds.
        1
    }
    unsafe fn freed(_: *const ()) {}
}

/// A thread with nothing to do.
struct Idler {
    thread: Thread,
    woken: AtomicBool,
}

pub(crate) struct State {
    queue: VecDeque<Task>,
    idle: Vec<Arc<Idler>>,
    pub(crate) threads: usize,
    /// A thread is on its way to the queue.
    coming: bool,
    closed: bool,
}

impl State {
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }
}

pub(crate) struct Pool {
    state: Mutex<State>,
    gone: wharf_base::sync::Condvar,
}

/// What sends a thread on its way.
enum Send {
    Nobody,
    Wake(Arc<Idler>),
    Start,
}

/// What a thread that looks for work finds.
enum Found {
    /// A job, and whom to send for because there are more.
    Job(Task, Send),
    /// Nothing: the thread is on the stack of the idle.
    Rest(Arc<Idler>),
    /// The pool is closed.
    End,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let state = State {
            queue: VecDeque::new(),
            idle: Vec::new(),
            threads: 0,
            coming: false,
            closed: false,
        };
        Self { state: Mutex::new(state), gone: wharf_base::sync::Condvar::new() }
    }

    // Nobody is in a hurry here, and there are many places.
    #[inline(never)]
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Queues a job, and says whom to send for; gives the job back if the pool is closed.
    fn add(&self, job: Task, most: usize) -> Result<Send, Task> {
        let mut state = self.state();
        if state.closed {
            return Err(job);
        }
        state.queue.push_back(job);
        Ok(state.send(most))
    }

    /// Looks for work. `coming`: the thread was sent for.
    fn find(&self, coming: bool, most: usize) -> Found {
        let mut state = self.state();
        if coming {
            state.coming = false;
        }
        if let Some(job) = state.queue.pop_front() {
            return Found::Job(job, state.send(most));
        }
        if state.closed {
            return Found::End;
        }
        let idler = Arc::new(Idler { thread: thread::current(), woken: AtomicBool::new(false) });
        state.idle.push(idler.clone());
        Found::Rest(idler)
    }

    /// Ends the waiting jobs, and all threads after their present job.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let (queue, idle) = (std::mem::take(&mut state.queue), std::mem::take(&mut state.idle));
        drop(state);
        idle.iter().for_each(|idler| idler.wake());
        queue.into_iter().for_each(Task::shut_down);
    }

    /// Waits until all threads are gone, or until `deadline`; how many are left.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> usize {
        let mut state = self.state();
        while state.threads > 0 {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            state = match left {
                Some(left) if left.is_zero() => break,
                #[cfg(not(loom))]
                Some(left) => {
                    let waited = self.gone.wait_timeout(state, left);
                    waited.unwrap_or_else(|error| error.into_inner()).0
                }
                _ => self.gone.wait(state).unwrap_or_else(|error| error.into_inner()),
            };
        }
        state.threads
    }
}

impl Idler {
    fn wake(&self) {
        // Release: pairs with the acquire in `rest`.
        self.woken.store(true, Release);
        self.thread.unpark();
    }
}

impl State {
    /// There are jobs: whom to send for.
    fn send(&mut self, most: usize) -> Send {
        if self.coming || self.queue.is_empty() {
            return Send::Nobody;
        }
        if let Some(idler) = self.idle.pop() {
            self.coming = true;
            return Send::Wake(idler);
        }
        if self.threads < most {
            self.coming = true;
            self.threads += 1;
            return Send::Start;
        }
        Send::Nobody
    }
}

impl Shared {
    pub(crate) fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + std::marker::Send + 'static,
        R: std::marker::Send + 'static,
    {
        // SAFETY: `Jobs` needs no owner. The closure is `Send`. The books' reference is the second
        // of the queue's, see `Jobs::release`.
        let task =
            unsafe { Task::new::<_, Jobs>(Job(Some(job)), Id::next(), ptr::null(), (0, 0), 3) };
        let (task, join, books) = task.split();
        _ = books.into_raw();
        // SAFETY: the output of the job is an `R`.
        let join = unsafe { JoinHandle::new(join) };
        match self.pool.add(task, self.config.max_blocking_threads) {
            Ok(send) => self.send_thread(send),
            Err(task) => task.shut_down(),
        }
        join
    }

    fn send_thread(&self, send: Send) {
        match send {
            Send::Nobody => {}
            Send::Wake(idler) => idler.wake(),
            Send::Start => self.start_blocking_thread(),
        }
    }

    fn start_blocking_thread(&self) {
        let gone = || io::Error::other("the runtime has gone");
        let started = self.parts.upgrade().ok_or_else(gone);
        let started = started.and_then(|parts| self.start_thread(Box::new(move || run(parts))));
        let Err(error) = started else { return };
        let mut state = self.pool.state();
        state.coming = false;
        state.threads -= 1;
        // Where other threads are left they will come to the jobs; else nobody will.
        let stranded =
            if state.threads == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        drop(state);
        log::error!("a thread of the blocking pool could not be started: {error}");
        self.threads.refuse(&error);
        for job in stranded {
            job.fail(Failure::refused(again(&error)));
        }
    }
}

/// The life of a thread of the pool.
fn run(parts: Arc<Parts>) {
    let executor = Executor::of(&parts).expect("the pool's runtime has our executor");
    let shared = executor.shared();
    let pool = shared.pool.clone();
    let entered = context::enter(parts.clone(), None);
    shared.config.hook(|config| &config.on_thread_start);
    let mut coming = true;
    while let Some(job) = next(shared, coming) {
        contain(|| job.run());
        contain(|| drop(KEPT.take()));
        coming = false;
    }
    shared.config.hook(|config| &config.on_thread_stop);
    drop(entered);
    // The runtime may go with this, descriptors and all: whoever waits for us wants it gone.
    drop(parts);
    pool.state().threads -= 1;
    pool.gone.notify_all();
}

/// The next job, or `None` when it is time to go. `coming`: the thread was sent for.
fn next(shared: &Shared, mut coming: bool) -> Option<Task> {
    loop {
        match shared.pool.find(coming, shared.config.max_blocking_threads) {
            Found::Job(job, send) => {
                shared.send_thread(send);
                return Some(job);
            }
            Found::End => return None,
            Found::Rest(idler) => coming = rest(shared, &idler)?,
        }
    }
}

/// Sleeps until sent for; `None` when the keep-alive is over.
fn rest(shared: &Shared, idler: &Arc<Idler>) -> Option<bool> {
    let deadline = Instant::now().checked_add(shared.config.thread_keep_alive);
    // Acquire: pairs with the release in `Idler::wake`.
    while !idler.woken.load(Acquire) {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let Some(left) = left else {
            thread::park();
            continue;
        };
        if left.is_zero() {
            let mut state = shared.pool.state();
            let before = state.idle.len();
            state.idle.retain(|other| !Arc::ptr_eq(other, idler));
            if state.idle.len() < before {
                return None;
            }
            // Somebody has just taken us off the stack: the wake is on its way.
            drop(state);
            thread::park();
            continue;
        }
        // `std`'s own: loom knows no time, and runs none of this.
        std::thread::park_timeout(left);
    }
    Some(true)
}

//! [`LocalSet`]: tasks that stay on one thread, so their futures need not be `Send`.
//!
//! A local set is a small executor inside a future: whoever polls the set runs its tasks. Its queue
//! is the thread's own; wakes from other threads come through a second queue under a lock. Tasks run
//! in the order in which they were spawned or woken: the queue is FIFO, and that is a promise.

use super::{Header, Id, JoinHandle, Owner, Task};
use crate::Executor;
use slab::Slab;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    future::Future,
    pin::{Pin, pin},
    ptr,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};
use wharf_base::{
    sync::{Mutex, lock, thread_local},
    waker::WakerSlot,
};

/// The most tasks that one poll of the set runs, so that what is beside it has its turn.
const TASKS_PER_POLL: usize = 61;

/// What other threads can reach. Every task counts as one of its owners.
struct Remote {
    queue: Mutex<Queue>,
    /// Wakes whoever polls the set.
    waker: WakerSlot,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

/// What only the set's thread reaches.
struct Local {
    remote: Arc<Remote>,
    queue: RefCell<VecDeque<Task>>,
    /// The live tasks; a header's `slot` is the key.
    tasks: RefCell<Slab<Task>>,
    /// The set is being dropped: new tasks end at once.
    closed: Cell<bool>,
}

thread_local! {
    /// The set that `spawn_local` spawns on.
    static CURRENT: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

fn current() -> Option<Rc<Local>> {
    // A thread that ends has no set any more.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The set is the thread's current one as long as this lives.
#[must_use = "the set is left as soon as this is dropped"]
#[allow(missing_debug_implementations, reason = "a guard has nothing to show")]
pub struct LocalEnterGuard {
    before: Option<Rc<Local>>,
}

impl Drop for LocalEnterGuard {
    fn drop(&mut self) {
        let before = self.before.take();
        _ = CURRENT.try_with(|current| current.replace(before));
    }
}

fn enter(local: &Rc<Local>) -> LocalEnterGuard {
    // As in `current`.
    let before = CURRENT.try_with(|current| current.replace(Some(local.clone())));
    LocalEnterGuard { before: before.ok().flatten() }
}

/// Spawns a task on the current [`LocalSet`]; the future need not be `Send`.
///
/// # Panics
///
/// Outside a local set: where none of its tasks runs, nor its [`run_until`](LocalSet::run_until),
/// and none was [entered](LocalSet::enter).
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let local = current().expect(
        "`spawn_local` was called outside a LocalSet: call it inside `LocalSet::run_until` or a \
         task of the set",
    );
    local.spawn(future)
}

/// A set of tasks that all run on the thread that polls the set.
///
/// The set runs while it is awaited, or while a [`run_until`](Self::run_until) future of it is.
/// Dropping it drops the futures of all its tasks. Its wakers work from any thread.
///
/// ```
/// use std::rc::Rc;
/// use wharf_executor::task::{LocalSet, spawn_local};
/// # use std::{sync::{Arc, Weak}};
/// # use wharf_executor::{Config, Driver, Executor, ThreadDriver};
/// # let drivers = vec![Arc::new(ThreadDriver::new()) as Arc<dyn Driver>];
/// # let mut executor = None;
/// # let parts = Arc::new_cyclic(|parts: &Weak<wharf_base::context::Parts>| {
/// #     let made = Executor::new(Config::default(), drivers, parts.clone());
/// #     executor = Some(made.clone());
/// #     wharf_base::context::Parts { executor: made, timers: None, reactor: None }
/// # });
/// # let executor = executor.unwrap();
///
/// let set = LocalSet::new();
/// let length = executor.block_on(set.run_until(async {
///     let text = Rc::new("not Send".to_owned());
///     spawn_local(async move { text.len() }).await.unwrap()
/// }));
/// assert_eq!(length, 8);
/// # executor.shutdown(None);
/// ```
#[must_use = "a local set runs its tasks only while it is polled"]
pub struct LocalSet {
    local: Rc<Local>,
}

impl LocalSet {
    /// An empty set.
    pub fn new() -> Self {
        let queue = Mutex::new(Queue::default());
        let remote = Arc::new(Remote { queue, waker: WakerSlot::new() });
        let local = Local {
            remote,
            queue: RefCell::default(),
            tasks: RefCell::default(),
            closed: Cell::new(false),
        };
        Self { local: Rc::new(local) }
    }

    /// Spawns a task on this set, to run when the set is next polled.
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let join = self.local.spawn(future);
        self.local.remote.waker.wake();
        join
    }

    /// Makes the set the one that [`spawn_local`] uses on this thread. Guards are to be dropped in
    /// the reverse order of their making.
    pub fn enter(&self) -> LocalEnterGuard {
        enter(&self.local)
    }

    /// Runs `future` to its end, and the set's tasks beside it. Tasks left behind stay in the set.
    ///
    /// Cancel safe: a dropped `run_until` leaves the set's tasks as they are.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| {
            let _entered = enter(&self.local);
            self.local.remote.waker.register(cx.waker());
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if self.local.run_tasks() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// [`run_until`](Self::run_until) inside `block_on` of a runtime.
    ///
    /// # Panics
    ///
    /// As [`Executor::block_on`] does.
    #[track_caller]
    pub fn block_on<R, F>(&self, runtime: &R, future: F) -> F::Output
    where
        R: AsRef<Executor>,
        F: Future,
    {
        runtime.as_ref().block_on(self.run_until(future))
    }
}

impl Future for LocalSet {
    type Output = ();

    /// Runs tasks; ready when the set has none left.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _entered = enter(&self.local);
        self.local.remote.waker.register(cx.waker());
        if self.local.run_tasks() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.local.tasks.borrow().is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Default for LocalSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.local.tasks.borrow().len()).finish()
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let local = &self.local;
        let _entered = enter(local);
        local.closed.set(true);
        let remote = {
            let mut queue = lock(&local.remote.queue);
            queue.closed = true;
            std::mem::take(&mut queue.tasks)
        };
        // The queues' references; the tasks end through those of the books.
        drop(remote);
        loop {
            drop(local.queue.take());
            // Cloned, and left in the books until `release`, which may run inside any of them.
            let tasks: Vec<Task> =
                local.tasks.borrow().iter().map(|(_, task)| task.clone()).collect();
            if tasks.is_empty() {
                break;
            }
            for task in tasks {
                task.clone().shut_down();
                local.strike_off(&task);
            }
        }
        drop(local.queue.take());
    }
}

impl Local {
    fn spawn<F>(self: &Rc<Self>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut tasks = self.tasks.borrow_mut();
        let slot = tasks.vacant_entry();
        let home = (0, u32::try_from(slot.key()).expect("a set holds less than 2^32 tasks"));
        let owner = Arc::into_raw(self.remote.clone()).cast();
        // SAFETY: the owner is a counted reference, which `freed` drops. The future is run,
        // cancelled and dropped on this thread only: the set is not `Send`, and only the set does
        // these. A handle whose output is not `Send` is not `Send` either.
        let task = unsafe { Task::new::<F, Remote>(future, Id::next(), owner, home, 3) };
        let (task, join, books) = task.split();
        slot.insert(books);
        drop(tasks);
        if self.closed.get() {
            let _entered = enter(self);
            task.shut_down();
        } else {
            self.queue.borrow_mut().push_back(task);
        }
        // SAFETY: the handle's reference, and its output's type.
        unsafe { JoinHandle::new(join) }
    }

    /// A task has ended: takes it off the books where `release` could not, because the set goes with its
    /// thread, after `CURRENT`.
    fn strike_off(&self, task: &Task) {
        let slot = task.header().slot as usize;
        let mut tasks = self.tasks.borrow_mut();
        // A task that was spawned meanwhile may have its slot.
        let is_there = tasks.get(slot).is_some_and(|other| ptr::eq(other.header(), task.header()));
        let kept = is_there.then(|| tasks.remove(slot));
        drop(tasks);
        drop(kept);
    }

    /// Runs what can run, within bounds; whether there is more.
    fn run_tasks(&self) -> bool {
        for _ in 0..TASKS_PER_POLL {
            self.fetch_remote();
            let Some(task) = self.queue.borrow_mut().pop_front() else { return false };
            task.run();
        }
        self.fetch_remote();
        !self.queue.borrow().is_empty()
    }

    fn fetch_remote(&self) {
        let mut remote = lock(&self.remote.queue);
        if !remote.tasks.is_empty() {
            self.queue.borrow_mut().append(&mut remote.tasks);
        }
    }
}

/// Calls `f` with the current set, if the task is its own.
fn with_own<R>(owner: *const (), f: impl FnOnce(&Local) -> R) -> Option<R> {
    current()
        .filter(|local| ptr::eq(Arc::as_ptr(&local.remote).cast(), owner))
        .map(|local| f(&local))
}

impl Owner for Remote {
    unsafe fn schedule(task: Task) {
        let owner = task.header().owner;
        let mut task = Some(task);
        with_own(owner, |local| {
            local.queue.borrow_mut().push_back(task.take().expect("taken once"));
        });
        // SAFETY: the task counts as one of the owners.
        let remote = unsafe { &*owner.cast::<Remote>() };
        if let Some(task) = task {
            // Keeps the task, and so `remote`, until we are done.
            let _keep = task.clone();
            let mut queue = lock(&remote.queue);
            if queue.closed {
                drop(queue);
                return drop(task);
            }
            queue.tasks.push_back(task);
            drop(queue);
            remote.waker.wake();
        }
    }

    unsafe fn reschedule(task: Task) {
        // SAFETY: the same contract; the queue is FIFO in any case.
        unsafe { Self::schedule(task) };
    }

    unsafe fn release(header: &Header, _: bool) -> usize {
        // Whoever completes a local task is inside the set.
        let books = with_own(header.owner, |local| {
            local.tasks.borrow_mut().try_remove(header.slot as usize)
        });
        match books.flatten() {
            Some(task) => {
                _ = task.into_raw();
                1
            }
            None => 0,
        }
    }

    unsafe fn freed(owner: *const ()) {
        // SAFETY: the reference that the task has counted for.
        drop(unsafe { Arc::from_raw(owner.cast::<Remote>()) });
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::{Signal, model};
    use loom::{future::block_on, thread};

    /// Proves: a wake from another thread against the polls of the set is not lost, and the set knows
    /// its end. Seen to fail where the set is woken before the task is queued, and where it leaves its
    /// waker after it has run its tasks.
    #[test]
    fn a_wake_from_elsewhere_against_a_poll() {
        model(3, || {
            let (set, signal) = (LocalSet::new(), Arc::new(Signal::default()));
            drop(set.spawn_local(signal.wait()));
            let waking = thread::spawn(move || signal.set());
            block_on(set);
            waking.join().unwrap();
        });
    }

    /// Proves: a wake from another thread against the drop of the set leaves no task behind. Seen to fail
    /// where the drop does not close the queue, and where a wake does not ask whether it is closed.
    #[test]
    fn a_wake_from_elsewhere_against_the_drop() {
        model(3, || {
            let (mut set, signal) = (LocalSet::new(), Arc::new(Signal::default()));
            let remote = set.local.remote.clone();
            drop(set.spawn_local(signal.wait()));
            assert!(block_on(std::future::poll_fn(|cx| {
                Poll::Ready(Pin::new(&mut set).poll(cx).is_pending())
            })));
            let waking = thread::spawn(move || signal.set());
            drop(set);
            waking.join().unwrap();
            assert_eq!(Arc::strong_count(&remote), 1, "every task counts as an owner");
        });
    }
}

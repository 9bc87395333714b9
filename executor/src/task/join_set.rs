//! [`JoinSet`]: many tasks, awaited in the order in which they finish.
//!
//! Each task's handle is registered with a waker of its own, which puts the task's key into a list
//! and wakes whoever awaits the set. Awaiting looks only at the keys in that list, so it costs the
//! same however many tasks are in the set.
//!
//! *No finished task is missed.* A waker pushes its key and then takes the set's waker, both under
//! the list's lock; the set, under the same lock, takes a key or, if there is none, leaves its
//! waker. Of the two one comes first, and the other sees it.

use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet};
use crate::Executor;
use slab::Slab;
use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker, ready},
};
use wharf_base::{
    coop,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::*},
        lock,
    },
};

/// The keys of tasks that have perhaps finished.
#[derive(Default)]
struct Notified {
    keys: VecDeque<usize>,
    /// Whoever awaits the set.
    waker: Option<Waker>,
}

struct List(Mutex<Notified>);

impl List {
    /// The next key; if there is none, `waker` is left for the next wake.
    fn next(&self, waker: Option<&Waker>) -> Option<usize> {
        let mut notified = lock(&self.0);
        let key = notified.keys.pop_front();
        if let (None, Some(waker)) = (key, waker) {
            if !notified.waker.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
                notified.waker = Some(waker.clone());
            }
        }
        key
    }
}

/// Wakes for one task of a set.
struct EntryWaker {
    key: usize,
    list: Arc<List>,
    /// The key is in the list.
    listed: AtomicBool,
}

impl EntryWaker {
    /// The key was taken from the list: the next wake lists it again.
    fn unlist(&self) {
        // AcqRel: pairs with the swap in `wake_by_ref`; what comes before a wake that found the key
        // listed is seen by the look that follows this.
        self.listed.swap(false, AcqRel);
    }
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // AcqRel: pairs with `unlist`.
        if self.listed.swap(true, AcqRel) {
            return;
        }
        let waker = {
            let mut notified = lock(&self.list.0);
            notified.keys.push_back(self.key);
            notified.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Entry<T> {
    handle: JoinHandle<T>,
    entry_waker: Arc<EntryWaker>,
    waker: Waker,
}

/// Tasks with outputs of one type, awaited as they finish.
///
/// Dropping the set aborts its tasks; [`detach_all`](Self::detach_all) lets them run on.
#[must_use = "dropping a set aborts its tasks"]
pub struct JoinSet<T> {
    entries: Slab<Entry<T>>,
    list: Arc<List>,
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        Self { entries: Slab::new(), list: Arc::new(List(Mutex::new(Notified::default()))) }
    }

    /// How many tasks are in the set, those included that have finished and were not yet joined.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the set has no tasks.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Asks all tasks to end; they stay in the set until they are joined.
    pub fn abort_all(&mut self) {
        self.entries.iter().for_each(|(_, entry)| entry.handle.abort());
    }

    /// Empties the set and lets its tasks run on.
    pub fn detach_all(&mut self) {
        self.entries.clear();
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task on the current runtime and adds it to the set.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(crate::spawn(future))
    }

    /// Spawns a task on `runtime` (a runtime or its handle) and adds it to the set.
    pub fn spawn_on<F>(&mut self, future: F, runtime: &impl AsRef<Executor>) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(runtime.as_ref().spawn(future))
    }

    /// Spawns a task on the current [`LocalSet`] and adds it to the set.
    ///
    /// # Panics
    ///
    /// Outside a local set.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(super::spawn_local(future))
    }

    /// Spawns a task on `local` and adds it to the set.
    pub fn spawn_local_on<F>(&mut self, future: F, local: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local.spawn_local(future))
    }

    /// Runs a job on the current runtime's blocking pool and adds it to the set.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, job: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(crate::spawn_blocking(job))
    }

    /// The same on the blocking pool of `runtime`.
    pub fn spawn_blocking_on<F>(&mut self, job: F, runtime: &impl AsRef<Executor>) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(runtime.as_ref().spawn_blocking(job))
    }

    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let slot = self.entries.vacant_entry();
        let entry_waker = Arc::new(EntryWaker {
            key: slot.key(),
            list: self.list.clone(),
            listed: AtomicBool::new(false),
        });
        let waker = Waker::from(entry_waker.clone());
        let registered = !handle.register(&waker);
        slot.insert(Entry { handle, entry_waker: entry_waker.clone(), waker });
        if !registered {
            entry_waker.wake_by_ref();
        }
        abort
    }

    /// Waits for the next task to finish; `None` when the set is empty.
    ///
    /// Cancel safe: no task is lost from the set.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// [`join_next`](Self::join_next), and which task it was.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| self.poll_join_next_with_id(cx)).await
    }

    /// Takes the output of a task that has finished, if any has.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_join_next_with_id().map(|output| output.map(|(_, output)| output))
    }

    /// [`try_join_next`](Self::try_join_next), and which task it was.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        match self.poll_next(None) {
            Poll::Ready(output) => output,
            Poll::Pending => None,
        }
    }

    /// [`join_next`](Self::join_next) for those who write futures by hand.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let output = ready!(self.poll_join_next_with_id(cx));
        Poll::Ready(output.map(|output| output.map(|(_, output)| output)))
    }

    /// [`join_next_with_id`](Self::join_next_with_id) for those who write futures by hand.
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        let progress = ready!(coop::poll_proceed(cx));
        let output = ready!(self.poll_next(Some(cx.waker())));
        progress.made();
        Poll::Ready(output)
    }

    /// Aborts all tasks and waits until their futures have been dropped.
    ///
    /// # Panics
    ///
    /// If a task has panicked, with its panic.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while let Some(output) = self.join_next().await {
            resume_panic(output);
        }
    }

    /// Waits for all tasks and returns their outputs in the order in which they finished.
    ///
    /// # Panics
    ///
    /// If a task has panicked, with its panic; if one was cancelled.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(output) = self.join_next().await {
            outputs.push(resume_panic(output).expect("no task of the set was cancelled"));
        }
        outputs
    }

    fn poll_next(&mut self, waker: Option<&Waker>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        while !self.entries.is_empty() {
            let Some(key) = self.list.next(waker) else { return Poll::Pending };
            // The key of a detached task may come late.
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.entry_waker.unlist();
            let mut cx = Context::from_waker(&entry.waker);
            let polled = coop::with_unlimited(|| Pin::new(&mut entry.handle).poll(&mut cx));
            if let Poll::Ready(output) = polled {
                let id = self.entries.remove(key).handle.id();
                return Poll::Ready(Some(output.map(|output| (id, output))));
            }
        }
        Poll::Ready(None)
    }
}

/// The output; `None` for a task that was cancelled.
fn resume_panic<T>(output: Result<T, JoinError>) -> Option<T> {
    match output.map_err(JoinError::try_into_panic) {
        Ok(output) => Some(output),
        Err(Ok(payload)) => std::panic::resume_unwind(payload),
        Err(Err(_cancelled)) => None,
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::models::model;
    use loom::{future::block_on, thread};

    /// Proves: two tasks that finish at once are both joined, for a set that waits meanwhile. Seen to
    /// fail where keys stay listed, where a wake leaves the set's waker, and with `listed` relaxed on
    /// either side.
    #[test]
    fn tasks_that_finish_against_a_set_that_waits() {
        model(3, || {
            let list = Arc::new(List(Mutex::new(Notified::default())));
            let done: Vec<_> = (0..2).map(|_| Arc::new(AtomicBool::new(false))).collect();
            let wakers: Vec<_> = (0..2)
                .map(|key| {
                    let (list, listed) = (list.clone(), AtomicBool::new(false));
                    Arc::new(EntryWaker { key, list, listed })
                })
                .collect();
            let finishing: Vec<_> = (0..2)
                .map(|key| {
                    let (waker, done) = (wakers[key].clone(), done[key].clone());
                    thread::spawn(move || {
                        // A wake without a reason first.
                        waker.wake_by_ref();
                        done.store(true, Relaxed);
                        waker.wake_by_ref();
                    })
                })
                .collect();
            let mut joined = [false; 2];
            block_on(poll_fn(|cx| {
                while joined != [true; 2] {
                    let Some(key) = list.next(Some(cx.waker())) else { return Poll::Pending };
                    wakers[key].unlist();
                    joined[key] |= done[key].load(Relaxed);
                }
                Poll::Ready(())
            }));
            finishing.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

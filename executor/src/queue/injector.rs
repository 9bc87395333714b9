//! The queue for tasks that come from threads without a seat.
//!
//! A lock and a deque: whoever comes from outside pays for crossing threads anyway. The length
//! stands outside the lock, so that looking into an empty injector costs one load.

use crate::task::Task;
use std::collections::VecDeque;
use wharf_base::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::*},
    lock,
};

pub(crate) struct Injector {
    queue: Mutex<Queue>,
    /// How many tasks are in the queue; changed under the lock.
    len: AtomicUsize,
}

struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

impl Injector {
    pub(crate) fn new() -> Self {
        let queue = Queue { tasks: VecDeque::new(), closed: false };
        Self { queue: Mutex::new(queue), len: AtomicUsize::new(0) }
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: a hint; whoever goes to sleep has a fence before this, and whoever pushes one
        // after.
        self.len.load(Relaxed)
    }

    /// Adds a task at the back; gives it back if the injector is closed.
    pub(crate) fn push(&self, task: Task) -> Result<(), Task> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(task);
        }
        queue.tasks.push_back(task);
        // Relaxed: see `len`.
        self.len.store(queue.tasks.len(), Relaxed);
        Ok(())
    }

    /// Takes up to `most` tasks from the front; the first is returned, the others go to `others`.
    pub(crate) fn pop(&self, most: usize, others: impl FnMut(Task)) -> Option<Task> {
        if self.len() == 0 {
            return None;
        }
        let mut queue = lock(&self.queue);
        let first = queue.tasks.pop_front();
        let count = queue.tasks.len().min(most.saturating_sub(1));
        (0..count).map_while(|_| queue.tasks.pop_front()).for_each(others);
        if queue.tasks.is_empty() && queue.tasks.capacity() > 4096 {
            // A flood is over.
            queue.tasks = VecDeque::new();
        }
        // Relaxed: see `len`.
        self.len.store(queue.tasks.len(), Relaxed);
        first
    }

    /// Takes no more tasks, and gives out what is left.
    pub(crate) fn close(&self) -> VecDeque<Task> {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        // Relaxed: see `len`.
        self.len.store(0, Relaxed);
        std::mem::take(&mut queue.tasks)
    }
}

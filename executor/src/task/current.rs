//! The task that this thread polls, and whether it has woken itself meanwhile.
//!
//! A task that wakes itself in its own poll (one that yields, or whose budget has run out) needs no
//! word to others: its runner learns it here, when the poll is over, and changes the state once
//! ([`State::pause`](super::state::State::pause)) in place of twice. All other wakes go through the
//! state, those of the same task by other threads too.

use super::cell::{Header, Task, id_of};
use super::id::Id;
use std::{
    cell::Cell,
    mem::ManuallyDrop,
    ptr::{self, NonNull},
};

#[derive(Clone, Copy)]
struct Current {
    /// Null where no task is polled. Its runner keeps it for as long as it stands here.
    task: *const Header,
    woken: bool,
}

const NONE: Current = Current { task: ptr::null(), woken: false };

#[cfg(not(loom))]
thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(NONE) };
}
// loom's threads share one of the system's.
#[cfg(loom)]
loom::thread_local! {
    static CURRENT: Cell<Current> = Cell::new(NONE);
}

/// Runs `f` as part of a task, which the caller keeps; and says whether it has woken itself.
#[inline]
pub(super) fn with_task<R>(task: NonNull<Header>, f: impl FnOnce() -> R) -> (R, bool) {
    struct Restore(Current);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.with(|current| current.set(self.0));
        }
    }
    let now = Current { task: task.as_ptr(), woken: false };
    let _restore = Restore(CURRENT.with(|current| current.replace(now)));
    let result = f();
    (result, CURRENT.with(|current| current.get().woken))
}

/// Notes that `task` is to be polled again, if it is this thread that polls it just now; if not, it
/// says so and does nothing.
#[inline]
pub(super) fn wake_itself(task: *const Header) -> bool {
    CURRENT.with(|current| {
        let is_itself = ptr::eq(current.get().task, task);
        if is_itself {
            current.set(Current { task, woken: true });
        }
        is_itself
    })
}

/// The task that this thread polls.
#[inline]
pub(super) fn task() -> Option<Task> {
    let task = CURRENT.with(|current| current.get().task);
    // SAFETY: its runner, up the stack, has a reference, which is not ours to drop.
    NonNull::new(task.cast_mut())
        .map(|task| Task::clone(&*ManuallyDrop::new(unsafe { Task::from_raw(task) })))
}

/// The number of the task that is running on this thread.
///
/// # Panics
///
/// Where no spawned task runs: outside a runtime, and in the main future of `block_on`.
#[track_caller]
pub fn id() -> Id {
    try_id().expect("no task runs here: `id` was called outside any spawned task; see `try_id`")
}

/// The number of the task that is running on this thread, if one is.
pub fn try_id() -> Option<Id> {
    let task = CURRENT.with(|current| current.get().task);
    // SAFETY: its runner, up the stack, keeps the task.
    NonNull::new(task.cast_mut()).map(|task| unsafe { id_of(task) })
}

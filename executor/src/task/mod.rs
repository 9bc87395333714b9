//! Tasks: a future, its state, and the handles to it.

mod block_in_place;
mod cell;
mod current;
mod error;
mod id;
mod join;
mod join_set;
mod local;
mod state;
mod task_local;
mod waker;
mod yield_now;

pub use block_in_place::block_in_place;
pub(crate) use cell::{Header, Owner, Task, contain};
pub use current::{id, try_id};
pub(crate) use error::Failure;
pub use error::JoinError;
pub use id::Id;
pub(crate) use id::Ids;
pub use join::{AbortHandle, JoinHandle};
pub use join_set::JoinSet;
pub use local::{LocalEnterGuard, LocalSet, spawn_local};
pub use task_local::{AccessError, LocalKey, TaskLocalFuture};
pub use yield_now::{YieldNow, yield_now};

use crate::Executor;
use std::future::Future;

/// Spawns a task on the current runtime. It runs without being awaited.
///
/// After the runtime's shutdown the task is dropped at once, and its handle says that it was
/// cancelled.
///
/// # Panics
///
/// Outside a runtime.
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Executor::with_current(|executor| executor.spawn(future))
}

/// Runs `job`, which may block, on a thread of the current runtime's blocking pool.
///
/// A job that has begun can't be aborted, and a shutdown waits for it (as long as the shutdown's
/// time-out allows). Where the pool has no thread and the system refuses it one, the job is dropped
/// and its handle gives an error that [says so](JoinError::is_refused).
///
/// # Panics
///
/// Outside a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(job: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Executor::with_current(|executor| executor.spawn_blocking(job))
}

#[cfg(all(test, loom))]
mod models;
#[cfg(not(loom))]
pub(crate) mod tests;

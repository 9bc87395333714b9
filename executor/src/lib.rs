//! wharf-executor: tasks, and the threads that run them.
//!
//! It knows no sockets and no clock: each of its seats has a [`Driver`], through which it looks
//! for events and in which it sleeps.

mod bits;
mod block_on;
mod blocking;
mod config;
mod driver;
mod executor;
mod idle;
mod metrics;
mod queue;
mod registry;
mod seat;
mod shared;
mod shutdown;
pub mod task;
mod thread_driver;
mod threads;
mod worker;

pub use blocking::keep_until_done;
pub use config::{Config, Flavor, Hook, ThreadName, UnhandledPanic};
pub use driver::Driver;
pub use executor::{Executor, Unfinished};
pub use metrics::{Metrics, WorkerMetrics};
pub use task::{AbortHandle, JoinError, JoinHandle, JoinSet, spawn, spawn_blocking};
pub use thread_driver::ThreadDriver;

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models {
    /// Runs a model with so many preemptions at most: unbounded ones grow without end.
    pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(f);
    }
}

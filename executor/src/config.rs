//! What an executor is built from.

use std::{fmt, sync::Arc, time::Duration};

/// How many threads run tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Only the thread inside `block_on`.
    CurrentThread,
    /// As many as there are seats, beginning with the thread inside `block_on`.
    MultiThread,
}

/// What becomes of a runtime in which a task panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// The panic goes to the task's `JoinHandle`; the runtime goes on.
    #[default]
    Ignore,
    /// A panic in a task whose handle was dropped shuts the runtime down, and the `block_on` calls
    /// in progress panic.
    ShutdownRuntime,
}

/// Code of the user's that runs at a turn of a thread's life. Its panics are contained and logged.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

/// Names the threads as they are started.
pub type ThreadName = Arc<dyn Fn() -> String + Send + Sync>;

/// Everything about an executor that can be chosen; start from `Config::default()`.
#[derive(Clone)]
pub struct Config {
    /// Who runs tasks.
    pub flavor: Flavor,
    /// Names the threads that the executor starts.
    pub thread_name: ThreadName,
    /// The stack of the threads that the executor starts, in bytes; `None` is std's default.
    pub thread_stack_size: Option<usize>,
    /// Runs on each thread that the executor starts, before its first work.
    pub on_thread_start: Option<Hook>,
    /// Runs on each thread that the executor started, before it ends.
    pub on_thread_stop: Option<Hook>,
    /// Runs before a worker parks.
    pub on_thread_park: Option<Hook>,
    /// Runs after a worker was parked.
    pub on_thread_unpark: Option<Hook>,
    /// How many threads of the blocking pool there may be at once, at least 1.
    pub max_blocking_threads: usize,
    /// How long a thread stays that has nothing to do: of the blocking pool, or a worker that gave
    /// its seat away.
    pub thread_keep_alive: Duration,
    /// After how many polls a seat looks at its driver and at the injector, at least 1.
    pub event_interval: u32,
    /// How long a worker that has run out of work looks out for more before it parks, at most 1 ms.
    /// Zero: it parks at once.
    pub spin_before_park: Duration,
    /// What a panic in a task does.
    pub unhandled_panic: UnhandledPanic,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            flavor: Flavor::MultiThread,
            thread_name: Arc::new(|| "wharf-worker".to_owned()),
            thread_stack_size: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_thread_park: None,
            on_thread_unpark: None,
            max_blocking_threads: 512,
            thread_keep_alive: Duration::from_secs(10),
            event_interval: 61,
            spin_before_park: Duration::ZERO,
            unhandled_panic: UnhandledPanic::Ignore,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("flavor", &self.flavor)
            .field("thread_stack_size", &self.thread_stack_size)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_keep_alive", &self.thread_keep_alive)
            .field("event_interval", &self.event_interval)
            .field("spin_before_park", &self.spin_before_park)
            .field("unhandled_panic", &self.unhandled_panic)
            .finish_non_exhaustive()
    }
}

impl Config {
    pub(crate) fn hook(&self, hook: fn(&Self) -> &Option<Hook>) {
        if let Some(hook) = hook(self) {
            crate::task::contain(|| hook());
        }
    }
}

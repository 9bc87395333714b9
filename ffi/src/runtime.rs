//! Runtimes as a host sees them: made, shut down, freed, in that order.
//!
//! Shutting down has three steps. First the runtime says that it is shut down, and each of its
//! ports refuses what comes from then on; then all tasks are aborted, and each sends its terminal
//! message once its future is gone; then the threads end. Where host code does not return, the
//! second step ends with a timeout, and the call can be repeated. The ports stay, to be drained.

use crate::{
    boundary::{self, host_call},
    id::{self, Table, wharf_runtime_t},
    pin,
    port::{self, Wait},
    status::*,
};
use std::{
    ffi::c_void,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use wharf::runtime::{Builder, Handle};

/// A runtime, seen from the border.
pub(crate) struct Runtime {
    id: wharf_runtime_t,
    handle: Handle,
    /// Its threads call functions of the host's at their start or end: a shutdown waits for all of them.
    hooked: bool,
    /// `None` once it has been shut down.
    running: Mutex<Option<wharf::runtime::Runtime>>,
    /// SeqCst: a port that is opened writes itself into the table and then looks here; a shutdown
    /// writes here and then looks into the table. One of the two must see the other. (The table's
    /// lock orders them as well; this says so without it.)
    shut_down: AtomicBool,
}

/// What may be chosen when a runtime is made; 0 means the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) worker_threads: usize,
    pub(crate) max_blocking_threads: usize,
    pub(crate) thread_stack_size: usize,
    pub(crate) thread_name: Option<String>,
    pub(crate) spin_before_park: Duration,
    pub(crate) thread_keep_alive: Duration,
    /// For the start and the end of each thread.
    pub(crate) hooks: [Option<Hook>; 2],
}

/// A function of the host's for a thread's start or end, and what it is called with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook {
    pub(crate) function: unsafe extern "C" fn(*mut c_void),
    pub(crate) context: *mut c_void,
}

// SAFETY: the host has been told that it is called on each of the runtime's threads.
unsafe impl Send for Hook {}
// SAFETY: as for `Send`.
unsafe impl Sync for Hook {}

impl Hook {
    fn call(&self) {
        // SAFETY: the host gave the function to be called with this context, until the runtime has been
        // shut down, which waits for this call.
        host_call(|| unsafe { (self.function)(self.context) });
    }
}

#[cfg(not(loom))]
static RUNTIMES: Table<Runtime> = Table::new(id::RUNTIMES);
#[cfg(loom)]
loom::lazy_static! {
    static ref RUNTIMES: Table<Runtime> = Table::new(id::RUNTIMES);
}
static DEFAULT: Mutex<wharf_runtime_t> = Mutex::new(0);

/// How long a shutdown waits for threads whose tasks have all ended.
const THREADS_GRACE: Duration = Duration::from_secs(1);

/// Makes a runtime.
pub(crate) fn new(options: &Options) -> Result<wharf_runtime_t> {
    boundary::watch_forks();
    pin::library();
    let mut builder = Builder::new_multi_thread();
    builder.enable_all();
    if options.worker_threads > 0 {
        builder.worker_threads(options.worker_threads);
    }
    if options.max_blocking_threads > 0 {
        builder.max_blocking_threads(options.max_blocking_threads);
    }
    if options.thread_stack_size > 0 {
        builder.thread_stack_size(options.thread_stack_size);
    }
    if !options.thread_keep_alive.is_zero() {
        builder.thread_keep_alive(options.thread_keep_alive);
    }
    builder.spin_before_park(options.spin_before_park);
    builder.thread_name(options.thread_name.as_deref().unwrap_or("wharf"));
    let [start, stop] = options.hooks;
    if let Some(hook) = start {
        builder.on_thread_start(move || hook.call());
    }
    if let Some(hook) = stop {
        builder.on_thread_stop(move || hook.call());
    }
    let running =
        builder.build().map_err(|error| Error::system("the runtime could not start", &error))?;
    let handle = running.handle().clone();
    let runtime = RUNTIMES.insert(|id| Runtime {
        id,
        handle,
        hooked: start.is_some() || stop.is_some(),
        running: Mutex::new(Some(running)),
        shut_down: AtomicBool::new(false),
    })?;
    log::debug!("runtime {:#x} made", runtime.id);
    Ok(runtime.id)
}

/// The runtime that `id` names; the library's default one for 0.
pub(crate) fn get(id: wharf_runtime_t) -> Result<Arc<Runtime>> {
    RUNTIMES.get(if id == 0 { default()? } else { id })
}

/// The library's default runtime, made where there is none.
pub(crate) fn default() -> Result<wharf_runtime_t> {
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if RUNTIMES.get(*default).is_err() {
        *default = new(&Options::default())?;
    }
    Ok(*default)
}

/// The library's default runtime, if there is one.
pub(crate) fn default_if_made() -> Result<Arc<Runtime>> {
    RUNTIMES.get(*DEFAULT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The library's default runtime, made where there is none: for functions that are not exported
/// through [`export`](macro@crate::export) and spawn tasks on their own.
///
/// # Errors
///
/// The operating system refuses what a runtime needs.
pub fn default_handle() -> Result<Handle> {
    Ok(get(0)?.handle.clone())
}

impl Runtime {
    /// Where its tasks are spawned.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends tasks that no thread will ever come for. Called with no lock held.
    #[inline]
    pub(crate) fn end_stranded(&self) {
        self.handle.as_ref().end_stranded();
    }

    /// Why the system has refused the runtime a thread, if it has.
    pub(crate) fn refusal(&self) -> Option<std::io::Error> {
        self.handle.as_ref().refusal()
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.load(SeqCst)
    }

    /// See the module.
    pub(crate) fn shut_down(self: &Arc<Self>, wait: Wait) -> Result<()> {
        self.shut_down.store(true, SeqCst);
        let ports = port::of_runtime(self);
        ports.iter().for_each(|port| port.mailbox.shut_down());
        if boundary::in_host_call() {
            return Err(Error::new(
                WHARF_TIMEOUT,
                "the runtime is shutting down, but a function that wharf itself has called can't \
                 wait for the end of it: repeat the call from a thread of the host's own",
            ));
        }
        self.end_tasks();
        for port in &ports {
            if !port.mailbox.settle(wait) {
                return Err(still_running(port.mailbox.counts().tasks));
            }
        }
        self.end_threads(wait)?;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = running {
            runtime.shutdown_background();
            log::debug!("runtime {:#x} shut down", self.id);
        }
        Ok(())
    }

    /// Waits for the threads, whose tasks have all ended. Those that call no code of the host's any more
    /// are not waited for without end.
    fn end_threads(&self, wait: Wait) -> Result<()> {
        let limit = match wait {
            Wait::No => Some(Duration::ZERO),
            Wait::Until(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
            Wait::Forever if self.hooked => None,
            Wait::Forever => Some(THREADS_GRACE),
        };
        let left = self.handle.as_ref().shutdown(limit);
        if left.is_empty() || !self.hooked {
            return Ok(());
        }
        let threads = left.workers + left.blocking_threads;
        Err(Error::new(
            WHARF_TIMEOUT,
            format!(
                "{threads} threads have not ended, on which on_thread_stop is still to be called, or \
                 has not returned; repeat the shutdown when it has"
            ),
        ))
    }

    /// Makes the executor end all tasks, on this thread those that no other is there for: where the
    /// system has refused the runtime its threads, nobody else ever would.
    fn end_tasks(&self) {
        self.handle.as_ref().shutdown(Some(Duration::ZERO));
    }

    /// Forgets a runtime that has been shut down, and closes its ports.
    pub(crate) fn free(self: &Arc<Self>) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Err(Error::new(
                WHARF_WRONG_STATE,
                "the runtime has not been shut down, or a shutdown has timed out: repeat it first",
            ));
        }
        drop(running);
        for port in port::of_runtime(self) {
            port.close(Wait::Forever)?;
        }
        RUNTIMES.remove(self.id);
        Ok(())
    }
}

fn still_running(tasks: usize) -> Error {
    Error::new(
        WHARF_TIMEOUT,
        format!(
            "{tasks} tasks of one port have not ended: host code that they call has not returned; \
             repeat the shutdown when it has"
        ),
    )
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn options_reach_the_executor() {
        let options = Options {
            worker_threads: 3,
            spin_before_park: Duration::from_micros(50),
            thread_keep_alive: Duration::from_secs(7),
            ..Options::default()
        };
        let runtime = get(new(&options).unwrap()).unwrap();
        let executor = format!("{:?}", runtime.handle.as_ref());
        for option in ["spin_before_park: 50µs", "thread_keep_alive: 7s"] {
            assert!(executor.contains(option), "{option} in {executor}");
        }
        runtime.shut_down(Wait::Forever).unwrap();
        runtime.free().unwrap();
    }
}

//! How a runtime is put together: its parts, each of which knows nothing of the others, and what
//! ties them to one another.

use crate::driver::SeatDriver;
use std::{
    any::Any,
    sync::{Arc, Weak},
    time::Duration,
};
use wharf_base::context::{self, Part, Parts};
use wharf_executor::{Config, Driver, Executor, Flavor, Hook, Unfinished};
use wharf_reactor::Reactor;
use wharf_timer::Timers;

/// The parts of a runtime with their types, as the facade alone knows them.
#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) parts: Arc<Parts>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) timers: Option<Arc<Timers>>,
    pub(crate) reactor: Option<Arc<Reactor>>,
}

impl Inner {
    pub(crate) fn build(
        mut config: Config,
        seats: usize,
        with_io: bool,
        with_timers: bool,
    ) -> Self {
        config.on_thread_start = Some(on_thread_start(config.on_thread_start.take()));
        let reactor = with_io.then(|| Reactor::new(seats));
        if let Some(reactor) = &reactor {
            crate::net::resolve_on_the_blocking_pool(reactor);
        }
        let (mut executor, mut timers) = (None, None);
        let parts = Arc::new_cyclic(|parts: &Weak<Parts>| {
            timers = with_timers.then(|| make_timers(config.flavor, seats, parts));
            if let Some(reactor) = &reactor {
                reactor.set_attendant(attendant(parts));
            }
            let driver = |seat| -> Arc<dyn Driver> {
                Arc::new(SeatDriver::new(seat, reactor.clone(), timers.clone()))
            };
            let drivers = (0..seats).map(driver).collect();
            let made = Executor::new(config, drivers, parts.clone());
            executor = Some(made.clone());
            Parts {
                executor: made,
                timers: timers.clone().map(|timers| timers as Part),
                reactor: reactor.clone().map(|reactor| reactor as Part),
            }
        });
        let executor = executor.expect("set while the parts were made");
        Self { parts, executor, timers, reactor }
    }

    /// The same parts, found again from a thread that has entered them.
    pub(crate) fn current() -> Option<Self> {
        fn typed<T: Any + Send + Sync>(part: &Part) -> Arc<T> {
            part.clone().downcast().expect("the parts were put together by this facade")
        }
        let parts = context::current()?;
        Some(Self {
            executor: typed(&parts.executor),
            timers: parts.timers.as_ref().map(typed),
            reactor: parts.reactor.as_ref().map(typed),
            parts,
        })
    }

    /// Tasks first: what they hold wants its timers and sockets still in place when it is dropped.
    pub(crate) fn shutdown(&self, limit: Option<Duration>) -> Unfinished {
        let unfinished = self.executor.shutdown(limit);
        if let Some(timers) = &self.timers {
            timers.shutdown();
        }
        if let Some(reactor) = &self.reactor {
            reactor.shutdown();
        }
        unfinished
    }
}

/// The user's hook, after the thread's sleeps have been made exact.
fn on_thread_start(hook: Option<Hook>) -> Hook {
    Arc::new(move || {
        Reactor::claim_thread();
        if let Some(hook) = &hook {
            hook();
        }
    })
}

fn make_timers(flavor: Flavor, seats: usize, parts: &Weak<Parts>) -> Arc<Timers> {
    match flavor {
        Flavor::CurrentThread => Timers::new_pausable(attendant(parts)),
        Flavor::MultiThread => Timers::new(seats, attendant(parts)),
    }
}

/// Has somebody look after a seat, into which a thread without a seat has put a timer or a socket.
fn attendant(parts: &Weak<Parts>) -> Box<dyn Fn(usize) + Send + Sync> {
    let parts = parts.clone();
    Box::new(move |seat| {
        let Some(parts) = parts.upgrade() else { return };
        if let Some(executor) = parts.executor.downcast_ref::<Executor>() {
            executor.unpark(seat);
        }
    })
}

/// A blocking job that keeps a paused clock from jumping while it goes on.
pub(crate) fn holding_the_clock<R, F: FnOnce() -> R>(
    timers: Option<&Arc<Timers>>,
    job: F,
) -> impl FnOnce() -> R + use<R, F> {
    let hold = timers.and_then(Timers::hold_clock);
    move || {
        // Not only until the job returns: the task that waits for it must have been woken.
        if let Some(hold) = hold {
            wharf_executor::keep_until_done(Box::new(hold));
        }
        job()
    }
}

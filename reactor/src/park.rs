//! How the owner of a seat sleeps, and how it is woken: one word, and a condition variable for the
//! time before the seat has an epoll.
//!
//! # Protocol
//!
//! | state | meaning | left by |
//! | --- | --- | --- |
//! | `RUNNING` | the owner is awake | the owner, to a sleep; an unpark, to `PERMIT` |
//! | `PERMIT` | the owner's next sleep ends at once | the owner, to `RUNNING` |
//! | `ON_CONDVAR` | the owner sleeps, or is about to, on the condition variable | an unpark, to `PERMIT` |
//! | `ON_POLL` | the owner sleeps, or is about to, in its epoll | an unpark, to `PERMIT` |
//!
//! All changes are exchanges of the one word, so they have one order and need no fence: an unpark
//! either precedes the owner's going to sleep, which then finds the permit, or follows it, and then
//! the unpark finds where the owner sleeps and wakes it there. A wake that arrives after the owner
//! has already got up for another reason is at most one needless wake-up of the next sleep.
//!
//! The owner of a seat without an epoll that sleeps while another thread opens the seat's epoll
//! would not hear the sockets registered there. So who opens it first publishes it and then unparks:
//! the owner's next sleep sees the epoll (Release and Acquire of the same word).

use std::time::{Duration, Instant};
use wharf_base::sync::{
    Condvar, Mutex,
    atomic::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    lock,
};

const RUNNING: usize = 0;
const PERMIT: usize = 1;
const ON_CONDVAR: usize = 2;
const ON_POLL: usize = 3;

/// The sleep of one seat's owner.
#[derive(Debug)]
pub(crate) struct Parking {
    state: AtomicUsize,
    mutex: Mutex<()>,
    condvar: Condvar,
}

impl Parking {
    pub(crate) fn new() -> Self {
        Self { state: AtomicUsize::new(RUNNING), mutex: Mutex::new(()), condvar: Condvar::new() }
    }

    /// The owner goes to sleep in its epoll. `false`: there was a permit, now used up; don't block.
    pub(crate) fn sleep_on_poll(&self) -> bool {
        self.lie_down(ON_POLL)
    }

    /// The owner is awake again; a permit is used up.
    pub(crate) fn got_up(&self) {
        // Acquire: sees what whoever has unparked us did before.
        self.state.swap(RUNNING, Acquire);
    }

    fn lie_down(&self, how: usize) -> bool {
        // Release: whoever unparks us finds the epoll that we sleep in. Relaxed on failure: the swap
        // acquires.
        if self.state.compare_exchange(RUNNING, how, Release, Relaxed).is_ok() {
            return true;
        }
        self.got_up();
        false
    }

    /// The owner sleeps on the condition variable until `deadline`, if any, or an unpark.
    pub(crate) fn sleep_on_condvar(&self, deadline: Option<Instant>) {
        let mut guard = lock(&self.mutex);
        if !self.lie_down(ON_CONDVAR) {
            return;
        }
        loop {
            // Relaxed: the swap acquires.
            if self.state.load(Relaxed) != ON_CONDVAR {
                break;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            guard = match left {
                Some(Duration::ZERO) => break,
                Some(left) => match self.condvar.wait_timeout(guard, left) {
                    Ok((guard, _)) => guard,
                    Err(poisoned) => poisoned.into_inner().0,
                },
                None => match self.condvar.wait(guard) {
                    Ok(guard) => guard,
                    Err(poisoned) => poisoned.into_inner(),
                },
            };
        }
        drop(guard);
        self.got_up();
    }

    /// Whether the owner sleeps, or is about to.
    pub(crate) fn is_asleep(&self) -> bool {
        // Relaxed: a hint.
        matches!(self.state.load(Relaxed), ON_CONDVAR | ON_POLL)
    }

    /// Ends the owner's present sleep, or its next one. Calls `wake_poll` where the owner sleeps in
    /// its epoll.
    pub(crate) fn unpark(&self, wake_poll: impl FnOnce()) {
        // AcqRel: releases what the caller did before to the owner, and acquires from an owner that
        // sleeps where it does so.
        match self.state.swap(PERMIT, AcqRel) {
            ON_CONDVAR => {
                // The owner looks at the state under this lock: it waits by now, or has seen us.
                drop(lock(&self.mutex));
                self.condvar.notify_one();
            }
            ON_POLL => wake_poll(),
            _ => {}
        }
    }
}

#[cfg(all(test, loom))]
#[path = "park_models.rs"]
mod models;

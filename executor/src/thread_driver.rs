//! A driver without events: for executors that need neither sockets nor timers, and for tests.

use crate::Driver;
use std::time::Duration;
use wharf_base::sync::{Condvar, Mutex, lock};

/// Parks a thread on a condition variable, and knows no events.
#[derive(Debug, Default)]
pub struct ThreadDriver {
    /// Whether the next `park` returns at once.
    permit: Mutex<bool>,
    arrived: Condvar,
}

impl ThreadDriver {
    /// A driver for one seat.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Driver for ThreadDriver {
    fn poll(&self) -> bool {
        false
    }

    fn park(&self, limit: Option<Duration>) {
        let mut permit = lock(&self.permit);
        if !*permit {
            permit = match limit {
                None => self.arrived.wait(permit).unwrap_or_else(|error| error.into_inner()),
                #[cfg(not(loom))]
                Some(limit) => {
                    let waited = self.arrived.wait_timeout(permit, limit);
                    waited.unwrap_or_else(|error| error.into_inner()).0
                }
                // A model has no time: a limit is a park that ends by itself.
                #[cfg(loom)]
                Some(_) => permit,
            };
        }
        *permit = false;
    }

    fn unpark(&self) {
        *lock(&self.permit) = true;
        self.arrived.notify_one();
    }

    fn is_idle(&self) -> bool {
        true
    }
}

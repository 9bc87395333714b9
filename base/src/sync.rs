//! The shim between `std` and loom: concurrency code imports its atomics, locks, cells and threads
//! from here, so that the code which ships is the code that the models run.
//!
//! Under `--cfg loom` the names are loom's. loom has no `Weak`, weakens `SeqCst` operations to
//! `AcqRel` (use `fence(SeqCst)` where a total order is meant), and knows no time.

#[cfg(not(loom))]
pub use std::{
    hint,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(loom)]
pub use loom::{
    self, hint,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(not(loom))]
pub use std::{thread_local, time::Instant};

#[cfg(loom)]
pub use crate::{model::Instant, model_local as thread_local};

/// Locks, whether or not a panic has passed through the lock before.
///
/// Nothing in wharf runs foreign code under a lock, so a poisoned lock guards sound data.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// An `UnsafeCell` whose accesses loom can follow.
///
/// It is not `Sync`: the type around it says why sharing it is sound.
#[derive(Debug)]
pub struct UnsafeCell<T>(Inner<T>);

#[cfg(not(loom))]
type Inner<T> = std::cell::UnsafeCell<T>;
#[cfg(loom)]
type Inner<T> = loom::cell::UnsafeCell<T>;

impl<T> UnsafeCell<T> {
    /// Wraps a value.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self(Inner::new(value))
    }

    /// Wraps a value.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self(Inner::new(value))
    }

    /// Runs `f` with a pointer for reading; the caller sees to it that nobody writes meanwhile.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(not(loom))]
        return f(self.0.get());
        #[cfg(loom)]
        return self.0.with(f);
    }

    /// Runs `f` with a pointer for writing; the caller sees to it that nobody else looks meanwhile.
    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(not(loom))]
        return f(self.0.get());
        #[cfg(loom)]
        return self.0.with_mut(f);
    }
}

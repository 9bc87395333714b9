//! Which runtime, and which of its seats, the current thread works for.
//!
//! A runtime is made of parts that do not know each other. Each part finds its own state through
//! the [`Parts`] of the runtime that the thread has entered: a `Sleep` its timers, a socket its
//! reactor, `spawn` its executor. The facade builds the `Parts`; workers enter them with a seat,
//! everybody else without one.
//!
//! The look-up is one thread-local read without a destructor, so it also works while a thread ends.

use crate::sync::thread_local;
use std::{any::Any, cell::Cell, marker::PhantomData, mem, ptr, sync::Arc};

/// A part of a runtime, as a stranger sees it; its own crate knows the type.
pub type Part = Arc<dyn Any + Send + Sync>;

/// The parts of one runtime.
#[allow(missing_debug_implementations, reason = "the parts are opaque here")]
pub struct Parts {
    /// `wharf-executor`'s shared state.
    pub executor: Part,
    /// `wharf-timer`'s shared state, where the runtime has timers.
    pub timers: Option<Part>,
    /// `wharf-reactor`'s shared state, where the runtime has I/O.
    pub reactor: Option<Part>,
}

#[derive(Clone, Copy)]
struct Current {
    /// Null outside any runtime. Points into an `Arc` held by the `Entered` that set it.
    parts: *const Parts,
    depth: usize,
    /// Whose seat this thread sits in, for comparison only, and which it is. Entering a runtime without a
    /// seat changes neither: the thread is where it was.
    sits_in: *const Parts,
    sits_at: usize,
    /// The same, if it is a seat of the runtime that was entered last.
    seat: usize,
}

impl Current {
    /// With `seat` as it follows from the rest.
    fn settled(self) -> Self {
        let seat = if ptr::eq(self.sits_in, self.parts) { self.sits_at } else { NO_SEAT };
        Self { seat, ..self }
    }
}

/// The thread sits in no seat.
const NO_SEAT: usize = usize::MAX;

thread_local! {
    static CURRENT: Cell<Current> = const {
        Cell::new(Current {
            parts: ptr::null(),
            depth: 0,
            sits_in: ptr::null(),
            sits_at: NO_SEAT,
            seat: NO_SEAT,
        })
    };
}

/// Makes `parts` the current runtime of this thread until the guard is dropped.
///
/// `seat` is the seat that this thread has just taken in it. Without one the thread stays in the seat that
/// it has, if that is one of this runtime's.
///
/// # Panics
///
/// Dropping the guards of one thread in another order than the reverse of their making panics.
pub fn enter(parts: Arc<Parts>, seat: Option<usize>) -> Entered {
    CURRENT.with(|current| {
        let before = current.get();
        let mut now = Current { parts: Arc::as_ptr(&parts), depth: before.depth + 1, ..before };
        if let Some(seat) = seat {
            (now.sits_in, now.sits_at) = (now.parts, seat);
        }
        current.set(now.settled());
        let (depth, sits) = (now.depth, seat.is_some());
        Entered { parts: Some(parts), before, depth, sits, not_send: PhantomData }
    })
}

/// Calls `f` with the current runtime's parts and this thread's seat; `None` outside any runtime.
#[inline]
pub fn with<R>(f: impl FnOnce(&Parts, Option<usize>) -> R) -> Option<R> {
    let current = CURRENT.with(Cell::get);
    if current.parts.is_null() {
        return None;
    }
    let seat = if current.seat == NO_SEAT { None } else { Some(current.seat) };
    // SAFETY: the pointer was set by `enter`, whose guard holds the `Arc` and restores the value
    // before letting it go; a guard dropped out of turn leaks its `Arc` instead. The guard is not
    // `Send`, so it can't be dropped by another thread while `f` runs.
    Some(f(unsafe { &*current.parts }, seat))
}

/// The current runtime's parts, or `None` outside any runtime.
pub fn current() -> Option<Arc<Parts>> {
    let parts = CURRENT.with(Cell::get).parts;
    if parts.is_null() {
        return None;
    }
    // SAFETY: as in `with`, the pointer comes from an `Arc` that is alive now.
    unsafe {
        Arc::increment_strong_count(parts);
        Some(Arc::from_raw(parts))
    }
}

/// Changes the seat that the thread sits in, of the runtime that it took one in last, and returns the one
/// before; for a thread that gives its seat away, or takes it again, without leaving its runtime.
pub fn set_seat(seat: Option<usize>) -> Option<usize> {
    CURRENT.with(|current| {
        let before = current.get();
        current.set(Current { sits_at: seat.unwrap_or(NO_SEAT), ..before }.settled());
        if before.sits_at == NO_SEAT { None } else { Some(before.sits_at) }
    })
}

/// The thread is in a runtime as long as this lives.
#[must_use = "the runtime is left as soon as this is dropped"]
#[allow(missing_debug_implementations, reason = "a guard has nothing to show")]
pub struct Entered {
    parts: Option<Arc<Parts>>,
    before: Current,
    depth: usize,
    /// It came with a seat.
    sits: bool,
    /// `CURRENT` is this thread's.
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let in_turn = CURRENT.with(|current| {
            let now = current.get();
            let in_turn = now.depth == self.depth;
            if in_turn && self.sits {
                current.set(self.before);
            } else if in_turn {
                // The seat may have been given away meanwhile.
                let Current { parts, depth, .. } = self.before;
                current.set(Current { parts, depth, ..now }.settled());
            }
            in_turn
        });
        if !in_turn {
            // A guard that is still alive will restore a pointer to our parts: they must stay.
            mem::forget(self.parts.take());
            if !std::thread::panicking() {
                panic!(
                    "the guard of an entered runtime was dropped before one that was made later; \
                     drop them in the reverse order of their making"
                );
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn parts(number: u32) -> Arc<Parts> {
        Arc::new(Parts { executor: Arc::new(number), timers: None, reactor: None })
    }

    fn here() -> Option<(u32, Option<usize>)> {
        with(|parts, seat| (*parts.executor.downcast_ref::<u32>().unwrap(), seat))
    }

    #[test]
    fn nested_runtimes_are_restored_in_turn() {
        assert_eq!(here(), None);
        let outer = enter(parts(1), Some(3));
        {
            let _inner = enter(parts(2), None);
            assert_eq!(here(), Some((2, None)));
        }
        assert_eq!(here(), Some((1, Some(3))));
        {
            let _inner = enter(parts(2), None);
            assert_eq!(set_seat(None), Some(3));
        }
        assert_eq!(here(), Some((1, None)));
        drop(outer);
        assert_eq!(here(), None);
        assert!(current().is_none());
    }

    #[test]
    fn guards_dropped_out_of_turn_panic_and_leave_no_dangling_parts() {
        let outer = enter(parts(1), None);
        let inner = enter(parts(2), None);
        let out_of_turn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(outer)));
        assert!(out_of_turn.is_err());
        assert_eq!(here(), Some((2, None)));
        drop(inner);
        assert_eq!(here(), Some((1, None)), "restored to parts that are still alive");
    }
}

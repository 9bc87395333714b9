//! Tasks by themselves, run by hand.

use super::{Header, Owner, Task};

/// An owner of nothing.
#[allow(dead_code, reason = "measures a cell, and owns the tasks of the tests")]
pub(crate) struct NoOwner;

impl Owner for NoOwner {
    unsafe fn schedule(task: Task) {
        drop(task);
    }

    unsafe fn reschedule(task: Task) {
        drop(task);
    }

    unsafe fn release(_: &Header, _: bool) -> usize {
        1
    }

    unsafe fn freed(_: *const ()) {}
}

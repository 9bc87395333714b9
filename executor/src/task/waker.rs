//! A task's waker: a counted reference to the task, and nothing else.

use super::{cell::Header, cell::Task};
use std::{
    mem::ManuallyDrop,
    ptr::NonNull,
    task::{RawWaker, RawWakerVTable, Waker},
};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The reference in `data`; it must be either used up or kept.
unsafe fn task(data: *const ()) -> ManuallyDrop<Task> {
    // SAFETY: `data` comes from `from_raw`, never null, and the waker holds the reference.
    ManuallyDrop::new(unsafe { Task::from_raw(NonNull::new_unchecked(data.cast_mut().cast())) })
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned holds a reference.
    let cloned = Task::clone(&*unsafe { task(data) });
    RawWaker::new(cloned.into_raw().as_ptr().cast(), &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker gives its reference away.
    ManuallyDrop::into_inner(unsafe { task(data) }).wake();
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker holds a reference, and keeps it.
    unsafe { task(data) }.wake_by_ref();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker gives its reference away.
    drop(ManuallyDrop::into_inner(unsafe { task(data) }));
}

/// The waker that is the reference `raw`.
///
/// # Safety
///
/// `raw` comes with a reference that is nobody else's, or the waker is not dropped.
pub(super) unsafe fn from_raw(raw: NonNull<Header>) -> Waker {
    // SAFETY: the functions above keep the contract of a waker: they may run on any thread, and
    // each accounts for the one reference that a waker is.
    unsafe { Waker::new(raw.as_ptr().cast_const().cast(), &VTABLE) }
}

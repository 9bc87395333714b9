//! What the type of a future decides: how it is polled, dropped, replaced by its output, and freed.

use super::{Cell, Failure, Header, Owner, Stage, VTable, contain};
use std::{
    future::Future,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};
use wharf_base::sync::UnsafeCell;

impl<F: Future, O: Owner> Cell<F, O> {
    pub(super) const VTABLE: VTable = VTable {
        poll: poll::<F, O>,
        cancel: cancel::<F, O>,
        take_output: take_output::<F, O>,
        drop_output: drop_output::<F, O>,
        free: free::<F, O>,
        schedule: O::schedule,
        reschedule: O::reschedule,
        release: O::release,
    };
}

/// The task's address as that of its whole cell.
fn cell<F: Future, O>(task: NonNull<Header>) -> NonNull<Cell<F, O>> {
    task.cast()
}

fn stage<'a, F: Future + 'a, O: 'a>(task: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
    // SAFETY: the functions of a vtable are called for tasks of their own type only, by somebody
    // who holds a reference to the task.
    unsafe { &(*cell::<F, O>(task).as_ptr()).stage }
}

unsafe fn poll<F: Future, O: Owner>(task: NonNull<Header>, cx: &mut Context<'_>) -> bool {
    let polled = stage::<F, O>(task).with_mut(|stage| {
        // SAFETY: the caller runs the task, so the stage is its own and holds the future. The
        // future is pinned: it is dropped where it lies, before the room is used for the output.
        let future = unsafe { Pin::new_unchecked(&mut *(*stage).future) };
        catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
    });
    let output = match polled {
        Ok(Poll::Pending) => return false,
        Ok(Poll::Ready(output)) => Ok(output),
        Err(payload) => Err(Failure::panicked(payload)),
    };
    // SAFETY: as above; the future is dropped here and nowhere else.
    unsafe { replace_future::<F, O>(task, output) };
    true
}

unsafe fn cancel<F: Future, O: Owner>(task: NonNull<Header>, failure: Failure) {
    // SAFETY: the caller runs the task, so the stage is its own and holds the future.
    unsafe { replace_future::<F, O>(task, Err(failure)) };
}

/// Drops the future and puts the output into its place. A panic in the drop becomes the output.
///
/// # Safety
///
/// The caller runs the task, and the stage holds the future.
unsafe fn replace_future<F: Future, O: Owner>(
    task: NonNull<Header>,
    output: Result<F::Output, Failure>,
) {
    stage::<F, O>(task).with_mut(|stage| {
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the future is there, and its room is written over below, whatever comes.
            unsafe { ManuallyDrop::drop(&mut (*stage).future) }
        }));
        let output = match dropped {
            Ok(()) => output,
            Err(payload) => {
                contain(|| drop(output));
                Err(Failure::panicked(payload))
            }
        };
        // SAFETY: the stage is ours, and the future in it is gone.
        unsafe { (*stage).output = ManuallyDrop::new(output) };
    });
}

unsafe fn take_output<F: Future, O: Owner>(task: NonNull<Header>, into: *mut ()) {
    stage::<F, O>(task).with_mut(|stage| {
        // SAFETY: the caller owns the output of a complete task and takes it once; `into` points to
        // room for exactly this type.
        unsafe {
            let output = ManuallyDrop::take(&mut (*stage).output);
            into.cast::<Result<F::Output, Failure>>().write(output);
        }
    });
}

unsafe fn drop_output<F: Future, O: Owner>(task: NonNull<Header>) -> bool {
    stage::<F, O>(task).with_mut(|stage| {
        // SAFETY: the caller owns the output of a complete task and drops it once.
        let output = unsafe { ManuallyDrop::take(&mut (*stage).output) };
        let panicked = output.as_ref().is_err_and(Failure::is_panic);
        contain(|| drop(output));
        panicked
    })
}

unsafe fn free<F: Future, O: Owner>(task: NonNull<Header>) {
    // SAFETY: that was the last reference, to a cell that was made as a box of this type. The stage
    // is a union: what was in it is gone.
    unsafe {
        let owner = task.as_ref().owner;
        drop(Box::from_raw(cell::<F, O>(task).as_ptr()));
        O::freed(owner);
    }
}

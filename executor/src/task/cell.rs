//! The one allocation of a task: a [`Header`] of 32 bytes, the number, the room for the joiner's
//! waker, and the [`Stage`], where the future lives and, after it, the output.
//!
//! ```text
//! | state 8 | vtable 8 | owner 8 | slot 4 | home 2 | - 2 |  id 8 | join waker 16 | future or output |
//! ```
//!
//! Who may touch what:
//! - the future: whoever has made the state `RUNNING` (`start`, `seize`), until `pause` or `finish`;
//! - the output: whoever calls `finish`, until then; afterwards the join handle if it lives, else
//!   the one who called `finish`;
//! - the join waker's cell: the join handle while `JOIN_WAKER` is clear, the one who called `finish`
//!   if it was set then.

use super::{
    current::{wake_itself, with_task},
    error::Failure,
    id::Id,
    state::{Finish, Pause, Start, State, Wake},
};
use std::{
    any::Any,
    future::Future,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    task::{Context, Waker},
};
use wharf_base::sync::UnsafeCell;

mod stage;

/// Who queues a task and keeps its books: an executor, a local set, the blocking pool.
///
/// The owner's address is in the header; `Owner` says what it means.
pub(crate) trait Owner: 'static {
    /// Queues a task that was woken. May be called on any thread.
    ///
    /// # Safety
    ///
    /// The owner named by the task's header must be alive.
    unsafe fn schedule(task: Task);

    /// Queues a task that was woken in its own poll, behind all others. Called by its runner.
    ///
    /// # Safety
    ///
    /// As for `schedule`.
    unsafe fn reschedule(task: Task);

    /// The task is complete: strikes it off the books, and returns how many references these held.
    /// `unhandled_panic`: it has panicked, and there is no handle to tell.
    ///
    /// # Safety
    ///
    /// The owner is alive, and this is called once a task, by whoever called `finish`.
    unsafe fn release(header: &Header, unhandled_panic: bool) -> usize;

    /// A task of this owner has been freed. May free the owner.
    ///
    /// # Safety
    ///
    /// The owner is alive, and this is called once a task.
    unsafe fn freed(owner: *const ());
}

/// What the type of the future decides.
pub(crate) struct VTable {
    /// Polls the future; `true` if it is done, its output stored.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future and stores the failure.
    cancel: unsafe fn(NonNull<Header>, Failure),
    /// Moves the output to where the pointer shows.
    take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output; whether it was a panic.
    drop_output: unsafe fn(NonNull<Header>) -> bool,
    free: unsafe fn(NonNull<Header>),
    schedule: unsafe fn(Task),
    reschedule: unsafe fn(Task),
    release: unsafe fn(&Header, bool) -> usize,
}

#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    vtable: &'static VTable,
    /// Points to the owner, see [`Owner`].
    pub(crate) owner: *const (),
    /// The task's place in its home's registry of live tasks.
    pub(crate) slot: u32,
    /// Which registry that is.
    pub(crate) home: u16,
}

#[cfg(all(not(loom), target_pointer_width = "64"))]
const _: () = assert!(size_of::<Header>() == 32);
#[cfg(all(not(loom), target_pointer_width = "64"))]
const _: () = assert!(size_of::<Cell<std::future::Pending<()>, super::tests::NoOwner>>() <= 72);

#[repr(C)]
struct Core {
    header: Header,
    id: Id,
    join_waker: UnsafeCell<MaybeUninit<Waker>>,
}

/// Future and output share their room; the state says which it is.
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, Failure>>,
}

#[repr(C)]
pub(crate) struct Cell<F: Future, O> {
    core: Core,
    stage: UnsafeCell<Stage<F>>,
    owner: PhantomData<O>,
}

fn core_of<'a>(task: NonNull<Header>) -> &'a Core {
    // SAFETY: `Header` is the first field of `Core`, and `Core` of each cell (`repr(C)`), and every
    // header was made as part of one; the caller holds a reference to the task.
    unsafe { task.cast::<Core>().as_ref() }
}

/// The number of a task.
///
/// # Safety
///
/// The caller holds a reference to the task, or somebody does for it.
pub(super) unsafe fn id_of(task: NonNull<Header>) -> Id {
    core_of(task).id
}

/// Runs foreign code whose panic has nobody left to reach.
pub(crate) fn contain(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        log_panic(payload);
    }
}

#[cold]
fn log_panic(payload: Box<dyn Any + Send>) {
    let message = super::error::message_of(payload.as_ref()).unwrap_or("no message");
    log::error!("a panic outside any task's poll was contained: {message}");
    // A payload can panic when it is dropped, and that payload too: here the chain ends.
    std::mem::forget(payload);
}

/// A reference to a task.
#[repr(transparent)]
pub(crate) struct Task(NonNull<Header>);

// SAFETY: the header is made for sharing, and the future is touched only under the state's rule, by
// runners that the owner chooses: those of a future that is not `Send` are all on one thread.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// Allocates a task with `references` references, of which this is one; the others come out of
    /// [`Task::split`].
    ///
    /// # Safety
    ///
    /// `owner` is what `O` takes it for. It lives until all its tasks are freed, as `O::freed` tells
    /// it. A future that is not `Send` is run, cancelled and joined on one thread only.
    pub(crate) unsafe fn new<F: Future, O: Owner>(
        future: F,
        id: Id,
        owner: *const (),
        (home, slot): (u16, u32),
        references: usize,
    ) -> Self {
        let state = State::new(references);
        let header = Header { state, vtable: &Cell::<F, O>::VTABLE, owner, slot, home };
        let core = Core { header, id, join_waker: UnsafeCell::new(MaybeUninit::uninit()) };
        let stage = UnsafeCell::new(Stage { future: ManuallyDrop::new(future) });
        let cell = Box::new(Cell::<F, O> { core, stage, owner: PhantomData });
        Self(NonNull::from(Box::leak(cell)).cast())
    }

    /// The three references that a new task was counted with: for the queue, for the handle, and
    /// for the books.
    #[inline]
    pub(crate) fn split(self) -> (Self, Self, Self) {
        let raw = self.0;
        (self, Self(raw), Self(raw))
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: a reference keeps the task allocated.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn id(&self) -> Id {
        core_of(self.0).id
    }

    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    ///
    /// `raw` comes with a counted reference that is nobody else's.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> Self {
        Self(raw)
    }

    /// Polls a task that came out of a queue, with the queue's reference, and does all that follows.
    #[inline]
    pub(crate) fn run(self) {
        match self.header().state.start() {
            Start::Poll => self.poll(),
            Start::Cancel => self.cancel(Failure::cancelled()),
            Start::Dead => drop(self),
        }
    }

    #[inline]
    fn poll(self) {
        let raw = self.0;
        // SAFETY: the waker borrows our reference: it is never dropped, and gone before `self`.
        let waker = ManuallyDrop::new(unsafe { super::waker::from_raw(raw) });
        let mut cx = Context::from_waker(&waker);
        let (done, woken) = with_task(raw, || {
            wharf_base::coop::with_budget(|| {
                // SAFETY: `start` has made us the runner.
                unsafe { (self.header().vtable.poll)(raw, &mut cx) }
            })
        });
        if done {
            return self.complete();
        }
        match self.header().state.pause(woken) {
            Pause::Idle => _ = self.into_raw(),
            // SAFETY: a task that is not complete has a living owner.
            Pause::Again => unsafe { (self.header().vtable.reschedule)(self) },
            Pause::Cancel => self.cancel(Failure::cancelled()),
        }
    }

    /// Drops the future, as its runner.
    fn cancel(self, failure: Failure) {
        with_task(self.0, || {
            // SAFETY: the caller's `start` or `seize` has made us the runner.
            unsafe { (self.header().vtable.cancel)(self.0, failure) }
        });
        self.complete();
    }

    /// Ends the task wherever it stands, unless somebody runs it, who will then end it. The
    /// reference must be one that is counted beside the queue's: the books'; or the queue's, of one
    /// that was taken out of it.
    pub(crate) fn shut_down(self) {
        self.fail(Failure::cancelled());
    }

    /// The same, and says why.
    pub(crate) fn fail(self, failure: Failure) {
        if self.header().state.seize() {
            self.cancel(failure);
        }
    }

    /// The output is stored and the future gone: tells the joiner, and lets go of the task.
    #[inline]
    fn complete(self) {
        let header = self.header();
        let raw = self.0;
        let unjoined = !header.state.has_join_interest();
        let mut unhandled_panic = false;
        if unjoined {
            // SAFETY: nobody will join, so the output is ours.
            unhandled_panic = unsafe { (header.vtable.drop_output)(raw) };
        }
        let Finish { join_interest, join_waker } = header.state.finish();
        if join_waker {
            let cell = &core_of(raw).join_waker;
            // SAFETY: the bit gives the full cell to us.
            let waker = cell.with(|cell| unsafe { (*cell).assume_init_read() });
            contain(|| waker.wake());
        }
        if !join_interest && !unjoined {
            // SAFETY: the handle went before `finish`, so the output is ours.
            unhandled_panic = unsafe { (header.vtable.drop_output)(raw) };
        }
        // SAFETY: a task that is not freed has a living owner, and `finish` is called once.
        let references = 1 + unsafe { (header.vtable.release)(header, unhandled_panic) };
        self.drop_references(references);
    }

    /// Drops this reference and others of the caller's with it.
    #[inline]
    fn drop_references(self, count: usize) {
        let state = &self.header().state;
        if state.is_unshared(count) || state.drop_references(count) {
            // SAFETY: that was the last reference.
            unsafe { (self.header().vtable.free)(self.0) };
        }
        _ = self.into_raw();
    }

    #[inline]
    pub(crate) fn wake_by_ref(&self) {
        if !wake_itself(self.0.as_ptr()) && self.header().state.wake_by_ref() == Wake::Schedule {
            self.schedule_new_reference();
        }
    }

    #[inline]
    pub(crate) fn wake(self) {
        match self.header().state.wake_by_val() {
            Wake::Nothing => _ = self.into_raw(),
            // SAFETY: a task that is not complete has a living owner.
            Wake::Schedule => unsafe { (self.header().vtable.schedule)(self) },
            Wake::Free => {
                // SAFETY: that was the last reference.
                unsafe { (self.header().vtable.free)(self.0) };
                _ = self.into_raw();
            }
        }
    }

    pub(crate) fn abort(&self) {
        if self.header().state.abort() == Wake::Schedule {
            self.schedule_new_reference();
        }
    }

    fn schedule_new_reference(&self) {
        // SAFETY: the state has just counted this reference, for the queue; our own keeps the task,
        // and so its owner.
        unsafe { (self.header().vtable.schedule)(Self(self.0)) };
    }

    /// Registers the joiner's waker; `true` if the task is complete. Called by the join handle only.
    pub(crate) fn poll_join(&self, waker: &Waker) -> bool {
        let state = &self.header().state;
        if state.is_complete() {
            return true;
        }
        let cell = &core_of(self.0).join_waker;
        if state.has_join_waker() {
            // SAFETY: the cell is full; until `retract_join_waker` both sides only read it.
            if cell.with(|cell| unsafe { (*cell).assume_init_ref().will_wake(waker) }) {
                return state.is_complete();
            }
            if !state.retract_join_waker() {
                return true;
            }
            self.drop_join_waker();
        }
        let waker = waker.clone();
        cell.with_mut(|cell| {
            // SAFETY: JOIN_WAKER is clear, so the cell is the handle's, and empty.
            unsafe { (*cell).write(waker) };
        });
        if state.offer_join_waker() {
            return false;
        }
        self.drop_join_waker();
        true
    }

    /// Empties the join waker's cell, which is full and the handle's.
    fn drop_join_waker(&self) {
        // SAFETY: as the caller says.
        let waker = core_of(self.0).join_waker.with(|cell| unsafe { (*cell).assume_init_read() });
        contain(|| drop(waker));
    }

    /// Takes the output.
    ///
    /// # Safety
    ///
    /// The task is complete, the caller is its join handle and calls this once, and `T` is the
    /// type of its output.
    pub(crate) unsafe fn take_output<T>(&self) -> Result<T, Failure> {
        let mut output = MaybeUninit::<Result<T, Failure>>::uninit();
        // SAFETY: as the caller says.
        unsafe {
            (self.header().vtable.take_output)(self.0, output.as_mut_ptr().cast());
            output.assume_init()
        }
    }

    /// The join handle goes. `taken`: it has taken the output.
    #[inline]
    pub(crate) fn leave_join(self, taken: bool) {
        if !taken && self.header().state.leave_join_at_once() {
            _ = self.into_raw();
            return;
        }
        let leave = self.header().state.leave_join();
        if leave.waker {
            self.drop_join_waker();
        }
        if leave.output && !taken {
            // SAFETY: the task is complete, and the output is the handle's.
            unsafe { (self.header().vtable.drop_output)(self.0) };
        }
    }
}

impl Clone for Task {
    fn clone(&self) -> Self {
        self.header().state.add_reference();
        Self(self.0)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.header().state.drop_references(1) {
            // SAFETY: that was the last reference.
            unsafe { (self.header().vtable.free)(self.0) };
        }
    }
}

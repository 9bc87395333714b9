//! [`block_in_place`]: code that blocks, without leaving the task.

use crate::{block_on::Driving, seat::Seat, shared::Shared, worker};
use wharf_base::context;

/// Runs `f`, which may block, on this thread, and gives the thread's seat to another one meanwhile.
///
/// The other tasks of the seat go on, on a thread that is started or woken for it where there is
/// something to do. Inside `f`, `block_on` is allowed. The rest of this task's poll runs in the old
/// seat if it is free again, else without one. What runs concurrently with `f` *inside the same
/// task* (another branch of a `join!`) does stand still.
///
/// Outside a runtime, on the threads of the blocking pool, and where no task is being polled (in a
/// waker or a hook that a worker calls), it just calls `f`.
///
/// # Panics
///
/// On a current-thread runtime, which has no other thread to go on with. A panic of `f` is passed on.
#[track_caller]
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    let seat = Seat::any_here();
    if let Some(seat) = seat {
        assert!(
            seat.shared().is_multi_thread(),
            "`block_in_place` was called on a current-thread runtime, which has no other thread to \
             run its tasks meanwhile: use `spawn_blocking`"
        );
    }
    // Between polls the worker is in the middle of something at its seat.
    let _away = seat.filter(|seat| seat.own.polling.get()).map(Away::new);
    let _suspended = Driving::suspend();
    f()
}

/// The thread has given its seat away as long as this lives.
struct Away<'a> {
    shared: &'a Shared,
    seat: &'a Seat,
    polling: bool,
}

impl<'a> Away<'a> {
    fn new(seat: &'a Seat) -> Self {
        let shared = seat.shared();
        let polling = seat.own.polling.replace(false);
        // SAFETY: no seat at all is always in order.
        unsafe { Seat::sit(std::ptr::null()) };
        // Whatever else the task has entered: the seat that it is polled in was the last that was taken.
        context::set_seat(None);
        worker::leave(shared, seat);
        Self { shared, seat, polling }
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        if !self.shared.idle.vacant.remove(self.seat.number) {
            return;
        }
        self.shared.idle.become_busy();
        self.seat.begin_busy();
        // SAFETY: we own the seat again; the `Sitting` of this thread gives it back.
        unsafe { Seat::sit(self.seat) };
        self.seat.own.polling.set(self.polling);
        context::set_seat(Some(self.seat.number));
    }
}

//! The end of an executor: no new work, every pending future dropped, threads sent home.
//!
//! Whoever owns a seat ends its tasks: a worker or the thread of a `block_on` when it finds the
//! executor closed, the thread that shuts down for all seats that are vacant. So the seats' books need
//! no lock here either. A task is found through the books of its home, wherever it was last queued;
//! a place in a queue is only a reference, which is let go. A task in the middle of a poll is marked,
//! and ended by the thread that polls it, when that returns.
//!
//! *No seat is forgotten.* The shutdown closes, then takes each seat out of `vacant`; who leaves a seat
//! puts it in there, then looks whether the executor is closed. Both are read-modify-writes of one
//! word, so either the shutdown comes second and gets the seat, or the other one does, and sees the
//! close. (It must therefore not look first whether the seat is there.) Where somebody sits, he is
//! unparked whether or not he sleeps, and sees the close by the permit. *No task is forgotten.* A spawn at
//! a seat is the owner's doing, as is the drain: what comes before is found, what comes after ends at once.
//! Spawns from outside are ordered with their drain by a lock.

use crate::{seat::Seat, shared::Shared, worker};

impl Shared {
    /// Begins the end, or goes on with it. `here` is the seat of this thread.
    pub(crate) fn begin_shutdown(&self, here: Option<&Seat>) {
        self.close();
        self.pool.close();
        for place in self.threads.close() {
            if place.searching {
                self.idle.end_search();
            }
            self.idle.vacant.insert(place.seat);
        }
        // Only references: their tasks end through the books.
        drop(self.injector.close());
        self.drain_strays();
        if let Some(seat) = here {
            worker::drain(self, seat);
        }
        for seat in &self.seats {
            if !self.drain_if_vacant(seat) {
                seat.driver.unpark();
            }
        }
        self.wake_waiting();
    }

    /// Ends the tasks of a seat that nobody sits in; `false` if somebody does.
    pub(crate) fn drain_if_vacant(&self, seat: &Seat) -> bool {
        struct Stand<'a>(&'a Shared, &'a Seat, *const Seat);
        impl Drop for Stand<'_> {
            fn drop(&mut self) {
                // SAFETY: the seat that this thread had before, if any, still is its own.
                unsafe { Seat::sit(self.2) };
                self.0.idle.vacant.insert(self.1.number);
            }
        }
        if !self.idle.vacant.remove(seat.number) {
            return false;
        }
        // SAFETY: we own the seat, and it lives as long as `self`.
        let _stand = Stand(self, seat, unsafe { Seat::sit(seat) });
        worker::drain(self, seat);
        true
    }
}

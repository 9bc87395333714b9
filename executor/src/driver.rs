//! What a seat does when it has nothing to run: the [`Driver`].
//!
//! The executor knows neither sockets nor clocks. Each seat has one driver, made by whoever builds
//! the executor: the facade's turns the reactor and fires the timers, a model's parks a thread, a
//! foreign loop's waits in that loop.

use std::time::Duration;

/// Where one seat looks for events, and where its owner sleeps.
///
/// *Owner* is the thread that sits in the seat. Events become wakes: a driver calls the wakers of
/// the tasks concerned, on the calling thread, and the executor's wakers put them into the queue
/// of the seat that the calling thread sits in.
pub trait Driver: Send + Sync + 'static {
    /// Collects what is ready at this seat and fires its due timers, without blocking.
    ///
    /// Any worker may call it, for a seat whose owner is held up; where somebody else is just at
    /// it, it returns at once. Returns whether any waker was called.
    fn poll(&self) -> bool;

    /// Sleeps until an event, a due timer, [`unpark`](Self::unpark) or `limit`, whichever comes
    /// first, and then does what `poll` does. Only the owner calls it.
    ///
    /// An `unpark` that came before makes the next `park` return at once. It may also return
    /// without a reason.
    fn park(&self, limit: Option<Duration>);

    /// Ends the owner's present `park`, or its next one. Any thread may call it.
    fn unpark(&self);

    /// Whether most of what was found last was caused by others on this machine, who keep its
    /// processors busy with that: then it must be more before it is spread over several seats.
    ///
    /// Only the owner calls it. A driver that does not know says `false`.
    fn is_fed_nearby(&self) -> bool {
        false
    }

    /// Whether nothing waits here: no timer armed, no source registered.
    ///
    /// When the thread of a `block_on` leaves its seat, a worker sits down in it instead, unless
    /// the seat's queue is empty and its driver idle. A driver that does not know says `false`.
    fn is_idle(&self) -> bool {
        false
    }
}

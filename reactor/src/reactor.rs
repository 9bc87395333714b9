//! The [`Reactor`]: the seats, the slots, and which source is at home where.

use crate::{
    error,
    pairs::Pairs,
    registration::{A_PAIR, MAX_SEATS, Registration, Wish},
    seat::{Batch, Seat},
    slab::Slab,
    wait,
};
use std::{
    collections::VecDeque,
    io,
    os::fd::RawFd,
    sync::{Arc, OnceLock, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use wharf_base::context;

/// A job that may block.
pub type Job = Box<dyn FnOnce() + Send>;
/// Has a job done on a thread that may block, or drops it: see [`Reactor::set_pool`].
pub type Pool = Box<dyn Fn(Job) + Send + Sync>;

/// Has somebody look after a seat: see [`Reactor::set_attendant`].
pub type Attendant = Box<dyn Fn(usize) + Send + Sync>;

/// The I/O side of one runtime: a driver per seat.
///
/// No descriptor is opened until the first source is registered.
/// Sockets hold on to their reactor; they outlive its shutdown, but then say so with an error.
pub struct Reactor {
    pub(crate) seats: Box<[Seat]>,
    pub(crate) slab: Slab,
    /// Where the reactor's own TCP streams find each other.
    pub(crate) pairs: Pairs,
    pool: OnceLock<Pool>,
    attendant: OnceLock<Attendant>,
}

impl Reactor {
    /// A reactor for seats `0..seats`.
    ///
    /// # Panics
    ///
    /// With no seats at all, or more than 32,767.
    pub fn new(seats: usize) -> Arc<Self> {
        assert!(
            (1..=MAX_SEATS).contains(&seats),
            "a reactor has 1 to {MAX_SEATS} seats, not {seats}"
        );
        Arc::new(Self {
            seats: (0..seats).map(|_| Seat::new()).collect(),
            slab: Slab::new(),
            pairs: Pairs::default(),
            pool: OnceLock::new(),
            attendant: OnceLock::new(),
        })
    }

    /// Says where the system is asked for the addresses of a host name, which blocks; only the first
    /// call counts. Without it only numeric addresses can be connected to.
    ///
    /// It takes any job, and not names: so a program that looks none up need not contain how that is
    /// done.
    pub fn set_pool(&self, pool: Pool) {
        // A second one is ignored, as documented.
        let _ = self.pool.set(pool);
    }

    /// Says how a seat gets an owner that turns it; only the first call counts. It is called where a
    /// source is registered at, or moves to, another seat than that of the calling thread, so that nobody
    /// may be turning it.
    pub fn set_attendant(&self, attendant: Attendant) {
        // A second one is ignored, as documented.
        let _ = self.attendant.set(attendant);
    }

    pub(crate) fn pool(&self) -> Option<&Pool> {
        self.pool.get()
    }

    /// Says that this thread belongs to a runtime, for good: its sleeps are made exact once instead of
    /// each time.
    ///
    /// (On Linux it lowers the thread's timer slack.)
    pub fn claim_thread() {
        wait::claim_thread();
    }

    /// Sleeps until there is an event at `seat`, an [`unpark`](Self::unpark), `deadline`, or the end
    /// of `limit`; then calls the wakers concerned and returns how many. May return early without a
    /// reason. It opens nothing: as long as the seat has no epoll it sleeps on a condition variable.
    ///
    /// Only the thread that owns the seat may call it.
    pub fn turn(&self, seat: usize, deadline: Option<Instant>, limit: Option<Duration>) -> usize {
        let limit = limit.and_then(|limit| Instant::now().checked_add(limit));
        let earliest = deadline.into_iter().chain(limit).min();
        self.seats[seat].turn(&self.slab, earliest)
    }

    /// Looks for events at `seat` without blocking, calls the wakers concerned and returns how many.
    ///
    /// Any thread may call it; where somebody else is just at it, it returns 0 at once. Sources
    /// whose events somebody else than the owner has found are at home with the finder from their
    /// next wait on.
    pub fn poll(&self, seat: usize) -> usize {
        let is_owner = context::with(|_, own| own == Some(seat)).unwrap_or(true);
        self.seats[seat].poll(&self.slab, is_owner)
    }

    /// Whether most of what was found last at `seat` was caused by others on this machine, whose
    /// processors are busy with it: by TCP peers that are no sockets of this reactor.
    pub fn is_fed_nearby(&self, seat: usize) -> bool {
        self.seats[seat].is_fed_nearby()
    }

    /// Ends the present turn of `seat`, or the next one. Any thread may call it.
    pub fn unpark(&self, seat: usize) {
        self.seats[seat].unpark();
    }

    /// Ends every wait with an error, now and from now on; new sources are refused.
    pub fn shutdown(&self) {
        let mut batch = Batch(VecDeque::new());
        for slot in self.slab.shut() {
            slot.bring_down(&mut batch.0);
        }
        batch.wake_all();
    }

    /// How many sources are registered.
    pub fn sources(&self) -> usize {
        self.slab.tenants()
    }

    /// How many sources call `seat` home.
    pub fn sources_at(&self, seat: usize) -> usize {
        // Relaxed: a snapshot for the curious.
        self.seats[seat].sources.load(Relaxed)
    }

    /// The reactor of the runtime that this thread has entered.
    pub fn current() -> io::Result<Arc<Self>> {
        let part = context::with(|parts, _| parts.reactor.clone()).flatten();
        part.and_then(|part| part.downcast().ok()).ok_or_else(error::no_reactor)
    }

    /// Registers `fd` with the current runtime, at the current seat if there is one.
    pub(crate) fn register(fd: RawFd, wish: Wish) -> io::Result<Registration> {
        let reactor = Self::current()?;
        let seat = reactor.seat_here().unwrap_or_else(|| reactor.emptiest_seat());
        let seat = reactor.seat_with_room(seat);
        reactor.register_at(seat, fd, wish)
    }

    /// `seat`, or where there is no descriptor left for its epoll, one that has its own: who has accepted
    /// a connection with the last descriptor is not to lose it.
    fn seat_with_room(&self, seat: usize) -> usize {
        if self.seats[seat].open() {
            return seat;
        }
        self.seats.iter().position(Seat::is_open).unwrap_or(seat)
    }

    /// As [`register`](Self::register), for two sources that talk to each other: both at one seat, so
    /// that a round trip wakes nobody; at the emptiest, where this one has more than a pair too many.
    pub(crate) fn register_pair(fds: [RawFd; 2], wish: Wish) -> io::Result<[Registration; 2]> {
        let reactor = Self::current()?;
        let emptiest = reactor.emptiest_seat();
        let is_too_many =
            |&seat: &usize| reactor.sources_at(seat) > reactor.sources_at(emptiest) + A_PAIR;
        let seat = reactor.seat_here().filter(|seat| !is_too_many(seat)).unwrap_or(emptiest);
        let mut one = reactor.clone().register_at(seat, fds[0], wish)?;
        match reactor.register_at(seat, fds[1], wish) {
            Ok(other) => Ok([one, other]),
            Err(error) => {
                one.end();
                Err(error)
            }
        }
    }

    fn register_at(
        self: Arc<Self>,
        seat: usize,
        fd: RawFd,
        wish: Wish,
    ) -> io::Result<Registration> {
        let is_here = self.seat_here() == Some(seat);
        let registration = Registration::new(self.clone(), seat, fd, wish)?;
        if !is_here {
            self.attend(seat);
        }
        Ok(registration)
    }

    /// The seat of this thread, if it sits in one of this reactor's.
    pub(crate) fn seat_here(&self) -> Option<usize> {
        context::with(|parts, seat| {
            let own = parts.reactor.as_ref()?;
            let is_own = std::ptr::addr_eq(Arc::as_ptr(own), self);
            seat.filter(|&seat| is_own && seat < self.seats.len())
        })?
    }

    /// The seat with the fewest sources of those whose owner was not held up lately.
    pub(crate) fn emptiest_seat(&self) -> usize {
        let least = |&seat: &usize| (self.seats[seat].is_overdue(), self.sources_at(seat));
        (0..self.seats.len()).min_by_key(least).unwrap_or(0)
    }

    /// Sees to it that somebody turns `seat`, which has got a source.
    pub(crate) fn attend(&self, seat: usize) {
        if let Some(attend) = self.attendant.get() {
            attend(seat);
        }
    }
}

impl std::fmt::Debug for Reactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor")
            .field("seats", &self.seats.len())
            .field("sources", &self.sources())
            .finish()
    }
}

//! A source's place in its reactor, and how an operation on it waits.

use crate::{
    error,
    reactor::Reactor,
    slab::Token,
    slot::{self, Direction, Place, Seen, Slot},
    sys,
};
use mio::Interest;
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    os::fd::{BorrowedFd, RawFd},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{
            AtomicU16, AtomicU32,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::{Context, Poll, Waker, ready},
};
use wharf_base::coop;

/// Set in `home` while the source is being moved.
const MOVING: u16 = 1 << 15;
/// How many seats a reactor can have.
pub(crate) const MAX_SEATS: usize = MOVING as usize - 1;

/// After how many waits in a row away from home a source [goes with its task](Registration::settle).
const WAITS_AWAY: u16 = 4;

/// Nobody has asked yet where the peer is.
const PEER_UNKNOWN: u32 = 0;
/// The peer is on another machine.
const PEER_FAR: u32 = 1;
/// The peer is on this machine; its port is in the upper half.
const PEER_NEAR: u32 = 2;

/// Both directions.
pub(crate) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// What a kind of source asks of its registration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) interest: Interest,
    /// What is assumed to be ready at the start.
    pub(crate) ready: u64,
    /// The source moves to the seat that runs where its data comes in.
    pub(crate) follows: bool,
}

impl Wish {
    /// Both directions, to be tried at once.
    pub(crate) const TRY: Self =
        Self { interest: BOTH, ready: slot::READABLE | slot::WRITABLE, follows: false };
}

/// A registered source: its slot and its home.
pub(crate) struct Registration {
    reactor: Arc<Reactor>,
    slot: NonNull<Slot>,
    token: Token,
    fd: RawFd,
    /// The seat whose epoll the source is in.
    home: AtomicU16,
    /// How often a read has waited: tells when to ask where the data comes in. For a source that does
    /// not follow its data: how often in a row away from home.
    waits: AtomicU16,
    /// What is known of where the peer is.
    peer: AtomicU32,
    priority: bool,
    follows: bool,
}

// SAFETY: `slot` points into the slab of `reactor`, whose pages neither move nor go while it lives,
// and a `Slot` may be used from any thread.
unsafe impl Send for Registration {}
// SAFETY: as for `Send`.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers `fd` at `seat`; it stays open until [`end`](Self::end).
    pub(crate) fn new(
        reactor: Arc<Reactor>,
        seat: usize,
        fd: RawFd,
        wish: Wish,
    ) -> io::Result<Self> {
        let (token, slot) = reactor.slab.let_in(wish.ready)?;
        let slot = NonNull::from(slot);
        if let Err(error) = reactor.seats[seat].register(fd, token, wish.interest) {
            reactor.slab.let_out(token);
            return Err(error);
        }
        Ok(Self {
            reactor,
            slot,
            token,
            fd,
            home: AtomicU16::new(seat as u16),
            waits: AtomicU16::new(0),
            peer: AtomicU32::new(PEER_UNKNOWN),
            priority: wish.interest.is_priority(),
            follows: wish.follows,
        })
    }

    /// Takes the source out again. Call it once, with the descriptor still open.
    pub(crate) fn end(&mut self) {
        let home = *self.home.get_mut() as usize;
        if let Err(error) = self.reactor.seats[home].deregister(self.fd) {
            log::debug!("a source could not be taken out of its epoll: {error}");
        }
        self.reactor.slab.let_out(self.token);
    }

    pub(crate) fn slot(&self) -> &Slot {
        // SAFETY: the slab's pages live as long as the reactor, which we hold.
        unsafe { self.slot.as_ref() }
    }

    /// Tries `op`, and where it would block waits for `direction` and tries again.
    ///
    /// `op` also says whether it left nothing behind: then the next one waits before it tries.
    /// Cancel safe: an `op` that succeeds is returned in the same poll.
    pub(crate) fn run<R>(
        &self,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<(R, Left)>,
    ) -> impl Future<Output = io::Result<R>> {
        let mut waiter = Waiter::new(self.slot());
        poll_fn(move |cx| {
            self.poll_with(cx, direction, &mut op, |waker| waiter.wait(direction, waker))
        })
    }

    /// As [`run`](Self::run) for a stream, which returns 0 at once where nothing is `asked` for: there
    /// need not be anything to wait for then.
    pub(crate) fn run_if(
        &self,
        asked: bool,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<(usize, Left)>,
    ) -> impl Future<Output = io::Result<usize>> {
        let mut waiter = Waiter::new(self.slot());
        poll_fn(move |cx| {
            if !asked {
                return Poll::Ready(Ok(0));
            }
            self.poll_with(cx, direction, &mut op, |waker| waiter.wait(direction, waker))
        })
    }

    /// As [`run`](Self::run), for the one task that polls in this direction.
    pub(crate) fn poll_run<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<(R, Left)>,
    ) -> Poll<io::Result<R>> {
        self.poll_with(cx, direction, &mut op, |waker| self.slot().wait_alone(direction, waker))
    }

    fn poll_with<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: &mut impl FnMut() -> io::Result<(R, Left)>,
        mut wait: impl FnMut(&Waker),
    ) -> Poll<io::Result<R>> {
        let progress = ready!(coop::poll_proceed(cx));
        let mut waiting = false;
        loop {
            let seen = self.slot().look();
            if seen.is_ready(direction) {
                let Some(done) = self.attempt(seen, direction, op) else { continue };
                progress.made();
                return Poll::Ready(done);
            }
            if waiting {
                return Poll::Pending;
            }
            self.settle(seen, direction);
            wait(cx.waker());
            // Look again: an event may have come before the waker was there.
            waiting = true;
        }
    }

    /// One try. `None`: nothing there, and the word now says so, or something has come since.
    fn attempt<R>(
        &self,
        seen: Seen,
        direction: Direction,
        op: &mut impl FnMut() -> io::Result<(R, Left)>,
    ) -> Option<io::Result<R>> {
        if seen.has(slot::DOWN) {
            return Some(Err(error::down()));
        }
        match op() {
            Ok((value, left)) => {
                if left == Left::Nothing && seen.short_is_empty(direction) {
                    self.slot().clear(seen, direction.ready());
                }
                Some(Ok(value))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.slot().clear(seen, direction.all());
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// One try without waiting; `WouldBlock` where there is nothing.
    pub(crate) fn try_run<R>(
        &self,
        direction: Direction,
        op: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.slot().look();
        if !seen.is_ready(direction) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if seen.has(slot::DOWN) {
            return Err(error::down());
        }
        let result = op();
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.slot().clear(seen, direction.all());
        }
        result
    }

    /// Waits until an operation in `direction` is worth a try.
    pub(crate) fn ready(&self, direction: Direction) -> impl Future<Output = io::Result<Seen>> {
        let mut waiter = Waiter::new(self.slot());
        poll_fn(move |cx| {
            self.poll_ready_with(cx, direction, |waker| waiter.wait(direction, waker))
        })
    }

    /// As [`ready`](Self::ready), for the one task that polls in this direction.
    pub(crate) fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<Seen>> {
        self.poll_ready_with(cx, direction, |waker| self.slot().wait_alone(direction, waker))
    }

    fn poll_ready_with(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        wait: impl FnOnce(&Waker),
    ) -> Poll<io::Result<Seen>> {
        let progress = ready!(coop::poll_proceed(cx));
        let mut seen = self.slot().look();
        if !seen.is_ready(direction) {
            wait(cx.waker());
            seen = self.slot().look();
        }
        if !seen.is_ready(direction) {
            return Poll::Pending;
        }
        progress.made();
        Poll::Ready(if seen.has(slot::DOWN) { Err(error::down()) } else { Ok(seen) })
    }

    /// Called before a wait: moves the source to where it is better served.
    fn settle(&self, seen: Seen, direction: Direction) {
        if seen.has(slot::RESCUED) {
            self.slot().clear(seen, slot::RESCUED);
            if let Some(here) = self.reactor.seat_here() {
                self.move_to(here);
            }
        } else if direction == Direction::Read {
            if !self.follows {
                self.go_with_task();
            } else if self.is_time_to_ask() && self.is_worth_following() {
                self.follow();
            }
        }
    }

    /// Moves a source whose data tells nothing about where it comes from to the seat where its task
    /// has been waiting lately, if that seat has fewer sources: else all that one task has opened
    /// would stay at that task's seat, whoever has stolen their tasks since.
    fn go_with_task(&self) {
        // Relaxed: hints, all of them.
        let home = usize::from(self.home.load(Relaxed) & !MOVING);
        let Some(here) = self.reactor.seat_here() else { return };
        let waits = if here == home { 0 } else { self.waits.load(Relaxed).wrapping_add(1) };
        if waits < WAITS_AWAY {
            if waits != self.waits.load(Relaxed) {
                self.waits.store(waits, Relaxed);
            }
            return;
        }
        self.waits.store(0, Relaxed);
        let seats = &self.reactor.seats;
        if seats[here].sources.load(Relaxed) < seats[home].sources.load(Relaxed) {
            self.move_to(here);
        }
    }

    /// Whether data comes in where it is best served: from another machine (then the network card
    /// chooses the processor), or from a socket of this reactor's. The processor of any other
    /// sender on this machine is busy with the sender, and no place to follow to.
    #[cold]
    fn is_worth_following(&self) -> bool {
        // Relaxed: whoever misses it asks again.
        match self.peer.load(Relaxed) {
            PEER_UNKNOWN => {
                // SAFETY: the descriptor is open until `end`, which takes `&mut self`.
                let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
                let Some((local, peer)) = sys::addresses(fd) else { return false };
                self.reactor.ports.note(local.port());
                let is_near = peer.ip().to_canonical().is_loopback() || peer.ip() == local.ip();
                let found =
                    if is_near { u32::from(peer.port()) << 16 | PEER_NEAR } else { PEER_FAR };
                self.peer.store(found, Relaxed);
                !is_near || self.reactor.ports.has(peer.port())
            }
            PEER_FAR => true,
            near => self.reactor.ports.has((near >> 16) as u16),
        }
    }

    /// Moves the source to the seat that runs where its data comes in, if that seat has fewer
    /// sources, or as many and the toss of a coin says so.
    #[cold]
    fn follow(&self) {
        let seats = &self.reactor.seats;
        // Relaxed: a hint.
        let home = usize::from(self.home.load(Relaxed) & !MOVING);
        // SAFETY: the descriptor is open until `end`, which takes `&mut self`.
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
        let Some(processor) = sys::incoming_processor(fd) else { return };
        if seats[home].runs_on(processor) {
            return;
        }
        let Some(there) = seats.iter().position(|seat| seat.runs_on(processor)) else { return };
        // Relaxed: hints.
        let (here_has, there_has) =
            (seats[home].sources.load(Relaxed), seats[there].sources.load(Relaxed));
        if there_has < here_has || there_has == here_has && self.coin() {
            self.move_to(there);
        }
    }

    /// A coin that needs no state of its own: a hash of what differs between sources and tosses.
    fn coin(&self) -> bool {
        // Relaxed: any value will do.
        let toss = self.token.0 as u64 ^ u64::from(self.waits.load(Relaxed)) << 48;
        toss.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0
    }

    /// True at a source's waits 1, 2, 4, 8, 16 and every 32nd.
    fn is_time_to_ask(&self) -> bool {
        // Relaxed: a count that may miss some.
        let waits = self.waits.load(Relaxed).wrapping_add(1);
        self.waits.store(waits, Relaxed);
        waits % 32 == 0 || waits.is_power_of_two()
    }

    /// Makes `seat` the source's home, unless it is already or somebody else is moving it.
    fn move_to(&self, seat: usize) {
        let home = self.home.load(Relaxed);
        if home == seat as u16 || home & MOVING != 0 {
            return;
        }
        // Acquire: pairs with the Release of the last move's end.
        if self.home.compare_exchange(home, home | MOVING, Acquire, Relaxed).is_err() {
            return;
        }
        let moved = self.move_between(home as usize, seat);
        // Release: pairs with the Acquire of the next move.
        self.home.store(if moved { seat as u16 } else { home }, Release);
    }

    fn interest(&self) -> Interest {
        if self.priority { BOTH | Interest::PRIORITY } else { BOTH }
    }

    /// The new epoll reports what is ready at once, so no event is lost between the two.
    fn move_between(&self, from: usize, to: usize) -> bool {
        let (seats, fd) = (&self.reactor.seats, self.fd);
        if let Err(error) = seats[from].deregister(fd) {
            log::debug!("a source could not be moved: {error}");
            return false;
        }
        let Err(error) = seats[to].register(fd, self.token, self.interest()) else { return true };
        if let Err(error) = seats[from].register(fd, self.token, self.interest()) {
            // In no epoll: let every wait end, so that nobody hangs.
            log::error!("a source was lost between two workers: {error}");
            let mut batch = crate::seat::Batch(Default::default());
            self.slot().bring_down(&mut batch.0);
        }
        log::debug!("a source could not be moved: {error}");
        false
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for the eyes only.
        let home = self.home.load(Relaxed) & !MOVING;
        f.debug_struct("Registration").field("home", &home).finish_non_exhaustive()
    }
}

/// What a successful operation says about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It got less than it asked for: the next one would block.
    Nothing,
    /// Nobody knows.
    Perhaps,
}

impl Left {
    /// For a stream: `done` bytes of the `asked`.
    pub(crate) fn after(done: usize, asked: usize) -> Self {
        if 0 < done && done < asked { Left::Nothing } else { Left::Perhaps }
    }
}

/// One waiting future; it takes itself out of the crowd when it is dropped.
struct Waiter<'a> {
    slot: &'a Slot,
    place: Option<Place>,
}

impl<'a> Waiter<'a> {
    fn new(slot: &'a Slot) -> Self {
        Self { slot, place: None }
    }

    fn wait(&mut self, direction: Direction, waker: &Waker) {
        self.slot.wait(direction, waker, &mut self.place);
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.place {
            self.slot.forget(key);
        }
    }
}

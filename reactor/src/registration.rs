//! A source's place in its reactor, and how an operation on it waits. [`home`] tells at which seat, and
//! [`foretell`] when it need not wait for the system.

mod foretell;
mod home;

use crate::{
    error,
    io::Interest,
    reactor::Reactor,
    slab::Token,
    slot::{self, Direction, Place, Seen, Slot},
};
use home::Home;
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    os::fd::RawFd,
    ptr::NonNull,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use wharf_base::coop;

pub(crate) use home::{A_PAIR, MAX_SEATS};

/// Both directions.
pub(crate) const BOTH: mio::Interest = mio::Interest::READABLE.add(mio::Interest::WRITABLE);
/// These, and urgent data where the system tells of it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) const BOTH_AND_URGENT: mio::Interest = BOTH.add(mio::Interest::PRIORITY);
/// These, and urgent data where the system tells of it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) const BOTH_AND_URGENT: mio::Interest = BOTH;

/// What a kind of source asks of its registration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) interest: mio::Interest,
    /// What is assumed to be ready at the start.
    pub(crate) ready: u64,
    /// A TCP stream: it moves to where its data comes in, or to its peer.
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
    home: Home,
    interest: mio::Interest,
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
            home: Home::new(seat),
            interest: wish.interest,
            follows: wish.follows,
        })
    }

    /// Takes the source out again. Call it once, with the descriptor still open.
    pub(crate) fn end(&mut self) {
        self.leave_home();
        if let Err(error) = self.reactor.seats[self.home.seat()].deregister(self.fd) {
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
                let is_all = match left {
                    Left::Nothing => true,
                    Left::Unseen => seen.is_foretold(direction),
                    Left::Perhaps => false,
                };
                if is_all && seen.short_is_empty(direction) {
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
        interest: Interest,
        op: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.slot().look();
        if seen.has(slot::DOWN) {
            return Err(error::down());
        }
        if !seen.has(interest.awaited()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = op();
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.slot().clear(seen, interest.cleared());
        }
        result
    }

    /// Waits until any part of `interest` is ready.
    pub(crate) fn ready(&self, interest: Interest) -> impl Future<Output = io::Result<Seen>> {
        let mut waiters = [Direction::Read, Direction::Write].map(|_| Waiter::new(self.slot()));
        poll_fn(move |cx| {
            self.poll_ready_with(cx, interest, |waker| {
                for direction in interest.directions() {
                    waiters[direction as usize].wait(direction, waker);
                }
            })
        })
    }

    /// As [`ready`](Self::ready), for the one task that polls in this direction.
    pub(crate) fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<Seen>> {
        let wait = |waker: &Waker| self.slot().wait_alone(direction, waker);
        self.poll_ready_with(cx, direction.into(), wait)
    }

    fn poll_ready_with(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        wait: impl FnOnce(&Waker),
    ) -> Poll<io::Result<Seen>> {
        let progress = ready!(coop::poll_proceed(cx));
        let awaited = interest.awaited() | slot::DOWN;
        let mut seen = self.slot().look();
        if !seen.has(awaited) {
            wait(cx.waker());
            seen = self.slot().look();
        }
        if !seen.has(awaited) {
            return Poll::Pending;
        }
        progress.made();
        Poll::Ready(if seen.has(slot::DOWN) { Err(error::down()) } else { Ok(seen) })
    }

    /// Waits for `interest` and runs `op`, until it says something else than `WouldBlock`.
    pub(crate) async fn run_own<R>(
        &self,
        interest: Interest,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        if let Some(direction) = interest.direction() {
            return self.run(direction, || Ok((op()?, Left::Perhaps))).await;
        }
        loop {
            self.ready(interest).await?;
            match self.try_run(interest, &mut op) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("home", &self.home.seat()).finish_non_exhaustive()
    }
}

/// What a successful operation says about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It got less than it asked for: the next one would block.
    Nothing,
    /// It got all that it asked for: if nobody has told of more, what is left will be told of.
    Unseen,
    /// Nobody knows.
    Perhaps,
}

impl Left {
    /// For a stream: `done` bytes of the `asked`.
    pub(crate) fn after(done: usize, asked: usize) -> Self {
        match done {
            0 => Left::Perhaps,
            _ if done < asked => Left::Nothing,
            _ => Left::Unseen,
        }
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

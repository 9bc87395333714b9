//! At which seat a source is at home, and when it moves.
//!
//! An event makes its task ready at the seat whose epoll has reported it, so that is where a source
//! is at home. Before a read waits, its source may move to another seat, where it is better served:
//!
//! - **Rescued.** Somebody else had to look for its events: it goes home with that one, at once.
//! - **A TCP stream whose peer is on another machine** follows its data: the network card has chosen
//!   a processor, and the seat that runs there takes it up without crossing over.
//! - **A TCP stream whose peer is this reactor's too** meets it: both ends at one seat make a round
//!   trip without waking anybody. The end at the fuller seat moves. Where both are at home together, at
//!   a seat that has more than a pair too many, one moves to the emptiest, and draws the other after it.
//! - **Any other TCP stream with a peer on this machine** stays among many: the processor where its data
//!   comes in is busy with whoever has sent it, a *neighbour*. One that has its seat to itself follows
//!   it to an idle seat that has run there last: the two take turns then, and a round trip wakes no other
//!   processor. Events from neighbours are told of as such
//!   ([`Reactor::is_fed_nearby`](crate::Reactor::is_fed_nearby)): they call fewer seats.
//! - **A UDP socket** that is connected to one of this reactor's, or has last received from one by its
//!   address, meets that one as TCP streams do.
//! - **Any other source** goes with its task, which somebody may have stolen for good. Two that are made
//!   as a pair begin at one seat. A Unix stream to another process has a neighbour, too.
//!
//! Nobody moves to a seat whose owner has been held up lately. All that is read here is a hint: a
//! wrong one makes a source slower, and loses nothing.

use super::Registration;
use crate::{
    pairs::{Ends, Noted},
    seat::Seat,
    slot::{self, Direction, Seen},
    sys,
};
use std::{
    net::SocketAddr,
    os::fd::BorrowedFd,
    sync::atomic::{
        AtomicU16, AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Set in `seat` while the source is being moved.
const MOVING: u16 = 1 << 15;
/// How many seats a reactor can have.
pub(crate) const MAX_SEATS: usize = MOVING as usize - 1;

/// After how many waits in a row away from home a source [goes with its task](Registration::settle).
const WAITS_AWAY: u16 = 4;

/// By how many sources a seat may be ahead of the emptiest before one of a pair leaves it: with one
/// more, the pair would only change the sides.
pub(crate) const A_PAIR: usize = 2;

/// Nobody has asked yet where the peer is.
const PEER_UNKNOWN: u32 = 0;
/// The peer is on another machine: no two ports, as none is 0.
const PEER_FAR: u32 = 1;

/// A source's home, and what it remembers in order to find a better one.
#[derive(Debug)]
pub(super) struct Home {
    /// The seat whose epoll the source is in.
    seat: AtomicU16,
    /// How often a read has waited: tells when to ask where the data comes in. For a source that does
    /// not follow its data: how often in a row away from home.
    waits: AtomicU16,
    /// What is known of where the peer is: on this machine, its port, with ours in the upper half. Of a
    /// UDP socket it is whoever has sent last.
    peer: AtomicU32,
}

/// Where the other end of a TCP stream, or of a UDP socket's talk, is.
enum Peer {
    Unknown,
    /// On another machine.
    Far,
    /// On this one, of this reactor or not.
    Near(Ends),
}

impl Home {
    pub(super) fn new(seat: usize) -> Self {
        Self {
            seat: AtomicU16::new(seat as u16),
            waits: AtomicU16::new(0),
            peer: AtomicU32::new(PEER_UNKNOWN),
        }
    }

    /// The seat whose epoll the source is in, or the one that it is just being moved from.
    pub(super) fn seat(&self) -> usize {
        // Relaxed: a hint, or the caller has the source to itself.
        usize::from(self.seat.load(Relaxed) & !MOVING)
    }

    fn peer(&self) -> Peer {
        // Relaxed: whoever misses it asks again.
        match self.peer.load(Relaxed) {
            PEER_UNKNOWN => Peer::Unknown,
            PEER_FAR => Peer::Far,
            ports => Peer::Near(Ends { local: (ports >> 16) as u16, peer: ports as u16 }),
        }
    }

    /// True at a source's waits 1, 2, 4, 8, 16 and every 32nd.
    fn is_time_to_ask(&self) -> bool {
        // Relaxed: a count that may miss some.
        let waits = self.waits.load(Relaxed).wrapping_add(1);
        self.waits.store(waits, Relaxed);
        waits % 32 == 0 || waits.is_power_of_two()
    }
}

impl Registration {
    /// Called before a wait: moves the source to where it is better served.
    pub(super) fn settle(&self, seen: Seen, direction: Direction) {
        if seen.has(slot::RESCUED) {
            self.slot().clear(seen, slot::RESCUED);
            if let Some(here) = self.reactor.seat_here() {
                self.move_to(here);
            }
        } else if direction == Direction::Read {
            if self.follows {
                if self.home.is_time_to_ask() {
                    self.follow();
                }
            } else if let Some(ends) = self.own_peer() {
                if self.home.is_time_to_ask() {
                    self.meet(ends);
                }
            } else {
                self.go_with_task();
            }
        }
    }

    /// The other end, where it is known to be this reactor's too.
    pub(super) fn noted_peer(&self) -> Option<Noted> {
        match self.home.peer() {
            Peer::Near(ends) => self.reactor.pairs.peer(ends),
            _ => None,
        }
    }

    /// The ends, where the other one is known to be this reactor's too.
    fn own_peer(&self) -> Option<Ends> {
        match self.home.peer() {
            Peer::Near(ends) => self.reactor.pairs.peer(ends).map(|_| ends),
            _ => None,
        }
    }

    /// A datagram has come from `sender`, or the socket is connected to it.
    #[inline]
    pub(crate) fn note_sender(&self, sender: SocketAddr) {
        // Relaxed: as in `Home::peer`.
        if self.home.peer.load(Relaxed) as u16 != sender.port() {
            self.note_new_sender(sender);
        }
    }

    /// Notes the ports of both, where the sender is on this machine and so perhaps ours.
    #[cold]
    fn note_new_sender(&self, sender: SocketAddr) {
        if !sender.ip().to_canonical().is_loopback() {
            return;
        }
        let local = match self.home.peer() {
            Peer::Near(ends) => {
                self.reactor.pairs.forget(ends);
                Some(ends.local)
            }
            // SAFETY: the descriptor is open until `end`, which takes `&mut self`.
            _ => sys::local_port(unsafe { BorrowedFd::borrow_raw(self.fd) }),
        };
        if let Some(local) = local {
            self.note_peer(Ends { local, peer: sender.port() });
        }
    }

    fn note_peer(&self, ends: Ends) {
        // Relaxed: as in `Home::peer`.
        self.home.peer.store(u32::from(ends.local) << 16 | u32::from(ends.peer), Relaxed);
        self.reactor.pairs.note(ends, self.home.seat(), self.token);
    }

    /// Notes whether the other end is on this machine, and not this reactor's.
    pub(crate) fn note_neighbour(&self, is_one: bool) {
        self.slot().note_neighbour(is_one);
    }

    /// Called at the end: nobody is to meet us any more.
    pub(super) fn leave_home(&mut self) {
        if let Peer::Near(ends) = self.home.peer() {
            self.reactor.pairs.forget(ends);
        }
    }

    /// Moves a source whose data tells nothing about where it comes from to the seat where its task
    /// has been waiting lately, if that seat has fewer sources: else all that one task has opened
    /// would stay at that task's seat, whoever has stolen their tasks since.
    fn go_with_task(&self) {
        let home = self.home.seat();
        let Some(here) = self.reactor.seat_here() else { return };
        // Relaxed: hints, all of them.
        let waits = if here == home { 0 } else { self.home.waits.load(Relaxed).wrapping_add(1) };
        if waits < WAITS_AWAY {
            if waits != self.home.waits.load(Relaxed) {
                self.home.waits.store(waits, Relaxed);
            }
            return;
        }
        self.home.waits.store(0, Relaxed);
        if self.count(here) < self.count(home) {
            self.move_to(here);
        }
    }

    /// Moves a TCP stream to its data, or to its peer.
    #[cold]
    fn follow(&self) {
        match self.home.peer() {
            Peer::Unknown => self.find_peer(),
            Peer::Far => self.follow_data(),
            Peer::Near(ends) => self.meet(ends),
        }
    }

    /// Finds out where the peer is, and follows it.
    fn find_peer(&self) {
        // SAFETY: the descriptor is open until `end`, which takes `&mut self`.
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
        let Some((local, peer)) = sys::addresses(fd) else { return };
        let is_near = peer.ip().to_canonical().is_loopback() || peer.ip() == local.ip();
        if !is_near {
            // Relaxed: as in `Home::peer`.
            self.home.peer.store(PEER_FAR, Relaxed);
            return self.follow_data();
        }
        let ends = Ends { local: local.port(), peer: peer.port() };
        self.note_peer(ends);
        self.meet(ends);
    }

    /// Moves the source to the seat that runs where its data comes in, if that seat has fewer
    /// sources, or as many and the toss of a coin says so.
    fn follow_data(&self) {
        let home = self.home.seat();
        let Some(there) = self.seat_at_data(home) else { return };
        let (home_has, there_has) = (self.count(home), self.count(there));
        if there_has < home_has || there_has == home_has && self.coin() {
            self.move_to(there);
        }
    }

    /// Moves the source to an idle seat that has run where its neighbour does, if few share its home.
    fn follow_neighbour(&self) {
        let home = self.home.seat();
        if !self.reactor.seats[home].is_shared_by_few() {
            return;
        }
        let Some(there) = self.seat_at_data(home) else { return };
        // Of many that rest, each might be alone for a while: they must not all meet at one seat.
        if self.reactor.seats[there].is_asleep() && self.count(there) <= self.count(home) {
            self.move_to(there);
        }
    }

    /// The seat that runs where the source's data comes in, if it is another one than `home`.
    fn seat_at_data(&self, home: usize) -> Option<usize> {
        // SAFETY: the descriptor is open until `end`, which takes `&mut self`.
        let fd = unsafe { BorrowedFd::borrow_raw(self.fd) };
        let processor = sys::incoming_processor(fd)?;
        let seats = &self.reactor.seats;
        let is_there = |seat: &Seat| seat.runs_on(processor);
        if is_there(&seats[home]) { None } else { seats.iter().position(is_there) }
    }

    /// Meets the other end at one seat, if that is this reactor's too.
    fn meet(&self, ends: Ends) {
        let home = self.home.seat();
        let peer = self.reactor.pairs.peer(ends);
        self.slot().note_neighbour(peer.is_none());
        let Some(there) = peer.map(|peer| peer.seat) else { return self.follow_neighbour() };
        let to = if there == home {
            let emptiest = self.reactor.emptiest_seat();
            (self.count(home) > self.count(emptiest) + A_PAIR).then_some(emptiest)
        } else {
            let (home_has, there_has) = (self.count(home), self.count(there));
            let goes = there_has < home_has || there_has == home_has && ends.is_upper();
            (goes && !self.reactor.seats[there].is_overdue()).then_some(there)
        };
        if let Some(to) = to {
            self.move_to(to);
        }
    }

    /// How many sources call `seat` home.
    fn count(&self, seat: usize) -> usize {
        self.reactor.sources_at(seat)
    }

    /// A coin that needs no state of its own: a hash of what differs between sources and tosses.
    fn coin(&self) -> bool {
        // Relaxed: any value will do.
        let toss = self.token.0 as u64 ^ u64::from(self.home.waits.load(Relaxed)) << 48;
        toss.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0
    }

    /// Makes `seat` the source's home, unless it is already or somebody else is moving it.
    fn move_to(&self, seat: usize) {
        let word = &self.home.seat;
        // Relaxed: the exchange acquires.
        let home = word.load(Relaxed);
        if home == seat as u16 || home & MOVING != 0 {
            return;
        }
        // Acquire: pairs with the Release of the last move's end.
        if word.compare_exchange(home, home | MOVING, Acquire, Relaxed).is_err() {
            return;
        }
        let moved = self.move_between(home as usize, seat);
        // Release: pairs with the Acquire of the next move.
        word.store(if moved { seat as u16 } else { home }, Release);
        if moved {
            self.moved_in(seat);
        }
    }

    /// The source is at home at `seat` now: tells who may look for it, and who is to look after it.
    fn moved_in(&self, seat: usize) {
        if let Peer::Near(ends) = self.home.peer() {
            self.reactor.pairs.note(ends, seat, self.token);
        }
        if self.reactor.seat_here() != Some(seat) {
            // Whoever sat there may have left since it was last seen.
            self.reactor.attend(seat);
        }
    }

    /// The new epoll reports what is ready at once, so no event is lost between the two.
    fn move_between(&self, from: usize, to: usize) -> bool {
        let (seats, fd) = (&self.reactor.seats, self.fd);
        if let Err(error) = seats[from].deregister(fd) {
            log::debug!("a source could not be moved: {error}");
            return false;
        }
        let Err(error) = seats[to].register(fd, self.token, self.interest) else { return true };
        if let Err(error) = seats[from].register(fd, self.token, self.interest) {
            // In no epoll: let every wait end, so that nobody hangs.
            log::error!("a source was lost between two workers: {error}");
            let mut batch = crate::seat::Batch(Default::default());
            self.slot().bring_down(&mut batch.0);
        }
        log::debug!("a source could not be moved: {error}");
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

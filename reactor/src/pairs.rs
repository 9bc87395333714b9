//! At which seat each end of a TCP connection is at home, and in which slot, where both ends are this
//! reactor's: what lets them meet, and tell each other of what they send.
//!
//! A connection is found by its two ports, whichever end asks. Two connections may come to stand in
//! one place (through several addresses of this machine, or of the 2^32 pairs of ports some two), so
//! all that is read here is a hint: a wrong one costs a detour.

use crate::slab::Token;
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// A place for each end of a connection, the lower port's first.
const PLACES: usize = 2 << 16;

/// The ports of a connection, as one of its ends sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) local: u16,
    pub(crate) peer: u16,
}

impl Ends {
    fn place(self) -> usize {
        usize::from(self.local ^ self.peer) << 1 | usize::from(self.is_upper())
    }

    /// One end of a connection is the upper one.
    pub(crate) fn is_upper(self) -> bool {
        self.local > self.peer
    }

    fn other_way_round(self) -> Self {
        Self { local: self.peer, peer: self.local }
    }
}

/// What is known of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    /// Where it is at home.
    pub(crate) seat: usize,
    /// Its slot.
    pub(crate) index: usize,
    /// The lower half of its generation.
    pub(crate) generation: u16,
}

impl Noted {
    /// Never 0, which stands for nobody.
    fn pack(seat: usize, token: Token) -> u64 {
        let generation = u64::from(token.generation() as u16);
        (seat as u64 + 1) << 48 | generation << 32 | token.index() as u64
    }

    fn unpack(word: u64) -> Option<Self> {
        let seat = ((word >> 48) as usize).checked_sub(1)?;
        Some(Self { seat, index: word as u32 as usize, generation: (word >> 32) as u16 })
    }
}

/// The ends that have been noted; no memory until the first is.
#[derive(Debug, Default)]
pub(crate) struct Pairs(OnceLock<Box<[AtomicU64]>>);

impl Pairs {
    /// Notes that our end of a connection, of which the slot is that of `token`, is at home at `seat`.
    pub(crate) fn note(&self, ends: Ends, seat: usize, token: Token) {
        let places = self.0.get_or_init(places);
        // Relaxed, here and below: hints.
        places[ends.place()].store(Noted::pack(seat, token), Relaxed);
    }

    /// Our end of a connection is closed.
    pub(crate) fn forget(&self, ends: Ends) {
        if let Some(places) = self.0.get() {
            places[ends.place()].store(0, Relaxed);
        }
    }

    /// The other end; `None` where it is not this reactor's, or has not been noted yet.
    pub(crate) fn peer(&self, ends: Ends) -> Option<Noted> {
        Noted::unpack(self.0.get()?[ends.other_way_round().place()].load(Relaxed))
    }
}

/// Zeros as the system gives them: what is never noted takes no memory.
fn places() -> Box<[AtomicU64]> {
    let zeros: *mut [u64] = Box::into_raw(vec![0u64; PLACES].into_boxed_slice());
    // SAFETY: an atomic has the size, the alignment and the values of its number, and the box is ours.
    unsafe { Box::from_raw(zeros as *mut [AtomicU64]) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn seat(noted: Option<Noted>) -> Option<usize> {
        noted.map(|noted| noted.seat)
    }

    #[test]
    fn an_end_finds_the_other_one_and_not_itself() {
        let pairs = Pairs::default();
        let client = Ends { local: 40_000, peer: 80 };
        let server = Ends { local: 80, peer: 40_000 };
        let homes = || (seat(pairs.peer(client)), seat(pairs.peer(server)));
        assert_eq!(homes(), (None, None));
        pairs.note(client, 0, Token(0));
        assert_eq!(homes(), (None, Some(0)));
        pairs.note(server, 7, Token(1));
        assert_eq!(homes(), (Some(7), Some(0)));
        assert_eq!(pairs.peer(Ends { local: 80, peer: 40_001 }), None);
        pairs.forget(client);
        assert_eq!(homes(), (Some(7), None));
    }

    #[test]
    fn every_port_every_seat_and_every_slot_has_a_place() {
        let pairs = Pairs::default();
        let highest = Ends { local: u16::MAX, peer: 0 };
        let token = Token::highest();
        pairs.note(highest, crate::registration::MAX_SEATS - 1, token);
        let found = pairs.peer(highest.other_way_round()).unwrap();
        assert_eq!(found.seat, crate::registration::MAX_SEATS - 1);
        assert_eq!((found.index, found.generation), (token.index(), token.generation() as u16));
    }
}

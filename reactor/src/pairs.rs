//! At which seat each end of a TCP connection is at home, and in which slot, where both ends are this
//! reactor's: what lets them meet, and tell each other of what they send.
//!
//! A connection is found by its two ports, whichever end asks. Two connections may come to stand in
//! one place (through several addresses of this machine, or of the 2^32 pairs of ports some two), so
//! all that is read here is a hint: a wrong one costs a detour.

use crate::{
    slab::Token,
    slot::{HINT_BITS, last_bits},
};
use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// A place for each end of a connection, the lower port's first, in [`CHUNKS`] of this many.
const CHUNK: usize = 512;
const CHUNKS: usize = (2 << 16) / CHUNK;

type Chunk = [AtomicU32; CHUNK];

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
    /// The last bits of its generation.
    pub(crate) generation: u8,
}

/// How a note is packed into 32 bits: the last bits of the generation, the slot's index, and on top the
/// seat, counted from 1, for 0 stands for nobody.
const INDEX_BITS: u32 = 20;
const SEATS: usize = (1 << (32 - INDEX_BITS - HINT_BITS)) - 1;

impl Noted {
    /// 0 for what has no room: such an end is not met.
    fn pack(seat: usize, token: Token) -> u32 {
        if seat >= SEATS || token.index() >> INDEX_BITS != 0 {
            return 0;
        }
        let index = (token.index() as u32) << HINT_BITS;
        (seat as u32 + 1) << (INDEX_BITS + HINT_BITS)
            | index
            | u32::from(last_bits(token.generation()))
    }

    fn unpack(note: u32) -> Option<Self> {
        let seat = ((note >> (INDEX_BITS + HINT_BITS)) as usize).checked_sub(1)?;
        let index = note >> HINT_BITS & ((1 << INDEX_BITS) - 1);
        Some(Self { seat, index: index as usize, generation: last_bits(note) })
    }
}

/// The ends that have been noted. A chunk takes memory once one of its ends is noted; the ports of many
/// connections are close to each other, so that it is little for each.
#[derive(Debug, Default)]
pub(crate) struct Pairs(OnceLock<Box<[OnceLock<Box<Chunk>>]>>);

impl Pairs {
    /// Notes that our end of a connection, of which the slot is that of `token`, is at home at `seat`.
    pub(crate) fn note(&self, ends: Ends, seat: usize, token: Token) {
        let place = ends.place();
        let chunks = self.0.get_or_init(|| (0..CHUNKS).map(|_| OnceLock::new()).collect());
        let chunk =
            chunks[place / CHUNK].get_or_init(|| Box::new([const { AtomicU32::new(0) }; CHUNK]));
        // Relaxed, here and below: hints.
        chunk[place % CHUNK].store(Noted::pack(seat, token), Relaxed);
    }

    /// Our end of a connection is closed.
    pub(crate) fn forget(&self, ends: Ends) {
        if let Some(place) = self.place(ends) {
            place.store(0, Relaxed);
        }
    }

    /// The other end; `None` where it is not this reactor's, or has not been noted yet.
    pub(crate) fn peer(&self, ends: Ends) -> Option<Noted> {
        Noted::unpack(self.place(ends.other_way_round())?.load(Relaxed))
    }

    fn place(&self, ends: Ends) -> Option<&AtomicU32> {
        let place = ends.place();
        self.0.get()?[place / CHUNK].get()?.get(place % CHUNK)
    }
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
    fn every_port_has_a_place_and_what_has_no_room_is_not_noted() {
        let pairs = Pairs::default();
        let highest = Ends { local: u16::MAX, peer: 0 };
        let found = |seat, token| {
            pairs.note(highest, seat, token);
            pairs.peer(highest.other_way_round())
        };
        let token = Token::new((1 << INDEX_BITS) - 1, (1 << HINT_BITS) - 1);
        let noted = found(SEATS - 1, token).unwrap();
        assert_eq!((noted.seat, noted.index), (SEATS - 1, token.index()));
        assert_eq!(u32::from(noted.generation), token.generation());
        assert_eq!(found(SEATS, token), None);
        assert_eq!(found(0, Token::new(1 << INDEX_BITS, 0)), None);
    }
}

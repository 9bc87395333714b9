//! At which seat each end of a TCP connection is at home, where both ends are this reactor's: what
//! lets them meet.
//!
//! A connection is found by its two ports, whichever end asks. Two connections may come to stand in
//! one place (through several addresses of this machine, or of the 2^32 pairs of ports some two), so
//! all that is read here is a hint: a wrong one costs a detour.

use std::sync::{
    OnceLock,
    atomic::{AtomicU16, Ordering::Relaxed},
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

/// The homes of the ends that have been noted; no memory until the first is.
#[derive(Debug, Default)]
pub(crate) struct Pairs(OnceLock<Box<[AtomicU16]>>);

impl Pairs {
    /// Notes that our end of a connection is at home at `seat`.
    pub(crate) fn note(&self, ends: Ends, seat: usize) {
        let places = self.0.get_or_init(places);
        // Relaxed, here and below: hints.
        places[ends.place()].store(seat as u16 + 1, Relaxed);
    }

    /// Our end of a connection is closed.
    pub(crate) fn forget(&self, ends: Ends) {
        if let Some(places) = self.0.get() {
            places[ends.place()].store(0, Relaxed);
        }
    }

    /// The seat where the other end is at home; `None` where it is not this reactor's, or has not
    /// been noted yet.
    pub(crate) fn peer(&self, ends: Ends) -> Option<usize> {
        let noted = self.0.get()?[ends.other_way_round().place()].load(Relaxed);
        usize::from(noted).checked_sub(1)
    }
}

/// Zeros as the system gives them: what is never noted takes no memory.
fn places() -> Box<[AtomicU16]> {
    let zeros: *mut [u16] = Box::into_raw(vec![0u16; PLACES].into_boxed_slice());
    // SAFETY: an atomic has the size, the alignment and the values of its number, and the box is ours.
    unsafe { Box::from_raw(zeros as *mut [AtomicU16]) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_end_finds_the_other_one_and_not_itself() {
        let pairs = Pairs::default();
        let client = Ends { local: 40_000, peer: 80 };
        let server = Ends { local: 80, peer: 40_000 };
        assert_eq!(pairs.peer(client), None);
        pairs.note(client, 0);
        assert_eq!((pairs.peer(client), pairs.peer(server)), (None, Some(0)));
        pairs.note(server, 7);
        assert_eq!((pairs.peer(client), pairs.peer(server)), (Some(7), Some(0)));
        assert_eq!(pairs.peer(Ends { local: 80, peer: 40_001 }), None);
        pairs.forget(client);
        assert_eq!((pairs.peer(client), pairs.peer(server)), (Some(7), None));
    }

    #[test]
    fn every_port_has_a_place() {
        let pairs = Pairs::default();
        let highest = Ends { local: u16::MAX, peer: 0 };
        pairs.note(highest, crate::registration::MAX_SEATS - 1);
        let found = pairs.peer(highest.other_way_round());
        assert_eq!(found, Some(crate::registration::MAX_SEATS - 1));
    }
}

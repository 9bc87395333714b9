//! Which TCP ports of this machine are a socket of this reactor's: what tells whether both ends of a
//! connection are served by the same seats.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

const WORDS: usize = 1 << (16 - 6);

/// A set of ports, empty and without memory until the first is noted.
///
/// None is ever taken out: a port that somebody else has taken since is a wrong hint, which costs a
/// detour and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Ports(OnceLock<Box<[AtomicU64]>>);

impl Ports {
    pub(crate) fn note(&self, port: u16) {
        let words = self.0.get_or_init(|| (0..WORDS).map(|_| AtomicU64::new(0)).collect());
        let (word, bit) = place(port);
        // Relaxed: a hint. The load keeps the line shared where the bit is set already.
        if words[word].load(Relaxed) & bit == 0 {
            words[word].fetch_or(bit, Relaxed);
        }
    }

    pub(crate) fn has(&self, port: u16) -> bool {
        let (word, bit) = place(port);
        // Relaxed: a hint.
        self.0.get().is_some_and(|words| words[word].load(Relaxed) & bit != 0)
    }
}

fn place(port: u16) -> (usize, u64) {
    (usize::from(port >> 6), 1 << (port & 63))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_there_and_nothing_else() {
        let ports = Ports::default();
        assert!(!ports.has(80));
        for port in [0, 63, 64, u16::MAX] {
            ports.note(port);
        }
        let noted: Vec<u16> = (0..=u16::MAX).filter(|&port| ports.has(port)).collect();
        assert_eq!(noted, [0, 63, 64, u16::MAX]);
    }
}

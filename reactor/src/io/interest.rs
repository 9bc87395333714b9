//! What can be waited for, and what is ready then.

use crate::{
    registration::BOTH as BOTH_DIRECTIONS,
    slot::{self, Direction, Seen},
};
use std::{
    fmt, io,
    ops::{BitAnd, BitOr, BitOrAssign, Sub},
};

/// The bits of a slot's word that are told of, and what they are called.
const NAMES: [(u64, &str); 6] = [
    (slot::READABLE, "READABLE"),
    (slot::WRITABLE, "WRITABLE"),
    (slot::READ_CLOSED, "READ_CLOSED"),
    (slot::WRITE_CLOSED, "WRITE_CLOSED"),
    (slot::PRIORITY, "PRIORITY"),
    (slot::ERROR, "ERROR"),
];

/// What is waited for: one thing, or several joined by `|`.
///
/// ```
/// use wharf_reactor::io::Interest;
///
/// let either = Interest::READABLE | Interest::WRITABLE;
/// assert!(either.is_readable() && either.is_writable());
/// assert_eq!(either.remove(Interest::WRITABLE), Some(Interest::READABLE));
/// assert_eq!(either.remove(either), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Reading: data, the end of the stream, or an error.
    pub const READABLE: Self = Self(slot::READABLE as u8);
    /// Writing: room, or an error.
    pub const WRITABLE: Self = Self(slot::WRITABLE as u8);
    /// Reading and writing.
    pub const BOTH: Self = Self::READABLE.add(Self::WRITABLE);
    /// Urgent data. Of this crate's sockets only TCP streams are told of it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const PRIORITY: Self = Self(slot::PRIORITY as u8);
    /// An error. The system tells of it in any case, so it need not be asked for beside others.
    pub const ERROR: Self = Self(slot::ERROR as u8);

    /// Both this and `other`.
    #[must_use = "this returns the sum, and changes neither"]
    pub const fn add(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This without `other`; `None` where nothing is left.
    #[must_use = "this returns the rest, and changes neither"]
    pub const fn remove(self, other: Self) -> Option<Self> {
        match self.0 & !other.0 {
            0 => None,
            rest => Some(Self(rest)),
        }
    }

    /// Whether reading is part of it.
    pub const fn is_readable(self) -> bool {
        self.0 & Self::READABLE.0 != 0
    }

    /// Whether writing is part of it.
    pub const fn is_writable(self) -> bool {
        self.0 & Self::WRITABLE.0 != 0
    }

    /// Whether urgent data is part of it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const fn is_priority(self) -> bool {
        self.0 & Self::PRIORITY.0 != 0
    }

    /// Whether an error is part of it.
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR.0 != 0
    }

    /// The direction, if it is one and nothing else.
    pub(crate) fn direction(self) -> Option<Direction> {
        match self {
            Self::READABLE => Some(Direction::Read),
            Self::WRITABLE => Some(Direction::Write),
            _ => None,
        }
    }

    /// The directions whose events are to be waited for: those of urgent data and errors wake readers.
    pub(crate) fn directions(self) -> impl Iterator<Item = Direction> {
        let reads = self != Self::WRITABLE;
        let read = reads.then_some(Direction::Read);
        read.into_iter().chain(self.is_writable().then_some(Direction::Write))
    }

    /// The bits of a slot's word that are waited for.
    pub(crate) fn awaited(self) -> u64 {
        let bits = u64::from(self.0);
        // Where nothing can come any more, nothing urgent can.
        bits | if bits & slot::PRIORITY != 0 { slot::READ_CLOSED } else { 0 }
    }

    /// The bits that an operation which would block clears.
    pub(crate) fn cleared(self) -> u64 {
        let all = |is: bool, direction: Direction| if is { direction.all() } else { 0 };
        u64::from(self.0)
            | all(self.is_readable(), Direction::Read)
            | all(self.is_writable(), Direction::Write)
    }

    /// Refuses both directions at once: an operation that would block does not say which it has tried,
    /// and a direction that is cleared though it is ready may stay so for ever.
    pub(crate) fn for_one_operation(self) -> io::Result<Self> {
        if self.is_readable() && self.is_writable() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an operation waits for one direction: ask for Interest::READABLE or Interest::WRITABLE",
            ));
        }
        Ok(self)
    }

    /// What of that which was seen belongs to it.
    pub(crate) fn told(self, seen: Seen) -> Ready {
        let mut bits = self.awaited();
        if self.is_readable() {
            bits |= slot::READ_CLOSED;
        }
        if self.is_writable() {
            bits |= slot::WRITE_CLOSED;
        }
        Ready(seen.bits(bits) as u8)
    }

    /// What the system is asked for. It tells of errors unasked, but not where nothing is asked for.
    pub(crate) fn asked(self) -> mio::Interest {
        let asked = match (self.is_readable(), self.is_writable()) {
            (true, true) => BOTH_DIRECTIONS,
            (false, true) => mio::Interest::WRITABLE,
            _ => mio::Interest::READABLE,
        };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.is_priority() {
            return asked | mio::Interest::PRIORITY;
        }
        asked
    }
}

impl From<Direction> for Interest {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self::READABLE,
            Direction::Write => Self::WRITABLE,
        }
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "Interest", self.0)
    }
}

/// What is ready: a set, perhaps empty.
///
/// It is a guess that only an operation can confirm: what was ready may be taken by another task, and
/// before the first operation a socket counts as ready.
///
/// ```
/// use wharf_reactor::io::Ready;
///
/// let ready = Ready::READABLE | Ready::READ_CLOSED;
/// assert!(ready.is_readable() && ready.is_read_closed());
/// assert!((ready - Ready::READABLE).is_readable(), "the end of a stream can be read");
/// assert!(Ready::EMPTY.is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Self = Self(0);
    /// A read is worth a try.
    pub const READABLE: Self = Self(slot::READABLE as u8);
    /// A write is worth a try.
    pub const WRITABLE: Self = Self(slot::WRITABLE as u8);
    /// The peer writes no more.
    pub const READ_CLOSED: Self = Self(slot::READ_CLOSED as u8);
    /// The peer takes no more.
    pub const WRITE_CLOSED: Self = Self(slot::WRITE_CLOSED as u8);
    /// There is urgent data.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const PRIORITY: Self = Self(slot::PRIORITY as u8);
    /// There is an error.
    pub const ERROR: Self = Self(slot::ERROR as u8);
    /// Everything.
    pub const ALL: Self = Self((slot::DOWN - 1) as u8);

    /// The bits of a slot's word.
    pub(crate) fn bits(self) -> u64 {
        self.0.into()
    }

    /// Whether nothing is ready.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a read is worth a try: at the end of a stream, too.
    pub const fn is_readable(self) -> bool {
        self.0 & (Self::READABLE.0 | Self::READ_CLOSED.0) != 0
    }

    /// Whether a write is worth a try: also where it can only fail.
    pub const fn is_writable(self) -> bool {
        self.0 & (Self::WRITABLE.0 | Self::WRITE_CLOSED.0) != 0
    }

    /// Whether the peer writes no more.
    pub const fn is_read_closed(self) -> bool {
        self.0 & Self::READ_CLOSED.0 != 0
    }

    /// Whether the peer takes no more.
    pub const fn is_write_closed(self) -> bool {
        self.0 & Self::WRITE_CLOSED.0 != 0
    }

    /// Whether there is urgent data.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const fn is_priority(self) -> bool {
        self.0 & Self::PRIORITY.0 != 0
    }

    /// Whether there is an error.
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR.0 != 0
    }
}

impl BitOr for Ready {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl BitAnd for Ready {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Ready {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "Ready", self.0)
    }
}

fn list(f: &mut fmt::Formatter<'_>, kind: &str, bits: u8) -> fmt::Result {
    let names = NAMES.iter().filter(|&&(bit, _)| u64::from(bits) & bit != 0);
    let names: Vec<_> = names.map(|&(_, name)| name).collect();
    write!(f, "{kind}({})", if bits == 0 { "EMPTY".to_owned() } else { names.join(" | ") })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sets_name_what_is_in_them() {
        assert_eq!(format!("{:?}", Interest::BOTH), "Interest(READABLE | WRITABLE)");
        assert_eq!(format!("{:?}", Ready::EMPTY), "Ready(EMPTY)");
        let all = "Ready(READABLE | WRITABLE | READ_CLOSED | WRITE_CLOSED | PRIORITY | ERROR)";
        assert_eq!(format!("{:?}", Ready::ALL), all);
    }

    #[test]
    fn errors_alone_are_registered_for_reading_and_wake_readers() {
        assert_eq!(Interest::ERROR.asked(), mio::Interest::READABLE);
        assert_eq!(Interest::ERROR.directions().collect::<Vec<_>>(), [Direction::Read]);
        let either = Interest::ERROR | Interest::WRITABLE;
        assert_eq!(either.directions().count(), 2);
        assert_eq!(Interest::WRITABLE.directions().collect::<Vec<_>>(), [Direction::Write]);
    }
}

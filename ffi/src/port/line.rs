//! Messages in a row, packed.
//!
//! Between two processors a message costs what it takes of cache lines. As C sees it, it has nine
//! words; a number, a string or nothing fits into one of them, and most messages carry no more. So a
//! message lies here as a head of four words, and only a value of more than one lies in a second
//! queue, in the same order.

use crate::{
    message::{Message, WHARF_KIND_DATA, wharf_message_t},
    value::{Value, raw::*},
};
use std::{
    collections::{TryReserveError, VecDeque},
    mem::MaybeUninit,
};

/// The first word of a value's payload, of which some bytes may never have been written.
type Word = MaybeUninit<u64>;

#[derive(Debug)]
struct Head {
    tag: u64,
    task: u64,
    word: Word,
    code: i32,
    kind: u8,
    r#type: u8,
}

const _: () = assert!(size_of::<Head>() == 32);

/// Whether a value of this type is its first word and no more.
#[inline]
fn is_narrow(r#type: i32) -> bool {
    r#type <= WHARF_TYPE_STRING || r#type == WHARF_TYPE_CAPABILITY
}

impl Value {
    /// Whether it is its first word and no more.
    #[inline]
    pub(super) fn is_narrow(&self) -> bool {
        is_narrow(self.as_raw().r#type)
    }
}

impl Head {
    fn is_narrow(&self) -> bool {
        is_narrow(self.r#type.into())
    }
}

/// How many messages were moved, and how many of them were data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    pub(crate) messages: usize,
    pub(crate) data: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Line {
    heads: VecDeque<Head>,
    /// The values of the heads that are not narrow.
    wide: VecDeque<Value>,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    /// How many messages can be pushed, whatever they carry, before memory is needed.
    pub(crate) fn room(&self) -> usize {
        self.narrow_room().min(self.wide.capacity() - self.wide.len())
    }

    /// The same for messages that carry a word or less.
    pub(crate) fn narrow_room(&self) -> usize {
        self.heads.capacity() - self.heads.len()
    }

    /// Of the heads and of the wide values: what changes only where memory is asked for.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn capacities(&self) -> (usize, usize) {
        (self.heads.capacity(), self.wide.capacity())
    }

    /// Makes room for so many messages, whatever they carry.
    #[inline]
    pub(crate) fn try_reserve(&mut self, more: usize) -> Result<(), TryReserveError> {
        self.heads.try_reserve(more)?;
        self.wide.try_reserve(more)
    }

    /// Adds a message; allocates only where there is no room.
    #[inline]
    pub(crate) fn push_back(&mut self, message: Message) {
        let Message { tag, task, kind, code, value } = message;
        let r#type = value.as_raw().r#type;
        let mut word = Word::zeroed();
        if is_narrow(r#type) {
            let raw = value.into_raw();
            // SAFETY: every payload has a word to be read, which is copied with whatever it holds.
            word = unsafe { (&raw const raw.value).cast::<Word>().read_unaligned() };
        } else {
            self.wide.push_back(value);
        }
        // There are few kinds and types: both fit.
        self.heads.push_back(Head {
            tag,
            task,
            word,
            code,
            kind: kind as u8,
            r#type: r#type as u8,
        });
    }

    /// Takes the first message.
    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<Message> {
        let head = self.heads.pop_front()?;
        let wide = if head.is_narrow() { None } else { self.wide.pop_front() };
        Some(whole(&head, wide))
    }

    /// Moves the first messages to where a host will read them, as many as there is room for.
    pub(crate) fn move_into(&mut self, places: &mut [MaybeUninit<wharf_message_t>]) -> Moved {
        if let [place] = places {
            return self.move_one(place);
        }
        let mut moved = Moved { messages: self.heads.len().min(places.len()), data: 0 };
        if moved.messages == 0 {
            return moved;
        }
        let (front, back) = self.heads.as_slices();
        let split = front.len().min(moved.messages);
        let (near, far) = places[..moved.messages].split_at_mut(split);
        for (heads, places) in [(front, near), (back, far)] {
            for (place, head) in places.iter_mut().zip(heads) {
                moved.data += usize::from(i32::from(head.kind) == WHARF_KIND_DATA);
                let wide = if head.is_narrow() { None } else { self.wide.pop_front() };
                place.write(whole(head, wide).into_raw());
            }
        }
        // A head owns nothing of itself: what its word points to has changed hands above.
        self.heads.drain(..moved.messages);
        moved
    }

    #[inline]
    fn move_one(&mut self, place: &mut MaybeUninit<wharf_message_t>) -> Moved {
        let Some(message) = self.pop_front() else { return Moved::default() };
        let data = usize::from(message.kind == WHARF_KIND_DATA);
        place.write(message.into_raw());
        Moved { messages: 1, data }
    }

    /// Where the first message of this kind is.
    pub(crate) fn first_of(&self, kind: i32) -> Option<usize> {
        self.heads.iter().position(|head| i32::from(head.kind) == kind)
    }

    /// Whether the message at a place is of this kind and has this tag.
    pub(crate) fn is_at(&self, at: usize, kind: i32, tag: u64) -> bool {
        self.heads.get(at).is_some_and(|head| i32::from(head.kind) == kind && head.tag == tag)
    }

    /// Takes the message at a place.
    pub(crate) fn remove(&mut self, at: usize) -> Option<Message> {
        let before = self.heads.iter().take(at).filter(|head| !head.is_narrow()).count();
        let head = self.heads.remove(at)?;
        let wide = if head.is_narrow() { None } else { self.wide.remove(before) };
        Some(whole(&head, wide))
    }
}

/// The message that was taken apart, once for each head.
#[inline]
fn whole(head: &Head, wide: Option<Value>) -> Message {
    let &Head { tag, task, word, code, kind, r#type } = head;
    let value = wide.unwrap_or_else(|| {
        let mut raw =
            wharf_value_t { r#type: r#type.into(), value: wharf_payload_t { as_int64: 0 } };
        // SAFETY: every payload has room for a word; it came from one of this type.
        unsafe { (&raw mut raw.value).cast::<Word>().write_unaligned(word) };
        // SAFETY: as it was taken apart by `push_back`, of which this is the only way back.
        unsafe { Value::from_raw(raw) }
    });
    Message { tag, task, kind: kind.into(), code, value }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The heads own what their words point to.
        while self.pop_front().is_some() {}
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::{WHARF_KIND_DATA, WHARF_KIND_OK};

    fn message(tag: u64, value: Value) -> Message {
        Message { tag, task: tag + 100, kind: WHARF_KIND_DATA, code: -1, value }
    }

    /// One value of each width and kind of ownership.
    fn values() -> Vec<Value> {
        vec![
            Value::NULL,
            Value::bool(true),
            Value::int32(-7),
            Value::int64(i64::MIN),
            Value::double(0.5),
            Value::string("quay").unwrap(),
            Value::array([Value::int64(1), Value::string("pier").unwrap()]).unwrap(),
            Value::send_port(9),
        ]
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let mut line = Line::default();
        for (tag, value) in values().into_iter().enumerate() {
            line.push_back(message(tag as u64, value));
        }
        for (tag, value) in values().into_iter().enumerate() {
            let out = line.pop_front().unwrap();
            assert_eq!((out.tag, out.task, out.code), (tag as u64, tag as u64 + 100, -1));
            assert_eq!(format!("{:?}", out.value), format!("{value:?}"));
        }
        assert!(line.pop_front().is_none());
    }

    #[test]
    fn a_message_is_taken_out_of_the_middle_with_its_own_value() {
        for gone in 0..values().len() {
            let mut line = Line::default();
            for (tag, value) in values().into_iter().enumerate() {
                line.push_back(message(tag as u64, value));
            }
            assert!(line.is_at(gone, WHARF_KIND_DATA, gone as u64));
            assert!(!line.is_at(gone, WHARF_KIND_OK, gone as u64));
            drop(line.remove(gone));
            let mut wanted: Vec<_> = values().iter().map(|value| format!("{value:?}")).collect();
            wanted.remove(gone);
            let left = std::iter::from_fn(|| line.pop_front());
            assert_eq!(left.map(|m| format!("{:?}", m.value)).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn room_is_room_for_any_value() {
        let mut line = Line::default();
        line.try_reserve(5).unwrap();
        assert!(line.room() >= 5);
        let before = line.room();
        line.push_back(message(0, Value::array([]).unwrap()));
        assert_eq!(line.room(), before - 1);
    }
}

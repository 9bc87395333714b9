//! The messages that wait at a port: a plain data structure, always under the port's lock.
//!
//! Every task that was accepted has a place reserved for its terminal message: `reserved` places
//! are kept free in the buffer beyond what is in it, so that pushing one never allocates.

use super::line::Line;
use crate::{
    id::wharf_task_t,
    message::{Message, WHARF_KIND_DATA, wharf_message_t},
    status::{Error, Result, WHARF_NO_MEMORY},
    value::Value,
};
use std::mem::{self, MaybeUninit};

/// What to do with a data message when the port is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// Posts are refused; streams wait.
    Refuse,
    /// The oldest data message goes.
    DropOldest,
    /// The data messages with the same tag go.
    KeepLatest,
}

/// What became of a data message.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is in, and these, if any, are out, to be dropped outside the lock.
    In(Option<Vec<Message>>),
    /// It is not in.
    Refused(Message),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Messages {
    normal: Line,
    control: Line,
    reserved: usize,
    data: usize,
    capacity: usize,
    full: Full,
    /// At least so many data messages that carry a word or less go in just so: there is room and
    /// memory for them. Whatever makes them fewer says so here; who finds none asks again.
    plain: usize,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
    pub(crate) posted: u64,
}

impl Messages {
    /// An empty queue that holds at most `capacity` data messages.
    pub(crate) fn new(capacity: usize, full: Full) -> Self {
        Self {
            normal: Line::default(),
            control: Line::default(),
            reserved: 0,
            data: 0,
            capacity,
            full,
            plain: 0,
            dropped: 0,
            refused: 0,
            posted: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.normal.is_empty() && self.control.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.normal.len() + self.control.len()
    }

    /// Whether a data message would have to wait or be refused.
    fn is_full(&self) -> bool {
        self.data >= self.capacity
    }

    /// Whether a data message is taken, if something else has to go for it or not.
    pub(crate) fn takes_data(&self) -> bool {
        !self.is_full() || self.full == Full::DropOldest
    }

    /// Keeps places for so many terminal messages.
    pub(crate) fn reserve(&mut self, count: usize) -> Result<()> {
        self.make_room(count)?;
        self.reserved += count;
        self.plain = self.plain.saturating_sub(count);
        Ok(())
    }

    /// Gives a reserved place up unused.
    pub(crate) fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Pushes into a reserved place; does not allocate.
    pub(crate) fn push_terminal(&mut self, message: Message) {
        debug_assert!(self.reserved > 0 && self.normal.room() > 0);
        self.reserved -= 1;
        self.posted += 1;
        self.normal.push_back(message);
    }

    /// Pushes a message that overtakes.
    pub(crate) fn push_control(&mut self, message: Message) -> Pushed {
        if self.control.len() >= self.capacity || self.control.try_reserve(1).is_err() {
            self.refused += 1;
            return Pushed::Refused(message);
        }
        self.posted += 1;
        self.control.push_back(message);
        Pushed::In(None)
    }

    /// Pushes a data message that has no place reserved, if that takes no thought; whether it did.
    #[inline]
    pub(crate) fn push_plain(&mut self, value: &mut Value, tag: u64, task: wharf_task_t) -> bool {
        if self.plain == 0 || !value.is_narrow() {
            return false;
        }
        self.plain -= 1;
        self.data += 1;
        self.posted += 1;
        self.normal.push_back(Message::data(tag, task, mem::replace(value, Value::NULL)));
        true
    }

    fn count_plain(&mut self) {
        let room = self.normal.narrow_room().saturating_sub(self.reserved);
        self.plain = room.min(self.capacity.saturating_sub(self.data));
    }

    /// Pushes a message that has no place reserved.
    pub(crate) fn push_data(&mut self, message: Message) -> Pushed {
        // Memory first: what has gone for a message is not to come back.
        let out = match self.make_room(1) {
            Ok(()) if self.is_full() => self.make_way(message.tag),
            _ => None,
        };
        if self.is_full() || self.normal.room() <= self.reserved {
            self.refused += 1;
            return Pushed::Refused(message);
        }
        self.data += 1;
        self.posted += 1;
        self.normal.push_back(message);
        self.count_plain();
        Pushed::In(out)
    }

    /// Takes out what goes for a data message with this tag.
    #[cold]
    fn make_way(&mut self, tag: u64) -> Option<Vec<Message>> {
        let out = match self.full {
            Full::Refuse => return None,
            Full::DropOldest => self.remove_oldest().into_iter().collect(),
            Full::KeepLatest => self.remove_tag(tag),
        };
        self.dropped += out.len() as u64;
        if out.is_empty() { None } else { Some(out) }
    }

    /// The next message: control before normal, each in the order posted.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        if let Some(message) = self.control.pop_front() {
            return Some(message);
        }
        let message = self.normal.pop_front()?;
        if message.kind == WHARF_KIND_DATA {
            self.data -= 1;
        }
        Some(message)
    }

    /// As many [`pop`](Self::pop)s as there is room for.
    pub(crate) fn move_into(&mut self, places: &mut [MaybeUninit<wharf_message_t>]) -> usize {
        let control = self.control.move_into(places);
        let normal = self.normal.move_into(&mut places[control.messages..]);
        self.data -= normal.data;
        // There is as much more room.
        self.plain += normal.data;
        control.messages + normal.messages
    }

    /// The next control message.
    pub(crate) fn pop_control(&mut self) -> Option<Message> {
        self.control.pop_front()
    }

    /// Lets a receiver have all normal messages, if they are more than `few`: they go into `into`,
    /// which is empty, and whose buffer takes their place. False where they stay: one of them may
    /// still have to be found, to be dropped for a newer one, or there is no memory for the places
    /// that are reserved.
    pub(crate) fn hand_over(&mut self, into: &mut Line, few: usize) -> bool {
        let drops = self.full != Full::Refuse && self.capacity != usize::MAX;
        if drops || self.normal.len() <= few || into.try_reserve(self.reserved + 1).is_err() {
            return false;
        }
        std::mem::swap(&mut self.normal, into);
        self.count_plain();
        true
    }

    /// As many of the data messages that were handed over have been received.
    pub(crate) fn made_room(&mut self, data: usize) {
        // None are left to be counted once the port has been closed.
        self.data = self.data.saturating_sub(data);
    }

    /// Takes all messages out, to be dropped outside the lock.
    pub(crate) fn clear(&mut self) -> (Line, Line) {
        (self.data, self.plain) = (0, 0);
        (std::mem::take(&mut self.normal), std::mem::take(&mut self.control))
    }

    /// Room for so many more beside all that is reserved.
    fn make_room(&mut self, more: usize) -> Result<()> {
        let wanted = self.reserved + more;
        self.normal.try_reserve(wanted).map_err(|_| {
            Error::new(WHARF_NO_MEMORY, format!("no memory for {wanted} messages at a port"))
        })
    }

    fn remove_oldest(&mut self) -> Option<Message> {
        let oldest = self.normal.first_of(WHARF_KIND_DATA)?;
        self.data -= 1;
        self.normal.remove(oldest)
    }

    fn remove_tag(&mut self, tag: u64) -> Vec<Message> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < self.normal.len() {
            if self.normal.is_at(at, WHARF_KIND_DATA, tag) {
                out.extend(self.normal.remove(at));
                self.data -= 1;
            } else {
                at += 1;
            }
        }
        out
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{message::*, value::Value};

    fn message(kind: i32, tag: u64) -> Message {
        Message { tag, task: 0, kind, code: 0, value: Value::NULL }
    }

    fn data(queue: &mut Messages, tag: u64) -> bool {
        !matches!(queue.push_data(message(WHARF_KIND_DATA, tag)), Pushed::Refused(_))
    }

    fn drain(queue: &mut Messages) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|message| message.tag).collect()
    }

    #[test]
    fn a_full_queue_refuses_data_at_n_plus_one_but_never_a_terminal() {
        let mut queue = Messages::new(2, Full::Refuse);
        queue.reserve(1).unwrap();
        assert!(data(&mut queue, 1) && data(&mut queue, 2) && !data(&mut queue, 3));
        queue.push_terminal(message(WHARF_KIND_OK, 9));
        assert_eq!(drain(&mut queue), [1, 2, 9]);
        assert_eq!((queue.refused, queue.dropped, queue.posted), (1, 0, 3));
        assert!(data(&mut queue, 4), "room again");
    }

    #[test]
    fn policies_drop_data_and_nothing_else() {
        let mut queue = Messages::new(2, Full::DropOldest);
        queue.reserve(1).unwrap();
        queue.push_terminal(message(WHARF_KIND_OK, 9));
        assert!((1..=4).all(|tag| data(&mut queue, tag)));
        assert_eq!((drain(&mut queue), queue.dropped), (vec![9, 3, 4], 2));

        let mut queue = Messages::new(2, Full::KeepLatest);
        assert!(data(&mut queue, 1) && data(&mut queue, 1), "not full: all are kept");
        assert!(data(&mut queue, 1));
        assert!(data(&mut queue, 2));
        assert!(!data(&mut queue, 3), "nothing with this tag to replace");
        assert_eq!((drain(&mut queue), queue.dropped), (vec![1, 2], 2));
    }

    #[test]
    fn where_there_is_no_memory_for_a_message_none_goes_for_it() {
        for full in [Full::DropOldest, Full::KeepLatest] {
            let mut queue = Messages::new(2, full);
            assert!(data(&mut queue, 1) && data(&mut queue, 1));
            // More places than an address space has.
            queue.reserved = usize::MAX / 2;
            assert!(!data(&mut queue, 1));
            queue.reserved = 0;
            assert_eq!((queue.dropped, queue.refused), (0, 1));
            assert_eq!(drain(&mut queue), [1, 1]);
        }
    }

    #[test]
    fn control_overtakes() {
        let mut queue = Messages::new(8, Full::Refuse);
        assert!(data(&mut queue, 1) && data(&mut queue, 2));
        queue.push_control(message(WHARF_KIND_CONTROL, 7));
        queue.push_control(message(WHARF_KIND_CONTROL, 8));
        assert_eq!(drain(&mut queue), [7, 8, 1, 2]);
    }

    #[test]
    fn what_is_moved_out_makes_plain_room_again_and_no_more() {
        for capacity in [3, 7, 40] {
            let mut queue = Messages::new(capacity, Full::Refuse);
            for round in 0..100 {
                queue.reserve(1).unwrap();
                data(&mut queue, round);
                while queue.push_plain(&mut Value::int64(7), round, 0) {}
                assert!(queue.plain == 0 || queue.data == capacity, "{capacity}, {round}");
                let mut places = [MaybeUninit::uninit(); 2];
                let before = queue.len();
                queue.move_into(&mut places[..1 + round as usize % 2]);
                assert!(queue.data < capacity && queue.len() < before);
                assert!(queue.plain <= capacity.saturating_sub(queue.data));
                assert!(queue.plain + queue.reserved <= queue.normal.narrow_room());
            }
        }
    }

    #[test]
    fn reserved_places_stay_free_whatever_else_is_posted() {
        let mut queue = Messages::new(usize::MAX, Full::Refuse);
        for tag in 0..1000 {
            queue.reserve(1).unwrap();
            data(&mut queue, tag);
            assert!(queue.normal.room() >= queue.reserved);
        }
        let before = queue.normal.capacities();
        for tag in 0..1000 {
            queue.push_terminal(message(WHARF_KIND_OK, tag));
        }
        assert_eq!((queue.normal.capacities(), queue.reserved), (before, 0));
    }
}

//! The tasks of a port, from their acceptance to their terminal message: a plain data structure,
//! always under the port's lock.

use crate::id::{Id, WHARF_TASKS_MAX, first_generation, next_generation, wharf_task_t};
use std::{collections::VecDeque, task::Waker};

/// What ends a task early.
pub(crate) trait Abort {
    /// Asks for the task's future to be dropped; returns at once.
    fn abort(&self);
}

/// A task's place in the table of its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// The id of the task in the port at this place.
    pub(crate) fn id_at(self, port_place: u32) -> wharf_task_t {
        Id { place: port_place, task: self.index, generation: self.generation }.pack()
    }
}

/// A task as the sender of messages: what those bear, and where to see whether it may send any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) key: Key,
    pub(crate) tag: u64,
    pub(crate) task: wharf_task_t,
}

/// A task that has not ended.
#[derive(Debug)]
pub(crate) struct Task<A> {
    /// The host has asked for its end.
    pub(crate) cancelled: bool,
    /// The host has asked for its end before it had said how it is aborted.
    pub(crate) halted: bool,
    /// The host has asked it to wait.
    pub(crate) paused: bool,
    /// Who is polled again when the pause is over, or the host says so.
    pub(crate) waker: Option<Waker>,
    abort: Option<A>,
}

/// What is to be done for a task that is cancelled.
#[derive(Debug, PartialEq)]
pub(crate) enum Told<A> {
    /// It is to be aborted with this.
    Abort(A),
    /// It has not said how it is aborted: it ends before its first poll, or when it says so.
    Halted,
    /// It was told before.
    Before,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tasks<A> {
    places: Vec<Place<A>>,
    free: VecDeque<u32>,
    live: usize,
    most: usize,
    port_place: u32,
}

#[derive(Debug)]
struct Place<A> {
    generation: u32,
    task: Option<Task<A>>,
}

/// Places are made by so many at a time, so that even one task at a time goes through as many
/// ids before it comes to the first again.
const CHUNK: usize = 32;

impl<A: Abort + Clone> Tasks<A> {
    pub(crate) fn new(port_place: u32, most: usize) -> Self {
        let most = most.min(WHARF_TASKS_MAX);
        Self { places: Vec::new(), free: VecDeque::new(), live: 0, most, port_place }
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// How many more there may be.
    pub(crate) fn room(&self) -> usize {
        self.most - self.live
    }

    /// A place for a new task; `None` where there are as many as there may be.
    pub(crate) fn insert(&mut self) -> Option<Key> {
        if self.live == self.most {
            return None;
        }
        if self.free.is_empty() {
            self.grow();
        }
        let index = self.free.pop_front()?;
        let place = &mut self.places[index as usize];
        place.task =
            Some(Task { cancelled: false, halted: false, paused: false, waker: None, abort: None });
        self.live += 1;
        Some(Key { index, generation: place.generation })
    }

    fn grow(&mut self) {
        let before = self.places.len();
        let after = (before + CHUNK.max(before / 2)).min(WHARF_TASKS_MAX);
        self.places
            .extend((before..after).map(|_| Place { generation: first_generation(), task: None }));
        // With room for all, so that a task's end never allocates.
        self.free.reserve(after);
        self.free.extend(before as u32..after as u32);
    }

    /// The id that the host knows the task by.
    pub(crate) fn id(&self, key: Key) -> wharf_task_t {
        key.id_at(self.port_place)
    }

    /// The key of a host's id, whose port has been found already; it may be stale.
    pub(crate) fn key(id: Id) -> Key {
        Key { index: id.task, generation: id.generation }
    }

    /// Whether the task has not ended.
    #[inline]
    pub(crate) fn is_live(&self, key: Key) -> bool {
        // A place's generation changes with the end of its task.
        self.places.get(key.index as usize).is_some_and(|place| place.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Task<A>> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation == key.generation { place.task.as_mut() } else { None }
    }

    /// Takes a task out; its id is stale from now on.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Task<A>> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let task = place.task.take()?;
        place.generation = next_generation(place.generation);
        self.free.push_back(key.index);
        self.live -= 1;
        Some(task)
    }

    /// Lets the task be aborted from now on; the handle comes back if it is to be so at once.
    pub(crate) fn attach(&mut self, key: Key, abort: A) -> Option<A> {
        let task = self.get_mut(key)?;
        if task.cancelled {
            return Some(abort);
        }
        task.abort = Some(abort);
        None
    }

    /// Marks a task as cancelled, and says what follows from that.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<Told<A>> {
        let task = self.get_mut(key)?;
        let told_before = std::mem::replace(&mut task.cancelled, true);
        Some(match task.abort.take() {
            Some(abort) => Told::Abort(abort),
            None if told_before => Told::Before,
            None => {
                task.halted = true;
                Told::Halted
            }
        })
    }

    /// What aborts all tasks. `cancelled` says whether they count as cancelled by the host.
    pub(crate) fn abort_all(&mut self, cancelled: bool) -> Vec<A> {
        let tasks = self.places.iter_mut().filter_map(|place| place.task.as_mut());
        tasks
            .filter_map(|task| {
                task.cancelled |= cancelled;
                if cancelled { task.abort.take() } else { task.abort.clone() }
            })
            .collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Handle(u32);
    impl Abort for Handle {
        fn abort(&self) {}
    }

    #[test]
    fn a_stale_key_finds_nothing_and_ids_come_back_late() {
        let mut tasks = Tasks::<Handle>::new(3, usize::MAX);
        let first = tasks.insert().unwrap();
        let id = tasks.id(first);
        assert_eq!(Id::unpack(id).place, 3);
        assert_eq!(Tasks::<Handle>::key(Id::unpack(id)), first);
        assert!(tasks.remove(first).is_some());
        assert!(tasks.remove(first).is_none() && tasks.get_mut(first).is_none());
        for _ in 1..CHUNK {
            let key = tasks.insert().unwrap();
            assert_ne!(key.index, first.index);
            tasks.remove(key);
        }
        let again = tasks.insert().unwrap();
        assert_eq!(again.index, first.index);
        assert_ne!(tasks.id(again), id);
    }

    #[test]
    fn a_cancel_before_the_handle_is_there_comes_into_effect_with_it() {
        let mut tasks = Tasks::new(0, usize::MAX);
        let early = tasks.insert().unwrap();
        assert_eq!(tasks.cancel(early), Some(Told::Halted));
        assert_eq!(tasks.cancel(early), Some(Told::Before), "twice is once");
        assert_eq!(tasks.attach(early, Handle(1)), Some(Handle(1)));
        let late = tasks.insert().unwrap();
        assert_eq!(tasks.attach(late, Handle(2)), None);
        assert_eq!(tasks.cancel(late), Some(Told::Abort(Handle(2))));
        assert_eq!(tasks.cancel(late), Some(Told::Before), "twice is once");
    }

    #[test]
    fn the_limit_holds_at_n_and_n_plus_one() {
        let mut tasks = Tasks::<Handle>::new(0, 2);
        let first = tasks.insert().unwrap();
        assert!(tasks.insert().is_some() && tasks.insert().is_none());
        tasks.remove(first);
        assert!(tasks.insert().is_some());
    }
}

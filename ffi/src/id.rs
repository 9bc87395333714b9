//! Ids: numbers that name runtimes, ports and tasks, and never point to them.
//!
//! An id is an index with a generation, 64 bits with the highest 0 (so that it is the same number
//! in languages whose integers have a sign):
//!
//! ```text
//! 0 | place: 18 bits | task: 20 bits | generation: 25 bits
//! ```
//!
//! A task's id names its port's place and, inside the port, its own; ports and runtimes have a
//! task field that no task has. A place's generation is never 0, grows with every use of it, and
//! starts at a number that differs from one loaded library to the next, so an id that is stale,
//! foreign or made up is found out (but for one chance in 33 million for each guess). Places are
//! reused first in, first out, so that generations last.

use crate::status::{
    Error, Result, WHARF_LIMIT, WHARF_NO_PORT, WHARF_NO_RUNTIME, WHARF_NO_TASK, wharf_status_t,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::SystemTime,
};

#[cfg(loom)]
use loom::sync::RwLock;
#[cfg(not(loom))]
use std::sync::RwLock;

#[cfg(all(test, loom))]
mod models;

/// Names a runtime. 0 names none, or the library's default runtime where a call says so.
pub type wharf_runtime_t = u64;
/// Names a port. 0 names none.
pub type wharf_port_t = u64;
/// Names a task. 0 names none.
pub type wharf_task_t = u64;

const GENERATION_BITS: u32 = 25;
const TASK_BITS: u32 = 20;
#[allow(dead_code, reason = "the assertion below uses it; rustc 1.85 does not count that")]
const PLACE_BITS: u32 = 18;
const GENERATION_MAX: u32 = (1 << GENERATION_BITS) - 1;
const TASK_IS_PORT: u32 = (1 << TASK_BITS) - 1;
const TASK_IS_RUNTIME: u32 = TASK_IS_PORT - 1;

/// How many tasks of one port there may be at once.
pub const WHARF_TASKS_MAX: usize = 1_048_574;
/// How many ports there may be at once in one library.
pub const WHARF_PORTS_MAX: usize = 262_144;

const _: () = assert!(WHARF_TASKS_MAX == TASK_IS_RUNTIME as usize);
const _: () = assert!(WHARF_PORTS_MAX == 1 << PLACE_BITS);

/// What an id says, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) place: u32,
    pub(crate) task: u32,
    pub(crate) generation: u32,
}

impl Id {
    pub(crate) const fn pack(self) -> u64 {
        ((self.place as u64) << (TASK_BITS + GENERATION_BITS))
            | ((self.task as u64) << GENERATION_BITS)
            | self.generation as u64
    }

    pub(crate) const fn unpack(id: u64) -> Self {
        Self {
            place: (id >> (TASK_BITS + GENERATION_BITS)) as u32,
            task: (id >> GENERATION_BITS) as u32 & TASK_IS_PORT,
            generation: id as u32 & GENERATION_MAX,
        }
    }
}

/// The generation after `generation`.
pub(crate) const fn next_generation(generation: u32) -> u32 {
    if generation == GENERATION_MAX { 1 } else { generation + 1 }
}

/// Where a new place's generations start: somewhere else in every place of every library.
pub(crate) fn first_generation() -> u32 {
    static SEED: OnceLock<u32> = OnceLock::new();
    static PLACES: AtomicU32 = AtomicU32::new(0);
    let seed = *SEED.get_or_init(|| {
        let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
        // The address differs between two libraries that are loaded in the same nanosecond.
        nanos ^ ((&raw const SEED).addr() >> 4) as u32
    });
    // Relaxed: only the number matters. The odd factor spreads neighbours far apart.
    let place = PLACES.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B1);
    (seed.wrapping_add(place) & GENERATION_MAX).max(1)
}

/// What a table is about.
pub(crate) struct Naming {
    task: u32,
    missing: wharf_status_t,
    noun: &'static str,
}

pub(crate) const RUNTIMES: Naming =
    Naming { task: TASK_IS_RUNTIME, missing: WHARF_NO_RUNTIME, noun: "runtime" };
pub(crate) const PORTS: Naming =
    Naming { task: TASK_IS_PORT, missing: WHARF_NO_PORT, noun: "port" };

/// The error for a task that is not there.
pub(crate) fn no_task(id: u64) -> Error {
    Error::new(
        WHARF_NO_TASK,
        format!("{id:#x} names no task: it has ended, or was never given out by this library"),
    )
}

/// The id's place, if the id can be a task's.
pub(crate) fn task_place(id: wharf_task_t) -> Result<Id> {
    let parts = Id::unpack(id);
    if id >> 63 != 0 || parts.generation == 0 || parts.task >= TASK_IS_RUNTIME {
        return Err(no_task(id));
    }
    Ok(parts)
}

/// What has ids, by place.
///
/// A plain reader-writer lock: looking up is a read, and only opening and closing write.
pub(crate) struct Table<T> {
    naming: Naming,
    places: RwLock<Places<T>>,
}

struct Places<T> {
    all: Vec<Place<T>>,
    free: VecDeque<u32>,
}

struct Place<T> {
    generation: u32,
    held: Option<Arc<T>>,
}

impl<T> Table<T> {
    #[cfg(not(loom))]
    pub(crate) const fn new(naming: Naming) -> Self {
        let places = Places { all: Vec::new(), free: VecDeque::new() };
        Self { naming, places: RwLock::new(places) }
    }

    #[cfg(loom)]
    pub(crate) fn new(naming: Naming) -> Self {
        let places = Places { all: Vec::new(), free: VecDeque::new() };
        Self { naming, places: RwLock::new(places) }
    }

    /// As [`insert`](Self::insert), for what a shutdown has to find: that says first that it has
    /// begun, and looks into the table then. What comes into the table too late to be found has to
    /// look itself, which `is_late` does; it is taken out again.
    pub(crate) fn insert_unless(
        &self,
        make: impl FnOnce(u64) -> T,
        is_late: impl FnOnce(&T) -> bool,
    ) -> Result<Option<Arc<T>>> {
        let mut given = 0;
        let made = self.insert(|id| {
            given = id;
            make(id)
        })?;
        if is_late(&made) {
            self.remove(given);
            return Ok(None);
        }
        Ok(Some(made))
    }

    /// Puts in what `make` makes of its id.
    pub(crate) fn insert(&self, make: impl FnOnce(u64) -> T) -> Result<Arc<T>> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let place = match places.free.pop_front() {
            Some(place) => place,
            None if places.all.len() == WHARF_PORTS_MAX => {
                let text = format!("{WHARF_PORTS_MAX} {}s are open already", self.naming.noun);
                return Err(Error::new(WHARF_LIMIT, text));
            }
            None => {
                places.all.push(Place { generation: first_generation(), held: None });
                (places.all.len() - 1) as u32
            }
        };
        let entry = &mut places.all[place as usize];
        let id = Id { place, task: self.naming.task, generation: entry.generation };
        let made = Arc::new(make(id.pack()));
        entry.held = Some(made.clone());
        Ok(made)
    }

    /// What `id` names.
    pub(crate) fn get(&self, id: u64) -> Result<Arc<T>> {
        let parts = Id::unpack(id);
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let found = match places.all.get(parts.place as usize) {
            Some(place)
                if place.generation == parts.generation && parts.task == self.naming.task =>
            {
                place.held.clone()
            }
            _ => None,
        };
        found.filter(|_| id >> 63 == 0).ok_or_else(|| {
            let noun = self.naming.noun;
            Error::new(
                self.naming.missing,
                format!(
                    "{id:#x} names no {noun}: it has been closed or freed, or was never given \
                     out by this library"
                ),
            )
        })
    }

    /// What is at a place just now.
    pub(crate) fn at(&self, place: u32) -> Option<Arc<T>> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.all.get(place as usize).and_then(|place| place.held.clone())
    }

    /// Takes out what `id` names; whoever takes it out is the only one who does.
    pub(crate) fn remove(&self, id: u64) -> Option<Arc<T>> {
        let parts = Id::unpack(id);
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let place = places.all.get_mut(parts.place as usize)?;
        if place.generation != parts.generation || parts.task != self.naming.task {
            return None;
        }
        let held = place.held.take()?;
        place.generation = next_generation(place.generation);
        places.free.push_back(parts.place);
        Some(held)
    }

    /// All that is held just now.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.all.iter().filter_map(|place| place.held.clone()).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positive_and_survive_packing() {
        for id in [
            Id { place: 0, task: 0, generation: 1 },
            Id { place: (1 << 18) - 1, task: TASK_IS_PORT, generation: GENERATION_MAX },
            Id { place: 5, task: TASK_IS_RUNTIME, generation: 77 },
        ] {
            assert_eq!(Id::unpack(id.pack()), id);
            assert!(id.pack() as i64 > 0);
        }
    }

    #[test]
    fn stale_foreign_and_made_up_ids_are_found_out() {
        let table = Table::new(PORTS);
        let other = Table::new(PORTS);
        let (mut first, mut foreign) = (0, 0);
        table.insert(|id| first = id).unwrap();
        other.insert(|id| foreign = id).unwrap();
        assert!(table.get(first).is_ok());
        assert!(table.get(foreign).is_err());
        assert!(table.get(first | 1 << 63).is_err());
        for made_up in [0, 1, u64::MAX, first + 1, first ^ (1 << GENERATION_BITS)] {
            assert_eq!(table.get(made_up).unwrap_err().status(), WHARF_NO_PORT);
        }
        assert!(table.remove(first).is_some());
        assert!(table.remove(first).is_none());
        let mut second = 0;
        table.insert(|id| second = id).unwrap();
        assert_eq!(Id::unpack(first).place, Id::unpack(second).place);
        assert!(table.get(first).is_err() && table.get(second).is_ok());
    }

    #[test]
    fn generations_wrap_past_zero() {
        assert_eq!(next_generation(GENERATION_MAX), 1);
    }
}

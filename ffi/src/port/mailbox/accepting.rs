//! Tasks that are accepted.
//!
//! Accepting a task takes a place in the port's table and one for its terminal message, both under
//! `state`, where tasks end as well: a host that submits without a pause would meet the workers
//! there with every task, and each meeting moves the lock and what is under it from one processor to the other
//! and back. So places are taken for several tasks at once, and wait in the [`Gate`], which has a lock of
//! its own that only those who submit take. How many depends on how many tasks run, so that a port with few has few.
//!
//! A place in the gate counts as a task's wherever it only matters that there is a place: in the limit
//! of tasks, and among the reserved places for messages. No id of it has been given out, and a host's
//! guess at one names no task. Whoever ends the port's days (a close, a shutdown, a deferred end) takes all of them
//! back under both locks, and after the first two a submit that finds the gate empty finds the phase.

use super::{Bell, Mailbox, Phase, State, refusal};
use crate::{
    id::{no_task, wharf_task_t},
    port::tasks::{Abort, Key, Sender},
    status::{Error, Result, WHARF_LIMIT},
};
use wharf_base::sync::{MutexGuard, lock};

/// The most places that wait in a gate.
const MOST: usize = 32;
/// One place is taken ahead for so many tasks that run.
const SHARE: usize = if cfg!(loom) { 1 } else { 8 };

/// See the module.
pub(super) struct Gate {
    keys: Vec<Key>,
    port_place: u32,
}

impl Gate {
    pub(super) fn new(port_place: u32) -> Self {
        Self { keys: Vec::new(), port_place }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    fn id(&self, key: Key) -> wharf_task_t {
        key.id_at(self.port_place)
    }

    /// Gives all places back.
    pub(super) fn shut<A: Abort + Clone>(&mut self, state: &mut State<A>) {
        for key in self.keys.drain(..) {
            state.tasks.remove(key);
            state.messages.release();
        }
    }
}

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// Accepts a task: its terminal message can't fail to be sent any more.
    pub(crate) fn accept(&self, tag: u64) -> Result<Sender> {
        let mut gate = lock(&self.gate);
        let key = match gate.keys.pop() {
            Some(key) => key,
            None => self.refill(&mut gate)?,
        };
        let task = gate.id(key);
        Ok(Sender { key, tag, task })
    }

    /// A place for one task, and places for others in the gate.
    #[inline(never)]
    fn refill(&self, gate: &mut Gate) -> Result<Key> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err(refusal(state.phase));
        }
        let running = state.tasks.len();
        let count = (1 + running / SHARE).min(MOST).min(state.tasks.room());
        if count == 0 {
            return Err(Error::new(
                WHARF_LIMIT,
                format!("{running} tasks of this port run already"),
            ));
        }
        state.messages.reserve(count)?;
        gate.keys.extend((0..count).map_while(|_| state.tasks.insert()));
        // In the order of their places: the first is at the end.
        gate.keys.reverse();
        Ok(gate.keys.pop().expect("there was room for one"))
    }

    /// The port's state, for a host's order to a task.
    pub(super) fn state_for(&self, key: Key) -> Result<MutexGuard<'_, State<A>>> {
        let gate = lock(&self.gate);
        if gate.keys.contains(&key) {
            return Err(no_task(gate.id(key)));
        }
        drop(gate);
        Ok(lock(&self.state))
    }
}

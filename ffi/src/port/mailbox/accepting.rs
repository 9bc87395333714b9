//! Tasks that are accepted.
//!
//! Accepting a task takes a place in the port's table and one for its terminal message, both under
//! `state`, where tasks end as well: a host that submits without a pause would meet the workers
//! there with every task, and each meeting moves the lock and what is under it from one processor to
//! the other and back. So places are taken for several tasks at once, and wait in the [`Gate`], which
//! has a lock of its own that only those who submit take. How many depends on how many tasks run, so
//! that a port with few has few.
//!
//! A place in the gate counts as a task's wherever it only matters that there is a place: in the limit
//! of tasks, and among the reserved places for messages. No id of it has been given out, and a host's
//! guess at one names no task. Whoever ends the port's days (a close, a shutdown, a deferred end) takes
//! all of them back under both locks, and after the first two a submit that finds the gate empty finds
//! the phase.

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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        port::mailbox::{
            Last, Limits, Wait,
            testing::{Handle, Silent},
        },
        status::{WHARF_NO_TASK, WHARF_SHUT_DOWN},
    };
    use wharf_base::sync::atomic::Ordering::Relaxed;

    fn mailbox(tasks: usize) -> Mailbox<Handle, Silent> {
        Mailbox::new(0, Limits { tasks, ..Limits::default() }, false)
    }

    fn ahead(mailbox: &Mailbox<Handle, Silent>) -> Vec<Key> {
        lock(&mailbox.gate).keys.clone()
    }

    fn end(mailbox: &Mailbox<Handle, Silent>, Sender { key, tag, .. }: Sender) {
        let _ = mailbox.finish(key, tag, Last::Dropped(None));
    }

    #[test]
    fn the_limit_holds_at_n_and_n_plus_one_with_places_ahead() {
        let limit = 100;
        let mailbox = mailbox(limit);
        let mut running: Vec<Sender> = Vec::new();
        let mut had_ahead = 0;
        for round in 0..10 {
            while let Ok(sender) = mailbox.accept(round) {
                running.push(sender);
                had_ahead = had_ahead.max(ahead(&mailbox).len());
                assert_eq!(mailbox.counts().tasks, running.len());
            }
            assert_eq!(running.len(), limit);
            assert_eq!(mailbox.accept(0).unwrap_err().status(), WHARF_LIMIT);
            running.drain(..7 * (1 + round as usize)).for_each(|sender| end(&mailbox, sender));
        }
        assert!(had_ahead > 1, "this test is about them");
    }

    #[test]
    fn a_port_with_few_tasks_takes_no_places_ahead() {
        let mailbox = mailbox(usize::MAX);
        for tag in 0..100 {
            let sender = mailbox.accept(tag).unwrap();
            assert!(ahead(&mailbox).is_empty());
            end(&mailbox, sender);
        }
    }

    #[test]
    fn an_id_that_was_not_given_out_names_no_task() {
        let mailbox = mailbox(usize::MAX);
        while ahead(&mailbox).is_empty() {
            mailbox.accept(0).unwrap();
        }
        for key in ahead(&mailbox) {
            let told = [mailbox.cancel(key), mailbox.wake(key), mailbox.set_paused(key, true)];
            let asked = mailbox.is_cancelled(key).map(|_| ());
            for refused in told.into_iter().chain([asked]) {
                assert_eq!(refused.unwrap_err().status(), WHARF_NO_TASK);
            }
        }
        let sender = mailbox.accept(0).unwrap();
        assert!(!mailbox.is_cancelled(sender.key).unwrap());
        mailbox.cancel(sender.key).unwrap();
    }

    #[test]
    fn places_ahead_keep_no_port_from_its_end() {
        type Way = fn(&Mailbox<Handle, Silent>);
        let ways: [Way; 2] = [Mailbox::shut_down, |mailbox| _ = mailbox.close()];
        for way in ways {
            let mailbox = mailbox(usize::MAX);
            let running: Vec<Sender> = (0..50).map(|tag| mailbox.accept(tag).unwrap()).collect();
            assert!(!ahead(&mailbox).is_empty());
            way(&mailbox);
            assert!(mailbox.accept(0).is_err() && !mailbox.settle(Wait::No));
            running.into_iter().for_each(|sender| end(&mailbox, sender));
            assert!(mailbox.settle(Wait::No));
        }
        // A port that goes with its last task.
        let mailbox = mailbox(usize::MAX);
        let mut running: Vec<Sender> = (0..50).map(|tag| mailbox.accept(tag).unwrap()).collect();
        assert!(mailbox.defer());
        let last = running.pop().unwrap();
        running.into_iter().for_each(|sender| end(&mailbox, sender));
        assert!(mailbox.finish(last.key, last.tag, Last::Dropped(None)).forget);
    }

    #[test]
    fn polls_need_not_look_once_those_who_were_told_have_ended() {
        let mailbox = mailbox(usize::MAX);
        let quiet = || mailbox.halts.load(Relaxed) == 0 && mailbox.pauses.load(Relaxed) == 0;
        let [early, late, other] = [1, 2, 3].map(|tag| mailbox.accept(tag).unwrap());
        mailbox.attach(late.key, Handle);
        for key in [early.key, late.key] {
            for _ in 0..2 {
                mailbox.cancel(key).unwrap();
                mailbox.set_paused(key, true).unwrap();
            }
        }
        mailbox.set_paused(late.key, false).unwrap();
        mailbox.set_paused(other.key, false).unwrap();
        assert!(mailbox.is_halted(early.key) && !mailbox.is_halted(other.key));
        end(&mailbox, late);
        assert_eq!((mailbox.halts.load(Relaxed), mailbox.pauses.load(Relaxed)), (1, 1));
        end(&mailbox, early);
        assert!(quiet());
        // Where the messages go elsewhere, and where the port has been closed.
        for close in [false, true] {
            let task = mailbox.accept(4).unwrap();
            mailbox.cancel(task.key).unwrap();
            mailbox.set_paused(task.key, true).unwrap();
            if close {
                let _ = mailbox.close();
                end(&mailbox, task);
                assert_eq!((mailbox.halts.load(Relaxed), mailbox.pauses.load(Relaxed)), (1, 0));
            } else {
                let _ = mailbox.forget(task.key);
                assert!(quiet());
            }
        }
        end(&mailbox, other);
        assert!(mailbox.settle(Wait::No));
    }

    #[test]
    fn who_is_told_to_end_before_the_first_poll_is_not_polled() {
        let mailbox = mailbox(usize::MAX);
        let [first, second] = [mailbox.accept(1), mailbox.accept(2)].map(Result::unwrap);
        assert!(!mailbox.is_halted(first.key));
        mailbox.cancel(first.key).unwrap();
        assert!(mailbox.is_halted(first.key) && !mailbox.is_halted(second.key));
        mailbox.shut_down();
        assert!(mailbox.is_halted(second.key));
        assert_eq!(mailbox.accept(3).unwrap_err().status(), WHARF_SHUT_DOWN);
    }
}

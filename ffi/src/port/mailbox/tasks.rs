//! Tasks, once they have been accepted, to their end.
//!
//! # What polls look at without the lock
//!
//! A task's first poll asks whether the task is to end instead, and every poll whether it is paused. Both
//! are under the lock, and nearly always no. So two counters say how many tasks there are to look for:
//! `halts` and `pauses`, which change under the lock, with the tasks that they count, and are read without
//! it.
//!
//! A task can be aborted once it has said how (`attach`), after the first poll that it waits in. One
//! that is cancelled before is marked and counts among `halts` until its end.
//!
//! * *Nothing slips past.* A first poll that reads 0 polls the future, though a cancel, a shutdown or a
//!   close may be under way. If the future ends in it, its own end is the task's one terminal message.
//!   If not, `attach` follows, under the lock: either it finds the mark or the phase and aborts at once, or
//!   whoever marks later finds the handle. A close or shutdown that has not been seen waits
//!   all the same, for the task is in `tasks` until `finish`.
//! * *Who was told before is not polled.* The count of a task is added in the call that marks it, and
//!   stays until its end. Where that call happened before the poll, the poll reads it or something
//!   later, of which each still counts this task. A shutdown or close counts for good, like the phase.
//! * *The short way comes back.* The end of a marked task takes its count away: as long as no task is both
//!   marked and there, first polls read 0 again. The same goes for a task that is resumed, or that ends
//!   paused.
//!
//! A pause takes effect at some next poll: one that reads 0 has not seen it yet. A poll that finds its task
//! paused leaves its waker under the same hold of the lock, and a resume takes that out under the lock: so
//! either the poll sees the resume and goes on, or the resume sees the waker. A poll that reads 0 after
//! a resume has not taken the lock, but sees what the host had written before.

use super::{Bell, Duty, Last, Mailbox, Phase};
use crate::{
    failure::Failure,
    id::no_task,
    message::*,
    port::tasks::{Abort, Key, Task, Told},
    status::*,
    value::{IntoValue, Value},
};
use std::{
    io,
    task::{Context, Poll, Waker},
};
use wharf_base::sync::{
    atomic::Ordering::{Acquire, Relaxed, Release},
    lock,
};

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// Lets an accepted task be aborted.
    pub(crate) fn attach(&self, key: Key, abort: A) {
        let mut state = lock(&self.state);
        let stopped = state.phase != Phase::Open;
        let at_once = state.tasks.attach(key, abort.clone());
        drop(state);
        if stopped || at_once.is_some() {
            abort.abort();
        }
    }

    /// Before a task's first poll: whether it is to end instead.
    #[inline]
    pub(crate) fn is_halted(&self, key: Key) -> bool {
        self.halts.load(Relaxed) > 0 && self.is_cancelled(key).unwrap_or(true)
    }

    /// A task's end, after its future is gone: the one terminal message.
    pub(crate) fn finish(&self, key: Key, tag: u64, last: Last) -> Duty {
        let mut state = lock(&self.state);
        if state.phase == Phase::Closed {
            drop(state);
            // Bytes of the host's in it are given back by host code, which a close waits for.
            drop(last);
            return self.forget(key);
        }
        let id = state.tasks.id(key);
        let Some(task) = state.tasks.remove(key) else { return Duty::default() };
        self.uncount(&task);
        let (kind, code, value) = last.words(state.phase, task.cancelled);
        let message = Message { tag, task: id, kind, code, value };
        state.messages.push_terminal(message);
        let arrived = self.arrived(&mut state);
        let forget = self.leave(state);
        drop(task);
        let duty = self.announce(arrived);
        Duty { forget: duty.forget || forget, ..duty }
    }

    /// As [`finish`](Self::finish) for a port whose messages go elsewhere: what would be sent, and
    /// whether it still may. The task stays until [`forget`](Self::forget).
    pub(crate) fn last_words(&self, key: Key, tag: u64, last: Last) -> Option<(Message, bool)> {
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let open = state.phase != Phase::Closed;
        let phase = state.phase;
        let task = state.tasks.get_mut(key)?;
        let (kind, code, value) = last.words(phase, task.cancelled);
        Some((Message { tag, task: id, kind, code, value }, open))
    }

    /// The end of a task that has sent its last message elsewhere.
    pub(crate) fn forget(&self, key: Key) -> Duty {
        let mut state = lock(&self.state);
        let task = state.tasks.remove(key);
        if let Some(task) = &task {
            state.messages.release();
            self.uncount(task);
        }
        let forget = self.leave(state);
        drop(task);
        Duty { forget, pump: false }
    }

    /// A task that has ended needs not be looked for; called under the lock.
    #[inline]
    fn uncount(&self, task: &Task<A>) {
        if task.halted {
            self.halts.fetch_sub(1, Relaxed);
        }
        if task.paused {
            self.pauses.fetch_sub(1, Relaxed);
        }
    }

    /// Asks for the end of a task.
    pub(crate) fn cancel(&self, key: Key) -> Result<()> {
        let mut state = self.state_for(key)?;
        let id = state.tasks.id(key);
        let told = state.tasks.cancel(key).ok_or_else(|| no_task(id))?;
        if matches!(told, Told::Halted) {
            self.halts.fetch_add(1, Relaxed);
        }
        drop(state);
        if let Told::Abort(abort) = told {
            abort.abort();
        }
        Ok(())
    }

    /// Whether the end of a task has been asked for.
    pub(crate) fn is_cancelled(&self, key: Key) -> Result<bool> {
        let mut state = self.state_for(key)?;
        let stopped = state.phase != Phase::Open;
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        Ok(task.cancelled || stopped)
    }

    /// Makes a task wait, or go on.
    pub(crate) fn set_paused(&self, key: Key, paused: bool) -> Result<()> {
        let mut state = self.state_for(key)?;
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        match (std::mem::replace(&mut task.paused, paused), paused) {
            (false, true) => _ = self.pauses.fetch_add(1, Relaxed),
            // Release: with the load in `poll_resumed`, which then sees all that was before the resume.
            (true, false) => _ = self.pauses.fetch_sub(1, Release),
            _ => {}
        }
        let resume = if paused { None } else { task.waker.clone() };
        drop(state);
        if let Some(waker) = resume {
            waker.wake();
        }
        Ok(())
    }

    /// Pending while the task is paused.
    pub(crate) fn poll_resumed(&self, key: Key, cx: &mut Context<'_>) -> Poll<()> {
        // Acquire: with the Release of `set_paused`.
        if self.pauses.load(Acquire) == 0 {
            return Poll::Ready(());
        }
        if self.remember(key, cx.waker()) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Keeps who is to be polled after a pause or a wake by id; whether the task is paused.
    pub(crate) fn remember(&self, key: Key, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        let Some(task) = state.tasks.get_mut(key) else { return false };
        let paused = task.paused;
        let known = task.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        let old = if known { None } else { task.waker.replace(waker.clone()) };
        drop(state);
        drop(old);
        paused
    }

    /// Has a task polled again that was remembered.
    pub(crate) fn wake(&self, key: Key) -> Result<()> {
        let mut state = self.state_for(key)?;
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        let waker = task.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

impl Last {
    /// Kind, code and value of the terminal message, in a port of this phase.
    fn words(self, phase: Phase, cancelled: bool) -> (i32, i32, Value) {
        let why = match self {
            Self::Words(kind, code, value) => return (kind, code, value),
            Self::Dropped(why) => why,
        };
        match phase {
            _ if cancelled => (WHARF_KIND_CANCELLED, 0, Value::NULL),
            Phase::ShutDown => (WHARF_KIND_SHUT_DOWN, 0, Value::NULL),
            Phase::Closed => (WHARF_KIND_CANCELLED, 0, Value::NULL),
            Phase::Open => {
                let text = refused(why).into_value();
                (WHARF_KIND_ERROR, -WHARF_SYSTEM, text.unwrap_or(Value::NULL))
            }
        }
    }
}

/// Nobody has asked for the end of the task: there was no thread for it.
#[cold]
fn refused(why: Option<io::Error>) -> Failure {
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let text = format!(
        "no thread was to be had that could have run the task{why}; raise the process's limits of \
         threads and memory, or lower the runtime's thread_stack_size"
    );
    Failure::new(-WHARF_SYSTEM, text)
}

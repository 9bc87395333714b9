//! The part of a port where threads meet: one lock around the waiting messages and the running
//! tasks, two condition variables, and a bell.
//!
//! # States
//!
//! | phase | submits, posts | tasks' ends | receiving |
//! | --- | --- | --- | --- |
//! | `Open` | accepted | delivered | yes |
//! | `ShutDown` | refused | delivered | yes, till the port is closed |
//! | `Closed` | refused | dropped | no |
//!
//! A phase only moves down this table. A task that was accepted is in `tasks` until its future is
//! gone; its end takes it out and pushes its terminal message in one step under the lock, into a
//! place that was reserved when it was accepted. So each accepted task sends exactly one, and a
//! closed port whose `tasks` and `callbacks` are both zero never runs host code again.
//!
//! # The bell
//!
//! The bell (an eventfd) rings for a host that waits in a loop of its own. `rung` is true from the
//! moment somebody has decided, under the lock, to ring, until a receiver has cleared the bell and
//! has then found the queue empty, under the lock:
//!
//! ```text
//! post:     lock; push; first = !rung; rung = true; unlock; if first { ring }
//! receive:  lock; pop; empty?; unlock; if empty { clear; lock; if empty { rung = false }
//!                                       else { again = true }; unlock; if again { ring } }
//! ```
//!
//! Ringing and clearing happen outside the lock. While the queue is not empty and everybody is out
//! of these functions, the bell has been rung after it was last cleared: a post that found `rung`
//! false rings after its push; one that found it true did so before a receiver's second look, so
//! that this look finds the message, and rings again. A ring may be late and find the queue empty;
//! it is cleared by the next receive.
//!
//! # Receivers asleep
//!
//! `sleeping` counts the threads in `arrived.wait`, `called` those of them that have been notified
//! and have not come back. A post notifies only while `called` is 0, so that a batch costs one
//! wake; a receiver that leaves messages behind passes the call on.

use super::{
    queue::{Full, Messages, Pushed},
    tasks::{Abort, Key, Tasks},
};
use crate::{
    failure::Failure,
    id::{no_task, wharf_task_t},
    message::*,
    status::*,
    value::{IntoValue, Value},
};
use std::{
    mem::MaybeUninit,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::Instant,
};
use wharf_base::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering::Relaxed},
    lock,
};

/// What a host's own loop can wait for.
pub(crate) trait Bell {
    /// Makes it readable.
    fn ring(&self);
    /// Makes it not readable.
    fn clear(&self);
    /// The port has been closed: whoever waits in the library itself looks again.
    fn closed(&self) {}
}

/// What may be set when a port is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) capacity: usize,
    pub(crate) full: Full,
    pub(crate) tasks: usize,
    /// Data messages that may still be posted; `None`: as many as fit.
    pub(crate) credit: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { capacity: usize::MAX, full: Full::Refuse, tasks: usize::MAX, credit: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    ShutDown,
    Closed,
}

struct State<A> {
    phase: Phase,
    messages: Messages,
    tasks: Tasks<A>,
    /// Host functions that run for this port, or are about to, beside its tasks.
    callbacks: usize,
    credit: Option<u64>,
    /// Streams that wait for room or credit.
    waiting: Vec<Waker>,
    rung: bool,
    sleeping: usize,
    called: usize,
    /// Somebody sleeps in `settled.wait`.
    settling: bool,
    /// The port was closed from inside host code: whoever ends last has to see it off.
    deferred: bool,
    /// The bell is a function of the host's: closing waits for its calls.
    bell_is_code: bool,
    /// The port is drained by wharf, and the drainer has been told.
    pumping: bool,
    pumped: bool,
}

/// See the module.
pub(crate) struct Mailbox<A, B> {
    state: Mutex<State<A>>,
    arrived: Condvar,
    settled: Condvar,
    bell: OnceLock<B>,
    /// How often a task has been paused; while 0, polls need not look. Relaxed: a pause takes
    /// effect at some next poll, and a resume goes through the lock.
    pauses: AtomicUsize,
}

/// What has to be done outside the lock after messages have come in.
#[derive(Default)]
#[must_use]
struct Arrived {
    ring: bool,
    notify: bool,
    pump: bool,
    /// The ring is a call of host code that counts among the callbacks.
    counted: bool,
}

/// Messages that are moved out under one hold of the lock: few enough for a sender to wait for it
/// without going to sleep.
const CHUNK: usize = 32;

/// How many messages wait and such.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) waiting: usize,
    pub(crate) tasks: usize,
    pub(crate) posted: u64,
    pub(crate) dropped: u64,
    pub(crate) refused: u64,
}

/// How long a receiver or closer waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    No,
    Until(Instant),
    Forever,
}

/// The word for who tries to post or submit.
fn refusal(phase: Phase) -> Error {
    match phase {
        Phase::ShutDown => Error::new(WHARF_SHUT_DOWN, "the port's runtime has been shut down"),
        _ => Error::new(WHARF_NO_PORT, "the port has been closed"),
    }
}

fn full() -> Error {
    Error::new(WHARF_FULL, "the port is full: take messages out, or grant credit")
}

/// What the port has to see to after a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Duty {
    /// The drainer has to be started.
    pub(crate) pump: bool,
    /// The port, closed from inside host code, has come to rest: it is to be forgotten.
    pub(crate) forget: bool,
}

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// A mailbox for the port at `place`. With `pumped` there is somebody to be started when a
    /// message comes in, rather than a host that looks for it.
    pub(crate) fn new(place: u32, limits: Limits, pumped: bool) -> Self {
        let state = State {
            phase: Phase::Open,
            messages: Messages::new(limits.capacity, limits.full),
            tasks: Tasks::new(place, limits.tasks),
            callbacks: 0,
            credit: limits.credit,
            waiting: Vec::new(),
            rung: false,
            sleeping: 0,
            called: 0,
            settling: false,
            deferred: false,
            bell_is_code: false,
            pumping: false,
            pumped,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            settled: Condvar::new(),
            bell: OnceLock::new(),
            pauses: AtomicUsize::new(0),
        }
    }

    /// Accepts a task: its terminal message can't fail to be sent any more.
    pub(crate) fn accept(&self, tag: u64) -> Result<(Key, wharf_task_t)> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err(refusal(state.phase));
        }
        state.messages.reserve()?;
        let Some(key) = state.tasks.insert(tag) else {
            state.messages.release();
            let text = format!("{} tasks of this port run already", state.tasks.len());
            return Err(Error::new(WHARF_LIMIT, text));
        };
        let id = state.tasks.id(key);
        Ok((key, id))
    }

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

    /// A task's end, after its future is gone: the one terminal message. `what` is kind, code and
    /// value; without it the future was dropped before its end.
    pub(crate) fn finish(&self, key: Key, what: Option<(i32, i32, Value)>) -> Duty {
        let mut state = lock(&self.state);
        if state.phase == Phase::Closed {
            drop(state);
            // Bytes of the host's in it are given back by host code, which a close waits for.
            drop(what);
            return self.forget(key);
        }
        let id = state.tasks.id(key);
        let Some(task) = state.tasks.remove(key) else { return Duty::default() };
        let (kind, code, value) = what.unwrap_or_else(|| early_end(state.phase, task.cancelled));
        let message = Message { tag: task.tag, task: id, kind, code, value };
        state.messages.push_terminal(message);
        let arrived = state.arrived();
        let forget = self.leave(state);
        drop(task);
        let duty = self.announce(arrived);
        Duty { forget: duty.forget || forget, ..duty }
    }

    /// Unlocks after something has ended that a close may wait for; whether the port, closed from
    /// inside, is to be forgotten now.
    fn leave(&self, mut state: MutexGuard<'_, State<A>>) -> bool {
        let at_rest = state.at_rest();
        let settled = at_rest && std::mem::take(&mut state.settling);
        let forget = at_rest && std::mem::take(&mut state.deferred);
        drop(state);
        if settled {
            self.settled.notify_all();
        }
        forget
    }

    /// As [`finish`](Self::finish) for a port whose messages go elsewhere: what would be sent, and
    /// whether it still may. The task stays until [`forget`](Self::forget).
    pub(crate) fn last_words(
        &self,
        key: Key,
        what: Option<(i32, i32, Value)>,
    ) -> Option<(Message, bool)> {
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let open = state.phase != Phase::Closed;
        let phase = state.phase;
        let task = state.tasks.get_mut(key)?;
        let tag = task.tag;
        let (kind, code, value) = what.unwrap_or_else(|| early_end(phase, task.cancelled));
        Some((Message { tag, task: id, kind, code, value }, open))
    }

    /// The end of a task that has sent its last message elsewhere.
    pub(crate) fn forget(&self, key: Key) -> Duty {
        let mut state = lock(&self.state);
        let task = state.tasks.remove(key);
        if task.is_some() {
            state.messages.release();
        }
        let forget = self.leave(state);
        drop(task);
        Duty { forget, pump: false }
    }

    /// Posts a data message of a running task; one step under the lock.
    pub(crate) fn post_as(&self, key: Key, value: Value) -> Result<Duty, (Error, Value)> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err((refusal(state.phase), value));
        }
        if state.credit == Some(0) {
            return Err((full(), value));
        }
        let task = state.tasks.id(key);
        let Some(tag) = state.tasks.get_mut(key).map(|task| task.tag) else {
            return Err((no_task(task), value));
        };
        let message = Message { tag, task, kind: WHARF_KIND_DATA, code: 0, value };
        let out = match state.messages.push_data(message) {
            Pushed::Refused(message) => return Err((full(), message.value)),
            Pushed::InsteadOf(out) => out,
            Pushed::In => Vec::new(),
        };
        state.spend();
        let arrived = state.arrived();
        drop(state);
        drop(out);
        Ok(self.announce(arrived))
    }

    /// Asks for the end of a task.
    pub(crate) fn cancel(&self, key: Key) -> Result<()> {
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let abort = state.tasks.cancel(key).ok_or_else(|| no_task(id))?;
        drop(state);
        if let Some(abort) = abort {
            abort.abort();
        }
        Ok(())
    }

    /// Whether the end of a task has been asked for.
    pub(crate) fn is_cancelled(&self, key: Key) -> Result<bool> {
        let mut state = lock(&self.state);
        let stopped = state.phase != Phase::Open;
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        Ok(task.cancelled || stopped)
    }

    /// Makes a task wait, or go on.
    pub(crate) fn set_paused(&self, key: Key, paused: bool) -> Result<()> {
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        task.paused = paused;
        self.pauses.fetch_add(usize::from(paused), Relaxed);
        let resume = if paused { None } else { task.waker.clone() };
        drop(state);
        if let Some(waker) = resume {
            waker.wake();
        }
        Ok(())
    }

    /// Pending while the task is paused.
    pub(crate) fn poll_resumed(&self, key: Key, cx: &mut Context<'_>) -> Poll<()> {
        if self.pauses.load(Relaxed) == 0 {
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
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        let waker = task.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Posts a message that may be refused or dropped by the port's policy.
    pub(crate) fn post(&self, message: Message) -> Result<Duty, (Error, Message)> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err((refusal(state.phase), message));
        }
        let costs = message.kind == WHARF_KIND_DATA;
        let pushed = match message.kind {
            WHARF_KIND_CONTROL => state.messages.push_control(message),
            _ if state.credit == Some(0) => Pushed::Refused(message),
            _ => state.messages.push_data(message),
        };
        let out = match pushed {
            Pushed::Refused(message) => {
                return Err((full(), message));
            }
            Pushed::InsteadOf(out) => out,
            Pushed::In => Vec::new(),
        };
        if costs {
            state.spend();
        }
        let arrived = state.arrived();
        drop(state);
        drop(out);
        Ok(self.announce(arrived))
    }

    /// Ready when the port takes a data message, or never will again.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Poll::Ready(Err(refusal(state.phase)));
        }
        if state.credit != Some(0) && state.messages.takes_data() {
            return Poll::Ready(Ok(()));
        }
        let waker = cx.waker();
        if !state.waiting.iter().any(|known| known.will_wake(waker)) {
            state.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// Announces a message that goes elsewhere, and spends a unit of credit if it `costs` one;
    /// closing waits for the [end](Self::end_callback) of the post.
    pub(crate) fn begin_post(&self, costs: bool) -> Result<()> {
        lock(&self.state).begin_post(costs)
    }

    /// The same for a data message of a running task: the tag and id that it bears.
    pub(crate) fn begin_post_as(&self, key: Key) -> Result<(u64, wharf_task_t)> {
        let mut state = lock(&self.state);
        let id = state.tasks.id(key);
        let task = state.tasks.get_mut(key).ok_or_else(|| no_task(id))?;
        let tag = task.tag;
        state.begin_post(true)?;
        Ok((tag, id))
    }

    /// Allows `more` data messages beyond those allowed before.
    pub(crate) fn grant(&self, more: u64) -> Result<()> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err(refusal(state.phase));
        }
        state.credit = Some(state.credit.unwrap_or(0).saturating_add(more));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Takes messages out, control before normal; 0 where `wait` was not long enough.
    pub(crate) fn receive(
        &self,
        into: &mut [MaybeUninit<wharf_message_t>],
        wait: Wait,
    ) -> Result<usize> {
        let mut state = lock(&self.state);
        loop {
            if state.phase == Phase::Closed {
                return Err(refusal(state.phase));
            }
            if !state.messages.is_empty() {
                return Ok(self.take(state, into));
            }
            state = self.quiet(state);
            if !state.messages.is_empty() || state.phase == Phase::Closed {
                continue;
            }
            let Some(woken) = self.sleep(state, wait) else { return Ok(0) };
            state = woken;
        }
    }

    /// Clears the bell and looks again, for a receiver that has found nothing.
    fn quiet<'a>(&'a self, mut state: MutexGuard<'a, State<A>>) -> MutexGuard<'a, State<A>> {
        let Some(bell) = self.bell.get() else { return state };
        drop(state);
        bell.clear();
        state = lock(&self.state);
        if state.messages.is_empty() {
            state.rung = false;
            return state;
        }
        state.rung = false;
        let arrived = state.arrived();
        drop(state);
        // The receiver is a call of the host's, which closing does not wait for.
        let _ = self.announce(Arrived { notify: false, ..arrived });
        lock(&self.state)
    }

    /// Sleeps until something may have come; `None` when the time is up.
    fn sleep<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<A>>,
        wait: Wait,
    ) -> Option<MutexGuard<'a, State<A>>> {
        if matches!(wait, Wait::No) {
            return None;
        }
        state.sleeping += 1;
        let (mut state, in_time) = wait_on(&self.arrived, state, wait);
        state.sleeping -= 1;
        state.called = state.called.saturating_sub(1);
        if in_time || !state.messages.is_empty() || state.phase == Phase::Closed {
            Some(state)
        } else {
            None
        }
    }

    fn take<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<A>>,
        into: &mut [MaybeUninit<wharf_message_t>],
    ) -> usize {
        let mut taken = 0;
        loop {
            let room = into.len() - taken;
            for place in into[taken..].iter_mut().take(CHUNK) {
                let Some(message) = state.messages.pop() else { break };
                place.write(message.into_raw());
                taken += 1;
            }
            if room <= CHUNK || state.messages.is_empty() {
                break;
            }
            drop(state);
            state = lock(&self.state);
        }
        let empty = state.messages.is_empty();
        let pass_on = !empty && state.call();
        let waiting = std::mem::take(&mut state.waiting);
        if empty && state.rung {
            drop(self.quiet(state));
        } else {
            drop(state);
        }
        if pass_on {
            self.arrived.notify_one();
        }
        waiting.into_iter().for_each(Waker::wake);
        taken
    }

    /// The next message for the drainer of a port, if the port is open; `None` ends its round: it
    /// will be started again. While it works on the message, closing waits for it.
    pub(crate) fn pump_next(&self, paused: bool) -> Option<Message> {
        let mut state = lock(&self.state);
        let message = match state.phase {
            Phase::Closed => None,
            _ if paused => state.messages.pop_control(),
            _ => state.messages.pop(),
        };
        if message.is_none() {
            state.pumping = false;
            // A port that is closed from inside is seen off by the end of a callback, not here.
            let _ = self.leave(state);
            return None;
        }
        state.callbacks += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        message
    }

    /// Ends the drainer's round though messages may be left.
    pub(crate) fn pump_stop(&self) {
        let mut state = lock(&self.state);
        state.pumping = false;
        let _ = self.leave(state);
    }

    /// The end of what [`begin_post`](Self::begin_post) or [`pump_next`](Self::pump_next) began.
    pub(crate) fn end_callback(&self) -> Duty {
        let mut state = lock(&self.state);
        state.callbacks -= 1;
        Duty { forget: self.leave(state), pump: false }
    }

    /// Leaves it to whoever ends last to see the closed port off; false if nobody is left.
    pub(crate) fn defer(&self) -> bool {
        let mut state = lock(&self.state);
        state.deferred = !state.at_rest();
        state.deferred
    }

    /// Refuses whatever comes from now on and aborts all tasks; their ends are still delivered.
    pub(crate) fn shut_down(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Open {
            state.phase = Phase::ShutDown;
        }
        self.stop_tasks(state, false);
    }

    /// Closes: nothing is delivered from now on, and all tasks are aborted.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Closed;
        let messages = state.messages.clear();
        state.called = state.sleeping;
        self.stop_tasks(state, true);
        self.arrived.notify_all();
        if let Some(bell) = self.bell.get() {
            bell.closed();
        }
        drop(messages);
    }

    fn stop_tasks(&self, mut state: MutexGuard<'_, State<A>>, cancelled: bool) {
        let aborts = state.tasks.abort_all(cancelled);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        aborts.iter().for_each(Abort::abort);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until no task and no host function runs for this port; false when the time is up.
    pub(crate) fn settle(&self, wait: Wait) -> bool {
        let mut state = lock(&self.state);
        loop {
            if state.at_rest() {
                return true;
            }
            if matches!(wait, Wait::No) {
                return false;
            }
            state.settling = true;
            let (woken, in_time) = wait_on(&self.settled, state, wait);
            state = woken;
            if !in_time {
                return state.at_rest();
            }
        }
    }

    /// The bell, made at the first call; it rings at once if there are messages. `is_code`: ringing
    /// calls a function of the host's.
    pub(crate) fn bell(&self, is_code: bool, make: impl FnOnce() -> Result<B>) -> Result<&B> {
        if self.bell.get().is_none() {
            let made = make()?;
            let won = self.bell.set(made).is_ok();
            // Until now `rung` meant nothing: there was no bell to ring or to clear.
            let mut state = lock(&self.state);
            if won && state.phase != Phase::Closed {
                state.bell_is_code = is_code;
                state.rung = false;
                let arrived =
                    if state.messages.is_empty() { Arrived::default() } else { state.arrived() };
                drop(state);
                let _ = self.announce(Arrived { notify: false, ..arrived });
            }
        }
        self.bell.get().ok_or_else(|| Error::new(WHARF_WRONG_STATE, "the port has no descriptor"))
    }

    /// See [`Counts`].
    pub(crate) fn counts(&self) -> Counts {
        let state = lock(&self.state);
        Counts {
            waiting: state.messages.len(),
            tasks: state.tasks.len(),
            posted: state.messages.posted,
            dropped: state.messages.dropped,
            refused: state.messages.refused,
        }
    }

    /// Does outside the lock what a message's arrival asks for.
    fn announce(&self, arrived: Arrived) -> Duty {
        if arrived.notify {
            self.arrived.notify_one();
        }
        if arrived.ring {
            self.announce_bell();
        }
        let ended = if arrived.counted { self.end_callback() } else { Duty::default() };
        Duty { pump: arrived.pump, ..ended }
    }

    fn announce_bell(&self) {
        if let Some(bell) = self.bell.get() {
            bell.ring();
        }
    }
}

impl<A: Abort + Clone> State<A> {
    fn arrived(&mut self) -> Arrived {
        let ring = !std::mem::replace(&mut self.rung, true);
        let pump = self.pumped && !std::mem::replace(&mut self.pumping, true);
        let counted = ring && self.bell_is_code;
        self.callbacks += usize::from(counted);
        Arrived { ring, notify: self.call(), pump, counted }
    }

    /// Whether a sleeping receiver is to be notified; it counts as called then.
    fn call(&mut self) -> bool {
        let call = self.called == 0 && self.sleeping > 0;
        self.called += usize::from(call);
        call
    }

    /// Whether no host code runs for the port, nor will before a new message comes in. After a
    /// shutdown, which lets none in, the handler is given what is there first.
    fn at_rest(&self) -> bool {
        let handing_over = self.phase == Phase::ShutDown && self.pumping;
        self.tasks.len() == 0 && self.callbacks == 0 && !handing_over
    }

    fn begin_post(&mut self, costs: bool) -> Result<()> {
        if self.phase != Phase::Open {
            return Err(refusal(self.phase));
        }
        if costs {
            if self.credit == Some(0) {
                return Err(Error::new(WHARF_FULL, "the port's credit is used up: grant more"));
            }
            self.spend();
        }
        self.callbacks += 1;
        Ok(())
    }

    fn spend(&mut self) {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_sub(1);
        }
    }
}

/// The terminal message of a task that was dropped before its end.
fn early_end(phase: Phase, cancelled: bool) -> (i32, i32, Value) {
    match phase {
        _ if cancelled => (WHARF_KIND_CANCELLED, 0, Value::NULL),
        Phase::ShutDown => (WHARF_KIND_SHUT_DOWN, 0, Value::NULL),
        Phase::Closed => (WHARF_KIND_CANCELLED, 0, Value::NULL),
        Phase::Open => {
            let text = "no thread was to be had that could have run it";
            let why = Failure::new(-WHARF_SYSTEM, text).into_value();
            (WHARF_KIND_ERROR, -WHARF_SYSTEM, why.unwrap_or(Value::NULL))
        }
    }
}

/// Waits on `condvar`; false when the time was up.
#[cfg(not(loom))]
fn wait_on<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    wait: Wait,
) -> (MutexGuard<'a, T>, bool) {
    use std::sync::PoisonError;
    match wait {
        Wait::No => (guard, false),
        Wait::Forever => (condvar.wait(guard).unwrap_or_else(PoisonError::into_inner), true),
        Wait::Until(deadline) => {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return (guard, false);
            }
            let woken = condvar.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
            (woken.0, true)
        }
    }
}

/// Waits on `condvar`; loom knows no time.
#[cfg(loom)]
fn wait_on<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    wait: Wait,
) -> (MutexGuard<'a, T>, bool) {
    match wait {
        Wait::No => (guard, false),
        _ => (condvar.wait(guard).unwrap(), true),
    }
}

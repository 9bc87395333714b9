//! Messages that go out, and how receivers are told of those that come in.
//!
//! # Two locks
//!
//! Whoever posts pushes under `state`. A receiver holds `ready`; where nothing is left in there it takes
//! over all that has come in, by exchanging the two buffers under `state`, and then moves messages
//! out while others post. So the two sides meet once a batch, and not once a message. `ready` is
//! locked before `state`, by everybody.
//!
//! What is in `ready` came before what is in `state`, so order is kept. Control messages are never
//! handed over, for they overtake; `overtaking` says that there may be some. A few messages, and
//! those of a port that may have to drop one which waits, are moved out under both locks.
//!
//! # The bell
//!
//! The bell (an eventfd) rings for a host that waits in a loop of its own. `rung` is true from the
//! moment somebody has decided, under `state`, to ring, until a receiver has cleared the bell and
//! has then found the port empty, under both locks:
//!
//! ```text
//! post:     lock state; push; first = !rung; rung = true; unlock; if first { ring }
//! receive:  lock both; take; empty?; unlock; if empty { clear; lock both; if empty { rung = false }
//!                                            else { again = true }; unlock; if again { ring } }
//! ```
//!
//! Ringing and clearing happen outside the locks. While the port is not empty and everybody is out
//! of these functions, the bell has been rung after it was last cleared: a post that found `rung`
//! false rings after its push; one that found it true did so before a receiver's second look, so
//! that this look finds the message, and rings again. A ring may be late and find the port empty;
//! it is cleared by the next receive.
//!
//! A bell may be put up at any time. Nobody rings it before `has_bell` says, under `state`, that it is
//! there: a post that was in before could else ring one that is a function of the host's, without being
//! counted among the calls that a close waits for. Who puts it up rings for what waits already.
//!
//! A function that is rung may close the port from inside. So a receive may be what ends last, and has a
//! [`Duty`] like a post.
//!
//! # Receivers asleep
//!
//! `sleeping` counts the threads in `arrived.wait`, `called` those of them that have been notified
//! and have not come back. A post notifies only while `called` is 0, so that a batch costs one
//! wake; a receiver that leaves messages behind passes the call on.
//!
//! A receiver that leaves messages in `ready` reads `sleeping` without `state`. It misses nobody: who
//! sleeps has counted itself while it held `ready` and that was empty, so before the exchange that
//! brought in what is there now.
//!
//! After a shutdown nothing comes in but the last words of tasks. Once there are no tasks and no messages,
//! who would sleep is told so instead, under both locks. Who sleeps already is called: by the shutdown,
//! in case that was all, and by whoever takes the last message out.

use super::{
    Arrived, Bell, Duty, Limits, Mailbox, Pace, Phase, State, Wait, refusal, wait_on, wake_all,
};
use crate::{
    message::{Message, wharf_message_t},
    port::{line::Line, tasks::Abort},
    status::{Error, Result, WHARF_WRONG_STATE},
};
use std::mem::MaybeUninit;
use wharf_base::sync::{MutexGuard, atomic::Ordering::Relaxed, lock};

/// Messages that are moved out under one hold of `state`: few enough for a sender to wait for it
/// without going to sleep.
const CHUNK: usize = if cfg!(loom) { 1 } else { 32 };

type Ready<'a> = MutexGuard<'a, Line>;

/// A host's room for messages, and how much of it is filled.
struct Room<'a> {
    places: &'a mut [MaybeUninit<wharf_message_t>],
    filled: usize,
    duty: Duty,
}

impl Room<'_> {
    fn is_full(&self) -> bool {
        self.filled == self.places.len()
    }

    /// What is left of it, `most` at most.
    fn rest(&mut self, most: usize) -> &mut [MaybeUninit<wharf_message_t>] {
        let rest = &mut self.places[self.filled..];
        let most = most.min(rest.len());
        &mut rest[..most]
    }

    #[inline]
    fn put(&mut self, message: Message) {
        self.places[self.filled].write(message.into_raw());
        self.filled += 1;
    }
}

impl Limits {
    /// Whether it matters how many messages wait.
    pub(super) fn bound(&self) -> bool {
        self.capacity != usize::MAX
    }
}

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// Takes messages out, control before normal; 0 where `wait` was not long enough.
    pub(crate) fn receive(
        &self,
        into: &mut [MaybeUninit<wharf_message_t>],
        wait: Wait,
    ) -> (Result<usize>, Duty) {
        let mut room = Room { places: into, filled: 0, duty: Duty::default() };
        let received = self.receive_into(&mut room, wait).map(|()| room.filled);
        (received, room.duty)
    }

    #[inline]
    fn receive_into(&self, room: &mut Room<'_>, wait: Wait) -> Result<()> {
        let paced = !matches!(wait, Wait::No) && Pace::concerns(room.places.len());
        if paced {
            self.pace.gather();
        }
        loop {
            self.take(room)?;
            if room.filled > 0 {
                break;
            }
            self.pace.slept();
            if !self.sleep(wait, &mut room.duty)? {
                break;
            }
        }
        if paced {
            self.pace.found(room.filled);
        }
        Ok(())
    }

    /// Takes what there is and what there is room for.
    fn take(&self, room: &mut Room<'_>) -> Result<()> {
        let mut ready = lock(&self.ready);
        // Relaxed: a post that the host knows to be over has stored before.
        if ready.is_empty() || self.overtaking.load(Relaxed) {
            let mut state = lock(&self.state);
            if state.phase == Phase::Closed {
                return Err(refusal(state.phase));
            }
            self.take_control(&mut state, room);
            if ready.is_empty() && !state.messages.hand_over(&mut ready, CHUNK) {
                self.take_under_both(ready, state, room);
                return Ok(());
            }
        }
        self.take_ready(ready, room);
        Ok(())
    }

    fn take_control(&self, state: &mut State<A>, room: &mut Room<'_>) {
        while !room.is_full() {
            let Some(message) = state.messages.pop_control() else {
                // Relaxed: stores are ordered by the lock.
                self.overtaking.store(false, Relaxed);
                break;
            };
            room.put(message);
        }
    }

    fn take_under_both<'a>(
        &'a self,
        ready: Ready<'_>,
        mut state: MutexGuard<'a, State<A>>,
        room: &mut Room<'_>,
    ) {
        loop {
            room.filled += state.messages.move_into(room.rest(CHUNK));
            if room.is_full() || state.messages.is_empty() {
                return self.look_back(ready, state, &mut room.duty);
            }
            // Who posts gets a turn.
            drop(state);
            state = lock(&self.state);
        }
    }

    fn take_ready(&self, mut ready: Ready<'_>, room: &mut Room<'_>) {
        let moved = ready.move_into(room.rest(usize::MAX));
        room.filled += moved.messages;
        // Whose bell could be cleared, who could be waiting for room or for messages? Without a bell
        // nobody is told of the next message but who sleeps.
        let quiet = ready.is_empty() && self.bell.get().is_some();
        // Relaxed: see the module.
        if self.bound || quiet || self.sleeping.load(Relaxed) > 0 {
            let mut state = lock(&self.state);
            state.messages.made_room(moved.data);
            self.look_back(ready, state, &mut room.duty);
        }
    }

    /// What a receiver sees to, and unlocks, after it has taken messages.
    fn look_back(&self, ready: Ready<'_>, mut state: MutexGuard<'_, State<A>>, duty: &mut Duty) {
        let empty = ready.is_empty() && state.messages.is_empty();
        let pass_on = !empty && self.call(&mut state);
        let quiet = empty && state.rung;
        let is_last = empty && state.is_over() && self.call_all(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(ready);
        if quiet {
            self.quiet(duty);
        }
        if is_last {
            self.arrived.notify_all();
        } else if pass_on {
            self.arrived.notify_one();
        }
        wake_all(waiting);
    }

    /// Clears the bell and looks again; says whether there is nothing, and whether it is the end.
    fn quiet(&self, duty: &mut Duty) {
        if let Some(bell) = self.bell.get() {
            bell.clear();
            drop(self.second_look(true, duty));
        }
    }

    /// Looks whether the port is empty, the bell, where there is one, having been cleared; if so,
    /// keeps it from filling. Otherwise the bell is rung again.
    fn second_look(
        &self,
        cleared: bool,
        duty: &mut Duty,
    ) -> Option<(Ready<'_>, MutexGuard<'_, State<A>>)> {
        let ready = lock(&self.ready);
        let mut state = lock(&self.state);
        state.rung &= !cleared;
        if ready.is_empty() && state.messages.is_empty() {
            return Some((ready, state));
        }
        if cleared {
            let arrived = self.arrived(&mut state);
            drop(state);
            drop(ready);
            // Who receives now needs no call.
            duty.join(self.announce(Arrived { notify: false, ..arrived }));
        }
        None
    }

    /// Sleeps until something may have come; false when the time is up and nothing has, an error where
    /// nothing can come any more.
    fn sleep(&self, wait: Wait, duty: &mut Duty) -> Result<bool> {
        let bell = self.bell.get();
        if let Some(bell) = bell {
            bell.clear();
        }
        let Some((ready, state)) = self.second_look(bell.is_some(), duty) else { return Ok(true) };
        if state.phase == Phase::Closed {
            // Which the next look answers.
            return Ok(true);
        }
        if matches!(wait, Wait::No) {
            return Ok(false);
        }
        if state.is_over() {
            return Err(refusal(state.phase));
        }
        // Relaxed, here and below: under the lock; for who reads it without, see the module.
        self.sleeping.fetch_add(1, Relaxed);
        drop(ready);
        let (mut state, in_time) = wait_on(&self.arrived, state, wait);
        self.sleeping.fetch_sub(1, Relaxed);
        state.called = state.called.saturating_sub(1);
        Ok(in_time)
    }

    /// The bell, made at the first call, and whether it is the one that this call has made; it rings at
    /// once if there are messages. `is_code`: ringing calls a function of the host's.
    pub(crate) fn bell(
        &self,
        is_code: bool,
        make: impl FnOnce() -> Result<B>,
    ) -> Result<(&B, bool, Duty)> {
        let mut duty = Duty::default();
        let mut won = false;
        if self.bell.get().is_none() {
            let made = make()?;
            won = self.bell.set(made).is_ok();
            let ready = lock(&self.ready);
            let mut state = lock(&self.state);
            if state.phase == Phase::Closed {
                return Err(refusal(state.phase));
            }
            if won {
                (state.has_bell, state.bell_is_code) = (true, is_code);
                let empty = ready.is_empty() && state.messages.is_empty();
                let arrived = if empty { Arrived::default() } else { self.arrived(&mut state) };
                drop(state);
                drop(ready);
                duty = self.announce(Arrived { notify: false, ..arrived });
            }
        }
        let bell = self.bell.get();
        let bell =
            bell.ok_or_else(|| Error::new(WHARF_WRONG_STATE, "the port has no descriptor"))?;
        Ok((bell, won, duty))
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
        wake_all(waiting);
        message
    }

    /// The drainer has gone before its round was over: whether another is to follow.
    pub(crate) fn pump_goes_on(&self) -> bool {
        let mut state = lock(&self.state);
        state.pumping = state.phase != Phase::Closed;
        let goes_on = state.pumping;
        let _ = self.leave(state);
        goes_on
    }

    /// Ends the drainer's round though messages may be left.
    pub(crate) fn pump_stop(&self) {
        let mut state = lock(&self.state);
        state.pumping = false;
        let _ = self.leave(state);
    }

    /// What the arrival of a message asks for.
    #[inline]
    pub(super) fn arrived(&self, state: &mut State<A>) -> Arrived {
        let ring = state.has_bell && !std::mem::replace(&mut state.rung, true);
        let pump = state.pumped && !std::mem::replace(&mut state.pumping, true);
        let counted = ring && state.bell_is_code;
        state.callbacks += usize::from(counted);
        Arrived { ring, notify: self.call(state), pump, counted }
    }

    /// Whether a sleeping receiver is to be notified; it counts as called then.
    #[inline]
    fn call(&self, state: &mut State<A>) -> bool {
        // Relaxed: under the lock.
        let call = state.called == 0 && self.sleeping.load(Relaxed) > 0;
        state.called += usize::from(call);
        call
    }

    /// Counts all sleeping receivers as called; whether there are any.
    #[cold]
    pub(super) fn call_all(&self, state: &mut State<A>) -> bool {
        // Relaxed: under the lock.
        state.called = self.sleeping.load(Relaxed);
        state.called > 0
    }

    /// Does, outside the locks, what the arrival of a message asks for.
    #[inline]
    pub(super) fn announce(&self, arrived: Arrived) -> Duty {
        if arrived.notify || arrived.ring {
            return self.tell(arrived);
        }
        Duty { pump: arrived.pump, forget: false }
    }

    #[inline(never)]
    fn tell(&self, arrived: Arrived) -> Duty {
        if arrived.notify {
            self.arrived.notify_one();
        }
        if arrived.ring {
            if let Some(bell) = self.bell.get() {
                bell.ring();
            }
        }
        let ended = if arrived.counted { self.end_callback() } else { Duty::default() };
        Duty { pump: arrived.pump, ..ended }
    }
}

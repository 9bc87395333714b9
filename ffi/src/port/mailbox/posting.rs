//! Messages that come in, and what lets them in: room and credit.

use super::{Bell, Duty, Mailbox, Phase, State, refusal};
use crate::{
    id::{no_task, wharf_task_t},
    message::{Message, WHARF_KIND_CONTROL, WHARF_KIND_DATA},
    port::{
        queue::Pushed,
        tasks::{Abort, Key},
    },
    status::{Error, Result, WHARF_FULL},
    value::Value,
};
use std::task::{Context, Poll, Waker};
use wharf_base::sync::{atomic::Ordering::Relaxed, lock};

fn full() -> Error {
    Error::new(WHARF_FULL, "the port is full: take messages out, or grant credit")
}

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
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
        let arrived = self.arrived(&mut state);
        drop(state);
        drop(out);
        Ok(self.announce(arrived))
    }

    /// Posts a message that may be refused or dropped by the port's policy.
    pub(crate) fn post(&self, message: Message) -> Result<Duty, (Error, Message)> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Err((refusal(state.phase), message));
        }
        let costs = message.kind == WHARF_KIND_DATA;
        let pushed = match message.kind {
            WHARF_KIND_CONTROL => {
                // Relaxed: see `receiving`.
                self.overtaking.store(true, Relaxed);
                state.messages.push_control(message)
            }
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
        let arrived = self.arrived(&mut state);
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
}

impl<A> State<A> {
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

    #[inline]
    fn spend(&mut self) {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_sub(1);
        }
    }
}

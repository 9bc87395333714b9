//! Messages that come in, and what lets them in: room and credit.

use super::{Bell, Duty, Mailbox, Phase, State, refusal};
use crate::{
    id::no_task,
    message::{Message, WHARF_KIND_CONTROL, WHARF_KIND_DATA},
    port::{
        queue::Pushed,
        tasks::{Abort, Sender},
    },
    status::{Error, Result, WHARF_FULL},
    value::Value,
};
use std::{
    mem,
    task::{Context, Poll, Waker},
};
use wharf_base::sync::{MutexGuard, atomic::Ordering::Relaxed, lock};

fn full() -> Error {
    Error::new(WHARF_FULL, "the port is full: take messages out, or grant credit")
}

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// Posts a data message of a running task; one step under the lock. The value is taken where the
    /// answer is OK, and only there.
    #[inline]
    pub(crate) fn post_as(&self, sender: &Sender, value: &mut Value) -> Result<Duty> {
        let mut state = lock(&self.state);
        let may = state.phase == Phase::Open
            && state.credit.is_none()
            && state.tasks.is_live(sender.key)
            && state.messages.push_plain(value, sender);
        if !may {
            return self.post_with_care(state, sender, value);
        }
        let arrived = self.arrived(&mut state);
        drop(state);
        Ok(self.announce(arrived))
    }

    #[inline(never)]
    fn post_with_care(
        &self,
        mut state: MutexGuard<'_, State<A>>,
        sender: &Sender,
        value: &mut Value,
    ) -> Result<Duty> {
        if state.phase != Phase::Open {
            return Err(refusal(state.phase));
        }
        if state.credit == Some(0) {
            return Err(full());
        }
        if !state.tasks.is_live(sender.key) {
            return Err(no_task(sender.task));
        }
        let message = sender.data(mem::replace(value, Value::NULL));
        let out = match state.messages.push_data(message) {
            Pushed::Refused(message) => {
                *value = message.value;
                return Err(full());
            }
            Pushed::In(out) => out,
        };
        state.spend();
        Ok(self.posted(state, out))
    }

    /// What follows a push: `out` has gone out for it, and is dropped outside the lock.
    fn posted(&self, mut state: MutexGuard<'_, State<A>>, out: Option<Vec<Message>>) -> Duty {
        // Bytes of the host's in it are given back by host code, which a close waits for.
        state.callbacks += usize::from(out.is_some());
        let arrived = self.arrived(&mut state);
        drop(state);
        let gone = out.map_or_else(Duty::default, |out| self.let_go(out));
        let duty = self.announce(arrived);
        Duty { forget: duty.forget || gone.forget, ..duty }
    }

    #[cold]
    fn let_go(&self, out: Vec<Message>) -> Duty {
        drop(out);
        self.end_callback()
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
            Pushed::In(out) => out,
        };
        if costs {
            state.spend();
        }
        Ok(self.posted(state, out))
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

    /// The same for a data message of a running task.
    pub(crate) fn begin_post_as(&self, sender: &Sender) -> Result<()> {
        let mut state = lock(&self.state);
        if !state.tasks.is_live(sender.key) {
            return Err(no_task(sender.task));
        }
        state.begin_post(true)
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

impl Sender {
    /// A data message of the task's.
    #[inline]
    pub(crate) fn data(&self, value: Value) -> Message {
        Message { tag: self.tag, task: self.task, kind: WHARF_KIND_DATA, code: 0, value }
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

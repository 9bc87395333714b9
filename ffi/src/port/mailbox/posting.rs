//! Messages that come in, and what lets them in: room and credit.

use super::{Bell, Duty, Mailbox, Phase, State, refusal, wake_all};
use crate::{
    id::{Id, no_task},
    message::{Message, WHARF_KIND_DATA},
    port::{
        queue::Pushed,
        tasks::{Abort, Sender, Tasks},
    },
    status::{Error, Result, WHARF_FULL},
    value::Value,
};
use std::{
    mem,
    task::{Context, Poll},
};
use wharf_base::sync::{MutexGuard, atomic::Ordering::Relaxed, lock};

/// What stands in a message's place for its value until that is taken.
const NONE: Value = Value::NULL;

#[cold]
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
            && state.messages.push_plain(value, sender.tag, sender.task);
        if !may {
            return self.post_with_care(state, Message::data(sender.tag, sender.task, NONE), value);
        }
        let arrived = self.arrived(&mut state);
        drop(state);
        Ok(self.announce(arrived))
    }

    /// Posts a data or control message of a host's; the value as with [`post_as`](Self::post_as).
    #[inline]
    pub(crate) fn post(&self, tag: u64, kind: i32, value: &mut Value) -> Result<Duty> {
        let mut state = lock(&self.state);
        let may = kind == WHARF_KIND_DATA
            && state.phase == Phase::Open
            && state.credit.is_none()
            && state.messages.push_plain(value, tag, 0);
        if !may {
            let message = Message { kind, ..Message::data(tag, 0, NONE) };
            return self.post_with_care(state, message, value);
        }
        let arrived = self.arrived(&mut state);
        drop(state);
        Ok(self.announce(arrived))
    }

    /// Posts a message that may be refused or dropped by the port's policy.
    #[inline(never)]
    fn post_with_care(
        &self,
        mut state: MutexGuard<'_, State<A>>,
        mut message: Message,
        value: &mut Value,
    ) -> Result<Duty> {
        if state.phase != Phase::Open {
            return Err(refusal(state.phase));
        }
        let costs = message.kind == WHARF_KIND_DATA;
        if costs && state.credit == Some(0) {
            return Err(full());
        }
        // 0 is a host.
        if message.task != 0 && !state.tasks.is_live(Tasks::<A>::key(Id::unpack(message.task))) {
            return Err(no_task(message.task));
        }
        message.value = mem::replace(value, NONE);
        let pushed = if costs {
            state.messages.push_data(message)
        } else {
            // Relaxed: see `receiving`.
            self.overtaking.store(true, Relaxed);
            state.messages.push_control(message)
        };
        let out = match pushed {
            Pushed::Refused(message) => {
                *value = message.value;
                return Err(full());
            }
            Pushed::In(out) => out,
        };
        if costs {
            state.spend();
        }
        // Bytes of the host's in what has gone out are given back by host code, for which a close waits.
        state.callbacks += usize::from(out.is_some());
        let arrived = self.arrived(&mut state);
        drop(state);
        let gone = out.map_or_else(Duty::default, |out| self.let_go(out));
        let duty = self.announce(arrived);
        Ok(Duty { forget: duty.forget || gone.forget, ..duty })
    }

    #[cold]
    fn let_go(&self, out: Vec<Message>) -> Duty {
        drop(out);
        self.end_callback()
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
        wake_all(waiting);
        Ok(())
    }
}

impl Sender {
    /// A data message of the task's.
    #[inline]
    pub(crate) fn data(&self, value: Value) -> Message {
        Message::data(self.tag, self.task, value)
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

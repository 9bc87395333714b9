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

    /// For who waits until there is room or credit.
    pub(crate) fn room(&self) -> Room<'_, A, B> {
        Room { mailbox: self, number: 0 }
    }

    fn poll_room(&self, number: &mut u64, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Open {
            return Poll::Ready(Err(refusal(state.phase)));
        }
        if state.credit != Some(0) && state.messages.takes_data() {
            return Poll::Ready(Ok(()));
        }
        if *number == 0 {
            state.rooms += 1;
            *number = state.rooms;
        }
        let waker = cx.waker();
        let known = state.waiting.iter_mut().find(|(of, _)| of == number);
        let old = match known {
            Some((_, known)) if known.will_wake(waker) => None,
            Some((_, known)) => Some(mem::replace(known, waker.clone())),
            None => {
                state.waiting.push((*number, waker.clone()));
                None
            }
        };
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Nobody waits under this number any more.
    #[cold]
    fn leave_room(&self, number: u64) {
        let mut state = lock(&self.state);
        let at = state.waiting.iter().position(|(of, _)| *of == number);
        let gone = at.map(|at| state.waiting.remove(at));
        drop(state);
        drop(gone);
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

/// Waits for room or credit. All who wait are woken together, so one that is dropped has nobody to pass a
/// wake on to; but its waker, which keeps its task's memory, goes with it.
pub(crate) struct Room<'a, A: Abort + Clone, B: Bell> {
    mailbox: &'a Mailbox<A, B>,
    /// 0 until it has had to wait.
    number: u64,
}

impl<A: Abort + Clone, B: Bell> Room<'_, A, B> {
    /// Ready when the port takes a data message, or never will again.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.mailbox.poll_room(&mut self.number, cx)
    }
}

impl<A: Abort + Clone, B: Bell> Drop for Room<'_, A, B> {
    fn drop(&mut self) {
        if self.number != 0 {
            self.mailbox.leave_room(self.number);
        }
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::port::mailbox::{
        Limits,
        testing::{Handle, Silent},
    };
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
        task::{Wake, Waker},
    };

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn who_waits_for_room_no_more_leaves_no_waker() {
        let limits = Limits { credit: Some(0), ..Limits::default() };
        let mailbox: Mailbox<Handle, Silent> = Mailbox::new(0, limits, false);
        let [count, other] = [(), ()].map(|()| Arc::new(Count(AtomicUsize::new(0))));
        let wakers = [&count, &other].map(|count| Waker::from(count.clone()));
        let [mut cx, mut other_cx] = [&wakers[0], &wakers[1]].map(Context::from_waker);
        // Two of one task, one of which goes: the other still waits.
        let (mut first, mut second) = (mailbox.room(), mailbox.room());
        assert!(first.poll(&mut cx).is_pending() && second.poll(&mut cx).is_pending());
        assert!(first.poll(&mut cx).is_pending(), "polled twice, it waits once");
        drop(first);
        for _ in 0..100 {
            assert!(mailbox.room().poll(&mut cx).is_pending());
        }
        assert_eq!(lock(&mailbox.state).waiting.len(), 1);
        assert!(second.poll(&mut other_cx).is_pending(), "polled elsewhere from now on");
        mailbox.grant(1).unwrap();
        assert_eq!((count.0.load(SeqCst), other.0.load(SeqCst)), (0, 1));
        assert!(second.poll(&mut cx).is_ready());
        drop((second, wakers));
        assert_eq!(Arc::strong_count(&count), 1);
    }
}

//! What a close waits for, and what it does away with.

use super::{Bell, Duty, Mailbox, Phase, State, Wait, wait_on, wake_all};
use crate::port::tasks::Abort;
use wharf_base::sync::{MutexGuard, atomic::Ordering::Relaxed, lock};

impl<A: Abort + Clone, B: Bell> Mailbox<A, B> {
    /// The end of what [`begin_post`](Self::begin_post) or [`pump_next`](Self::pump_next) began.
    #[inline]
    pub(crate) fn end_callback(&self) -> Duty {
        let mut state = lock(&self.state);
        state.callbacks -= 1;
        Duty { forget: self.leave(state), pump: false }
    }

    /// Unlocks after something has ended that a close may wait for; whether the port, closed from
    /// inside, is to be forgotten now.
    #[inline]
    pub(super) fn leave(&self, state: MutexGuard<'_, State<A>>) -> bool {
        let awaited = state.settling || state.deferred;
        awaited && self.see_off(state)
    }

    #[cold]
    fn see_off(&self, mut state: MutexGuard<'_, State<A>>) -> bool {
        let at_rest = state.at_rest();
        let settled = at_rest && std::mem::take(&mut state.settling);
        let forget = at_rest && std::mem::take(&mut state.deferred);
        drop(state);
        if settled {
            self.settled.notify_all();
        }
        forget
    }

    /// Leaves it to whoever ends last to see the closed port off; false if nobody is left.
    pub(crate) fn defer(&self) -> bool {
        let mut gate = lock(&self.gate);
        let mut state = lock(&self.state);
        gate.shut(&mut state);
        state.deferred = !state.at_rest();
        state.deferred
    }

    /// Refuses whatever comes from now on and aborts all tasks; their ends are still delivered.
    pub(crate) fn shut_down(&self) {
        let mut gate = lock(&self.gate);
        let mut state = lock(&self.state);
        gate.shut(&mut state);
        drop(gate);
        if state.phase == Phase::Open {
            state.phase = Phase::ShutDown;
        }
        let is_awaited = self.call_all(&mut state);
        self.stop_tasks(state, false);
        if is_awaited {
            self.arrived.notify_all();
        }
    }

    /// Closes: nothing is delivered from now on, and all tasks are aborted.
    pub(crate) fn close(&self) -> Duty {
        let mut ready = lock(&self.ready);
        let mut gate = lock(&self.gate);
        let mut state = lock(&self.state);
        gate.shut(&mut state);
        state.phase = Phase::Closed;
        let messages = (std::mem::take(&mut *ready), state.messages.clear());
        // Bytes of the host's in them are given back by host code: another close waits for that.
        state.callbacks += 1;
        self.call_all(&mut state);
        drop(gate);
        drop(ready);
        self.stop_tasks(state, true);
        self.arrived.notify_all();
        if let Some(bell) = self.bell.get() {
            bell.closed();
        }
        drop(messages);
        self.end_callback()
    }

    fn stop_tasks(&self, mut state: MutexGuard<'_, State<A>>, cancelled: bool) {
        self.halts.fetch_add(1, Relaxed);
        let aborts = state.tasks.abort_all(cancelled);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        aborts.iter().for_each(Abort::abort);
        wake_all(waiting);
    }

    /// Whether the runtime has been shut down, and all has come to rest: nothing follows but a close.
    pub(crate) fn is_left(&self) -> bool {
        let state = lock(&self.state);
        state.phase == Phase::ShutDown && state.at_rest()
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
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        message::WHARF_KIND_DATA,
        port::mailbox::{Limits, testing::Handle},
        value::Value,
    };
    use std::{
        mem::MaybeUninit,
        sync::{
            Arc, Weak,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
    };

    /// While it is cleared a message comes in, so that the receiver rings it; rung by that, a function of
    /// the host's closes the port.
    struct Meddler {
        mailbox: Weak<Mailbox<Handle, Meddler>>,
        rings: AtomicUsize,
        closes_at: usize,
    }

    impl Bell for Meddler {
        fn ring(&self) {
            if self.rings.fetch_add(1, SeqCst) + 1 == self.closes_at {
                let mailbox = self.mailbox.upgrade().unwrap();
                let _ = mailbox.close();
                assert!(mailbox.defer(), "closed from inside a call that counts");
            }
        }

        fn clear(&self) {
            if self.rings.load(SeqCst) < self.closes_at {
                post(&self.mailbox.upgrade().unwrap());
            }
        }
    }

    fn post(mailbox: &Mailbox<Handle, Meddler>) {
        let duty = mailbox.post(1, WHARF_KIND_DATA, &mut { Value::NULL }).unwrap();
        assert_eq!(duty, Duty::default());
    }

    fn mailbox(closes_at: usize) -> Arc<Mailbox<Handle, Meddler>> {
        let mailbox = Arc::new(Mailbox::new(0, Limits::default(), false));
        let meddler =
            Meddler { mailbox: Arc::downgrade(&mailbox), rings: AtomicUsize::new(0), closes_at };
        let _ = mailbox.bell(true, || Ok(meddler)).unwrap();
        mailbox
    }

    fn receive(mailbox: &Mailbox<Handle, Meddler>) -> Duty {
        let (_, duty) = mailbox.receive(&mut [MaybeUninit::uninit()], Wait::No);
        duty
    }

    #[test]
    fn of_two_bells_put_up_at_once_one_is_refused() {
        let mailbox: Mailbox<Handle, Meddler> = Mailbox::new(0, Limits::default(), false);
        let meddler = || Meddler { mailbox: Weak::new(), rings: AtomicUsize::new(0), closes_at: 0 };
        let first =
            |mailbox: &Mailbox<Handle, Meddler>| mailbox.bell(true, || Ok(meddler())).unwrap().1;
        // While the first is being made, another comes in.
        let slow = mailbox.bell(true, || {
            assert!(first(&mailbox));
            Ok(meddler())
        });
        assert!(!slow.unwrap().1 && !first(&mailbox));
        // One that is put up at a closed port would never be rung.
        let closed: Mailbox<Handle, Meddler> = Mailbox::new(0, Limits::default(), false);
        let _ = closed.close();
        assert!(closed.bell(true, || Ok(meddler())).is_err());
    }

    #[test]
    fn a_port_that_a_receive_has_closed_by_ringing_is_forgotten_by_it() {
        // By who took the last message: the first ring is the post's.
        let taken = mailbox(2);
        post(&taken);
        assert!(receive(&taken).forget);
        // By who found none, and was about to sleep.
        let found = mailbox(2);
        assert!(receive(&found).forget);
        for mailbox in [taken, found] {
            assert!(mailbox.settle(Wait::No) && receive(&mailbox) == Duty::default());
        }
    }
}

//! A driver with timers and events, of a mutex and a condition variable.

use crate::Driver;
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex},
    task::Waker,
    time::{Duration, Instant},
};

/// What becomes of parks with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heart {
    /// They last until the limit.
    Beats,
    /// They last until something ends them.
    Still,
}

pub(super) struct EventDriver {
    heart: Heart,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    permit: bool,
    parked: bool,
    timers: BTreeMap<(Instant, u64), Waker>,
    armed: u64,
    sources: usize,
    /// What events have made ready.
    ready: Vec<Waker>,
    /// The executor has been shut down: who still waits here is woken at once.
    closed: bool,
}

impl State {
    fn take_ready(&mut self) -> Vec<Waker> {
        let mut ready = std::mem::take(&mut self.ready);
        let now = Instant::now();
        while let Some(first) = self.timers.first_entry() {
            if first.key().0 > now {
                break;
            }
            ready.push(first.remove());
        }
        ready
    }
}

impl EventDriver {
    pub(super) fn new(heart: Heart) -> Self {
        Self { heart, state: Mutex::default(), arrived: Condvar::new() }
    }

    /// Arms a timer. Whoever does not sit in the seat has to unpark it.
    pub(super) fn arm(&self, at: Instant, waker: Waker) -> (Instant, u64) {
        let mut state = self.state.lock().unwrap();
        state.armed += 1;
        let key = (at, state.armed);
        if state.closed {
            drop(state);
            waker.wake();
        } else {
            state.timers.insert(key, waker);
        }
        key
    }

    pub(super) fn disarm(&self, key: (Instant, u64)) {
        drop(self.state.lock().unwrap().timers.remove(&key));
    }

    pub(super) fn register(&self) {
        self.state.lock().unwrap().sources += 1;
    }

    pub(super) fn deregister(&self) {
        self.state.lock().unwrap().sources -= 1;
    }

    /// An event, as an epoll has it: ends a sleep, and tells nobody else.
    pub(super) fn event(&self, waker: Waker) {
        let mut state = self.state.lock().unwrap();
        if state.closed {
            drop(state);
            return waker.wake();
        }
        state.ready.push(waker);
        self.arrived.notify_one();
    }

    /// As timers and a reactor end with their runtime: nobody looks into a vacant seat any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap();
        state.closed = true;
        let timers = std::mem::take(&mut state.timers).into_values();
        let waiting: Vec<_> = state.ready.drain(..).chain(timers).collect();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn describe(&self) -> String {
        let state = self.state.lock().unwrap();
        let (timers, ready) = (state.timers.len(), state.ready.len());
        format!(
            "parked {} permit {} timers {timers} sources {} ready {ready}",
            state.parked, state.permit, state.sources
        )
    }
}

impl Driver for EventDriver {
    fn poll(&self) -> bool {
        let ready = self.state.lock().unwrap().take_ready();
        let found = !ready.is_empty();
        ready.into_iter().for_each(Waker::wake);
        found
    }

    fn park(&self, limit: Option<Duration>) {
        let limit =
            limit.filter(|_| self.heart == Heart::Beats).map(|limit| Instant::now() + limit);
        let mut state = self.state.lock().unwrap();
        state.parked = true;
        let ready = loop {
            let ready = state.take_ready();
            if !ready.is_empty() || std::mem::take(&mut state.permit) {
                break ready;
            }
            let due = state.timers.first_key_value().map(|(key, _)| key.0);
            state = match due.into_iter().chain(limit).min() {
                None => self.arrived.wait(state).unwrap(),
                Some(until) => match until.saturating_duration_since(Instant::now()) {
                    Duration::ZERO => break ready,
                    left => self.arrived.wait_timeout(state, left).unwrap().0,
                },
            };
        };
        state.parked = false;
        drop(state);
        ready.into_iter().for_each(Waker::wake);
    }

    fn unpark(&self) {
        self.state.lock().unwrap().permit = true;
        self.arrived.notify_one();
    }

    fn is_idle(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.timers.is_empty() && state.sources == 0 && state.ready.is_empty()
    }
}

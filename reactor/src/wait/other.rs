//! mio's own poll, for systems without epoll: deadlines are kept to the millisecond.

use super::BATCH;
use crate::slot;
use mio::{Poll, Registry};
use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// mio's poll. Any number of threads may register; whoever waits brings the [`Events`].
#[derive(Debug)]
pub(crate) struct Selector {
    registry: Registry,
    /// Never contended: the events are under a lock of the seat's.
    poll: Mutex<Poll>,
}

/// The events of one wait.
#[derive(Debug)]
pub(crate) struct Events {
    list: mio::Events,
}

impl Selector {
    pub(crate) fn new() -> io::Result<(Self, Events)> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let events = Events { list: mio::Events::with_capacity(BATCH) };
        Ok((Self { registry, poll: Mutex::new(poll) }, events))
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes what is there, without blocking.
    pub(crate) fn look(&self, events: &mut Events) {
        self.collect(events, Some(Duration::ZERO));
    }

    /// Blocks until there is an event, or until `deadline`.
    pub(crate) fn wait(&self, events: &mut Events, deadline: Option<Instant>) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        self.collect(events, left);
    }

    fn collect(&self, events: &mut Events, timeout: Option<Duration>) {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = poll.poll(&mut events.list, timeout) {
            // A sleep that was interrupted is a sleep that ended early.
            if error.kind() != io::ErrorKind::Interrupted {
                log::error!("waiting for events failed: {error}");
            }
        }
    }
}

impl Events {
    /// Each event's token and what it says is ready.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (mio::Token, u64)> + '_ {
        self.list.iter().map(|event| (event.token(), ready(event)))
    }
}

fn ready(event: &mio::event::Event) -> u64 {
    let mut ready = 0;
    if event.is_readable() {
        ready |= slot::READABLE;
    }
    if event.is_writable() {
        ready |= slot::WRITABLE;
    }
    if event.is_read_closed() {
        ready |= slot::READABLE | slot::READ_CLOSED;
    }
    if event.is_write_closed() {
        ready |= slot::WRITABLE | slot::WRITE_CLOSED;
    }
    if event.is_error() {
        ready |= slot::READABLE | slot::WRITABLE | slot::ERROR;
    }
    ready
}

/// Says that this thread belongs to a runtime, which makes no difference here.
pub(crate) fn claim_thread() {}

/// Sleeps are as exact as they are.
pub(crate) fn exact(_: Instant) -> Option<()> {
    None
}

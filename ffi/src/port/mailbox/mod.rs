//! The part of a port where threads meet: a lock around what waits and what runs, one on each side of it
//! for those who receive and those who submit, two condition variables, and a bell.
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
//! # The rooms
//!
//! | module | is for |
//! | --- | --- |
//! | `accepting` | tasks that are accepted; the lock between those who submit |
//! | `tasks` | what becomes of a task, to its end |
//! | `posting` | messages that come in, room and credit |
//! | `receiving` | messages that go out; the two locks, the bell, the sleepers |
//! | `pace` | a receiver that runs after every single message, and how it is kept from that |
//! | `closing` | what a close waits for |

mod accepting;
mod closing;
mod pace;
mod posting;
mod receiving;
mod tasks;
#[cfg(all(test, not(loom)))]
mod testing;

use super::{
    line::Line,
    queue::{Full, Messages},
    tasks::{Abort, Tasks},
};
use crate::{status::*, value::Value};
use accepting::Gate;
use pace::Pace;
use std::{io, ops::Deref, sync::OnceLock, task::Waker, time::Instant};
use wharf_base::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize},
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
    /// Streams that wait for room or credit, and the number that the last of them was given.
    waiting: Vec<(u64, Waker)>,
    rooms: u64,
    rung: bool,
    /// Receivers that have been woken and have not come back.
    called: usize,
    /// Somebody sleeps in `settled.wait`.
    settling: bool,
    /// The port was closed from inside host code: whoever ends last has to see it off.
    deferred: bool,
    /// There is a bell; before, nobody is to ring it. The host's is rung by calls that closing waits for.
    has_bell: bool,
    bell_is_code: bool,
    /// The port is drained by wharf, and the drainer has been told.
    pumping: bool,
    pumped: bool,
}

/// What one side writes all the time, on cache lines of its own.
#[repr(align(64))]
struct Apart<T>(T);

impl<T> Deref for Apart<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// See the module. The locks are taken in the order of the fields.
pub(crate) struct Mailbox<A, B> {
    /// Messages that receivers have taken over from those that came in.
    ready: Apart<Mutex<Line>>,
    /// Places for tasks that are to come.
    gate: Apart<Mutex<Gate>>,
    state: Apart<Mutex<State<A>>>,
    arrived: Condvar,
    settled: Condvar,
    pace: Pace,
    bell: OnceLock<B>,
    /// Receivers asleep; changed under `state`. See `receiving` for who reads it without.
    sleeping: AtomicUsize,
    /// There may be control messages, which overtake those in `ready`; changed under `state`.
    overtaking: AtomicBool,
    /// Whether it matters how many messages wait.
    bound: bool,
    /// Tasks that are paused; while 0, polls need not look. Changed under `state`; see `tasks`.
    pauses: AtomicUsize,
    /// Tasks that have been told to end before they had said how they are aborted, and one for each
    /// shutdown or close; while 0, first polls need not look. Changed under `state`; see `tasks`.
    halts: AtomicUsize,
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

/// What a task leaves behind at its end.
pub(crate) enum Last {
    /// Kind, code and value of its terminal message.
    Words(i32, i32, Value),
    /// Nothing: its future was dropped before its end. With it, why the system has refused the
    /// runtime a thread, if it has.
    Dropped(Option<io::Error>),
}

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

/// What the port has to see to after a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Duty {
    /// The drainer has to be started.
    pub(crate) pump: bool,
    /// The port, closed from inside host code, has come to rest: it is to be forgotten.
    pub(crate) forget: bool,
}

impl Duty {
    /// Sees to what another call has left as well.
    fn join(&mut self, other: Duty) {
        self.pump |= other.pump;
        self.forget |= other.forget;
    }
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
            rooms: 0,
            rung: false,
            called: 0,
            settling: false,
            deferred: false,
            has_bell: false,
            bell_is_code: false,
            pumping: false,
            pumped,
        };
        Self {
            ready: Apart(Mutex::new(Line::default())),
            gate: Apart(Mutex::new(Gate::new(place))),
            state: Apart(Mutex::new(state)),
            arrived: Condvar::new(),
            settled: Condvar::new(),
            pace: Pace::default(),
            bell: OnceLock::new(),
            sleeping: AtomicUsize::new(0),
            overtaking: AtomicBool::new(false),
            bound: limits.bound(),
            pauses: AtomicUsize::new(0),
            halts: AtomicUsize::new(0),
        }
    }

    /// See [`Counts`].
    pub(crate) fn counts(&self) -> Counts {
        let ready = lock(&self.ready);
        let gate = lock(&self.gate);
        let state = lock(&self.state);
        Counts {
            waiting: ready.len() + state.messages.len(),
            tasks: state.tasks.len() - gate.len(),
            posted: state.messages.posted,
            dropped: state.messages.dropped,
            refused: state.messages.refused,
        }
    }
}

impl<A: Abort + Clone> State<A> {
    /// Whether no message will come in any more: a shutdown lets in nothing but the ends of tasks.
    fn is_over(&self) -> bool {
        self.phase == Phase::ShutDown && self.tasks.len() == 0
    }

    /// Whether no host code runs for the port, nor will before a new message comes in. After a
    /// shutdown, which lets none in, the handler is given what is there first.
    fn at_rest(&self) -> bool {
        let handing_over = self.phase == Phase::ShutDown && self.pumping;
        self.tasks.len() == 0 && self.callbacks == 0 && !handing_over
    }
}

/// Wakes streams; called with no lock held.
#[inline(never)]
fn wake_all(waiting: Vec<(u64, Waker)>) {
    waiting.into_iter().for_each(|(_, waker)| waker.wake());
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

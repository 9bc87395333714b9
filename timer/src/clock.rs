//! The clock of a runtime: the time axis of its timers, real as long as nobody pauses it.
//!
//! A paused clock stands still, however long the tasks take, and jumps to the next deadline when
//! there is nothing left to run: tests of timeouts take no time, and always go the same way. Only a
//! runtime with one seat has a clock that can be paused.

use crate::timers::{self, Timers};
use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        // Not the shim's: loom's atomics can't be statics, and no model pauses a clock.
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};
use wharf_base::{
    context,
    sync::{Mutex, lock},
};

/// A paused clock is moved on to here at most, 292 years from the making of the runtime, so that what
/// is armed there can be told from never.
const LAST: u64 = u64::MAX / 2;

/// Whether any clock of this process was ever paused: until then, `now` asks nobody.
///
/// Relaxed throughout: it is set on the thread that pauses, and whoever is to see the paused clock
/// has heard of it from there.
static EVER_PAUSED: AtomicBool = AtomicBool::new(false);

/// The present moment on the current runtime's clock; outside of one, the real one.
#[inline]
pub(crate) fn now() -> Instant {
    if EVER_PAUSED.load(Relaxed) { now_here() } else { Instant::now() }
}

#[cold]
fn now_here() -> Instant {
    let here = context::with(|parts, _| Some(timers::of(parts)?.clock().now())).flatten();
    here.unwrap_or_else(Instant::now)
}

/// Counts nanoseconds from the making of the runtime.
pub(crate) struct Clock {
    origin: Instant,
    /// `None` where the clock can't be paused.
    course: Option<Course>,
}

struct Course {
    /// Whether this clock was ever paused; Relaxed, as for `EVER_PAUSED`.
    altered: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    /// A moment on this clock ...
    base: Instant,
    /// ... and the real moment at which it was, or `None` where the clock stands still at `base`.
    running_since: Option<Instant>,
    /// How many want the clock not to jump.
    holds: usize,
}

/// What a clock was asked for that it can't do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotPausable,
    AlreadyPaused,
    NotPaused,
    TooFar,
}

impl Clock {
    pub(crate) fn new(pausable: bool) -> Clock {
        let origin = Instant::now();
        let state = State { base: origin, running_since: Some(origin), holds: 0 };
        let course = Course { altered: AtomicBool::new(false), state: Mutex::new(state) };
        Clock { origin, course: pausable.then_some(course) }
    }

    /// Where this clock was ever paused: what it does now.
    #[inline]
    fn altered(&self) -> Option<State> {
        let course = self.course.as_ref()?;
        if course.altered.load(Relaxed) { Some(*lock(&course.state)) } else { None }
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        match self.altered() {
            None => Instant::now(),
            Some(state) => state.now(),
        }
    }

    /// `instant` as the wheel counts; what is before the runtime's making counts as that moment,
    /// what is 584 years after it as never.
    #[inline]
    pub(crate) fn nanos(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        since.as_secs().saturating_mul(1_000_000_000).saturating_add(since.subsec_nanos().into())
    }

    /// When `nanos` will be, in real time; `None` for never, and for a clock that stands still.
    pub(crate) fn real(&self, nanos: u64) -> Option<Instant> {
        if nanos == u64::MAX {
            return None;
        }
        let moment = self.origin.checked_add(Duration::from_nanos(nanos))?;
        match self.altered() {
            None => Some(moment),
            Some(state) => {
                state.running_since?.checked_add(moment.saturating_duration_since(state.base))
            }
        }
    }

    /// Whether it stands still, and then, whether it may jump.
    pub(crate) fn stands_still(&self) -> Option<bool> {
        let state = self.altered()?;
        if state.running_since.is_some() { None } else { Some(state.holds == 0) }
    }

    fn alter<R>(&self, f: impl FnOnce(&mut State) -> R) -> Result<R, Refused> {
        let course = self.course.as_ref().ok_or(Refused::NotPausable)?;
        Ok(f(&mut lock(&course.state)))
    }

    pub(crate) fn pause(&self) -> Result<(), Refused> {
        self.alter(|state| {
            state.base = state.now();
            state.running_since.take().ok_or(Refused::AlreadyPaused)
        })??;
        EVER_PAUSED.store(true, Relaxed);
        if let Some(course) = &self.course {
            course.altered.store(true, Relaxed);
        }
        Ok(())
    }

    pub(crate) fn resume(&self) -> Result<(), Refused> {
        self.alter(|state| match state.running_since {
            Some(_) => Err(Refused::NotPaused),
            None => {
                state.running_since = Some(Instant::now());
                Ok(())
            }
        })?
    }

    pub(crate) fn advance(&self, duration: Duration) -> Result<(), Refused> {
        let later = |base: Instant| base.checked_add(duration).filter(|at| self.nanos(*at) <= LAST);
        self.alter(|state| match (state.running_since, later(state.base)) {
            (None, Some(later)) => {
                state.base = later;
                Ok(())
            }
            (None, None) => Err(Refused::TooFar),
            (Some(_), _) => Err(Refused::NotPaused),
        })?
    }

    /// Jumps to `nanos`, where the clock stands still, may jump, and is not there yet.
    pub(crate) fn jump(&self, nanos: u64) {
        let target = self.origin.checked_add(Duration::from_nanos(nanos));
        let _ = self.alter(|state| {
            if state.running_since.is_none() && state.holds == 0 {
                state.base = state.base.max(target.unwrap_or(state.base));
            }
        });
    }

    /// Keeps the clock from jumping until as many [`release`](Self::release)s; false where it never
    /// jumps anyway.
    pub(crate) fn hold(&self) -> bool {
        self.alter(|state| state.holds += 1).is_ok()
    }

    pub(crate) fn release(&self) {
        let _ = self.alter(|state| state.holds -= 1);
    }
}

impl State {
    fn now(&self) -> Instant {
        self.base + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Stops the clock of the current runtime: [`Instant::now`](crate::Instant::now) stays the same.
///
/// When no task can run, the clock jumps to the next deadline by itself, unless a blocking job is
/// under way. `std`'s clocks, and other processes, know nothing of it.
///
/// # Panics
///
/// Panics where the clock is paused already, outside of a runtime, and in a runtime that has more
/// than the current thread to run tasks on.
#[track_caller]
pub fn pause() {
    timers::here(Timers::pause);
}

/// Lets the clock of the current runtime run on from where it stands.
///
/// # Panics
///
/// Panics where the clock isn't paused, and outside of a runtime.
#[track_caller]
pub fn resume() {
    timers::here(Timers::resume);
}

/// Moves the paused clock of the current runtime on by `duration`, wakes whatever is due then, and
/// lets it run once.
///
/// What is woken may need to run more than once before it is seen to end: await it.
///
/// # Panics
///
/// Panics where the clock isn't paused, where that would be more than 292 years after the making of
/// the runtime, and outside of a runtime.
///
/// # Cancel safety
///
/// The clock is moved at the first poll, once.
pub async fn advance(duration: Duration) {
    timers::here(|timers| timers.advance(duration));
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Keeps a paused clock from jumping while it lives; from [`Timers::hold_clock`].
#[must_use = "the clock may jump as soon as this is dropped"]
pub struct ClockHold {
    pub(crate) timers: Arc<Timers>,
}

impl Drop for ClockHold {
    fn drop(&mut self) {
        self.timers.release_clock();
    }
}

impl fmt::Debug for ClockHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockHold")
    }
}

//! epoll, with deadlines kept to the microsecond.
//!
//! `epoll_wait` counts in milliseconds. Two ways to be more exact were measured: a timerfd in the
//! epoll, and `epoll_pwait2`, whose timeout counts in nanoseconds. Both end a sleep equally late;
//! setting the timerfd takes a system call before each sleep with a new deadline, which costs more
//! than a look into the epoll. But `epoll_pwait2` is subject to the thread's timer slack, by default
//! 50 µs: so that is lowered, for good on threads that belong to a runtime ([`claim_thread`]), for the
//! length of the sleep on others. Kernels before 5.11 lack the call, some sandboxes refuse it, and Android
//! may kill the process for it: there it is the timerfd.

use super::{ALARM, BATCH, timerfd::Alarm};
use crate::slot;
use mio::{Poll, Registry};
use std::{
    cell::Cell,
    io,
    os::fd::{AsRawFd, RawFd},
    ptr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Sleeps shorter than this are worth a system call to be exact.
const EXACT_BELOW: Duration = Duration::from_millis(20);

/// Cleared where the kernel turns out not to know `epoll_pwait2`.
static NANOSECONDS: AtomicBool = AtomicBool::new(cfg!(target_os = "linux"));

/// An epoll. Any number of threads may register; whoever waits brings the [`Events`].
#[derive(Debug)]
pub(crate) struct Selector {
    poll: Poll,
}

/// The events of one wait, and what a wait needs besides.
pub(crate) struct Events {
    list: Vec<libc::epoll_event>,
    alarm: Option<Alarm>,
}

impl Selector {
    pub(crate) fn new() -> io::Result<(Self, Events)> {
        let events = Events { list: Vec::with_capacity(BATCH), alarm: None };
        Ok((Self { poll: Poll::new()? }, events))
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Takes what is there, without blocking.
    pub(crate) fn look(&self, events: &mut Events) {
        self.collect(events, |fd, room| epoll_wait(fd, room, 0));
    }

    /// Blocks until there is an event, or until `deadline`.
    pub(crate) fn wait(&self, events: &mut Events, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return self.collect(events, |fd, room| epoll_wait(fd, room, -1));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.look(events);
        // Relaxed: once cleared, sooner or later seen.
        } else if NANOSECONDS.load(Relaxed) {
            let exact = exact(deadline);
            self.collect(events, |fd, room| epoll_pwait2(fd, room, left));
            drop(exact);
        } else {
            let timeout = self.timeout_with_alarm(events, deadline, left);
            self.collect(events, |fd, room| epoll_wait(fd, room, timeout));
        }
    }

    /// Sets the alarm, or failing that says how many milliseconds are left.
    fn timeout_with_alarm(&self, events: &mut Events, deadline: Instant, left: Duration) -> i32 {
        if events.alarm.is_none() {
            match Alarm::new(self.registry(), ALARM) {
                Ok(alarm) => events.alarm = Some(alarm),
                Err(error) => log::debug!("this deadline is kept to the millisecond: {error}"),
            }
        }
        if events.alarm.as_mut().is_some_and(|alarm| alarm.set(deadline, left).is_ok()) {
            return -1;
        }
        // Rounded up: a deadline is never early.
        i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    }

    fn collect(
        &self,
        events: &mut Events,
        wait: impl FnOnce(RawFd, &mut Vec<libc::epoll_event>) -> libc::c_int,
    ) {
        events.list.clear();
        let count = wait(self.poll.as_raw_fd(), &mut events.list);
        if let Ok(count) = usize::try_from(count) {
            // SAFETY: the system has written so many events into the room it was given.
            unsafe { events.list.set_len(count) };
            return;
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            // A sleep that was interrupted is a sleep that ended early.
            Some(libc::EINTR) => {}
            // Relaxed: a hint; whoever misses it comes here too. The caller comes again.
            // The second is what a sandbox says that does not know the call.
            Some(libc::ENOSYS | libc::EPERM) => NANOSECONDS.store(false, Relaxed),
            _ => log::error!("waiting for events failed: {error}"),
        }
    }
}

fn epoll_wait(fd: RawFd, room: &mut Vec<libc::epoll_event>, timeout_ms: i32) -> libc::c_int {
    // SAFETY: the room is as long as said.
    unsafe { libc::epoll_wait(fd, room.as_mut_ptr(), room.capacity() as i32, timeout_ms) }
}

#[cfg(target_os = "linux")]
fn epoll_pwait2(fd: RawFd, room: &mut Vec<libc::epoll_event>, timeout: Duration) -> libc::c_int {
    /// The kernel's, which is the same whatever the size of `time_t` here.
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    let timeout = Timespec {
        seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: timeout.subsec_nanos().into(),
    };
    let (no_mask, mask_size) = (ptr::null::<libc::sigset_t>(), 0usize);
    // SAFETY: the room is as long as said, the time is valid, and there is no mask. It is called by
    // its number, as older C libraries have no name for it.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            fd,
            room.as_mut_ptr(),
            room.capacity() as i32,
            &timeout,
            no_mask,
            mask_size,
        )
    };
    count as libc::c_int
}

#[cfg(not(target_os = "linux"))]
fn epoll_pwait2(fd: RawFd, room: &mut Vec<libc::epoll_event>, timeout: Duration) -> libc::c_int {
    // Never called: NANOSECONDS is not set here.
    epoll_wait(fd, room, timeout.as_millis() as i32)
}

impl Events {
    /// Each event's token and what it says is ready.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (mio::Token, u64)> {
        let all =
            self.list.iter().map(|event| (mio::Token(event.u64 as usize), ready(event.events)));
        all.filter(|&(token, _)| token != ALARM)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

fn ready(flags: u32) -> u64 {
    let has = |flag: libc::c_int| flags & flag as u32 != 0;
    let mut ready = 0;
    if has(libc::EPOLLIN | libc::EPOLLPRI) {
        ready |= slot::READABLE;
    }
    if has(libc::EPOLLOUT) {
        ready |= slot::WRITABLE;
    }
    if has(libc::EPOLLRDHUP | libc::EPOLLHUP) {
        ready |= slot::READABLE | slot::READ_CLOSED;
    }
    // An error alone is what a full pipe says whose last reader has gone.
    let only_error = flags == libc::EPOLLERR as u32;
    if has(libc::EPOLLHUP) || has(libc::EPOLLERR) && has(libc::EPOLLOUT) || only_error {
        ready |= slot::WRITABLE | slot::WRITE_CLOSED;
    }
    if has(libc::EPOLLPRI) {
        ready |= slot::PRIORITY;
    }
    if has(libc::EPOLLERR) {
        ready |= slot::READABLE | slot::WRITABLE | slot::ERROR;
    }
    ready
}

thread_local! {
    static CLAIMED: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread belongs to a runtime: its timer slack is lowered for good.
pub(crate) fn claim_thread() {
    if cfg!(target_os = "linux") && !CLAIMED.replace(true) {
        set_slack(1);
    }
}

/// Makes this thread's sleeps exact as long as the guard lives, if `deadline` is worth it and the
/// thread is not [claimed](claim_thread), whose sleeps are exact anyway.
pub(crate) fn exact(deadline: Instant) -> Option<Exact> {
    if CLAIMED.get() || deadline.saturating_duration_since(Instant::now()) > EXACT_BELOW {
        return None;
    }
    // SAFETY: takes no pointers.
    let before = unsafe { libc::prctl(libc::PR_GET_TIMERSLACK) };
    let before = libc::c_ulong::try_from(before).ok()?;
    set_slack(1);
    Some(Exact { before })
}

/// A thread's timer slack, lowered as long as this lives.
pub(crate) struct Exact {
    before: libc::c_ulong,
}

impl Drop for Exact {
    fn drop(&mut self) {
        set_slack(self.before);
    }
}

fn set_slack(nanoseconds: libc::c_ulong) {
    // SAFETY: takes no pointers. Where it fails, sleeps are less exact.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanoseconds) };
}

//! A timerfd in an epoll: an alarm that goes off exactly, where `epoll_pwait2` is not to be had.

use mio::{Interest, Registry, Token, unix::SourceFd};
use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
    time::{Duration, Instant},
};

/// A timerfd registered with an epoll, edge-triggered: it is never read.
#[derive(Debug)]
pub(crate) struct Alarm {
    fd: OwnedFd,
    set_to: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let fd = unsafe {
            libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor just made, owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { fd, set_to: None })
    }

    /// Makes the alarm go off at `deadline`, which is `left` from now. Setting it to where it
    /// stands already costs nothing.
    pub(crate) fn set(&mut self, deadline: Instant, left: Duration) -> io::Result<()> {
        if self.set_to == Some(deadline) {
            return Ok(());
        }
        let spec = libc::itimerspec {
            it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: libc::timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                // Never zero, which would disarm it.
                tv_nsec: left.subsec_nanos().max(u32::from(left.as_secs() == 0)) as _,
            },
        };
        // SAFETY: our own descriptor, a valid specification, no old value asked for.
        let result =
            unsafe { libc::timerfd_settime(self.fd.as_raw_fd(), 0, &spec, ptr::null_mut()) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        self.set_to = Some(deadline);
        Ok(())
    }
}

//! An alarm that an epoll can wait for, exact below the milliseconds of `epoll_wait`.
//!
//! On Linux and Android it is a timerfd; elsewhere the timeout of the poll itself has to do, which
//! mio rounds up to whole milliseconds.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use timerfd::Alarm;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod timerfd {
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
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use none::Alarm;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod none {
    use mio::{Registry, Token};
    use std::{
        io,
        time::{Duration, Instant},
    };

    /// There is none here.
    #[derive(Debug)]
    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn set(&mut self, _: Instant, _: Duration) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

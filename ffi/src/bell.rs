//! The bell of a port: an eventfd, readable while the port is not empty.

use crate::{
    port::Bell,
    status::{Error, Result},
};
use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

/// An eventfd that rings or does not.
#[derive(Debug)]
pub(crate) struct EventFd(OwnedFd);

impl EventFd {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            let error = io::Error::last_os_error();
            return Err(Error::system("no descriptor could be opened for the port", &error));
        }
        // SAFETY: the descriptor is fresh and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Bell for EventFd {
    fn ring(&self) {
        // SAFETY: eight bytes are read from a live u64. The counter can't overflow: it is cleared
        // long before 2^64 rings, and a full one is readable, which is all that is wanted.
        unsafe {
            libc::write(self.0.as_raw_fd(), (&raw const ONE).cast(), size_of::<u64>());
        }
    }

    fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: eight bytes are written to a live u64. Nothing to read is fine: it is clear then.
        unsafe {
            libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>());
        }
    }
}

static ONE: u64 = 1;

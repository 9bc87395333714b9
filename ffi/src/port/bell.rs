//! The bell of a port: an eventfd, readable while the port is not empty, or a function of the
//! host's, for hosts whose loop is fed by posting to it.

use super::Bell;
use crate::{
    boundary::host_call,
    id::wharf_port_t,
    status::{Error, Result},
};
use std::{
    ffi::c_void,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};
use wharf_base::waker::WakerSlot;

/// Called when messages have come into an empty port. It says so to the host's own loop and
/// returns; it does not receive, and does not throw.
pub type wharf_notify_t = Option<unsafe extern "C" fn(context: *mut c_void, port: wharf_port_t)>;

/// See the module.
#[derive(Debug)]
pub(crate) enum PortBell {
    Descriptor(OwnedFd),
    Function(Notify),
    /// A task of the library's own that waits for messages.
    Task(WakerSlot),
}

/// A function of the host's and what it is called with.
#[derive(Debug)]
pub(crate) struct Notify {
    pub(crate) function: unsafe extern "C" fn(*mut c_void, wharf_port_t),
    pub(crate) context: *mut c_void,
    pub(crate) port: wharf_port_t,
}

// SAFETY: the host has been told that the function is called from any thread.
unsafe impl Send for Notify {}
// SAFETY: as for `Send`.
unsafe impl Sync for Notify {}

impl PortBell {
    /// An eventfd.
    pub(crate) fn descriptor() -> Result<Self> {
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            let error = io::Error::last_os_error();
            return Err(Error::system("no descriptor could be opened for the port", &error));
        }
        // SAFETY: the descriptor is fresh and nobody else's.
        Ok(Self::Descriptor(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The descriptor, if that is what it is.
    pub(crate) fn as_descriptor(&self) -> Option<RawFd> {
        match self {
            Self::Descriptor(fd) => Some(fd.as_raw_fd()),
            Self::Function(_) | Self::Task(_) => None,
        }
    }
}

impl Bell for PortBell {
    fn ring(&self) {
        static ONE: u64 = 1;
        match self {
            // SAFETY: eight bytes are read from a live u64. The counter can't overflow: it is
            // cleared long before 2^64 rings, and a full one is readable, which is all it is for.
            Self::Descriptor(fd) => unsafe {
                libc::write(fd.as_raw_fd(), (&raw const ONE).cast(), size_of::<u64>());
            },
            Self::Function(notify) => {
                // SAFETY: the host gave the function to be called with this context, until the
                // port has been closed, which waits for this call.
                host_call(|| unsafe { (notify.function)(notify.context, notify.port) });
            }
            Self::Task(waker) => waker.wake(),
        }
    }

    fn closed(&self) {
        if let Self::Task(waker) = self {
            waker.wake();
        }
    }

    fn clear(&self) {
        if let Self::Descriptor(fd) = self {
            let mut count = 0u64;
            // SAFETY: eight bytes are written to a live u64. Nothing to read means that it is
            // clear already.
            unsafe {
                libc::read(fd.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>());
            }
        }
    }
}

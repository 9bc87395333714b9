//! The few calls for which neither std, mio nor socket2 has a name.

use std::{net::SocketAddr, os::fd::BorrowedFd};

/// No processor is known: nobody has asked yet, or the platform does not say.
pub(crate) const NO_PROCESSOR: usize = usize::MAX;

/// The processor on which this thread runs just now.
#[cfg(target_os = "linux")]
pub(crate) fn current_processor() -> usize {
    // SAFETY: takes nothing and can only fail.
    let processor = unsafe { libc::sched_getcpu() };
    usize::try_from(processor).unwrap_or(NO_PROCESSOR)
}

/// The processor on which this thread runs just now: not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn current_processor() -> usize {
    NO_PROCESSOR
}

/// The processor on which the last data for a socket came in.
#[cfg(target_os = "linux")]
pub(crate) fn incoming_processor(fd: BorrowedFd<'_>) -> Option<usize> {
    socket2::SockRef::from(&fd).cpu_affinity().ok()
}

/// The processor on which the last data for a socket came in: not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn incoming_processor(_: BorrowedFd<'_>) -> Option<usize> {
    None
}

/// This end's port, of an internet socket.
pub(crate) fn local_port(fd: BorrowedFd<'_>) -> Option<u16> {
    Some(socket2::SockRef::from(&fd).local_addr().ok()?.as_socket()?.port())
}

/// Both ends' addresses, of a connected internet socket.
pub(crate) fn addresses(fd: BorrowedFd<'_>) -> Option<(SocketAddr, SocketAddr)> {
    let socket = socket2::SockRef::from(&fd);
    Some((socket.local_addr().ok()?.as_socket()?, socket.peer_addr().ok()?.as_socket()?))
}

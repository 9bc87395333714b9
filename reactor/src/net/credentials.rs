//! Who is at the other end of a Unix stream.

use std::{io, os::fd::BorrowedFd, process};

/// Who has made the other end of a [`UnixStream`](super::UnixStream), by the system's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UCred {
    pid: Option<i32>,
    uid: u32,
    gid: u32,
}

impl UCred {
    /// The process, where the system says so (Linux and Android do). It may have ended since, and its
    /// number be another's.
    pub fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// The effective user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The effective group.
    pub fn gid(&self) -> u32 {
        self.gid
    }
}

/// Whether the other end was made by another process: where the system says so, and as far as is known.
pub(super) fn is_another_process(fd: BorrowedFd<'_>) -> bool {
    let maker = of_peer(fd).ok().and_then(|peer| peer.pid);
    maker.is_some_and(|pid| u32::try_from(pid) != Ok(process::id()))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn of_peer(fd: BorrowedFd<'_>) -> io::Result<UCred> {
    use std::{mem::MaybeUninit, os::fd::AsRawFd};

    let mut found = MaybeUninit::<libc::ucred>::zeroed();
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    let (level, option, room) = (libc::SOL_SOCKET, libc::SO_PEERCRED, found.as_mut_ptr().cast());
    // SAFETY: an open descriptor, and room of the size that is said.
    match unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, room, &mut size) } {
        -1 => Err(io::Error::last_os_error()),
        _ => {
            // SAFETY: three numbers, zeros before and filled in above.
            let libc::ucred { pid, uid, gid } = unsafe { found.assume_init() };
            Ok(UCred { pid: Some(pid), uid, gid })
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn of_peer(fd: BorrowedFd<'_>) -> io::Result<UCred> {
    use std::os::fd::AsRawFd;

    let (mut uid, mut gid) = (0, 0);
    // SAFETY: an open descriptor, and room for the two.
    match unsafe { libc::getpeereid(fd.as_raw_fd(), &mut uid, &mut gid) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(UCred { pid: None, uid, gid }),
    }
}

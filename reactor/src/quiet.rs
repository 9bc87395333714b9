//! Writes to pipes that raise no SIGPIPE: sends have a flag for it, pipes had none for long.
//!
//! Linux 6.18 has: `RWF_NOSIGNAL`. Elsewhere SIGPIPE is blocked for this thread while it writes, and
//! taken back if the write has raised it, which costs two more system calls; Apple's systems can
//! switch it off for a descriptor.

use crate::source::at_once;
use std::{
    io::{self, IoSlice},
    os::fd::{AsRawFd, BorrowedFd},
};

/// Writes from several buffers, one after the other.
pub(crate) fn write(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = at_once(bufs);
    match with_flag(fd, bufs) {
        Some(result) => result,
        None => system::shielded(|| plain(fd, bufs)),
    }
}

fn plain(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: an `IoSlice` is an `iovec`, and so many of them are there.
    let done = unsafe { libc::writev(fd.as_raw_fd(), bufs.as_ptr().cast(), bufs.len() as _) };
    usize::try_from(done).map_err(|_| io::Error::last_os_error())
}

/// `None`: this system has no such flag.
#[cfg(target_os = "linux")]
fn with_flag(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    const RWF_NOSIGNAL: libc::c_int = 0x100;
    /// "Where the descriptor stands", in two halves.
    const HERE: libc::c_long = -1;
    static KNOWN: AtomicBool = AtomicBool::new(true);

    // Relaxed: a hint; whoever misses it finds out too.
    if !KNOWN.load(Relaxed) {
        return None;
    }
    let (slices, count) = (bufs.as_ptr(), bufs.len());
    let (number, fd) = (libc::SYS_pwritev2, fd.as_raw_fd());
    // SAFETY: as in `plain`. It is called by its number, as C libraries keep flags they don't know.
    let done = unsafe { libc::syscall(number, fd, slices, count, HERE, HERE, RWF_NOSIGNAL) };
    if let Ok(done) = usize::try_from(done) {
        return Some(Ok(done));
    }
    let error = io::Error::last_os_error();
    // The last: a sandbox that does not know the call.
    let unknown = [libc::EOPNOTSUPP, libc::ENOSYS, libc::EINVAL, libc::EPERM];
    if error.raw_os_error().is_some_and(|error| unknown.contains(&error)) {
        KNOWN.store(false, Relaxed);
        return None;
    }
    Some(Err(error))
}

#[cfg(not(target_os = "linux"))]
fn with_flag(_: BorrowedFd<'_>, _: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
    None
}

/// Makes writes to `fd` raise no signal, where that can be said once for all.
#[cfg(target_vendor = "apple")]
pub(crate) fn hush(fd: BorrowedFd<'_>) -> io::Result<()> {
    const F_SETNOSIGPIPE: libc::c_int = 73;
    // SAFETY: a descriptor that is open, and no pointers.
    match unsafe { libc::fcntl(fd.as_raw_fd(), F_SETNOSIGPIPE, 1) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Each write sees to it itself.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn hush(_: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(target_vendor = "apple")]
mod system {
    use std::io;

    /// The descriptor has been hushed.
    pub(super) fn shielded(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        write()
    }
}

#[cfg(not(target_vendor = "apple"))]
mod system {
    use std::{io, mem::MaybeUninit, ptr};

    /// Runs `write` with SIGPIPE blocked for this thread. One that it raises is taken back, unless
    /// there was one before, which is somebody else's.
    pub(super) fn shielded(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        let only_pipe = only_pipe();
        let mut before = MaybeUninit::uninit();
        // SAFETY: a valid set, and room for another. It can't fail with these arguments.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &only_pipe, before.as_mut_ptr()) };
        let was_pending = is_pending();
        let result = write();
        let broken = matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EPIPE));
        if broken && !was_pending {
            let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: a valid set and time; the signal's details are not wanted.
            unsafe { libc::sigtimedwait(&only_pipe, ptr::null_mut(), &at_once) };
        }
        // SAFETY: filled in above; the old one is not wanted.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
        result
    }

    fn only_pipe() -> libc::sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the first call makes the set, the second adds a signal that there is.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            set.assume_init()
        }
    }

    fn is_pending() -> bool {
        let mut set = MaybeUninit::uninit();
        // SAFETY: room for a set, which the first call fills.
        unsafe {
            libc::sigpending(set.as_mut_ptr()) == 0
                && libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    /// The process's SIGPIPE would end it: Rust's test harness ignores it, so it is set to default.
    #[test]
    fn no_way_of_writing_to_a_broken_pipe_raises_a_signal() {
        let (writer, reader) = mio::unix::pipe::new().unwrap();
        drop(reader);
        let bufs = [IoSlice::new(b"a"), IoSlice::new(b"b")];
        // SAFETY: the default takes no handler of ours.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let shielded = system::shielded(|| plain(writer.as_fd(), &bufs));
        for result in [write(writer.as_fd(), &bufs), shielded] {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
        // SAFETY: what was there before.
        unsafe { libc::signal(libc::SIGPIPE, before) };
    }
}

//! A child that was started.

use super::{ChildStderr, ChildStdin, ChildStdout, ExitStatus, Output, blocking};
use crate::{
    io::AsyncFd,
    signal::unix::{Signal, SignalKind, signal},
};
use std::{
    fmt,
    future::Future,
    io,
    os::fd::OwnedFd,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::Poll,
};

/// A child process.
///
/// Dropped, it goes on running unless [`Command::kill_on_drop`](super::Command::kill_on_drop) was
/// asked for.
pub struct Child {
    /// `None` only while it is being dropped.
    inner: Option<blocking::Child>,
    end: End,
    status: Option<ExitStatus>,
    kill_on_drop: bool,
    /// Its standard input, if it is piped.
    pub stdin: Option<ChildStdin>,
    /// Its standard output, if it is piped.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, if it is piped.
    pub stderr: Option<ChildStderr>,
}

/// What tells that a child may have ended.
enum End {
    /// Readable when it has.
    Descriptor(AsyncFd<OwnedFd>),
    /// Comes when any child has.
    Signal(Signal),
}

impl Child {
    pub(super) fn new(inner: blocking::Child, kill_on_drop: bool) -> io::Result<Self> {
        Self::with_end(inner, kill_on_drop, End::of)
    }

    fn with_end(
        inner: blocking::Child,
        kill_on_drop: bool,
        end_of: impl FnOnce(&blocking::Child) -> io::Result<End>,
    ) -> io::Result<Self> {
        reap_those_left();
        // Whatever fails from here on must not leave a child that nobody knows of.
        let mut inner = LeftBehind { child: Some(inner), kill: true };
        let child = inner.child.as_mut().expect("just put there");
        let stdin = child.stdin.take().map(ChildStdin::from_std).transpose()?;
        let stdout = child.stdout.take().map(ChildStdout::from_std).transpose()?;
        let stderr = child.stderr.take().map(ChildStderr::from_std).transpose()?;
        let end = end_of(child)?;
        let inner = inner.child.take();
        Ok(Self { inner, end, status: None, kill_on_drop, stdin, stdout, stderr })
    }

    /// Its number, as long as it was not waited for with success: after that the number may be
    /// another's.
    pub fn id(&self) -> Option<u32> {
        match self.status {
            None => self.inner.as_ref().map(blocking::Child::id),
            Some(_) => None,
        }
    }

    /// Kills it (SIGKILL) and waits for its end.
    ///
    /// Cancel safe: polled once, it has killed; [`wait`](Self::wait) then waits on.
    ///
    /// # Errors
    ///
    /// As [`start_kill`](Self::start_kill) and [`wait`](Self::wait).
    pub async fn kill(&mut self) -> io::Result<()> {
        self.start_kill()?;
        self.wait().await.map(drop)
    }

    /// Kills it (SIGKILL) without waiting for its end.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it was waited for already; what the system says.
    pub fn start_kill(&mut self) -> io::Result<()> {
        if self.status.is_some() {
            let text = "this child has ended and was waited for";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.child().kill()
    }

    /// Waits for its end, after closing its standard input if that is still here. Says the same
    /// again when called again.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// What the system says: a host that waits for all children of its process may have taken the
    /// status. That the runtime has been shut down.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            self.end.may_have_come().await?;
        }
    }

    /// Its status, if it has ended.
    ///
    /// # Errors
    ///
    /// What the system says; see [`wait`](Self::wait).
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child().try_wait()?;
        }
        Ok(self.status)
    }

    /// Waits for its end and collects what it writes to those of its outputs that are piped.
    ///
    /// Not cancel safe: what it has written so far is lost.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and what reading says.
    pub async fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.stdin.take());
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (out, err) = (self.stdout.take(), self.stderr.take());
        let reading_out = async {
            match out {
                Some(out) => out.read_to_end(&mut stdout).await,
                None => Ok(0),
            }
        };
        let reading_err = async {
            match err {
                Some(err) => err.read_to_end(&mut stderr).await,
                None => Ok(0),
            }
        };
        both(pin!(reading_out), pin!(reading_err)).await?;
        let status = self.wait().await?;
        Ok(Output { status, stdout, stderr })
    }

    fn child(&mut self) -> &mut blocking::Child {
        self.inner.as_mut().expect("only taken out by drop")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let child = self.inner.take().filter(|_| self.status.is_none());
        drop(LeftBehind { child, kill: self.kill_on_drop });
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("id", &self.id()).field("status", &self.status).finish()
    }
}

impl End {
    fn of(child: &blocking::Child) -> io::Result<Self> {
        match descriptor_of(child.id()) {
            Some(fd) => {
                AsyncFd::with_interest(fd, crate::io::Interest::READABLE).map(Self::Descriptor)
            }
            None => Self::by_signal(),
        }
    }

    /// Where the system has no descriptors of processes.
    fn by_signal() -> io::Result<Self> {
        signal(SignalKind::child()).map(Self::Signal)
    }

    async fn may_have_come(&mut self) -> io::Result<()> {
        match self {
            // It stays readable: if the child is not to be waited for yet, that is a moment away.
            Self::Descriptor(fd) => fd.readable().await.map(|mut ready| ready.clear_ready()),
            Self::Signal(signal) => signal.recv().await.ok_or_else(crate::error::down),
        }
    }
}

/// A descriptor that becomes readable when the process ends. The child was not waited for, so that
/// its number can't be another's.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn descriptor_of(id: u32) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: takes no pointers. It is called by its number, as older C libraries have no name for it.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id as libc::pid_t, 0) };
    let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0)?;
    // SAFETY: just made, and nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn descriptor_of(_: u32) -> Option<OwnedFd> {
    None
}

/// Children that were let go of before they had ended.
static LEFT: Mutex<Vec<blocking::Child>> = Mutex::new(Vec::new());

/// Asks the system about those that were left, so that it can forget the ones that have ended.
fn reap_those_left() {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

/// A child that nobody will wait for.
struct LeftBehind {
    child: Option<blocking::Child>,
    kill: bool,
}

impl Drop for LeftBehind {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if self.kill {
            if let Err(error) = child.kill() {
                log::debug!("a child that is no longer wanted could not be killed: {error}");
            }
        }
        reap_those_left();
        if matches!(child.try_wait(), Ok(None)) {
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        }
    }
}

/// Both to their ends, or to the first error.
async fn both<A, B>(mut a: Pin<&mut A>, mut b: Pin<&mut B>) -> io::Result<()>
where
    A: Future<Output = io::Result<usize>>,
    B: Future<Output = io::Result<usize>>,
{
    let (mut a_done, mut b_done) = (false, false);
    std::future::poll_fn(|cx| {
        if !a_done {
            a_done = a.as_mut().poll(cx)?.is_ready();
        }
        if !b_done {
            b_done = b.as_mut().poll(cx)?.is_ready();
        }
        if a_done && b_done { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

#[cfg(all(test, not(loom)))]
#[path = "../../tests/common/mod.rs"]
mod common;

/// The ends of children as heard by SIGCHLD: `tests/processes.rs` has them all by descriptor.
#[cfg(all(test, not(loom)))]
mod tests {
    use super::{common::run, *};
    use std::{
        process::Stdio,
        task::{Context, Waker},
    };

    /// A shell that ends with what it reads, and what is to be written to it.
    fn child() -> (Child, ChildStdin) {
        let mut shell = blocking::Command::new("sh");
        let inner = shell.args(["-c", "read status; exit $status"]).stdin(Stdio::piped()).spawn();
        let mut child = Child::with_end(inner.unwrap(), true, |_| End::by_signal()).unwrap();
        let stdin = child.stdin.take().unwrap();
        (child, stdin)
    }

    #[test]
    fn a_signal_tells_of_each_child_that_ends() {
        run(async {
            let (mut first, mut second) = (child(), child());
            let mut waiting = Box::pin(second.0.wait());
            let polled = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "it waits for its input");
            drop(waiting);
            for ((child, stdin), status) in [(&mut second, 3), (&mut first, 4)] {
                stdin.write_all(format!("{status}\n").as_bytes()).await.unwrap();
                assert_eq!(child.wait().await.unwrap().code(), Some(status));
                assert_eq!(child.wait().await.unwrap().code(), Some(status));
            }
        });
    }

    #[test]
    fn a_child_that_is_killed_is_heard_of_as_well() {
        run(async {
            let (mut child, _stdin) = child();
            child.kill().await.unwrap();
            assert!(child.id().is_none());
        });
    }

    #[test]
    fn children_that_end_at_once_are_all_told_of() {
        run(async {
            let (mut children, inputs): (Vec<_>, Vec<_>) = (0..8).map(|_| child()).unzip();
            // They end without input. The system may tell of several by one signal.
            drop(inputs);
            for child in &mut children {
                child.wait().await.unwrap();
            }
        });
    }
}

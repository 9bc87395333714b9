//! Signals by their kind.

use super::post::{self, Listener, NUMBERS};
use crate::{registration::Wish, slot::Direction, source::Source};
use std::{
    fmt,
    future::poll_fn,
    io::{self, Read},
    os::unix::net::UnixStream,
    sync::Arc,
    task::{Context, Poll},
};

/// A kind of signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalKind(libc::c_int);

macro_rules! kinds {
    ($($name:ident = $number:ident, $what:literal;)*) => {
        impl SignalKind {$(
            #[doc = concat!(stringify!($number), ": ", $what)]
            pub const fn $name() -> Self {
                Self(libc::$number)
            }
        )*}
    };
}

kinds! {
    alarm = SIGALRM, "a timer of the process's has run out.";
    child = SIGCHLD, "a child has ended or stopped.";
    hangup = SIGHUP, "the terminal has gone; for daemons: read the configuration again.";
    interrupt = SIGINT, "Ctrl-C.";
    io = SIGIO, "a descriptor is ready.";
    pipe = SIGPIPE, "a write to a pipe or socket that nobody reads.";
    quit = SIGQUIT, "Ctrl-\\\\.";
    terminate = SIGTERM, "the process is asked to end.";
    user_defined1 = SIGUSR1, "means what the user likes.";
    user_defined2 = SIGUSR2, "means what the user likes.";
    window_change = SIGWINCH, "the terminal has another size.";
}

impl SignalKind {
    /// The kind with the system's own number.
    pub const fn from_raw(number: libc::c_int) -> Self {
        Self(number)
    }

    /// The system's number.
    pub const fn as_raw_value(&self) -> libc::c_int {
        self.0
    }

    /// Its place in the tables, unless it can't be handled, or not without ending badly.
    fn index(self) -> Option<usize> {
        let forbidden = [libc::SIGKILL, libc::SIGSTOP, libc::SIGILL, libc::SIGFPE, libc::SIGSEGV];
        let index = usize::try_from(self.0).ok()?;
        (0 < index && index < NUMBERS && !forbidden.contains(&self.0)).then_some(index)
    }
}

impl From<libc::c_int> for SignalKind {
    fn from(number: libc::c_int) -> Self {
        Self::from_raw(number)
    }
}

impl From<SignalKind> for libc::c_int {
    fn from(kind: SignalKind) -> Self {
        kind.as_raw_value()
    }
}

/// Begins to listen for signals of `kind`; each that comes from now on is received.
///
/// Any number may listen for one kind, also in several runtimes: each receives all. What
/// listening changes in the process, the [module](super#in-a-process-that-is-not-ours-alone)
/// says.
///
/// # Errors
///
/// `InvalidInput` for what can't be handled (SIGKILL, SIGSTOP) or must not be (SIGSEGV, SIGILL,
/// SIGFPE); what the system says; that there is no runtime with I/O here.
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let index = kind.index().ok_or_else(|| {
        let text = format!("signal {} can't be listened for", kind.0);
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })?;
    let (listener, socket) = post::join(index)?;
    // What is in the socket already is for others: it would be tried in vain, once.
    match Source::new(socket, Wish { interest: mio::Interest::READABLE, ..Wish::TRY }) {
        Ok(source) => Ok(Signal { source, listener, seen: 0 }),
        Err(error) => {
            post::leave(&listener);
            Err(error)
        }
    }
}

/// Listens for one kind of signal.
pub struct Signal {
    source: Source<UnixStream>,
    listener: Arc<Listener>,
    seen: u64,
}

impl Signal {
    /// Waits for the next signal, or for the first since the last that was received. `None`: the
    /// runtime has been shut down, and none will come.
    ///
    /// Cancel safe.
    pub async fn recv(&mut self) -> Option<()> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`recv`](Self::recv), for code that polls.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let (source, listener) = (&self.source, &self.listener);
        // First the waker, then a look; whoever counts us up does it the other way round.
        listener.waker.register(cx.waker());
        loop {
            post::take_all();
            let count = listener.count();
            if count != self.seen {
                self.seen = count;
                return Poll::Ready(Some(()));
            }
            match source.poll_run(cx, Direction::Read, |mut socket| socket.read(&mut [0; 64])) {
                // The flags that these bytes stand for are still to be looked at.
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                // Somebody else may have taken the bytes, and counted us up since we looked.
                Poll::Pending if listener.count() == count => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        post::leave(&self.listener);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("received", &self.seen).finish_non_exhaustive()
    }
}

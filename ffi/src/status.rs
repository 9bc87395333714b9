//! What a call answers at once: a status, and the error behind it, kept per thread until the next
//! one, as C people expect of a last error.

use std::{borrow::Cow, cell::RefCell};

/// What a call answers at once. A call that is not answered by `WHARF_OK` has done nothing and
/// will post nothing, unless its own page says otherwise.
pub type wharf_status_t = i32;

/// Done, or accepted.
pub const WHARF_OK: wharf_status_t = 0;
/// The time given was up before it was done. Ask again.
pub const WHARF_TIMEOUT: wharf_status_t = 1;
/// There is no message just now.
pub const WHARF_EMPTY: wharf_status_t = 2;
/// The port holds as many messages as it may, and its policy is to refuse more.
pub const WHARF_FULL: wharf_status_t = 3;
/// Accepted, and takes effect when the host function that made the call returns: it was made
/// from inside one, where waiting for that function would be waiting for itself.
pub const WHARF_DEFERRED: wharf_status_t = 4;
/// A pointer that is needed is NULL.
pub const WHARF_NULL: wharf_status_t = 10;
/// A length, a count, a time or a limit is out of range.
pub const WHARF_OUT_OF_RANGE: wharf_status_t = 11;
/// A string is not UTF-8.
pub const WHARF_NOT_UTF8: wharf_status_t = 12;
/// A value can't be sent: its type, depth, size or content is wrong.
pub const WHARF_BAD_VALUE: wharf_status_t = 13;
/// An option struct has a wrong size or a member that makes no sense.
pub const WHARF_BAD_OPTION: wharf_status_t = 14;
/// There is no such runtime: never made, already freed, or another library's.
pub const WHARF_NO_RUNTIME: wharf_status_t = 20;
/// There is no such port: never opened, already closed, or another library's.
pub const WHARF_NO_PORT: wharf_status_t = 21;
/// There is no such task: never submitted, already ended, or another library's.
pub const WHARF_NO_TASK: wharf_status_t = 22;
/// The runtime has been shut down.
pub const WHARF_SHUT_DOWN: wharf_status_t = 30;
/// The call does not apply to what this id names, or not now.
pub const WHARF_WRONG_STATE: wharf_status_t = 31;
/// The call would block a thread of wharf's: a host function that runs there may not wait.
pub const WHARF_WOULD_BLOCK: wharf_status_t = 32;
/// The process was forked after wharf had been loaded: nothing of wharf works in the child.
pub const WHARF_FORKED: wharf_status_t = 33;
/// As many as there may be at once are there already.
pub const WHARF_LIMIT: wharf_status_t = 40;
/// There is no memory.
pub const WHARF_NO_MEMORY: wharf_status_t = 41;
/// The operating system refused; the message says what and why.
pub const WHARF_SYSTEM: wharf_status_t = 42;
/// A panic was stopped at the border; the message is the panic's.
pub const WHARF_PANICKED: wharf_status_t = 50;

/// The word for a status; `None` for a number that is none.
pub(crate) const fn name(status: wharf_status_t) -> Option<&'static std::ffi::CStr> {
    Some(match status {
        WHARF_OK => c"ok",
        WHARF_TIMEOUT => c"the time was up",
        WHARF_EMPTY => c"no message just now",
        WHARF_FULL => c"the port is full",
        WHARF_DEFERRED => c"takes effect when the present host function returns",
        WHARF_NULL => c"a pointer is NULL",
        WHARF_OUT_OF_RANGE => c"out of range",
        WHARF_NOT_UTF8 => c"not UTF-8",
        WHARF_BAD_VALUE => c"the value can't be sent",
        WHARF_BAD_OPTION => c"an option makes no sense",
        WHARF_NO_RUNTIME => c"no such runtime",
        WHARF_NO_PORT => c"no such port",
        WHARF_NO_TASK => c"no such task",
        WHARF_SHUT_DOWN => c"the runtime has been shut down",
        WHARF_WRONG_STATE => c"does not apply here or now",
        WHARF_WOULD_BLOCK => c"would block a thread of wharf's",
        WHARF_FORKED => c"wharf does not work in a forked child",
        WHARF_LIMIT => c"as many as there may be",
        WHARF_NO_MEMORY => c"no memory",
        WHARF_SYSTEM => c"the operating system refused",
        WHARF_PANICKED => c"a panic was stopped at the border",
        _ => return None,
    })
}

/// Why a call was refused: the status that it answers, and a text for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: wharf_status_t,
    message: Cow<'static, str>,
}

impl Error {
    /// An error with the status that the call will answer and a text that says what failed.
    pub fn new(status: wharf_status_t, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }

    /// The status that the call answers.
    pub fn status(&self) -> wharf_status_t {
        self.status
    }

    /// What failed, for the reader.
    pub fn message(&self) -> &str {
        &self.message
    }

    #[cold]
    pub(crate) fn null(what: &str) -> Self {
        Self::new(WHARF_NULL, format!("{what} is NULL"))
    }

    #[cold]
    pub(crate) fn system(what: &str, error: &std::io::Error) -> Self {
        Self::new(WHARF_SYSTEM, format!("{what}: {error}"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What a refusable step gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

thread_local! {
    static LAST: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Keeps `error` as this thread's last one and returns its status.
#[cold]
pub(crate) fn keep(error: Error) -> wharf_status_t {
    let status = error.status;
    // Where the thread is already past its thread-locals, the status alone has to do.
    let _ = LAST.try_with(|last| last.replace(Some(error)));
    status
}

/// Reads this thread's last error.
pub(crate) fn last<R>(f: impl FnOnce(Option<&Error>) -> R) -> R {
    let kept = LAST.try_with(|last| last.borrow().clone()).ok().flatten();
    f(kept.as_ref())
}

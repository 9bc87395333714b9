//! Why a task has no output.

use super::Id;
use std::{any::Any, error::Error, fmt, io};

/// How a task ended without an output, as its room keeps it: the payload of the panic, or in its
/// place [`Cancelled`] (of no size, so not allocated) or [`Refused`]. One pointer to anything leaves a niche
/// for the output, so that a task without one needs 16 bytes for either.
pub(crate) struct Failure(Box<dyn Any + Send>);

struct Cancelled;

/// Why the system gave no thread.
struct Refused(io::Error);

impl Failure {
    pub(crate) fn cancelled() -> Self {
        Self(Box::new(Cancelled))
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(payload)
    }

    /// A job for which no thread could be started.
    pub(crate) fn refused(error: io::Error) -> Self {
        Self(Box::new(Refused(error)))
    }

    fn is_cancelled(&self) -> bool {
        self.0.is::<Cancelled>()
    }

    fn as_refused(&self) -> Option<&io::Error> {
        self.0.downcast_ref::<Refused>().map(|refused| &refused.0)
    }

    pub(crate) fn is_panic(&self) -> bool {
        !self.is_cancelled() && self.as_refused().is_none()
    }

    pub(crate) fn into_error(self, id: Id) -> JoinError {
        JoinError { id, failure: self }
    }
}

/// Why a task has no output: it panicked, it was cancelled, or the system refused it a thread.
pub struct JoinError {
    id: Id,
    failure: Failure,
}

// SAFETY: the payload is `Send` but need not be `Sync`, and a shared error never shows it: no method
// gives out a reference to it from `&self`, and `message` and `refused` look at `&str`, `String` and
// `Refused` payloads only, which are `Sync`. (A user can't make a `Refused`.)
unsafe impl Sync for JoinError {}

impl JoinError {
    /// Whether the task was cancelled: aborted, or ended by its runtime's shutdown.
    pub fn is_cancelled(&self) -> bool {
        self.failure.is_cancelled()
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.failure.is_panic()
    }

    /// Whether this was a job of [`spawn_blocking`](crate::spawn_blocking) that did not run because
    /// the system refused the pool its first thread, or a task that was
    /// [given up](crate::Executor::end_stranded) for the same reason. [`source`](Error::source) is the
    /// system's error.
    pub fn is_refused(&self) -> bool {
        self.failure.as_refused().is_some()
    }

    /// The payload of the task's panic, for `std::panic::resume_unwind`.
    ///
    /// # Panics
    ///
    /// If the task did not panic; see [`try_into_panic`](Self::try_into_panic).
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`into_panic` was called where no task panicked: {error}"),
        }
    }

    /// The payload of the task's panic.
    ///
    /// # Errors
    ///
    /// Gives the error back if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        if self.is_panic() { Ok(self.failure.0) } else { Err(self) }
    }

    /// The number of the task.
    pub fn id(&self) -> Id {
        self.id
    }

    fn message(&self) -> Option<&str> {
        message_of(self.failure.0.as_ref())
    }
}

/// What a panic said, where it said it in words.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.failure.as_refused() {
            return write!(
                f,
                "task {} was not run, for no thread could be started for it: {error}; \
                 raise the process's limits of threads and memory, or lower the threads' stack size",
                self.id
            );
        }
        match self.message() {
            _ if self.is_cancelled() => write!(f, "task {} was cancelled", self.id),
            Some(message) => write!(f, "task {} panicked: {message}", self.id),
            None => write!(f, "task {} panicked", self.id),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.as_refused().map(|error| error as _)
    }
}

impl From<JoinError> for io::Error {
    /// Of the system's kind where it refused a thread, else of the kind `Other`.
    fn from(error: JoinError) -> Self {
        let kind = error.failure.as_refused().map_or(io::ErrorKind::Other, io::Error::kind);
        io::Error::new(kind, error)
    }
}

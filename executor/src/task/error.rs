//! Why a task has no output.

use super::Id;
use std::{any::Any, error::Error, fmt};

/// How a task ended without an output, as its room keeps it: the payload of the panic, or
/// [`Cancelled`] (of no size, so not allocated) in its place. One pointer to anything leaves a niche
/// for the output, so that a task without one needs 16 bytes for either.
pub(crate) struct Failure(Box<dyn Any + Send>);

struct Cancelled;

impl Failure {
    pub(crate) fn cancelled() -> Self {
        Self(Box::new(Cancelled))
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(payload)
    }

    fn is_cancelled(&self) -> bool {
        self.0.is::<Cancelled>()
    }

    pub(crate) fn is_panic(&self) -> bool {
        !self.is_cancelled()
    }

    pub(crate) fn into_error(self, id: Id) -> JoinError {
        JoinError { id, failure: self }
    }
}

/// Why a task has no output: it panicked, or it was cancelled.
pub struct JoinError {
    id: Id,
    failure: Failure,
}

// SAFETY: the payload is `Send` but need not be `Sync`, and a shared error never shows it: no method
// gives out a reference to it from `&self`, and `message` looks at `&str` and `String` payloads
// only, which are `Sync`.
unsafe impl Sync for JoinError {}

impl JoinError {
    /// Whether the task was cancelled: aborted, or ended by its runtime's shutdown.
    pub fn is_cancelled(&self) -> bool {
        self.failure.is_cancelled()
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        !self.failure.is_cancelled()
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
            Err(_) => panic!("`into_panic` was called on the error of a task that was cancelled"),
        }
    }

    /// The payload of the task's panic.
    ///
    /// # Errors
    ///
    /// Gives the error back if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        if self.is_cancelled() { Err(self) } else { Ok(self.failure.0) }
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

impl Error for JoinError {}

impl From<JoinError> for std::io::Error {
    fn from(error: JoinError) -> Self {
        std::io::Error::other(error)
    }
}

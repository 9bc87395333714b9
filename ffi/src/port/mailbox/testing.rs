//! Stand-ins for what a mailbox tells, where a test does not ask what it has told.

use super::{Abort, Bell};

/// Of a task that need not be aborted.
#[derive(Clone)]
pub(super) struct Handle;

impl Abort for Handle {
    fn abort(&self) {}
}

/// Of a port that nobody waits at.
pub(super) struct Silent;

impl Bell for Silent {
    fn ring(&self) {}
    fn clear(&self) {}
}

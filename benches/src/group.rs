//! The works, by group.

pub mod sched;

use crate::suite::Suite;

/// Runs whatever the filters let through.
pub fn all(suite: &mut Suite) {
    sched::run(suite);
}

//! The watch, with a heart that beats whenever nobody else has anything to do.

use super::*;

/// Proves: what lies in the LIFO slot of a seat that is held up is rescued by a worker that was just
/// about to sleep for good. Seen to fail where `help` leaves the slot, with W3 left out, and where a push
/// does not see to a watcher.
#[test]
fn a_held_up_slot_against_a_worker_that_goes_to_sleep() {
    model(2, || {
        let runtime = Runtime::beating(2);
        drop(runtime.spawn(async {}));
        hold_up_and(&runtime, is_shown);
        runtime.end();
    });
}

/// Proves: the same where the worker that rescues retires from its watch just when the seat is held up
/// anew. Seen to fail where a watcher that retires stays in the set.
#[test]
fn a_held_up_slot_against_a_watcher_that_retires() {
    model(1, || {
        let runtime = Runtime::beating(2);
        hold_up(&runtime);
        hold_up_and(&runtime, is_shown);
        runtime.end();
    });
}

//! Messages at a time: after a delay, or in a steady beat.

use crate::{
    export::Reply,
    failure::IntoFailure,
    host::{self, Builtin, Outcome},
    port::Sender,
    task::{End, Terminal},
    value::Value,
};
use std::time::Duration;
use wharf::time::{Instant, sleep_until};

/// How far ahead a timer may lie: beyond it, arithmetic on the clock would end.
const LONGEST: Duration = Duration::from_secs(1 << 32);

/// Ends the task well after `delay`. Delays of 0 end in the order in which they were submitted.
pub(crate) fn after(mut terminal: Terminal, delay: Duration) {
    if delay.is_zero() {
        // The first in line already: no task could be earlier.
        return terminal.send(End::Ok(Value::NULL));
    }
    let port = terminal.port.clone();
    // The clock is the runtime's, and the delay begins now, not at the task's first poll.
    let _entered = port.runtime.handle().enter();
    host::spawn(terminal, Builtin::After(sleep_until(Instant::now() + delay.min(LONGEST))));
}

/// Posts the number of each beat, 1 at first, until the task is cancelled. Beats that the port does
/// not take, or that come late by a whole period, are left out, and their numbers with them.
pub(crate) fn every(terminal: Terminal, sender: Sender, period: Duration) {
    let reply = Reply::of(&terminal, sender);
    let port = terminal.port.clone();
    let _entered = port.runtime.handle().enter();
    let start = Instant::now();
    let period = nanos(period.min(LONGEST));
    let beats = async move {
        let mut beat = 0u64;
        loop {
            let since = nanos(start.elapsed()).checked_div(period).unwrap_or(u64::MAX - 1);
            beat = since.max(beat) + 1;
            let next = Duration::from_nanos(period.saturating_mul(beat)).min(LONGEST);
            sleep_until(start + next).await;
            match reply.try_post(beat) {
                Err(error) if error.status() != crate::status::WHARF_FULL => {
                    return Outcome(Err(error.into_failure()));
                }
                _ => {}
            }
        }
    };
    host::spawn(terminal, Builtin::Other(Box::pin(beats)));
}

/// Of up to [`LONGEST`], which are fewer than a `u64` counts.
fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos().into())
}

//! Messages at a time: after a delay, or in a steady beat.

use crate::{
    export::Reply,
    failure::{Failure, IntoFailure},
    port::Sender,
    task::{self, End, Terminal},
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
    task::spawn(terminal, sleep_until(Instant::now() + delay.min(LONGEST)));
}

/// Posts the number of each beat, 1 at first, until the task is cancelled. Beats that the port does
/// not take, or that come late by a whole period, are left out, and their numbers with them.
pub(crate) fn every(terminal: Terminal, sender: Sender, period: Duration) {
    let reply = Reply::of(&terminal, sender);
    let period = period.min(LONGEST);
    let port = terminal.port.clone();
    let _entered = port.runtime.handle().enter();
    let start = Instant::now();
    task::spawn(terminal, async move {
        let mut beat = 0u64;
        loop {
            let since = start.elapsed().as_nanos() / period.as_nanos();
            beat = u64::try_from(since).unwrap_or(u64::MAX).max(beat) + 1;
            sleep_until(start + nanos(period.as_nanos().saturating_mul(u128::from(beat)))).await;
            match reply.try_post(beat) {
                Err(error) if error.status() != crate::status::WHARF_FULL => {
                    return Err::<(), Failure>(error.into_failure());
                }
                _ => {}
            }
        }
    });
}

fn nanos(nanos: u128) -> Duration {
    u64::try_from(nanos).map_or(LONGEST, Duration::from_nanos).min(LONGEST)
}

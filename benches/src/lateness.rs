//! What the works about lateness share with their bare floor: the same deadlines, judged alike.

use crate::stopwatch::Sample;
use std::time::Duration;

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 32) * end) >> 32
    }
}

/// How long everybody gets to arm all their timers before the first is due.
pub(crate) const HEAD_START: Duration = Duration::from_millis(300);

/// Latenesses into a sample; the early ones are counted.
pub(crate) fn judged(mut sample: Sample, late: &[Option<u64>]) -> Sample {
    sample.figure = late.iter().filter(|late| late.is_none()).count() as f64;
    sample.with_latencies(late.iter().map(|late| late.unwrap_or(0)).collect())
}

//! The works, by group.

pub mod blocking;
pub mod http;
pub mod net;
pub mod sched;
pub mod time;

use crate::rt::Rt;
use crate::stopwatch::Sample;
use crate::suite::Suite;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Runs whatever the filters let through.
pub fn all(suite: &mut Suite) {
    sched::run(suite);
    time::run(suite);
    net::run(suite);
    http::run(suite);
    blocking::run(suite);
}

/// Runs a future as a task and gives its output.
fn on_a_worker<R: Rt, T: Send + 'static>(
    rt: &Arc<R>,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    rt.block_on(rt.spawn_outside(work))
}

/// As [`on_a_worker`], beside a task that works for `hold` in each of its polls.
fn hold_worker<R: Rt>(
    rt: &Arc<R>,
    hold: Duration,
    work: impl Future<Output = Sample> + Send + 'static,
) -> Sample {
    let go_on = Arc::new(AtomicBool::new(true));
    let busy = rt.spawn_outside({
        let go_on = go_on.clone();
        async move {
            // Relaxed, here and below: nothing hangs on it but the end.
            while go_on.load(Ordering::Relaxed) {
                let start = Instant::now();
                while start.elapsed() < hold {
                    std::hint::spin_loop();
                }
                R::yield_now().await;
            }
        }
    });
    let sample = on_a_worker(rt, work);
    go_on.store(false, Ordering::Relaxed);
    rt.block_on(busy);
    sample
}

//! Jobs that may block, on the pool beside the workers.

use crate::floor::thread as bare;
use crate::group::on_a_worker;
use crate::rt::Rt;
use crate::stopwatch::{Sample, Stopwatch};
use crate::suite::{Spec, Suite};
use crate::turns;
use std::sync::Arc;

const WORKERS: usize = 2;

/// Runs the group.
pub fn run(s: &mut Suite) {
    let ms = |work: &str| Spec::new("blocking", work).wall_ms();
    turns!(s, ms("10k blocking jobs"), WORKERS, |rt| jobs(rt, 10_000), floor bare::jobs(10_000));
    let work = "1,000 blocking jobs, one at a time";
    turns!(s, ms(work), WORKERS, |rt| one_at_a_time(rt, 1_000));
    for n in [1_000, 10_000, 100_000] {
        let curve = "blocking jobs";
        let spec = Spec::new("blocking", format!("{curve}, {n}")).on_curve(curve, n).wall_each(n);
        turns!(s, spec, WORKERS, |rt| jobs(rt, n), floor bare::jobs(n));
    }
}

fn jobs<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        let jobs: Vec<_> = (0..count).map(|n| R::spawn_blocking(move || n)).collect();
        let mut sum = 0;
        for job in jobs {
            sum += job.await;
        }
        assert_eq!(sum, count * (count - 1) / 2);
        watch.stop()
    })
}

fn one_at_a_time<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let watch = Stopwatch::start();
        for n in 0..count {
            assert_eq!(R::spawn_blocking(move || n).await, n);
        }
        watch.stop()
    })
}

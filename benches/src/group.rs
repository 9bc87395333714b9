//! The works, by group.

pub mod blocking;
pub mod dart;
pub mod http;
pub mod loops;
pub mod memory;
pub mod net;
pub mod ports;
pub mod sched;
pub mod start;
pub mod time;

use crate::row::Who;
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
    memory::run(suite);
    start::run(suite);
    ports::run(suite);
    dart::run(suite);
    loops::python(suite);
    loops::node(suite);
}

/// Runs a future as a task and gives its output.
fn on_a_worker<R: Rt, T: Send + 'static>(
    rt: &Arc<R>,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    rt.block_on(rt.spawn_outside(work))
}

/// As [`on_a_worker`], beside a task that works for `hold` in each of its polls, and sleeps `between` them.
fn hold_worker<R: Rt>(
    rt: &Arc<R>,
    hold: Duration,
    between: Duration,
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
                if between.is_zero() {
                    R::yield_now().await;
                } else {
                    R::sleep(between).await;
                }
            }
        }
    });
    let sample = on_a_worker(rt, work);
    go_on.store(false, Ordering::Relaxed);
    rt.block_on(busy);
    sample
}

/// What the program `wharf-footprint` beside this one says of a thing.
fn child(thing: &str, who: Who, count: usize) -> Sample {
    let program = std::env::current_exe().expect("this program has a path");
    let program = program.with_file_name("wharf-footprint");
    let output = std::process::Command::new(&program)
        .args([thing, who.name(), &count.to_string()])
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "cannot start {}: {error}; build it with `cargo build --profile bench \
                 -p wharf-benches --bins`",
                program.display()
            )
        });
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.trim().parse();
    Sample::figure(figure.unwrap_or_else(|_| {
        panic!(
            "{} {thing} {}: {}",
            program.display(),
            who.name(),
            String::from_utf8_lossy(&output.stderr)
        )
    }))
}

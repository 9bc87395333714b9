//! The blocking pool, with threads that it starts itself.

use super::*;

/// Proves: jobs that are added from two sides while the executor is shut down are each run, or their
/// handles say that they were cancelled, and no thread stays behind. Seen to fail where a thread goes to
/// rest without a look whether the pool is closed, where a close wakes nobody, and where a thread that
/// goes does not say so.
#[test]
fn jobs_against_the_shutdown() {
    model(1, || {
        let runtime = Runtime::new(1);
        let other = runtime.clone();
        let adding = thread::spawn(move || other.spawn_blocking(|| ()));
        let first = runtime.spawn_blocking(|| ());
        runtime.shut_down();
        for job in [first, adding.join().unwrap()] {
            block_on(job).or_else(|error| error.is_cancelled().then_some(()).ok_or(error)).unwrap();
        }
        runtime.shut_down();
    });
}

/// Proves: a job that comes while a thread goes to rest is run. Seen to fail where a thread that was sent
/// for stays the one that is coming, and where a wake is noted after the unpark.
#[test]
fn a_job_against_a_thread_that_goes_to_rest() {
    model(1, || {
        let runtime = Runtime::new(1);
        for _ in 0..2 {
            block_on(runtime.spawn_blocking(|| ())).unwrap();
        }
        runtime.end();
    });
}

/// Proves: two jobs of which the first waits for the second get a thread each, whether the first is
/// still on its way when the second comes or not. Seen to fail where a thread that takes a job sends for
/// no other, and where it stays the one that is coming.
#[test]
fn a_job_that_waits_for_the_next() {
    model(1, || {
        let runtime = Runtime::new(1);
        let ran = Arc::new(Notify::new());
        let run = ran.clone();
        let first = runtime.spawn_blocking(move || ran.wait());
        let second = runtime.spawn_blocking(move || run.notify());
        block_on(first).unwrap();
        block_on(second).unwrap();
        runtime.end();
    });
}

//! What threads without a seat spawn and wake, against workers that search, spin, and go to sleep.

use super::*;

/// Spawns a task that waits, and lets it go on.
fn wake_from_outside(runtime: &Runtime) {
    let signal = Arc::new(Signal::default());
    let task = runtime.spawn(signal.wait());
    signal.set();
    block_on(task).unwrap();
    runtime.end();
}

/// Proves: of two tasks from outside, neither is left lying, whether the worker that the first has
/// brought up is at work, searches, or goes to sleep when the second comes. Seen to fail without the
/// fence of the sleeper, and without the pusher's.
#[test]
fn spawns_from_outside_against_a_worker_that_goes_to_sleep() {
    model(1, || {
        let runtime = Runtime::new(1);
        let first = runtime.spawn(async {});
        let second = runtime.spawn(async {});
        block_on(first).unwrap();
        block_on(second).unwrap();
        runtime.end();
    });
}

/// Proves: a wake from outside against the poll that it is for, and against the worker's sleep. Seen to
/// fail without either fence, and with the last look before sleep leaving the injector out.
#[test]
fn a_wake_from_outside_against_a_worker_that_goes_to_sleep() {
    model(2, || wake_from_outside(&Runtime::new(1)));
}

/// Proves: of two tasks from outside, of which the one that is taken first holds its worker up until the
/// other has run, neither is left lying, and the second worker is called for in time. Seen to fail where
/// who has found work stays the searcher, and where it calls nobody in its stead.
#[test]
fn a_task_from_outside_that_waits_for_the_next() {
    model(0, || {
        let runtime = Runtime::new(2);
        let ran = Arc::new(Notify::new());
        let run = ran.clone();
        drop(runtime.spawn(async move { ran.wait() }));
        block_on(runtime.spawn(async move { run.notify() })).unwrap();
        runtime.end();
    });
}

/// Proves: two tasks from outside that come while the only thread awake searches in vain, and rely on it:
/// the first holds it up until the second has run, which is left to nobody but a worker called for it.
/// Seen to fail where who brings tasks home calls nobody, and without the fence in `post_watch`.
#[test]
fn two_tasks_from_outside_against_a_search_in_vain() {
    model(1, || {
        let runtime = Runtime::new(2);
        let (other, signal) = (runtime.clone(), Arc::new(Signal::default()));
        let end = signal.wait();
        let spawning = thread::spawn(move || {
            let ran = Arc::new(Notify::new());
            let run = ran.clone();
            drop(other.spawn(async move {
                ran.wait();
                signal.set();
            }));
            drop(other.spawn(async move { run.notify() }));
        });
        runtime.block_on(end);
        spawning.join().unwrap();
        runtime.end();
    });
}

/// Proves: a wake from outside that comes while the worker spins, or gives its spin up, is not lost. Seen
/// to fail with the last look before sleep leaving the injector out.
#[test]
fn a_wake_from_outside_against_a_spin() {
    model(2, || wake_from_outside(&Runtime::spinning(1)));
}

/// Proves: the same where the worker that spins is the searcher, on whom a push relies. Seen to fail as
/// above.
#[test]
fn a_wake_from_outside_against_a_searcher_that_spins() {
    model(1, || wake_from_outside(&Runtime::spinning(2)));
}

/// Proves: tasks of a set that end at once with their being awaited are all joined. Seen to fail where a
/// wake leaves the set's waker, and where a waker is left with a task that is complete.
#[test]
fn a_join_set_against_its_tasks() {
    model(2, || {
        let runtime = Runtime::new(1);
        let mut set = JoinSet::new();
        for n in 0..2 {
            set.spawn_on(async move { n }, &*runtime);
        }
        let mut sum = 0;
        while let Some(n) = block_on(set.join_next()) {
            sum += n.unwrap();
        }
        assert_eq!(sum, 1);
        runtime.end();
    });
}

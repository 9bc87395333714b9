//! The end, against all that may come just then.

use super::*;

/// Proves: a task that is spawned from outside while the executor is shut down ends, once: it has run,
/// or its future was dropped; and no thread stays behind. Seen to fail where a seat that was taken for
/// a thread goes back without a look whether the end has come, and where the strays that come after
/// the drain are queued.
#[test]
fn a_spawn_from_outside_against_the_shutdown() {
    model(3, || {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let (other, on_drop) = (runtime.clone(), OnDrop(drops.clone()));
        let spawning = thread::spawn(move || drop(other.spawn(async move { drop(on_drop) })));
        runtime.shut_down();
        spawning.join().unwrap();
        runtime.shut_down();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: a task that waits, and is woken from outside while the executor is shut down, is ended once.
/// Seen to fail where the shutdown leaves no mark on a task that is just being polled.
#[test]
fn a_wake_from_outside_against_the_shutdown() {
    model(2, || {
        let runtime = Runtime::new(1);
        let (drops, signal) = (Arc::new(AtomicUsize::new(0)), Arc::new(Signal::default()));
        let (ready, on_drop) = (signal.wait(), OnDrop(drops.clone()));
        drop(runtime.spawn(async move {
            ready.await;
            drop(on_drop);
        }));
        let waking = thread::spawn(move || signal.set());
        runtime.shut_down();
        waking.join().unwrap();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: what a task spawns inside while the executor is shut down ends with it. Seen to fail where the
/// shutdown keeps the seats of threads that have not come yet.
#[test]
fn a_spawn_inside_against_the_shutdown() {
    model(3, || {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let on_drop = OnDrop(drops.clone());
        drop(runtime.spawn(async move {
            drop(task::spawn(async move {
                std::future::pending::<()>().await;
                drop(on_drop);
            }));
        }));
        runtime.shut_down();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

/// Proves: a seat that a `block_on` leaves while the executor is shut down is not forgotten: the task
/// that it leaves behind ends, once. Seen to fail where who leaves does not look whether the end has come.
#[test]
fn a_seat_that_is_left_against_the_shutdown() {
    model(3, || {
        let runtime = Runtime::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let (other, on_drop) = (runtime.clone(), OnDrop(drops.clone()));
        let leaving = thread::spawn(move || {
            other.block_on(async {
                drop(task::spawn(async move {
                    std::future::pending::<()>().await;
                    drop(on_drop);
                }));
            });
        });
        runtime.shut_down();
        leaving.join().unwrap();
        runtime.shut_down();
        assert_eq!(drops.load(Relaxed), 1);
    });
}

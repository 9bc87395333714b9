//! Seats that change hands: between `block_on` and workers, and while a thread blocks in place.

use super::*;

/// Proves: a task that the thread of a `block_on` leaves behind, and that is woken while that thread
/// leaves its seat, is run by a worker. Seen to fail where who leaves does not see to what is in the
/// ring, and without the fence of the waking side.
#[test]
fn a_wake_against_a_block_on_that_leaves_its_seat() {
    model(1, || {
        let runtime = Runtime::new(1);
        let signal = Arc::new(Signal::default());
        let waking = thread::spawn({
            let signal = signal.clone();
            move || signal.set()
        });
        let task = runtime.block_on(async { task::spawn(signal.wait()) });
        block_on(task).unwrap();
        waking.join().unwrap();
        runtime.end();
    });
}

/// Proves: two `block_on` at once for one seat both come to their end, though one has to wait for it.
/// Seen to fail without the fence of who waits, and where who leaves offers the seat to nobody.
#[test]
fn two_block_on_and_one_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        let other = runtime.clone();
        let run = |runtime: &Runtime| {
            runtime.block_on(async { task::spawn(async {}).await.unwrap() });
        };
        let second = thread::spawn(move || run(&other));
        run(&runtime);
        second.join().unwrap();
        runtime.end();
    });
}

/// Proves: a `block_on` that finds the only seat taken by a worker gets it, whether that one is at work,
/// goes to sleep or sleeps, though no wake of its main future comes to its aid. Seen to fail where the
/// sleeper is not unparked, where an idle worker keeps the seat, and where who leaves it offers it to
/// nobody, or brings up a worker for it all the same.
#[test]
fn a_block_on_against_a_worker_in_the_only_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        drop(runtime.spawn(async {}));
        let driver = runtime.1[0].clone();
        runtime.block_on(poll_fn(move |cx| {
            if is_seated() {
                return Poll::Ready(());
            }
            // Whoever sits down looks into the driver.
            driver.put_in(cx.waker().clone());
            Poll::Pending
        }));
        runtime.end();
    });
}

/// Wakes who waits for it on a thread of its own.
struct Told(Notify);

impl std::task::Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Proves: something that is put into a seat's driver while its owner leaves is looked after. Seen to fail
/// without the fence in `vacate`, without that in `is_attended`, and where who leaves does not look.
#[test]
fn a_seat_that_is_left_against_something_put_into_its_driver() {
    model(3, || {
        let runtime = Runtime::new(1);
        let told = Arc::new(Told(Notify::new()));
        let (other, waker) = (runtime.clone(), told.clone().into());
        let putting = thread::spawn(move || {
            other.1[0].put_in(waker);
            other.unpark(0);
        });
        runtime.block_on(async {});
        putting.join().unwrap();
        told.0.wait();
        runtime.end();
    });
}

/// Proves: what waits at a seat when its thread goes away to block is run meanwhile, also where it comes
/// just then, and the thread goes on with a seat or without one. Seen to fail where who leaves does not
/// see to what is in the ring, and where it offers the seat to nobody.
#[test]
fn block_in_place_gives_up_its_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        runtime.block_on(async {
            let ran = std::sync::Arc::new(Notify::new());
            let run = ran.clone();
            drop(task::spawn(async move { run.notify() }));
            task::block_in_place(|| ran.wait());
            task::spawn(async {}).await.unwrap();
        });
        runtime.end();
    });
}

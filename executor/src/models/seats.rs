//! Seats that change hands: between `block_on` and workers, and while a thread blocks in place.

use super::*;

/// Proves: a task that comes from outside while the thread of a `block_on` leaves its seat, the only one,
/// is run by a worker. Seen to fail where who leaves does not look outside, without the fence in
/// `vacate`, and without that of who brings it.
#[test]
fn a_task_from_outside_against_a_block_on_that_leaves_its_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        let other = runtime.clone();
        let bringing = thread::spawn(move || other.spawn(async {}));
        runtime.block_on(async {});
        block_on(bringing.join().unwrap()).unwrap();
        runtime.end();
    });
}

/// Comes to its end in a seat; while it waits for one no event comes to its aid, save by another's look.
async fn be_seated(runtime: &Runtime) {
    let driver = runtime.1[0].clone();
    poll_fn(move |cx| {
        if is_seated() {
            return Poll::Ready(());
        }
        driver.put_aside(cx.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Proves: a `block_on` that waits for the only seat gets it from another one that is just leaving it, with
/// nothing left there that would bring up a worker. Seen to fail without the fence of who waits (the first
/// in `wait_for_seat`), and without that in `vacate`.
#[test]
fn a_block_on_that_waits_against_one_that_leaves_the_seat() {
    model(3, || {
        let runtime = Runtime::new(1);
        let other = runtime.clone();
        let leaving = thread::spawn(move || other.block_on(async {}));
        runtime.block_on(be_seated(&runtime));
        leaving.join().unwrap();
        runtime.end();
    });
}

/// Proves: two `block_on` at once for one seat both come to their end, though one has to wait for it.
/// Seen to fail without the fence in `vacate`.
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
/// goes to sleep or sleeps, though no wake of its main future comes to its aid. Seen to fail without the
/// fence of who waits, where the sleeper is not unparked, where an idle worker keeps the seat, and where who
/// leaves it offers it to nobody, or brings up a worker for it all the same.
#[test]
fn a_block_on_against_a_worker_in_the_only_seat() {
    model(2, || {
        let runtime = Runtime::new(1);
        drop(runtime.spawn(async {}));
        runtime.block_on(be_seated(&runtime));
        runtime.end();
    });
}

/// Proves: a `block_on` that waits for a seat gets that of an idle worker though the only other one is
/// held up, and then looks after that. Seen to fail where who leaves a seat to it brings up a worker for
/// the other, who takes the seat back.
#[test]
fn a_block_on_that_is_offered_a_seat_beside_one_that_is_held_up() {
    model(0, || {
        let runtime = Runtime::beating(2);
        let (other, signal) = (runtime.clone(), Arc::new(Signal::default()));
        let end = signal.wait();
        let wanting = thread::spawn(move || other.block_on(end));
        hold_up(&runtime);
        signal.set();
        wanting.join().unwrap();
        runtime.end();
    });
}

/// Proves: what is left in a seat that is offered to a `block_on` is run, also where that ends just then,
/// and does not take it. Seen to fail where it does not see to what is left then, and where who leaves
/// does not look into the ring.
#[test]
fn a_seat_that_is_offered_against_the_end_of_who_wants_it() {
    model(1, || {
        let runtime = Runtime::new(1);
        let (other, signal) = (runtime.clone(), Arc::new(Signal::default()));
        let end = signal.wait();
        let wanting = thread::spawn(move || other.block_on(end));
        let task = runtime.block_on(async {
            signal.set();
            task::spawn(async {})
        });
        block_on(task).unwrap();
        wanting.join().unwrap();
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

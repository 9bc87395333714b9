//! The hot inner operations, each alone, on a current-thread runtime: one thread does all there is
//! to do, so that the instructions of a run can be counted and come out the same the next time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::runtime::{Builder, Runtime};
use wharf_ffi::c;

/// An operation: its name, and what does it so many times.
pub type Operation = (&'static str, fn(&Bed, usize));

/// All of them.
pub const OPERATIONS: [Operation; 9] = [
    ("spawn and join", spawn_and_join),
    ("spawn detached", spawn_detached),
    ("spawn from outside", spawn_from_outside),
    ("yield", yields),
    ("wake another task", wakes),
    ("push and steal", push_and_steal),
    ("arm and cancel", arm_and_cancel),
    ("arm and fire at once", arm_and_fire),
    ("post and receive", post_and_receive),
];

/// What the operations work on, made beforehand.
#[derive(Debug)]
pub struct Bed {
    runtime: Runtime,
    port: c::wharf_port_t,
}

impl Bed {
    /// A current-thread runtime, and a port of the C library's default runtime.
    ///
    /// # Panics
    ///
    /// Where the system has no threads or descriptors left.
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("build");
        let mut port = 0;
        // SAFETY: `options` may be NULL, and `port` can be written to.
        let status = unsafe { c::wharf_port_open(0, std::ptr::null(), &raw mut port) };
        assert_eq!(status, c::WHARF_OK, "open a port");
        Self { runtime, port }
    }
}

impl Default for Bed {
    fn default() -> Self {
        Self::new()
    }
}

fn spawn_and_join(bed: &Bed, count: usize) {
    bed.runtime.block_on(async {
        for n in 0..count {
            assert_eq!(wharf::spawn(async move { n }).await.expect("no panic"), n);
        }
    });
}

fn spawn_detached(bed: &Bed, count: usize) {
    bed.runtime.block_on(async {
        for _ in 0..count / 100 {
            for _ in 0..100 {
                drop(wharf::spawn(async {}));
            }
            wharf::task::yield_now().await;
        }
    });
}

fn spawn_from_outside(bed: &Bed, count: usize) {
    for _ in 0..count / 100 {
        let tasks: Vec<_> = (0..100).map(|_| bed.runtime.spawn(async {})).collect();
        bed.runtime.block_on(async {
            for task in tasks {
                task.await.expect("no panic");
            }
        });
    }
}

fn yields(bed: &Bed, count: usize) {
    bed.runtime.block_on(async {
        for _ in 0..count {
            wharf::task::yield_now().await;
        }
    });
}

/// Two tasks that wake each other in turn.
fn wakes(bed: &Bed, count: usize) {
    use std::sync::{Arc, Mutex};
    /// Whose turn it is, and who waits for it.
    struct Table(Mutex<(usize, [Option<Waker>; 2])>);

    async fn play(table: Arc<Table>, me: usize, count: usize) {
        for _ in 0..count {
            poll_fn(|cx| {
                let mut table = table.0.lock().expect("no panic");
                if table.0 == me {
                    return Poll::Ready(());
                }
                table.1[me] = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            let mut table = table.0.lock().expect("no panic");
            table.0 = 1 - me;
            let other = table.1[1 - me].take();
            drop(table);
            if let Some(waker) = other {
                waker.wake();
            }
        }
    }

    bed.runtime.block_on(async {
        let table = Arc::new(Table(Mutex::new((0, [None, None]))));
        let players = [0, 1].map(|me| wharf::spawn(play(table.clone(), me, count / 2)));
        for player in players {
            player.await.expect("no panic");
        }
    });
}

fn push_and_steal(_: &Bed, count: usize) {
    assert!(wharf_executor::guard::push_and_steal(count) > count - 64);
}

fn arm_and_cancel(bed: &Bed, count: usize) {
    bed.runtime.block_on(async {
        for n in 0..count {
            {
                let sleep = pin!(wharf::time::sleep(Duration::from_millis(9_000 + n as u64 % 999)));
                assert!(sleep.poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
            if n % 64 == 0 {
                wharf::task::yield_now().await;
            }
        }
    });
}

fn arm_and_fire(bed: &Bed, count: usize) {
    bed.runtime.block_on(async {
        for _ in 0..count {
            wharf::time::sleep(Duration::ZERO).await;
        }
    });
}

fn post_and_receive(bed: &Bed, count: usize) {
    for tag in 0..count as u64 {
        // SAFETY: NULL stands for the null value; the message can be written to, and is ours to
        // free once it has been received.
        unsafe {
            assert_eq!(c::wharf_post(bed.port, tag, std::ptr::null()), c::WHARF_OK);
            let mut message = std::mem::zeroed::<c::wharf_message_t>();
            assert_eq!(c::wharf_port_try_recv(bed.port, &raw mut message), c::WHARF_OK);
            assert_eq!(message.tag, tag);
            c::wharf_message_free(&raw mut message);
        }
    }
}

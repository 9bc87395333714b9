//! The peer: tokio, a locked queue of messages, and an eventfd that says when it is no longer empty.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock};
use tokio::runtime::{Builder, Runtime};

/// A message, as C sees it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The number the host chose.
    pub tag: u64,
    /// The answer.
    pub value: i64,
    /// Whether it is the task's last.
    pub last: i32,
}

struct Peer {
    runtime: Runtime,
    queue: Mutex<VecDeque<Message>>,
    event: libc::c_int,
}

static PEER: OnceLock<Peer> = OnceLock::new();

fn peer() -> &'static Peer {
    PEER.get().expect("peer_open comes first")
}

impl Peer {
    /// Only the message that ends the emptiness pays for a system call.
    fn post(&self, message: Message) {
        let mut queue = self.queue.lock().expect("nobody panics here");
        let was_empty = queue.is_empty();
        queue.push_back(message);
        drop(queue);
        if was_empty {
            // SAFETY: the descriptor stays open for ever, and the eight bytes are valid.
            unsafe { libc::write(self.event, (&raw const ONE).cast(), 8) };
        }
    }
}

static ONE: u64 = 1;

/// Builds the runtime with so many workers.
#[unsafe(no_mangle)]
pub extern "C" fn peer_open(workers: u32) {
    let runtime = Builder::new_multi_thread().worker_threads(workers as usize).build();
    // SAFETY: no pointers are passed.
    let event = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    let queue = Mutex::default();
    let peer = Peer { runtime: runtime.expect("build tokio"), queue, event };
    assert!(PEER.set(peer).is_ok(), "opened once");
}

/// Submits a trivial task.
#[unsafe(no_mangle)]
pub extern "C" fn peer_add(tag: u64, left: i64, right: i64) {
    peer().runtime.spawn(async move {
        peer().post(Message { tag, value: left + right, last: 1 });
    });
}

/// Submits a task that posts so many messages.
#[unsafe(no_mangle)]
pub extern "C" fn peer_flood(tag: u64, count: u64) {
    peer().runtime.spawn(async move {
        for number in 0..count {
            peer().post(Message { tag, value: number as i64, last: 0 });
        }
        peer().post(Message { tag, value: 0, last: 1 });
    });
}

/// Waits until there are messages and takes up to `capacity` of them.
///
/// # Safety
///
/// `out` has room for `capacity` messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_receive(out: *mut Message, capacity: usize) -> usize {
    let peer = peer();
    loop {
        let mut queue = peer.queue.lock().expect("nobody panics here");
        let count = queue.len().min(capacity);
        if count > 0 {
            for (place, message) in queue.drain(..count).enumerate() {
                // SAFETY: `place` is below `capacity`, for which there is room.
                unsafe { out.add(place).write(message) };
            }
            return count;
        }
        drop(queue);
        let mut count = 0_u64;
        // SAFETY: the descriptor is open and the eight bytes are valid.
        unsafe { libc::read(peer.event, (&raw mut count).cast(), 8) };
    }
}

//! What nothing that goes through the virtual machine's post function can beat: a plain thread that
//! posts, and one that echoes what it is sent. No runtime, no envelope, no bookkeeping.

use std::{ffi::c_void, sync::mpsc, thread};

/// `Dart_PostCObject`, as `NativeApi.postCObject` gives it.
type Post = unsafe extern "C" fn(port: i64, message: *mut c_void) -> bool;

/// A message of type Int64: the type at 0, and the number where this word size puts the union.
#[repr(C)]
struct Int64Message {
    kind: i32,
    value: i64,
    rest: [u64; 4],
}

fn post_int(post: Post, port: i64, value: i64) -> bool {
    let mut message = Int64Message { kind: 3, value, rest: [0; 4] };
    // SAFETY: the message is laid out as the machine reads it and outlives the call, which copies.
    unsafe { post(port, (&raw mut message).cast()) }
}

/// Posts the numbers from 0 up to `count` from a thread of its own.
#[unsafe(no_mangle)]
pub extern "C" fn floor_flood(post: Post, port: i64, count: i64) {
    thread::spawn(move || (0..count).all(|value| post_int(post, port, value)));
}

/// A thread that posts what it is sent.
pub struct Echo {
    to: mpsc::Sender<i64>,
}

/// Starts an echo thread. It ends at [`floor_echo_stop`].
#[unsafe(no_mangle)]
pub extern "C" fn floor_echo_start(post: Post, port: i64) -> *mut Echo {
    let (to, from) = mpsc::channel();
    thread::spawn(move || from.iter().all(|value| post_int(post, port, value)));
    Box::into_raw(Box::new(Echo { to }))
}

/// Sends the thread a number.
///
/// # Safety
///
/// `echo` comes from [`floor_echo_start`] and has not been stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn floor_echo_send(echo: *const Echo, value: i64) {
    // SAFETY: as above.
    let echo = unsafe { &*echo };
    // A thread that has ended, for its port is closed, has no more to say.
    let _ = echo.to.send(value);
}

/// Ends the thread.
///
/// # Safety
///
/// `echo` comes from [`floor_echo_start`] and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn floor_echo_stop(echo: *mut Echo) {
    // SAFETY: as above.
    drop(unsafe { Box::from_raw(echo) });
}

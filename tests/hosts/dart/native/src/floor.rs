//! What nothing that goes through the virtual machine's post functions can beat: a plain thread that
//! posts, and one that echoes what it is sent. No runtime, no envelope, no bookkeeping.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    sync::{OnceLock, mpsc},
    thread,
};
use wharf_ffi::{Value, c::wharf_value_t};

/// `Dart_PostCObject`, as `NativeApi.postCObject` gives it.
type Post = unsafe extern "C" fn(port: i64, message: *mut wharf_value_t) -> bool;
/// `Dart_PostInteger`, which is in the machine's table alone.
type PostInteger = unsafe extern "C" fn(port: i64, message: i64) -> bool;

fn post_int(post: Post, port: i64, value: i64) -> bool {
    let mut message = Value::int64(value).into_raw();
    // SAFETY: a number is laid out as the machine reads it, and outlives the call, which copies.
    unsafe { post(port, &raw mut message) }
}

/// Runs a job on the thread that posts. It lives as long as the process, as a runtime's threads do: the
/// messages that the machine has read go back to the heap of the thread that posted them, which a
/// thread that has just started finds in another state.
fn on_poster(job: impl FnOnce() + Send + 'static) {
    type Job = Box<dyn FnOnce() + Send>;
    static POSTER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let poster = POSTER.get_or_init(|| {
        let (to, from) = mpsc::channel::<Job>();
        let posts = move || from.iter().for_each(|job| job());
        let poster = thread::Builder::new().name("floor".into());
        poster.spawn(posts).expect("a thread starts");
        to
    });
    poster.send(Box::new(job)).expect("the thread waits for jobs");
}

/// Posts the numbers from 0 up to `count` from a plain thread, by `Dart_PostCObject`.
#[unsafe(no_mangle)]
pub extern "C" fn floor_flood(post: Post, port: i64, count: i64) {
    on_poster(move || {
        (0..count).all(|value| post_int(post, port, value));
    });
}

/// The same by `Dart_PostInteger`, out of the machine's table.
///
/// # Safety
///
/// `table` is `NativeApi.initializeApiDLData`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn floor_flood_integers(table: *const c_void, port: i64, count: i64) {
    // SAFETY: the caller's word.
    let post = unsafe { integer_door(table) };
    on_poster(move || {
        // SAFETY: the machine takes any port and any number.
        (0..count).all(|value| unsafe { post(port, value) });
    });
}

/// # Safety
///
/// `table` is the machine's.
unsafe fn integer_door(table: *const c_void) -> PostInteger {
    // SAFETY: the caller's word.
    let address = unsafe { find(table.cast(), c"Dart_PostInteger") };
    // SAFETY: the machine's function of that name is one of this type.
    unsafe { std::mem::transmute::<*const c_void, PostInteger>(address) }
}

/// The same as the package's ports are sent them: the number with a tag and a kind in one integer.
///
/// # Safety
///
/// As for [`floor_flood_integers`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn floor_flood_words(table: *const c_void, port: i64, count: i64) {
    // SAFETY: the caller's word.
    let post = unsafe { integer_door(table) };
    on_poster(move || {
        // SAFETY: the machine takes any port and any number.
        (0..count).all(|value| unsafe { post(port, (value + 3) << 14 | 1 << 1) });
    });
}

/// A row of the machine's table.
#[repr(C)]
struct Row {
    name: *const c_char,
    function: *const c_void,
}

#[repr(C)]
struct Table {
    major: c_int,
    minor: c_int,
    rows: *const Row,
}

/// # Safety
///
/// `table` is the machine's, and has the function.
unsafe fn find(table: *const Table, name: &CStr) -> *const c_void {
    // SAFETY: the caller's word; the search ends where the function is.
    unsafe {
        let mut row = (*table).rows;
        while CStr::from_ptr((*row).name) != name {
            row = row.add(1);
        }
        (*row).function
    }
}

static BEHIND: OnceLock<Post> = OnceLock::new();

/// A post function that is not the machine's own, and does the same: stored in its place, it has the
/// library send integers as it would had it never seen the machine's table.
#[unsafe(no_mangle)]
pub extern "C" fn floor_detour(post: Post) -> Post {
    unsafe extern "C" fn detour(port: i64, message: *mut wharf_value_t) -> bool {
        // SAFETY: the caller's word is passed on.
        BEHIND.get().is_some_and(|post| unsafe { post(port, message) })
    }
    BEHIND.get_or_init(|| post);
    detour
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

//! Starting threads, in one place: each type of closure given to std brings its own copy of all that
//! std does for a new thread, some 3 KiB.

use crate::sync::thread;
use std::io;

/// What a thread runs.
pub type Main = Box<dyn FnOnce() + Send>;

/// Starts a thread, detached. `stack_size` is in bytes; std's default where there is none.
///
/// # Errors
///
/// The operating system's, where it has no thread to give.
///
/// # Panics
///
/// If `name` contains a NUL.
pub fn thread(name: String, stack_size: Option<usize>, main: Main) -> io::Result<()> {
    let builder = thread::Builder::new().name(name);
    let builder = match stack_size {
        Some(size) => builder.stack_size(size),
        None => builder,
    };
    builder.spawn(main).map(drop)
}

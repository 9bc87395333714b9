//! tokio with allo-isolate, doing what the wharf library does in the same Dart programs.

use allo_isolate::{Isolate, ffi::DartPostCObjectFnType, store_dart_post_cobject};
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, with as many workers as wharf's default: one a processor.
fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| Builder::new_multi_thread().build().expect("a runtime can be built"))
}

/// Keeps the machine's post function.
///
/// # Safety
///
/// `post` is `NativeApi.postCObject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_start(post: DartPostCObjectFnType) {
    // SAFETY: as above.
    unsafe { store_dart_post_cobject(post) };
    runtime();
}

/// Posts the numbers from 0 up to `count` from one task.
#[unsafe(no_mangle)]
pub extern "C" fn peer_flood(port: i64, count: i64) {
    runtime().spawn(async move {
        let isolate = Isolate::new(port);
        (0..count).all(|value| isolate.post(value))
    });
}

/// A task that posts the number it is given.
#[unsafe(no_mangle)]
pub extern "C" fn peer_echo(port: i64, value: i64) {
    runtime().spawn(async move { Isolate::new(port).post(value) });
}

//! What a library written for allo-isolate looks like: each function takes a port of the Dart
//! machine's and posts bare values to it, through the function that Dart has stored before with
//! `store_dart_post_cobject`.

use std::future::Future;
use wharf_ffi::Isolate;

fn spawn(task: impl Future<Output: Send> + Send + 'static) {
    wharf_ffi::default_runtime().expect("a runtime starts").spawn(task);
}

/// Posts the sum of two numbers.
#[unsafe(no_mangle)]
pub extern "C" fn bare_add(port: i64, a: i64, b: i64) {
    spawn(async move { Isolate::new(port).post(a + b) });
}

/// Posts what a page might be: a title and bytes.
#[unsafe(no_mangle)]
pub extern "C" fn bare_page(port: i64) {
    spawn(async move { Isolate::new(port).post(("a title", vec![1u8, 2, 3])) });
}

/// Posts the numbers from 0 up to `count` from one task.
#[unsafe(no_mangle)]
pub extern "C" fn bare_flood(port: i64, count: i64) {
    spawn(async move {
        let isolate = Isolate::new(port);
        (0..count).all(|number| isolate.post(number))
    });
}

/// Posts the number that it is given, from a task.
#[unsafe(no_mangle)]
pub extern "C" fn bare_echo(port: i64, value: i64) {
    spawn(async move { Isolate::new(port).post(value) });
}

//! What a library written for allo-isolate looks like: each function takes a port of the Dart
//! machine's and posts bare values to it, through the function that Dart has stored before with
//! `store_dart_post_cobject`.

use crate::{
    ledger::{COUNTED, Held},
    tasks::NotFound,
};
use std::{fmt, future::Future, sync::atomic::Ordering::SeqCst};
use wharf_ffi::{Isolate, Reply, export};

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

/// The sum of two numbers: what `bare_add` does, by the attribute.
#[export(dart)]
pub async fn bare_export_add(a: i64, b: i64) -> i64 {
    a + b
}

/// The number of bytes in a text, reckoned on the blocking pool.
#[export(dart)]
pub fn bare_export_length(text: String) -> u64 {
    text.len() as u64
}

/// Fails with code 404.
#[export(dart)]
pub async fn bare_export_fail(what: String) -> Result<i64, NotFound> {
    Err(NotFound { what, cause: fmt::Error })
}

/// Panics with this text.
#[export(dart)]
pub async fn bare_export_panic(text: String) {
    panic!("{text}");
}

/// Posts numbers for ever, giving way after each.
#[export(dart)]
pub async fn bare_export_count(reply: Reply) -> wharf_ffi::Result<()> {
    let _held = Held::new();
    for number in 0i64.. {
        reply.post(number).await?;
        COUNTED.fetch_add(1, SeqCst);
        wharf::task::yield_now().await;
    }
    Ok(())
}

/// Never ends by itself.
#[export(dart)]
pub async fn bare_export_never() {
    let _held = Held::new();
    std::future::pending().await
}

/// Posts the numbers from 0 up to `count` from one task, by the attribute.
#[export(dart)]
pub async fn bare_export_flood(count: i64, reply: Reply) -> wharf_ffi::Result<()> {
    (0..count).try_for_each(|number| reply.try_post(number))
}

/// The number that it is given, by the attribute.
#[export(dart)]
pub async fn bare_export_echo(value: i64) -> i64 {
    value
}

//! Authors' functions of every kind.

use crate::ledger::{COUNTED, Held};
use std::{fmt, sync::atomic::Ordering::SeqCst, time::Duration};
use wharf_ffi::{Failure, IntoFailure, Reply, Value, export};

/// Nothing but a round trip.
#[export]
pub async fn tests_echo(value: i64) -> i64 {
    value
}

/// The value that it was given.
#[export]
pub async fn tests_echo_value(value: Value) -> Value {
    value
}

/// The text that it was given, or nothing.
#[export]
pub async fn tests_echo_text(text: Option<String>) -> Option<String> {
    text
}

/// The sum, reckoned on the blocking pool.
#[export]
pub fn tests_sum(numbers: Vec<i64>) -> i64 {
    numbers.iter().sum()
}

/// The `n`th Fibonacci number the slow way: work that keeps a processor busy.
#[export]
pub fn tests_fibonacci(n: u32) -> u64 {
    fn fibonacci(n: u32) -> u64 {
        if n < 2 { u64::from(n) } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    fibonacci(n)
}

/// Ends after a while.
#[export]
pub async fn tests_sleep(time: Duration) {
    let _held = Held::new();
    wharf::time::sleep(time).await;
}

/// Never ends by itself.
#[export]
pub async fn tests_never() {
    let _held = Held::new();
    std::future::pending().await
}

/// An error with another behind it.
#[derive(Debug)]
pub struct NotFound {
    pub(crate) what: String,
    pub(crate) cause: fmt::Error,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not found", self.what)
    }
}

impl std::error::Error for NotFound {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl IntoFailure for NotFound {
    fn into_failure(self) -> Failure {
        Failure::from_error(404, &self)
    }
}

/// Always fails, with code 404.
#[export]
pub async fn tests_fail(what: String) -> Result<i64, NotFound> {
    Err(NotFound { what, cause: fmt::Error })
}

/// Panics with this text.
#[export]
pub async fn tests_panic(text: String) {
    panic!("{text}");
}

/// Posts the numbers from 0 up to `count` without waiting in between, then ends with `count`.
#[export]
pub async fn tests_flood(count: i64, reply: Reply) -> wharf_ffi::Result<i64> {
    for number in 0..count {
        reply.try_post(number)?;
    }
    Ok(count)
}

/// Posts numbers for ever, giving way after each.
#[export]
pub async fn tests_count(reply: Reply) -> wharf_ffi::Result<()> {
    let _held = Held::new();
    let mut number = 0i64;
    loop {
        reply.post(number).await?;
        number += 1;
        COUNTED.fetch_add(1, SeqCst);
        wharf::task::yield_now().await;
    }
}

/// Posts the numbers from 0 up to `count`, so far apart, and then fails.
#[export]
pub async fn tests_count_and_fail(
    count: i64,
    apart: Duration,
    reply: Reply,
) -> Result<(), NotFound> {
    for number in 0..count {
        // A port that is gone ends the task as well.
        let _ = reply.post(number).await;
        wharf::time::sleep(apart).await;
    }
    Err(NotFound { what: format!("number {count}"), cause: fmt::Error })
}

//! The peer: tokio through napi-rs, which makes a promise of each `async` function's future.

use napi::bindgen_prelude::{Status, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// A function of JavaScript's that takes a number, to be called from any thread.
type Tell = ThreadsafeFunction<i64, (), i64, Status, false>;

/// A trivial task.
#[napi]
pub async fn add(left: i64, right: i64) -> i64 {
    left + right
}

/// The numbers below `count`, of one task, and a last one below 0.
#[napi]
pub fn numbers(count: i64, tell: Tell) {
    spawn(async move {
        for number in (0..count).chain([-1]) {
            tell.call(number, ThreadsafeFunctionCallMode::NonBlocking);
        }
    });
}

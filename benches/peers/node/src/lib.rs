//! The peer: tokio through napi-rs, which makes a promise of each `async` function's future.

use napi::bindgen_prelude::{Status, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// How many of a stream's values may wait: as many as with wharf's package.
const LIMIT: usize = 64;

/// A function of JavaScript's that takes a number, to be called from any thread.
type Tell = ThreadsafeFunction<i64, (), i64, Status, false, false, LIMIT>;

/// A trivial task.
#[napi]
pub async fn add(left: i64, right: i64) -> i64 {
    left + right
}

/// The numbers below `count`, of one task, which holds up its thread while the queue is full: there is
/// no other way to wait for room in it.
#[napi]
pub fn numbers(count: i64, tell: Tell) {
    spawn(async move {
        for number in 0..count {
            tell.call(number, ThreadsafeFunctionCallMode::Blocking);
        }
    });
}

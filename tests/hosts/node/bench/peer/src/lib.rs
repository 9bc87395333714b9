//! The number that it was given, from a task of tokio's.

use napi_derive::napi;

/// Nothing but a round trip.
#[napi]
pub async fn echo(value: i64) -> i64 {
    value
}

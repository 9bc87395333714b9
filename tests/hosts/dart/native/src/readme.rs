//! What the README of the Dart package shows, as it stands there.

#[wharf_ffi::export]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

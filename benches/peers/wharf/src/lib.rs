//! What the C host calls, as the author of a library writes it on wharf.

use wharf_ffi::{Reply, export};

/// A trivial task.
#[export(name = "bench_add")]
async fn add(left: i64, right: i64) -> i64 {
    left + right
}

/// One task that posts so many messages.
#[export(name = "bench_flood")]
async fn flood(count: u64, reply: Reply) -> Result<u64, wharf_ffi::Error> {
    for number in 0..count {
        reply.post(number).await?;
    }
    Ok(count)
}

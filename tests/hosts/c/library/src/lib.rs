//! A library as an author would build it on wharf, with a function for each way that a task can
//! end. The C tests load it; `harbour.h` beside the crate declares what they call.

use std::{
    future::pending,
    sync::atomic::{AtomicI64, Ordering::SeqCst},
    time::Duration,
};
use wharf_ffi::{Bytes, Failure, Reply, Value, export};

/// How many [`Held`]s are alive.
static ALIVE: AtomicI64 = AtomicI64::new(0);

/// Something that a task holds, to see when it is let go.
struct Held;

impl Held {
    fn new() -> Self {
        ALIVE.fetch_add(1, SeqCst);
        Self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

/// How many tasks of this library hold something at this moment.
#[unsafe(no_mangle)]
pub extern "C" fn harbour_alive() -> i64 {
    ALIVE.load(SeqCst)
}

/// A result at once.
#[export(name = "harbour_add")]
async fn add(left: i64, right: i64) -> i64 {
    left + right
}

/// Text there and back.
#[export(name = "harbour_echo")]
async fn echo(text: String) -> String {
    text
}

/// Text that may be missing.
#[export(name = "harbour_length")]
async fn length(text: Option<String>) -> Option<usize> {
    text.map(|text| text.len())
}

/// Bytes in, their sum and the bytes themselves out.
#[export(name = "harbour_sum")]
async fn sum(bytes: Vec<u8>) -> (u64, Vec<u8>) {
    (bytes.iter().map(|byte| u64::from(*byte)).sum(), bytes)
}

/// Any value there and back.
#[export(name = "harbour_mirror")]
async fn mirror(value: Value) -> Value {
    value
}

/// Bytes of the host's, without a copy.
#[export(name = "harbour_measure")]
async fn measure(bytes: Bytes) -> usize {
    bytes.len()
}

/// An error.
#[export(name = "harbour_fail")]
async fn fail(code: i32) -> Result<(), Failure> {
    let below = std::io::Error::from_raw_os_error(2);
    let above = std::io::Error::other(Above(below));
    Err(Failure::from_error(code, &above))
}

#[derive(Debug)]
struct Above(std::io::Error);

impl std::fmt::Display for Above {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the harbour is closed")
    }
}

impl std::error::Error for Above {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A panic.
#[export(name = "harbour_panic")]
async fn panic(text: String) {
    let _held = Held::new();
    panic!("{text}");
}

/// No end of its own.
#[export(name = "harbour_wait")]
async fn wait() {
    let _held = Held::new();
    pending::<()>().await;
}

/// A result after a while.
#[export(name = "harbour_sleep")]
async fn sleep(nanoseconds: u64) -> u64 {
    let _held = Held::new();
    wharf::time::sleep(Duration::from_nanos(nanoseconds)).await;
    nanoseconds
}

/// The numbers below `count`, as the port takes them.
#[export(name = "harbour_count")]
async fn count(count: u64, reply: Reply) -> Result<u64, wharf_ffi::Error> {
    let _held = Held::new();
    for number in 0..count {
        reply.post(number).await?;
    }
    Ok(count)
}

/// A plain function, on the blocking pool: turns until it is cancelled.
#[export(name = "harbour_turn")]
fn turn(reply: Reply) -> u64 {
    let _held = Held::new();
    let mut turns = 0;
    while !reply.is_cancelled() {
        turns += 1;
        std::thread::yield_now();
    }
    turns
}

/// A value that can't be sent.
#[export(name = "harbour_unsendable")]
async fn unsendable() -> String {
    "a\0b".to_owned()
}

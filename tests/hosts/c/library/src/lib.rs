//! A library as an author would build it on wharf, with a function for each way that a task can
//! end. The C tests load it. `harbour.h` beside the crate is made of what it says of itself; `hooks.h`
//! declares the functions that are no tasks.

use std::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    time::Duration,
};
use wharf_ffi::{Bytes, Failure, FromValue, Reply, SendPort, Value, export};

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

/// Parameters with names that the C side, or what stands between the sides, has given to others.
#[export(name = "harbour_names")]
async fn names(
    error: Value,
    made: Vec<i32>,
    made_length: u64,
    task: Option<String>,
    r#type: i64,
    default: bool,
    _: std::time::Duration,
) -> (u64, i64, bool, usize) {
    drop((error, task));
    (made_length, r#type, default, made.len())
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

/// Passes `yields` points at which it can be cancelled.
#[export(name = "harbour_shift")]
async fn shift(yields: u64) -> u64 {
    let _held = Held::new();
    for _ in 0..yields {
        wharf::task::yield_now().await;
    }
    yields
}

/// Holds the host's bytes, with no end of its own.
#[export(name = "harbour_keep")]
async fn keep(bytes: Bytes) -> usize {
    let _held = Held::new();
    pending::<()>().await;
    bytes.len()
}

/// How many of the buffers that [`lend`] has made are still there.
static LENT: AtomicI64 = AtomicI64::new(0);

/// A buffer that says when it is freed.
struct Lent(Vec<u8>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        LENT.fetch_sub(1, SeqCst);
    }
}

/// How many buffers this library has lent out at this moment.
#[unsafe(no_mangle)]
pub extern "C" fn harbour_lent() -> i64 {
    LENT.load(SeqCst)
}

/// Bytes of the library's, without a copy.
#[export(name = "harbour_lend")]
async fn lend(length: u32) -> Result<Value, wharf_ffi::Error> {
    LENT.fetch_add(1, SeqCst);
    Value::external(1, Lent(vec![7; length as usize]))
}

/// Something whose end is a panic.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the trap has shut");
        }
    }
}

/// No end of its own, and a panic where it is cancelled.
#[export(name = "harbour_trap")]
async fn trap() {
    let _held = Held::new();
    let _trap = Trap;
    pending::<()>().await;
}

/// Runs until the host lets it go, on the thread of a worker: what a well-behaved task never does.
#[export(name = "harbour_hog")]
async fn hog() {
    let _held = Held::new();
    while !RELEASED.load(SeqCst) {
        std::thread::yield_now();
    }
}

/// Whether [`hog`] may end.
static RELEASED: AtomicBool = AtomicBool::new(false);

/// Lets [`hog`] end, now and later, or not.
#[unsafe(no_mangle)]
pub extern "C" fn harbour_release(released: bool) {
    RELEASED.store(released, SeqCst);
}

/// From now on, panics are not written to standard error: for programs that cause many.
#[unsafe(no_mangle)]
pub extern "C" fn harbour_hush() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Opens a socket, and says on which port it listens.
#[export(name = "harbour_listen")]
async fn listen() -> Result<u16, std::io::Error> {
    Ok(wharf::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// A plain function, on the blocking pool: gives the bytes back once it is cancelled.
#[export(name = "harbour_ferry")]
fn ferry(bytes: Value, reply: Reply) -> Value {
    let _held = Held::new();
    while !reply.is_cancelled() {
        std::thread::yield_now();
    }
    bytes
}

/// The numbers from `from` down to 1, as a stream.
#[export(name = "harbour_countdown", stream)]
fn countdown(from: u64) -> Countdown {
    Countdown(from)
}

struct Countdown(u64);

impl futures_core::Stream for Countdown {
    type Item = u64;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<u64>> {
        let now = self.0;
        self.0 = now.saturating_sub(1);
        std::task::Poll::Ready((now > 0).then_some(now))
    }
}

/// Says where it can be reached, then answers each number with its double at the port that is named
/// beside it, until it is told to stop. The result is how many it has answered.
#[export(name = "harbour_parley")]
async fn parley(reply: Reply) -> Result<u32, Failure> {
    let _held = Held::new();
    let mut own = reply.open_port()?;
    reply.post(own.send_port()).await?;
    let mut answered = 0;
    loop {
        let incoming = own.recv().await?;
        if incoming.is_control {
            return Ok(answered);
        }
        let (number, answer) = <(i64, SendPort)>::from_value(incoming.value)?;
        answer.post(incoming.tag, number * 2)?;
        answered += 1;
    }
}

/// A port in, and out again; and a word to whoever listens there.
#[export(name = "harbour_hail")]
async fn hail(to: SendPort, text: String) -> Result<SendPort, wharf_ffi::Error> {
    to.post(1, text)?;
    to.post_control(2, ())?;
    Ok(to)
}

/// A result inside of the result.
#[export(name = "harbour_verdicts")]
async fn verdicts(codes: Vec<i32>) -> Vec<Result<i32, Failure>> {
    codes
        .into_iter()
        .map(|code| if code > 0 { Err(Failure::new(code, "guilty")) } else { Ok(code) })
        .collect()
}

/// An array that holds `width` nulls, inside of others, `depth` arrays in all: posted or as the result.
#[export(name = "harbour_nest")]
async fn nest(
    depth: u32,
    width: u32,
    posted: bool,
    reply: Reply,
) -> Result<Value, wharf_ffi::Error> {
    let nulls = (0..width).map(|_| Value::NULL);
    let nested = (1..depth).try_fold(Value::array(nulls)?, |value, _| Value::array([value]))?;
    if posted {
        reply.post(nested).await?;
        return Ok(Value::NULL);
    }
    Ok(nested)
}

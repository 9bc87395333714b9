//! What is alive: heap blocks of this library, futures of tasks that hold something, buffers that
//! the other side has. The programs read it before and after.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicI64, Ordering::SeqCst},
};

/// Tasks that hold a [`Held`].
static HELD: AtomicI64 = AtomicI64::new(0);
/// Buffers that were given away and whose finalizer has not run. Negative if one ran twice.
static LENT: AtomicI64 = AtomicI64::new(0);
/// Blocks of this library's heap.
static BLOCKS: AtomicI64 = AtomicI64::new(0);

/// Numbers that tasks without an end have counted.
pub(crate) static COUNTED: AtomicI64 = AtomicI64::new(0);

/// How many numbers the tasks without an end have counted.
#[unsafe(no_mangle)]
pub extern "C" fn ledger_counted() -> i64 {
    COUNTED.load(SeqCst)
}

/// How many tasks hold something.
#[unsafe(no_mangle)]
pub extern "C" fn ledger_held() -> i64 {
    HELD.load(SeqCst)
}

/// How many buffers are lent out.
#[unsafe(no_mangle)]
pub extern "C" fn ledger_lent() -> i64 {
    LENT.load(SeqCst)
}

/// How many blocks of this library's heap are in use.
#[unsafe(no_mangle)]
pub extern "C" fn ledger_blocks() -> i64 {
    BLOCKS.load(SeqCst)
}

/// Prints how many buffers are lent out when the process ends, after everything else.
#[unsafe(no_mangle)]
pub extern "C" fn ledger_print_at_exit() {
    extern "C" fn print() {
        println!("lent at exit: {}", ledger_lent());
    }
    // SAFETY: the handler is a function of this library, which stays loaded.
    unsafe { libc::atexit(print) };
}

/// Something that a task holds until its future is gone.
#[derive(Debug)]
pub struct Held(());

impl Held {
    /// Counts itself.
    #[allow(clippy::new_without_default, reason = "making one has an effect")]
    pub fn new() -> Self {
        HELD.fetch_add(1, SeqCst);
        Self(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, SeqCst);
    }
}

/// Bytes that are counted while they are lent out.
#[derive(Debug)]
pub struct Lent(Vec<u8>);

impl Lent {
    /// `length` bytes that count up.
    pub fn new(length: usize) -> Self {
        LENT.fetch_add(1, SeqCst);
        Self((0..length).map(|index| index as u8).collect())
    }
}

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

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.fetch_add(1, SeqCst);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BLOCKS.fetch_sub(1, SeqCst);
        // SAFETY: the caller's word.
        unsafe { System.dealloc(block, layout) }
    }
}

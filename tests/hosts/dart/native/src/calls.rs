//! Functions that call back into Dart, where Dart has asked for it.

use std::{ffi::c_int, thread};

/// Sorts on the caller's thread, by a comparator of the caller's.
///
/// # Safety
///
/// `numbers` has `length` elements, which may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tests_sort(
    numbers: *mut i64,
    length: usize,
    compare: extern "C" fn(i64, i64) -> c_int,
) {
    // SAFETY: the caller's word.
    let numbers = unsafe { std::slice::from_raw_parts_mut(numbers, length) };
    numbers.sort_by(|a, b| compare(*a, *b).cmp(&0));
}

/// Calls `progress` with each number from 0 up to `count`, from a thread of its own for each.
#[unsafe(no_mangle)]
pub extern "C" fn tests_progress(count: i64, progress: extern "C" fn(i64)) {
    for number in 0..count {
        thread::spawn(move || progress(number));
    }
}

/// The same from wharf's blocking pool.
#[wharf_ffi::export]
pub async fn tests_pool_progress(count: i64, progress: usize) {
    // SAFETY: the caller passes the address of such a function, and keeps it until the end.
    let progress = unsafe { std::mem::transmute::<usize, extern "C" fn(i64)>(progress) };
    let calls: Vec<_> =
        (0..count).map(|number| wharf::spawn_blocking(move || progress(number))).collect();
    for call in calls {
        let _ = call.await;
    }
}

//! Checks of what a host passes in, each with a reason that names the argument.

use crate::{
    port::Wait,
    status::{
        Error, Result, WHARF_BAD_OPTION, WHARF_NO_MEMORY, WHARF_NOT_UTF8, WHARF_OUT_OF_RANGE,
    },
};
use std::{
    ffi::{CStr, c_char},
    time::{Duration, Instant},
};

/// As a time to wait: without end.
pub const WHARF_FOREVER: i64 = -1;

/// What a call waits for, from nanoseconds.
pub(crate) fn wait(timeout_ns: i64) -> Result<Wait> {
    match timeout_ns {
        0 => Ok(Wait::No),
        WHARF_FOREVER => Ok(Wait::Forever),
        1.. => {
            let deadline = Instant::now().checked_add(Duration::from_nanos(timeout_ns as u64));
            Ok(deadline.map_or(Wait::Forever, Wait::Until))
        }
        _ => Err(Error::new(
            WHARF_OUT_OF_RANGE,
            format!("a time of {timeout_ns} ns: give 0 or more, or WHARF_FOREVER"),
        )),
    }
}

/// The text at `text`.
///
/// # Safety
///
/// NULL, or a string that ends with a NUL and stays as it is for `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    if text.is_null() {
        return Err(Error::null(name));
    }
    // SAFETY: by the caller's word.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    std::str::from_utf8(bytes)
        .map_err(|error| Error::new(WHARF_NOT_UTF8, format!("{name} is not UTF-8: {error}")))
}

/// Whether there can be so many elements at `start`.
pub(crate) fn elements<T>(start: *const T, length: usize, name: &str) -> Result<()> {
    if length > isize::MAX as usize / size_of::<T>().max(1) {
        let text = format!("{name} is said to have {length} elements, which no memory holds");
        return Err(Error::new(WHARF_OUT_OF_RANGE, text));
    }
    if start.is_null() && length > 0 {
        return Err(Error::null(name));
    }
    Ok(())
}

/// A copy of the numbers at `start`, which need not be aligned: a host may have cut them out of anything.
///
/// # Safety
///
/// NULL, or `length` elements, of a type that may have any bytes.
pub(crate) unsafe fn copied<T: Copy>(start: *const T, length: usize, name: &str) -> Result<Vec<T>> {
    elements(start, length, name)?;
    let mut copy: Vec<T> = Vec::new();
    copy.try_reserve_exact(length).map_err(|_| {
        Error::new(WHARF_NO_MEMORY, format!("no memory for the {length} elements of {name}"))
    })?;
    if length > 0 {
        // SAFETY: the caller's word, and there is room for as many; all of it is written.
        unsafe {
            let bytes = copy.as_mut_ptr().cast::<u8>();
            std::ptr::copy_nonoverlapping(start.cast::<u8>(), bytes, length * size_of::<T>());
            copy.set_len(length);
        }
    }
    Ok(copy)
}

/// A pointer to write to.
pub(crate) fn out<T>(place: *mut T, name: &str) -> Result<*mut T> {
    if place.is_null() { Err(Error::null(name)) } else { Ok(place) }
}

/// The longest option struct that is believed.
const OPTIONS_MAX: usize = 4096;

/// An option struct, whose first member is its size. Members that the caller's header does not
/// know yet are zero; those that this library does not know yet must be.
///
/// # Safety
///
/// NULL, or a struct that begins with a `usize` that says how many bytes of it there are. `T` is
/// such a struct, and one of zeros is sound.
pub(crate) unsafe fn options<T>(options: *const T) -> Result<T> {
    // SAFETY: the caller's word: zeros are sound.
    let mut known: T = unsafe { std::mem::zeroed() };
    if options.is_null() {
        return Ok(known);
    }
    // SAFETY: the caller's word: it begins with its size, and that many bytes can be read.
    let bytes = unsafe {
        let size = options.cast::<usize>().read_unaligned();
        if !(size_of::<usize>()..=OPTIONS_MAX).contains(&size) {
            return Err(Error::new(
                WHARF_BAD_OPTION,
                format!("an option struct says that it has {size} bytes: set its size first"),
            ));
        }
        std::slice::from_raw_parts(options.cast::<u8>(), size)
    };
    let common = bytes.len().min(size_of::<T>());
    if bytes[common..].iter().any(|byte| *byte != 0) {
        return Err(Error::new(
            WHARF_BAD_OPTION,
            "an option is set that this version of the library does not know",
        ));
    }
    // SAFETY: as many bytes as both have.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut known).cast(), common) };
    Ok(known)
}

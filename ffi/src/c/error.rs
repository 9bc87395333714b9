//! Versions and errors.

use crate::{boundary, status};
use std::ffi::c_char;

use crate::status::wharf_status_t;

/// The version of this interface: the major number in the upper 16 bits, the minor in the lower.
/// A program works with every library of the same major and of no lower minor number: functions and
/// numbers are added, none changes its meaning, and only structs that begin with a `size` grow.
pub const WHARF_ABI_VERSION: u32 = 1;

/// The version of the interface that the loaded library has; see WHARF_ABI_VERSION.
///
/// Never fails; may be called in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_abi_version() -> u32 {
    WHARF_ABI_VERSION
}

/// The library's version, as text. It stays valid for ever.
///
/// Never fails; may be called in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// A few words for a status; NULL for a number that is none. They stay valid for ever.
///
/// Never fails; may be called in a forked child.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_status_text(status: wharf_status_t) -> *const c_char {
    status::name(status).map_or(std::ptr::null(), std::ffi::CStr::as_ptr)
}

/// The status of the last call on this thread that was refused; WHARF_OK if none was.
///
/// A call that is answered by WHARF_OK leaves the last error as it is.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_last_error_code() -> wharf_status_t {
    status::last(|error| error.map_or(status::WHARF_OK, status::Error::status))
}

/// How many bytes the text of this thread's last error has, without a NUL; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_last_error_length() -> usize {
    status::last(|error| error.map_or(0, |error| error.message().len()))
}

/// Writes the text of this thread's last error (what was tried, what was wrong) to `buffer`, as
/// UTF-8 with a NUL at its end, cut to what fits into `capacity` bytes but never inside a
/// character.
///
/// Returns how many bytes were written, without the NUL; 0 if there is no error, no room, or
/// `buffer` is NULL.
///
/// # Safety
///
/// `buffer` is NULL or has room for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_last_error_message(buffer: *mut c_char, capacity: usize) -> usize {
    if buffer.is_null() || capacity == 0 {
        return 0;
    }
    let written = boundary::guard_always(|| {
        status::last(|error| {
            let text = error.map_or("", status::Error::message);
            let mut end = text.len().min(capacity - 1);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            // SAFETY: `end` is below the room that the caller promises.
            unsafe {
                std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), end);
                *buffer.add(end) = 0;
            }
            end
        })
    });
    written.unwrap_or(0)
}

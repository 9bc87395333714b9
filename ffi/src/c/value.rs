//! Messages and values in a host's hands.

use super::args;
use crate::{
    boundary::{call, call_often},
    message::{Message, wharf_message_t},
    status::{Error, WHARF_OK, wharf_status_t},
    value::{Value, raw::*},
};
use std::{
    ffi::{c_char, c_void},
    ptr,
    sync::atomic::{AtomicU32, Ordering::Release},
};

/// Frees what a received message's value holds, and leaves the null value in its place, so that
/// freeing it again does nothing. The struct itself is the caller's.
///
/// External data may be taken out of a message before: note its `data`, `peer` and `callback`, set
/// the type of that value to WHARF_TYPE_NULL, and call the callback when the bytes are done with.
/// Nothing else in a received value may be changed.
///
/// Errors: WHARF_NULL.
///
/// # Safety
///
/// `message` is NULL or was received from a port and changed no more than that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_message_free(message: *mut wharf_message_t) -> wharf_status_t {
    // SAFETY: the caller's word.
    call_often(|| unsafe {
        drop(Message::take(&mut *args::out(message, "message")?));
        Ok(WHARF_OK)
    })
}

/// As `wharf_message_free`, for `count` messages in a row.
///
/// Errors: WHARF_NULL, WHARF_OUT_OF_RANGE.
///
/// # Safety
///
/// `messages` is NULL or `count` messages as `wharf_message_free` takes them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_messages_free(
    messages: *mut wharf_message_t,
    count: usize,
) -> wharf_status_t {
    call(|| {
        args::elements(messages.cast_const(), count, "messages")?;
        for index in 0..count {
            // SAFETY: as above; the messages are the caller's to change.
            let message = unsafe { &mut *messages.add(index) };
            if message.value.r#type < WHARF_TYPE_STRING {
                // Most are numbers, and own nothing.
                message.value.r#type = WHARF_TYPE_NULL;
            } else {
                // SAFETY: as above.
                drop(unsafe { Message::take(message) });
            }
        }
        Ok(())
    })
}

/// The text that a message carries: a string, or the first string of an array, which is where an
/// error's and a panic's message stands. NULL if it carries none. It belongs to the message.
///
/// # Safety
///
/// `message` is NULL or was received from a port and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_message_text(message: *const wharf_message_t) -> *const c_char {
    if message.is_null() {
        return ptr::null();
    }
    // SAFETY: the caller's word; the type says which member.
    unsafe {
        let mut value = &(*message).value;
        if value.r#type == WHARF_TYPE_ARRAY && value.value.as_array.length > 0 {
            value = &**value.value.as_array.values;
        }
        if value.r#type == WHARF_TYPE_STRING { value.value.as_string } else { ptr::null() }
    }
}

/// Checks a value and copies it to `out`. The copy belongs to the caller, who passes it to
/// `wharf_value_free`; what was copied stays the caller's as well. The bytes of external data are
/// copied, too, and become typed data.
///
/// Errors: WHARF_NULL, WHARF_BAD_VALUE, WHARF_NO_MEMORY.
///
/// # Safety
///
/// `value` is NULL or a value whose pointers are what their types and lengths say; `out` is NULL
/// or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_value_copy(
    value: *const wharf_value_t,
    out: *mut wharf_value_t,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        if value.is_null() {
            return Err(Error::null("value"));
        }
        // SAFETY: the caller's word.
        let copy = unsafe { Value::copy_whole(value) }?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(copy.into_raw()) };
        Ok(())
    })
}

/// Frees what a value from `wharf_value_copy` holds, and leaves the null value in its place.
///
/// Errors: WHARF_NULL.
///
/// # Safety
///
/// `value` is NULL or was made by `wharf_value_copy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_value_free(value: *mut wharf_value_t) -> wharf_status_t {
    // SAFETY: the caller's word; the null value that is left owns nothing.
    call(|| unsafe {
        drop(Value::from_raw(std::mem::take(&mut *args::out(value, "value")?)));
        Ok(())
    })
}

/// A finalizer for external data of hosts whose own functions can't be called on any thread (Python,
/// Node): `peer` is a `uint32_t` of the host's, and becomes 1. The host looks at it when it has the
/// time, and may free the bytes once it has seen the 1. By the time that a task's terminal message is
/// received, the flags of all data that the task was given, and has let go of, are up.
///
/// Never fails. `peer` may be NULL; the first argument means nothing.
///
/// # Safety
///
/// `peer` is NULL or a `uint32_t` that is there until it is 1, and is looked at as C11's
/// `memory_order_acquire` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_finalizer_flag(
    _isolate_callback_data: *mut c_void,
    peer: *mut c_void,
) {
    if !peer.is_null() {
        // SAFETY: the caller's word. Release, for the host's look: what was done with the bytes comes
        // before their end.
        unsafe { AtomicU32::from_ptr(peer.cast()) }.store(1, Release);
    }
}

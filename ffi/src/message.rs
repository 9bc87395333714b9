//! Messages: what arrives at a port.

use crate::{
    id::wharf_task_t,
    value::{Value, raw::wharf_value_t},
};

/// A message that more follow: an element of a stream, progress, a timer's beat, a host's post.
pub const WHARF_KIND_DATA: i32 = 0;
/// The last message of a task: it has ended well; the value is its result.
pub const WHARF_KIND_OK: i32 = 1;
/// The last message of a task: it has ended with an error. `code` is the error's; the value is an
/// array of strings: what failed, then what was behind that, and so on.
pub const WHARF_KIND_ERROR: i32 = 2;
/// The last message of a task: it panicked. The value is an array with the panic's text.
pub const WHARF_KIND_PANIC: i32 = 3;
/// The last message of a task: it was cancelled; what it held is free.
pub const WHARF_KIND_CANCELLED: i32 = 4;
/// The last message of a task: its runtime was shut down before it had ended; what it held is
/// free.
pub const WHARF_KIND_SHUT_DOWN: i32 = 5;
/// A message from the control queue, which overtakes the others.
pub const WHARF_KIND_CONTROL: i32 = 6;

/// A message. What its value points to belongs to whoever received it, until
/// `wharf_message_free`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "holds a union; `Message` shows it")]
pub struct wharf_message_t {
    /// The number that the host chose when it submitted the task or posted the message.
    pub tag: u64,
    /// The task that sent it; 0 where a host posted it.
    pub task: wharf_task_t,
    /// A `WHARF_KIND_...`.
    pub kind: i32,
    /// With `WHARF_KIND_ERROR` the error's code: above 0 the library's own, below 0 a status of
    /// wharf's with the sign turned. 0 with all other kinds.
    pub code: i32,
    /// What it carries.
    pub value: wharf_value_t,
}

/// A message that wharf owns.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) tag: u64,
    pub(crate) task: wharf_task_t,
    pub(crate) kind: i32,
    pub(crate) code: i32,
    pub(crate) value: Value,
}

impl Message {
    /// Hands it to a host.
    pub(crate) fn into_raw(self) -> wharf_message_t {
        let Self { tag, task, kind, code, value } = self;
        wharf_message_t { tag, task, kind, code, value: value.into_raw() }
    }

    /// Takes a message back from a host, which sees it as empty afterwards.
    ///
    /// # Safety
    ///
    /// It comes from `into_raw`, changed at most as its page allows, or is empty.
    pub(crate) unsafe fn take(raw: &mut wharf_message_t) -> Self {
        // SAFETY: the caller's word; the null value left behind owns nothing.
        let value = unsafe { Value::from_raw(std::mem::take(&mut raw.value)) };
        Self { tag: raw.tag, task: raw.task, kind: raw.kind, code: raw.code, value }
    }

    /// One that more follow.
    #[inline]
    pub(crate) fn data(tag: u64, task: wharf_task_t, value: Value) -> Self {
        Self { tag, task, kind: WHARF_KIND_DATA, code: 0, value }
    }
}

//! The C functions. Each is a thin page: it checks what it was given, calls the room that does the
//! work, and answers with a status.
//!
//! All of them may be called from any thread, and from several at once, unless their page says
//! otherwise; none blocks, unless it takes a time to wait.

mod args;
mod dart;
mod error;
mod owner;
mod port;
mod runtime;
mod task;
mod value;

pub use crate::{
    dart::{WHARF_DART_COMPACT, WHARF_DART_ENVELOPED, WHARF_DART_RAW, wharf_dart_post_t},
    host::{WHARF_PENDING, wharf_drop_t, wharf_function_t, wharf_poll_t},
    id::{WHARF_PORTS_MAX, WHARF_TASKS_MAX, wharf_port_t, wharf_runtime_t, wharf_task_t},
    message::*,
    port::{
        WHARF_CONTROL_KILL, WHARF_CONTROL_PAUSE, WHARF_CONTROL_PING, WHARF_CONTROL_RESUME,
        wharf_handler_t, wharf_notify_t,
    },
    status::{
        WHARF_BAD_OPTION, WHARF_BAD_VALUE, WHARF_DEFERRED, WHARF_EMPTY, WHARF_FORKED, WHARF_FULL,
        WHARF_LIMIT, WHARF_NO_MEMORY, WHARF_NO_PORT, WHARF_NO_RUNTIME, WHARF_NO_TASK,
        WHARF_NOT_UTF8, WHARF_NULL, WHARF_OK, WHARF_OUT_OF_RANGE, WHARF_PANICKED, WHARF_SHUT_DOWN,
        WHARF_SYSTEM, WHARF_TIMEOUT, WHARF_WOULD_BLOCK, WHARF_WRONG_STATE, wharf_status_t,
    },
    value::{WHARF_VALUE_MAX_BYTES, WHARF_VALUE_MAX_COUNT, WHARF_VALUE_MAX_DEPTH, raw::*},
};
pub use args::WHARF_FOREVER;
pub(crate) use args::{copied, text};
pub use dart::*;
pub use error::*;
pub use owner::*;
pub use port::*;
pub use runtime::*;
pub use task::*;
pub use value::*;

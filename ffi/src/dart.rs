//! Ports of the Dart VM: messages go out through `Dart_PostCObject`, on the thread that sends
//! them.
//!
//! The function comes from the host, for the library is not linked against the VM. Posting copies
//! all but external data, whose finalizers the VM runs some time later. If it answers false, the
//! port is gone, because everything else that could be wrong has been ruled out before: a
//! [`Value`](crate::value::Value) holds no NULL, no broken UTF-8 and no text cut by a NUL.

mod compact;
mod post;

pub use post::{Isolate, wharf_dart_post_t};
pub(crate) use post::{store, store_table};

use crate::{
    id::wharf_port_t,
    message::*,
    port::{self, Limits, Sender, Sink, Wait},
    runtime::{self, Runtime},
    status::*,
    task::Terminal,
};
use post::Post;
use std::sync::Arc;

/// Messages go out as they are.
pub const WHARF_DART_ENVELOPED: u32 = 0;
/// Results go out bare, as code written for other bridges expects.
pub const WHARF_DART_RAW: u32 = 1;
/// Messages go out as they are, those that hold a number, a truth value or nothing as one number or as
/// typed data: the VM takes a small number in as it is, and copies three elements as bytes, where it
/// walks a list of four from value to value.
pub const WHARF_DART_COMPACT: u32 = 2;

/// A port of the VM's.
#[derive(Debug)]
pub(crate) struct DartPort {
    port: i64,
    post: Post,
    mode: u32,
}

/// Opens a port whose messages go to the VM's `dart_port`.
pub(crate) fn open(
    runtime: Arc<Runtime>,
    dart_port: i64,
    post: wharf_dart_post_t,
    mode: u32,
    limits: Limits,
    group: u64,
) -> Result<wharf_port_t> {
    if dart_port == 0 {
        return Err(Error::new(WHARF_OUT_OF_RANGE, "0 is no port of the Dart VM's"));
    }
    if mode > WHARF_DART_COMPACT {
        return Err(Error::new(WHARF_BAD_OPTION, format!("no mode has number {mode}")));
    }
    let post = post.or_else(post::stored).ok_or_else(post::no_function)?;
    port::open(runtime, limits, group, Sink::Dart(DartPort { port: dart_port, post, mode }))
}

/// Accepts a task of the default runtime that is answered bare at the VM's `dart_port`. Behind it is
/// a port of its own, which goes when the task does.
pub(crate) fn accept(dart_port: i64) -> Result<(Terminal, Sender)> {
    let runtime = runtime::get(0)?;
    let id = open(runtime, dart_port, None, WHARF_DART_RAW, Limits::default(), 0)?;
    let port = port::get(id)?;
    let accepted = Terminal::accept(port.clone(), 0);
    if !port.mailbox.defer() {
        // Nothing was accepted, so nothing keeps it open.
        let _ = port.close(Wait::No);
    }
    accepted
}

impl DartPort {
    /// Posts a message; false if the port is gone.
    pub(crate) fn post(&self, message: Message) -> bool {
        let (post, port) = (self.post, self.port);
        match (self.mode, message.kind) {
            (WHARF_DART_ENVELOPED, _) => post::enveloped(post, port, message),
            (WHARF_DART_COMPACT, _) => compact::post(post, port, message),
            (_, WHARF_KIND_DATA | WHARF_KIND_OK | WHARF_KIND_CONTROL) => {
                post::bare(post, port, message.value)
            }
            _ => post::unmarked(post, port, message),
        }
    }
}

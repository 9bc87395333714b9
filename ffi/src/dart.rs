//! Ports of the Dart VM: messages go out through `Dart_PostCObject`, on the thread that sends
//! them.
//!
//! The function comes from the host, for the library is not linked against the VM. Posting copies
//! all but external data, whose finalizers the VM runs some time later. If it answers false, the
//! port is gone, because everything else that could be wrong has been ruled out before: a
//! [`Value`] holds no NULL, no broken UTF-8 and no text cut by a NUL.

use crate::{
    boundary::host_call,
    id::wharf_port_t,
    message::*,
    port::{self, Limits, Sink},
    runtime::Runtime,
    status::*,
    value::{Guarded, Value, raw::wharf_value_t},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The Dart VM's `Dart_PostCObject`.
pub type wharf_dart_post_t =
    Option<unsafe extern "C" fn(port: i64, message: *mut wharf_value_t) -> bool>;

type Post = unsafe extern "C" fn(i64, *mut wharf_value_t) -> bool;

/// Messages go out as they are.
pub const WHARF_DART_ENVELOPED: u32 = 0;
/// Results go out bare, as code written for other bridges expects.
pub const WHARF_DART_RAW: u32 = 1;

/// The post function that a host has stored, as an address; 0 before.
///
/// Relaxed: a function's address carries no data with it.
static STORED: AtomicUsize = AtomicUsize::new(0);

/// Stores the VM's post function for ports that are opened without one.
pub(crate) fn store(post: Post) {
    STORED.store(post as usize, Relaxed);
}

fn stored() -> Option<Post> {
    let address = STORED.load(Relaxed);
    // SAFETY: the address is 0 or that of a function of this type.
    unsafe { std::mem::transmute::<usize, Option<Post>>(address) }
}

/// A port of the VM's.
#[derive(Debug)]
pub(crate) struct DartPort {
    port: i64,
    post: Post,
    raw: bool,
}

/// Opens a port whose messages go to the VM's `dart_port`.
pub(crate) fn open(
    runtime: Arc<Runtime>,
    dart_port: i64,
    post: wharf_dart_post_t,
    mode: u32,
    limits: Limits,
) -> Result<wharf_port_t> {
    if dart_port == 0 {
        return Err(Error::new(WHARF_OUT_OF_RANGE, "0 is no port of the Dart VM's"));
    }
    let raw = match mode {
        WHARF_DART_ENVELOPED => false,
        WHARF_DART_RAW => true,
        other => return Err(Error::new(WHARF_BAD_OPTION, format!("no mode has number {other}"))),
    };
    let post = post.or_else(stored).ok_or_else(|| {
        let text = "no post function: pass NativeApi.postCObject, or store it once before";
        Error::new(WHARF_NULL, text)
    })?;
    port::open(runtime, limits, Sink::Dart(DartPort { port: dart_port, post, raw }))
}

impl DartPort {
    /// Posts a message; false if the port is gone.
    pub(crate) fn post(&self, message: Message) -> bool {
        let value = if self.raw { bare(message) } else { envelope(message) };
        match value {
            Ok(value) => self.post_value(value),
            Err(error) => {
                log::error!("a message for Dart port {} is lost: {error}", self.port);
                true
            }
        }
    }

    fn post_value(&self, mut value: Value) -> bool {
        let finalizers = Guarded::new(&mut value);
        let mut raw = value.into_raw();
        // SAFETY: the value is sound, and stays in place during the call, which copies it.
        let accepted = host_call(|| unsafe { (self.post)(self.port, &mut raw) });
        // SAFETY: taken back as it was given; the VM has changed nothing.
        let mut value = unsafe { Value::from_raw(raw) };
        if accepted {
            // The VM calls the finalizers.
            value.disarm();
        } else {
            finalizers.refused(&mut value);
        }
        accepted
    }
}

/// `[tag, kind, code, value]`
fn envelope(message: Message) -> Result<Value> {
    let Message { tag, kind, code, value, .. } = message;
    Value::array([Value::int64(tag as i64), Value::int32(kind), Value::int32(code), value])
}

/// The bare value of data and results; all else as `[kind, code, value]`.
fn bare(message: Message) -> Result<Value> {
    let Message { kind, code, value, .. } = message;
    match kind {
        WHARF_KIND_DATA | WHARF_KIND_OK | WHARF_KIND_CONTROL => Ok(value),
        _ => Value::array([Value::int32(kind), Value::int32(code), value]),
    }
}

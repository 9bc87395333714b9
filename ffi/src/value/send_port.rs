//! A port that is named in a value: how two sides that know nothing of each other begin to talk.

use super::{FromValue, IntoValue, Value, convert::mismatch, raw::*};
use crate::{
    dart::Isolate,
    id::wharf_port_t,
    message::{WHARF_KIND_CONTROL, WHARF_KIND_DATA},
    port,
    status::{Error, Result, WHARF_NO_PORT},
};

/// Where somebody can be reached: the other end of a port.
///
/// It is a number and no more: it may be copied, kept, and sent on, and it does not keep the port
/// open. As an exported function's parameter it is a `wharf_port_t` in C, which has to be open; in a
/// value it is one of type `WHARF_TYPE_SEND_PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SendPort {
    id: i64,
    origin: i64,
}

impl SendPort {
    /// The one that leads to `port`, an id that a host has given.
    pub const fn new(port: wharf_port_t) -> Self {
        Self { id: port as i64, origin: 0 }
    }

    /// The port's id: a `wharf_port_t`, or the number of a port of the Dart VM's own.
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// Posts a value to it with a tag of the poster's choosing, at once, from any thread.
    ///
    /// A port of the Dart VM's own gets the bare value.
    ///
    /// # Errors
    ///
    /// The port is gone, full, or shut down; the value can't be sent.
    pub fn post(&self, tag: u64, value: impl IntoValue) -> Result<()> {
        self.post_as(tag, value.into_value()?.within_limits()?, WHARF_KIND_DATA)
    }

    /// As [`post`](Self::post), past all data messages that wait there.
    ///
    /// # Errors
    ///
    /// Those of [`post`](Self::post).
    pub fn post_control(&self, tag: u64, value: impl IntoValue) -> Result<()> {
        self.post_as(tag, value.into_value()?.within_limits()?, WHARF_KIND_CONTROL)
    }

    fn post_as(self, tag: u64, mut value: Value, kind: i32) -> Result<()> {
        if self.origin != 0 {
            return match Isolate::new(self.id).post(value) {
                true => Ok(()),
                false => Err(Error::new(WHARF_NO_PORT, "the Dart VM did not take the message")),
            };
        }
        port::get(self.id as u64)?.post(tag, kind, &mut value)
    }
}

impl IntoValue for SendPort {
    fn into_value(self) -> Result<Value> {
        Ok(Value::send_port_of(self.id, self.origin))
    }
}

impl FromValue for SendPort {
    fn from_value(value: Value) -> Result<Self> {
        if value.as_raw().r#type != WHARF_TYPE_SEND_PORT {
            return Err(mismatch("a port", &value));
        }
        // SAFETY: the type says which member.
        let port = unsafe { value.as_raw().value.as_send_port };
        Ok(Self { id: port.id, origin: port.origin_id })
    }
}

//! Bytes that cross the border without a copy.

use super::{
    Value,
    raw::{WHARF_DATA_UINT8, element_size},
};

/// Bytes that cross the border without a copy, in either direction: a `Vec<u8>` of Rust's or a
/// host's buffer with its finalizer.
#[derive(Debug)]
pub struct Bytes(Value);

impl Bytes {
    /// Bytes of a host's that arrived in `value`; the value itself if it holds none.
    pub(crate) fn of_bytes(value: Value) -> Result<Self, Value> {
        match value.as_bytes() {
            Some((element, _)) if element_size(element) == Some(1) => Ok(Self(value)),
            _ => Err(value),
        }
    }

    /// The value that carries them.
    pub(crate) fn into_inner(self) -> Value {
        self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Value::external(WHARF_DATA_UINT8, bytes).unwrap_or(Value::NULL))
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_bytes().map_or(&[], |(_, bytes)| bytes)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

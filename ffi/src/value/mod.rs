//! Values: what a message carries.
//!
//! [`raw`] is how they lie in memory, [`Value`] owns one and `memory` frees it, `copy` takes a host's
//! apart after checking it, `convert` makes them from Rust types and back; beside it stand those of
//! more types.
//!
//! Who frees what: a [`Value`] and all below it was allocated here and is freed here, when it is
//! dropped or, once it has been handed to a host, by `wharf_message_free`. What a host passes in
//! stays the host's; it is copied, but for the bytes of external data, which change hands when
//! the call is answered by OK.

mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
mod containers;
mod convert;
mod copy;
mod memory;
mod net;
mod once;
mod owned;
pub(crate) mod raw;
mod send_port;
#[cfg(all(test, not(loom)))]
mod tests;
mod times;
#[cfg(feature = "uuid")]
mod uuid;

pub use bytes::Bytes;
pub use convert::{FromValue, IntoValue};
pub(crate) use once::Guarded;
pub use owned::Value;
pub use send_port::SendPort;

/// How deep arrays may be nested in a value that is sent.
pub const WHARF_VALUE_MAX_DEPTH: usize = 64;
/// How many values one value that is sent may hold, itself included.
pub const WHARF_VALUE_MAX_COUNT: usize = 1_048_576;
/// How many bytes of strings and copied data one value that is sent may hold.
pub const WHARF_VALUE_MAX_BYTES: usize = 1_073_741_824;

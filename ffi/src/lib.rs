//! wharf behind a C ABI: ports, values, tasks and errors as a foreign host sees them.
//!
//! A host (a C or C++ program, a Dart isolate, a Python or Node event loop) submits tasks and is
//! answered by messages at its ports; it is never called on a thread that it does not own, unless
//! it asked for that. The functions are in [`c`], and in `include/wharf.h`, which is generated
//! from them. For a library's author, [`export`] turns an `async fn` into such a function.
//!
//! # The rooms
//!
//! | module | is for |
//! | --- | --- |
//! | `boundary` | the wrapper that every C function goes through: panics, forks, the last error |
//! | `status` | what a call answers at once |
//! | `id` | generational numbers for runtimes, ports and tasks |
//! | `port` | messages that wait, tasks that run, and the lock between them |
//! | `task` | from a submit to its one terminal message |
//! | `host` | tasks made of a host's own functions |
//! | `timers` | messages at a time |
//! | `inbox` | ports that a library's own tasks receive from |
//! | `value` | what a message carries, laid out as the Dart VM's `Dart_CObject` |
//! | `dart` | ports of the Dart VM |
//! | `export` | what the attribute's expansion calls |
//! | `c` | the C functions themselves, one thin page for each room |
//!
//! # A library built on wharf
//!
//! Its crate is a `cdylib` (and `staticlib`), depends on `wharf-ffi` and names it somewhere, which
//! is enough for all `wharf_*` functions to be exported beside its own. They are only ever called
//! from outside: inside, nothing goes through an exported name, so two such libraries in one
//! process each keep to their own code and state.
//!
//! The names of types that C sees are C's (`wharf_port_t`), since the header is made from them.
#![allow(non_camel_case_types, reason = "these are the names that C sees")]

mod boundary;
pub mod c;
mod dart;
#[doc(hidden)]
pub mod export;
mod failure;
mod host;
mod id;
mod inbox;
mod message;
mod pin;
mod port;
mod runtime;
mod status;
mod task;
mod timers;
mod value;

pub use dart::Isolate;
pub use export::{Param, Reply};
pub use failure::{Failure, IntoFailure};
pub use inbox::{Incoming, Port};
pub use runtime::default_handle as default_runtime;
pub use status::{Error, Result};
pub use value::{Bytes, FromValue, IntoValue, SendPort, Value};
pub use wharf_macros::export;

//! What the parts of wharf share, and no more than that: the names of `std` that loom can stand in
//! for ([`sync`]), a slot for one waker ([`waker`]), the cooperative budget ([`coop`]), the
//! current-runtime context ([`context`]), and the one place where threads are started ([`start`]).
//!
//! Every other crate of wharf stands on this one; it stands on nothing.

pub mod context;
pub mod coop;
#[cfg(loom)]
pub mod model;
pub mod start;
pub mod sync;
pub mod waker;

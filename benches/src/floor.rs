//! What the same work costs with nothing but threads and system calls.

pub mod thread;

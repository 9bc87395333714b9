//! What the same work costs with nothing but threads and system calls.

pub mod epoll;
pub mod thread;
pub mod timer;

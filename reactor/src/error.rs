//! The errors that the reactor itself makes, in words for whoever reads them.

use std::io;

/// The reactor was shut down.
pub(crate) fn down() -> io::Error {
    io::Error::other(
        "the runtime that drives this socket has been shut down; keep the runtime alive for as \
         long as its sockets are used",
    )
}

/// No runtime is entered, or one without I/O.
pub(crate) fn no_reactor() -> io::Error {
    io::Error::other(
        "there is no runtime with I/O on this thread; call this inside `block_on` or a spawned \
         task, or enter a runtime's handle first",
    )
}

/// The slab is full.
pub(crate) fn too_many() -> io::Error {
    io::Error::other("this runtime already drives as many sockets as it can number; close some")
}

/// A string that is neither an address nor a host and a port.
pub(crate) fn not_an_address(text: &str) -> io::Error {
    let text = format!("{text:?} is no address; write it as \"host:port\" or \"[ipv6]:port\"");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

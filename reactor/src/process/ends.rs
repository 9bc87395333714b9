//! What stands at our ends of a child's pipes.

use crate::{
    net::{
        methods::{polling_reads, polling_writes, reading, writing},
        pipes::{End, Receiver, Sender},
    },
    slot::Direction,
    source::Source,
};
use std::{
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    process as blocking,
    task::{Context, Poll},
};

macro_rules! end {
    ($(#[$doc:meta])* $name:ident($pipe:ty) { $($methods:tt)* }) => {
        $(#[$doc])*
        pub struct $name($pipe);

        impl $name {
            /// Takes over the standard library's counterpart.
            ///
            /// # Errors
            ///
            /// What the system says, or that there is no runtime with I/O here.
            pub fn from_std(end: blocking::$name) -> io::Result<Self> {
                <$pipe>::from_owned_fd(end.into()).map(Self)
            }

            /// The bare end, blocking again: to be another child's, say.
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
                self.0.into_blocking_fd()
            }

            pub(crate) fn source(&self) -> &Source<End> {
                self.0.source()
            }

            $($methods)*
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.0.as_raw_fd()
            }
        }
    };
}

end! {
    /// A child's standard input. Dropping it is the end of the input.
    ChildStdin(Sender) {
        writing!();
        polling_writes!();
    }
}

end! {
    /// A child's standard output.
    ChildStdout(Receiver) {
        reading!();
        polling_reads!();
    }
}

end! {
    /// A child's standard error.
    ChildStderr(Receiver) {
        reading!();
        polling_reads!();
    }
}

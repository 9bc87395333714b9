//! A stream's two directions as two things.

use super::{
    TcpStream,
    methods::{ending, readiness, reading, writing},
};
use crate::{slot::Direction, source::Source};
use std::{
    error::Error,
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    net::{Shutdown, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

macro_rules! halves {
    ($stream:ident, $inner:ty, $address:ty) => {
        /// The reading half of a borrowed stream.
        #[derive(Debug)]
        pub struct ReadHalf<'s>(&'s $stream);

        /// The writing half of a borrowed stream.
        #[derive(Debug)]
        pub struct WriteHalf<'s>(&'s $stream);

        /// The reading half of a stream. The connection is closed when both halves are dropped.
        #[derive(Debug)]
        pub struct OwnedReadHalf(Arc<$stream>);

        /// The writing half of a stream. Dropping it ends the writing side.
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            stream: Arc<$stream>,
            shut_on_drop: bool,
        }

        pub(super) fn borrowed(stream: &mut $stream) -> (ReadHalf<'_>, WriteHalf<'_>) {
            (ReadHalf(stream), WriteHalf(stream))
        }

        pub(super) fn owned(stream: $stream) -> (OwnedReadHalf, OwnedWriteHalf) {
            let stream = Arc::new(stream);
            (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, shut_on_drop: true })
        }

        impl ReadHalf<'_> {
            pub(crate) fn source(&self) -> &Source<$inner> {
                self.0.source()
            }

            readiness!();
            reading!();
        }

        impl WriteHalf<'_> {
            pub(crate) fn source(&self) -> &Source<$inner> {
                self.0.source()
            }

            readiness!();
            writing!();
            ending!();
        }

        impl OwnedReadHalf {
            pub(crate) fn source(&self) -> &Source<$inner> {
                self.0.source()
            }

            readiness!();
            reading!();

            /// Puts the two halves of one stream together again.
            ///
            /// # Errors
            ///
            /// Gives both back where they are halves of different streams.
            pub fn reunite(self, other: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
                other.reunite(self)
            }
        }

        impl OwnedWriteHalf {
            pub(crate) fn source(&self) -> &Source<$inner> {
                self.stream.source()
            }

            readiness!();
            writing!();
            ending!();

            /// Lets go of this half without ending the writing side.
            pub fn forget(mut self) {
                self.shut_on_drop = false;
            }

            fn reunite(mut self, other: OwnedReadHalf) -> Result<$stream, ReuniteError> {
                if !Arc::ptr_eq(&self.stream, &other.0) {
                    return Err(ReuniteError(other, self));
                }
                self.shut_on_drop = false;
                drop(self);
                Ok(Arc::into_inner(other.0).expect("a stream has two halves, and one is gone"))
            }
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if self.shut_on_drop {
                    // The peer may have been faster; nobody is left to tell.
                    let _ = self.stream.shut(Shutdown::Write);
                }
            }
        }

        /// Two halves that are not of one stream, given back.
        #[derive(Debug)]
        pub struct ReuniteError(
            /// The half that `reunite` was called on.
            pub OwnedReadHalf,
            /// The half that it was given.
            pub OwnedWriteHalf,
        );

        impl fmt::Display for ReuniteError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("these are halves of two different streams")
            }
        }

        impl Error for ReuniteError {}

        $crate::net::split::halves!(addresses ReadHalf<'_>, 0, $address);
        $crate::net::split::halves!(addresses WriteHalf<'_>, 0, $address);
        $crate::net::split::halves!(addresses OwnedReadHalf, 0, $address);
        $crate::net::split::halves!(addresses OwnedWriteHalf, stream, $address);

        impl AsRef<$stream> for ReadHalf<'_> {
            fn as_ref(&self) -> &$stream {
                self.0
            }
        }

        impl AsRef<$stream> for WriteHalf<'_> {
            fn as_ref(&self) -> &$stream {
                self.0
            }
        }

        impl AsRef<$stream> for OwnedReadHalf {
            fn as_ref(&self) -> &$stream {
                &self.0
            }
        }

        impl AsRef<$stream> for OwnedWriteHalf {
            fn as_ref(&self) -> &$stream {
                &self.stream
            }
        }
    };

    (addresses $half:ty, $stream:tt, $address:ty) => {
        impl $half {
            /// The address of this side.
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn local_addr(&self) -> io::Result<$address> {
                self.$stream.local_addr()
            }

            /// The address of the other side.
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn peer_addr(&self) -> io::Result<$address> {
                self.$stream.peer_addr()
            }
        }
    };
}

pub(super) use halves;

halves!(TcpStream, std::net::TcpStream, SocketAddr);

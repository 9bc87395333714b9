//! The halves of a Unix stream.

use super::{
    UnixStream,
    methods::{ending, readiness, reading, writing},
    split::halves,
};
use crate::{slot::Direction, source::Source};
use std::{
    error::Error,
    fmt,
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    net::Shutdown,
    os::unix::net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

halves!(UnixStream, std::os::unix::net::UnixStream, SocketAddr);

//! A TCP socket before it is connected or listens: where its options are set.

use super::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::{
    fmt, io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd},
    time::Duration,
};

/// A TCP socket that neither is connected nor listens yet. Until it does, it belongs to no runtime.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use wharf_reactor::net::TcpSocket;
///
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.bind("127.0.0.1:8080".parse().unwrap())?;
/// let listener = socket.listen(4096)?;
/// # drop(listener);
/// # Ok(())
/// # }
/// ```
pub struct TcpSocket {
    inner: Socket,
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new_v4() -> io::Result<Self> {
        Self::new(Domain::IPV4)
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new_v6() -> io::Result<Self> {
        Self::new(Domain::IPV6)
    }

    fn new(domain: Domain) -> io::Result<Self> {
        let inner = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        inner.set_nonblocking(true)?;
        Ok(Self { inner })
    }

    /// Takes over a stream socket of the standard library's type that is not connected yet.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn from_std_stream(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { inner: stream.into() })
    }

    /// Binds to a local address. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.inner.bind(&address.into())
    }

    /// Connects.
    ///
    /// Cancel safe: the attempt is given up.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub async fn connect(self, address: SocketAddr) -> io::Result<TcpStream> {
        match self.inner.connect(&address.into()) {
            Ok(()) => {}
            Err(error) if is_under_way(&error) => {}
            Err(error) => return Err(error),
        }
        TcpStream::connecting(self.inner.into()).await
    }

    /// Listens, with room for `backlog` connections that are not accepted yet; the system cuts that
    /// down to its own limit.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.inner.listen(backlog.try_into().unwrap_or(i32::MAX))?;
        TcpListener::register(self.inner.into())
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Sets the probing of an idle connection: the time before the first probe, between probes, and
    /// how many may stay unanswered. `None` leaves the system's default.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_keepalive_probes(
        &self,
        time: Duration,
        interval: Option<Duration>,
        retries: Option<u32>,
    ) -> io::Result<()> {
        let mut probes = TcpKeepalive::new().with_time(time);
        if let Some(interval) = interval {
            probes = probes.with_interval(interval);
        }
        if let Some(retries) = retries {
            probes = probes.with_retries(retries);
        }
        self.inner.set_tcp_keepalive(&probes)
    }

    /// Binds to a network interface by its name; `None` takes that back. Linux only.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.inner.bind_device(interface)
    }

    /// The network interface that it is bound to. Linux only.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.device()
    }

    /// The error that the system has noted for the socket, which is cleared by this.
    ///
    /// # Errors
    ///
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.inner.take_error()
    }
}

fn is_under_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// Options: our name, socket2's, the value's type there and here.
macro_rules! options {
    ($($doc:literal $get:ident $set:ident: $kind:ty = $get2:ident $set2:ident: $kind2:ty;)*) => {
        impl TcpSocket {$(
            #[doc = $doc]
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn $get(&self) -> io::Result<$kind> {
                // The system's numbers here are far below both types' limits.
                Ok(SockRef::from(&self.inner).$get2()? as $kind)
            }

            #[doc = concat!("Sets: ", $doc)]
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn $set(&self, value: $kind) -> io::Result<()> {
                SockRef::from(&self.inner).$set2(value as $kind2)
            }
        )*}
    };
}

options! {
    "whether the address may be taken again while old connections of it linger."
    reuseaddr set_reuseaddr: bool = reuse_address set_reuse_address: bool;
    "whether several sockets may share the address and its connections."
    reuseport set_reuseport: bool = reuse_port set_reuse_port: bool;
    "whether an idle connection is probed."
    keepalive set_keepalive: bool = keepalive set_keepalive: bool;
    "whether small writes go out at once (Nagle's algorithm is off)."
    nodelay set_nodelay: bool = tcp_nodelay set_tcp_nodelay: bool;
    "the size of the receive buffer in bytes; the system may double what is set."
    recv_buffer_size set_recv_buffer_size: u32 = recv_buffer_size set_recv_buffer_size: usize;
    "the size of the send buffer in bytes; the system may double what is set."
    send_buffer_size set_send_buffer_size: u32 = send_buffer_size set_send_buffer_size: usize;
    "the time to live of packets."
    ttl set_ttl: u32 = ttl_v4 set_ttl_v4: u32;
}

impl TcpSocket {
    /// How long a close keeps trying to send what is left; `None`: the system's default.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.inner.linger()
    }

    /// Sets how long a close keeps trying to send what is left, in whole seconds. Zero makes a close
    /// reset the connection; anything else can make dropping the stream block its thread.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.inner.set_linger(linger)
    }
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl AsRawFd for TcpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl IntoRawFd for TcpSocket {
    fn into_raw_fd(self) -> RawFd {
        self.inner.into_raw_fd()
    }
}

impl FromRawFd for TcpSocket {
    /// # Safety
    ///
    /// `fd` is an open, non-blocking TCP socket that nobody else owns.
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller's promise.
        Self { inner: unsafe { Socket::from_raw_fd(fd) } }
    }
}

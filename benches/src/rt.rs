//! The few things a workload needs of a runtime, and how each runtime spells them.

mod smol;
mod tokio;
mod wharf;

pub use self::smol::Smol;
pub use self::tokio::Tokio;
pub use self::wharf::Wharf;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

/// A runtime, as the workloads see it.
///
/// The functions without `self` are for code that already runs inside: they find the runtime the
/// way its users do.
pub trait Rt: Sized + Send + Sync + 'static {
    /// Waits for a task's output; detaches the task when dropped.
    type Handle<T: Send + 'static>: Future<Output = T> + Send + 'static;
    /// A future that is done after a while.
    type Sleep: Future<Output = ()> + Send + 'static;
    /// A TCP connection.
    type Tcp: Duplex + AsFd;
    /// A TCP connection as hyper wants it.
    type Http: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;
    /// A TCP listener.
    type Listener: Send + Sync + 'static;
    /// A Unix stream socket.
    type Unix: Duplex;
    /// A UDP socket.
    type Udp: Send + Sync + 'static;

    /// Builds one with so many workers; with none, the thread in `block_on` does all the work.
    fn start(workers: usize) -> Self;

    /// Builds one whose workers look out for work so long before they sleep, where the runtime can be
    /// told to: else it is as usual. Only for rows that say so.
    fn start_spinning(workers: usize, _limit: Duration) -> Self {
        Self::start(workers)
    }

    /// Runs a future on the calling thread until it is done.
    fn block_on<F: Future>(&self, future: F) -> F::Output;

    /// Spawns from a thread outside the runtime.
    fn spawn_outside<F>(&self, future: F) -> Self::Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns from inside.
    fn spawn<F>(future: F) -> Self::Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Lets a task run on with nobody waiting for it.
    fn detach<T: Send + 'static>(handle: Self::Handle<T>);

    /// Runs a closure where it may block.
    fn spawn_blocking<T, F>(job: F) -> Self::Handle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;

    /// Lets other tasks run first.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Done after `duration`.
    fn sleep(duration: Duration) -> Self::Sleep;

    /// The future, or word that `duration` has passed: the runtime's own type, with nothing around
    /// it, since moving a wrapper costs as much as some of what is measured.
    fn timeout<F>(duration: Duration, future: F) -> impl Future + Send + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send;

    /// Listens on a port of the system's choosing on the loopback, with a backlog of 4,096.
    fn listen() -> io::Result<(Self::Listener, SocketAddr)>;

    /// Listens there with the backlog of the runtime's own choosing.
    fn bind() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;

    /// Accepts one connection.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Connects.
    fn connect(addr: SocketAddr) -> impl Future<Output = io::Result<Self::Tcp>> + Send + 'static;

    /// Makes a connection one of hyper's, the way the runtime's users do.
    fn http(stream: Self::Tcp) -> Self::Http;

    /// Two Unix stream sockets connected with each other.
    fn unix_pair() -> io::Result<(Self::Unix, Self::Unix)>;

    /// A Unix stream socket of the standard library's, connected.
    fn unix_from(stream: std::os::unix::net::UnixStream) -> io::Result<Self::Unix>;

    /// A datagram socket on the loopback.
    fn udp() -> io::Result<(Self::Udp, SocketAddr)>;

    /// Sends one datagram.
    fn send_to(
        socket: &Self::Udp,
        data: &[u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Receives one datagram.
    fn recv_from(
        socket: &Self::Udp,
        room: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;
}

/// A stream of bytes in both directions.
pub trait Duplex: Send + 'static {
    /// Reads what is there, at most `room`.
    fn read(&mut self, room: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of `data`.
    fn write_all(&mut self, data: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Reads until `room` is full.
    fn read_exact(&mut self, room: &mut [u8]) -> impl Future<Output = io::Result<()>> + Send {
        async move {
            let mut have = 0;
            while have < room.len() {
                match self.read(&mut room[have..]).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    n => have += n,
                }
            }
            Ok(())
        }
    }
}

/// A listener as every runtime here gets it: loopback, any port, room for 4,096 that knock at once.
fn std_listener() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    let listener = std::net::TcpListener::from(socket);
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// A datagram socket on the loopback.
fn std_udp() -> io::Result<(std::net::UdpSocket, SocketAddr)> {
    let socket = std::net::UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_nonblocking(true)?;
    let addr = socket.local_addr()?;
    Ok((socket, addr))
}

//! wharf.

use super::{Duplex, Rt};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wharf::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use wharf::runtime::{Builder, Runtime};

/// wharf's runtime, multi-thread or current-thread.
#[derive(Debug)]
pub struct Wharf(Runtime);

/// A `JoinHandle` whose task is known neither to panic nor to be aborted.
#[derive(Debug)]
pub struct Handle<T>(wharf::JoinHandle<T>);

impl<T> Future for Handle<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|output| output.expect("a task of the bench failed"))
    }
}

impl Rt for Wharf {
    type Handle<T: Send + 'static> = Handle<T>;
    type Sleep = wharf::time::Sleep;
    type Tcp = TcpStream;
    type Http = TcpStream;
    type Listener = TcpListener;
    type Unix = UnixStream;
    type Udp = UdpSocket;

    fn start(workers: usize) -> Self {
        Self::start_spinning(workers, Duration::ZERO)
    }

    fn start_spinning(workers: usize, limit: Duration) -> Self {
        let mut builder = match workers {
            0 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        builder.worker_threads(workers.max(1)).enable_all().spin_before_park(limit);
        Self(builder.build().expect("build wharf"))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn_outside<F>(&self, future: F) -> Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Handle(self.0.spawn(future))
    }

    fn spawn<F>(future: F) -> Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Handle(wharf::spawn(future))
    }

    fn detach<T: Send + 'static>(_: Handle<T>) {}

    fn spawn_blocking<T, F>(job: F) -> Handle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Handle(wharf::spawn_blocking(job))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        wharf::task::yield_now()
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        wharf::time::sleep(duration)
    }

    fn timeout<F>(duration: Duration, future: F) -> impl Future + Send + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        wharf::time::timeout(duration, future)
    }

    fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let (listener, addr) = super::std_listener()?;
        Ok((TcpListener::from_std(listener)?, addr))
    }

    async fn bind() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn http(stream: Self::Tcp) -> Self::Http {
        stream
    }

    fn unix_pair() -> io::Result<(UnixStream, UnixStream)> {
        UnixStream::pair()
    }

    fn unix_from(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::from_std(stream)
    }

    fn udp() -> io::Result<(UdpSocket, SocketAddr)> {
        let (socket, addr) = super::std_udp()?;
        Ok((UdpSocket::from_std(socket)?, addr))
    }

    async fn send_to(socket: &UdpSocket, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        socket.send_to(data, to).await
    }

    async fn recv_from(socket: &UdpSocket, room: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        socket.recv_from(room).await
    }
}

impl Duplex for TcpStream {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        TcpStream::read(self, room).await
    }

    async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        TcpStream::write_all(self, data).await
    }
}

impl Duplex for UnixStream {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        UnixStream::read(self, room).await
    }

    async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        UnixStream::write_all(self, data).await
    }
}

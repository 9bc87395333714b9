//! smol: async-executor, async-io and blocking, put together as the `smol` crate does it.

use super::{Duplex, Rt};
use async_executor::{Executor, Task};
use async_io::{Async, Timer};
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

/// The executor of the process, as in the `smol` crate: `spawn` is a free function there too.
static EXECUTOR: Executor<'static> = Executor::new();

/// Threads that drive the executor; with none, the thread in `block_on` does.
#[derive(Debug)]
pub struct Smol {
    threads: Vec<JoinHandle<()>>,
    stop: async_channel::Sender<()>,
}

/// A task that is detached when its handle is dropped (`Task` itself would be cancelled).
#[derive(Debug)]
pub struct Handle<T>(Option<Task<T>>);

impl<T> Future for Handle<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(self.0.as_mut().expect("held until the drop")).poll(cx)
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

/// A timer without the instant that `Timer` gives.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// A future with a limit. smol has no such type, and says to race two `async` blocks; this is the
/// same with less to move and to poll.
#[derive(Debug)]
struct Timeout<F> {
    /// Pinned with `self`.
    future: F,
    timer: Timer,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        // SAFETY: `future` is never moved out, and there is no `Drop` and no `Unpin` save the
        // automatic ones.
        let (future, timer) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), Pin::new(&mut this.timer))
        };
        match future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => timer.poll(cx).map(|_| None),
        }
    }
}

impl Rt for Smol {
    type Handle<T: Send + 'static> = Handle<T>;
    type Sleep = Sleep;
    type Tcp = Async<TcpStream>;
    type Http = smol_hyper::rt::FuturesIo<Async<TcpStream>>;
    type Listener = Async<TcpListener>;
    type Unix = Async<UnixStream>;
    type Udp = Async<UdpSocket>;

    fn start(workers: usize) -> Self {
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let drive = |stopped: async_channel::Receiver<()>| {
            move || {
                async_io::block_on(EXECUTOR.run(stopped.recv()))
                    .expect_err("closed, never sent to");
            }
        };
        let threads = (0..workers).map(|_| std::thread::spawn(drive(stopped.clone()))).collect();
        Self { threads, stop }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.threads.len() {
            0 => async_io::block_on(EXECUTOR.run(future)),
            _ => async_io::block_on(future),
        }
    }

    fn spawn_outside<F>(&self, future: F) -> Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Self::spawn(future)
    }

    fn spawn<F>(future: F) -> Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Handle(Some(EXECUTOR.spawn(future)))
    }

    fn detach<T: Send + 'static>(_: Handle<T>) {}

    fn spawn_blocking<T, F>(job: F) -> Handle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Handle(Some(blocking::unblock(job)))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        futures_lite::future::yield_now()
    }

    fn sleep(duration: Duration) -> Sleep {
        Sleep(Timer::after(duration))
    }

    fn timeout<F>(duration: Duration, future: F) -> impl Future + Send + 'static
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        Timeout { future, timer: Timer::after(duration) }
    }

    fn listen() -> io::Result<(Async<TcpListener>, SocketAddr)> {
        let (listener, addr) = super::std_listener()?;
        Ok((Async::new_nonblocking(listener)?, addr))
    }

    async fn bind() -> io::Result<(Async<TcpListener>, SocketAddr)> {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        let addr = listener.get_ref().local_addr()?;
        Ok((listener, addr))
    }

    async fn accept(listener: &Async<TcpListener>) -> io::Result<Async<TcpStream>> {
        let (stream, _) = listener.accept().await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(addr: SocketAddr) -> io::Result<Async<TcpStream>> {
        let stream = Async::<TcpStream>::connect(addr).await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(stream)
    }

    fn http(stream: Self::Tcp) -> Self::Http {
        smol_hyper::rt::FuturesIo::new(stream)
    }

    fn unix_pair() -> io::Result<(Async<UnixStream>, Async<UnixStream>)> {
        Async::<UnixStream>::pair()
    }

    fn unix_from(stream: UnixStream) -> io::Result<Async<UnixStream>> {
        Async::new(stream)
    }

    fn udp() -> io::Result<(Async<UdpSocket>, SocketAddr)> {
        let (socket, addr) = super::std_udp()?;
        Ok((Async::new_nonblocking(socket)?, addr))
    }

    async fn send_to(socket: &Async<UdpSocket>, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        socket.send_to(data, to).await
    }

    async fn recv_from(
        socket: &Async<UdpSocket>,
        room: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        socket.recv_from(room).await
    }
}

impl Drop for Smol {
    fn drop(&mut self) {
        self.stop.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Duplex for Async<TcpStream> {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, room).await
    }

    async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, data).await
    }
}

impl Duplex for Async<UnixStream> {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, room).await
    }

    async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, data).await
    }
}

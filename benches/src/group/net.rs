//! Sockets: echo in many shapes, connects, latencies beside a task that hogs its worker.

use crate::floor::epoll::{self as bare, Load, no_time_wait};
use crate::group::{hold_worker, on_a_worker};
use crate::rt::{Duplex, Rt};
use crate::stopwatch::{Sample, Stopwatch};
use crate::suite::{Spec, Suite};
use crate::turns;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

/// Between two long polls, in the row of that name.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

/// Runs the group.
pub fn run(s: &mut Suite) {
    within(s);
    from_elsewhere(s);
    let load = Load { connections: 16, messages: s.size(4_000, 2_000), size: 64 };
    let spec = Spec::new("net", "echo 64 B, 16 connections, beside a task of 10 ms polls")
        .latency("median", 0.5)
        .latency("p99", 0.99)
        .latency("p99.9", 0.999);
    turns!(s, spec, WORKERS, |rt| beside_long_polls(rt, Duration::ZERO, load));
    let load = Load { messages: s.size(16_000, 8_000), ..load };
    let spec = Spec::new("net", "echo 64 B, 16 connections, beside a 10 ms poll now and then")
        .latency("p99", 0.99)
        .latency("p99.9", 0.999);
    turns!(s, spec, WORKERS, |rt| beside_long_polls(rt, NOW_AND_THEN, load));
    let spec = Spec::new("net", "800 connects at once").wall_ms();
    turns!(s, spec, WORKERS, |rt| connects(rt, 800));
}

/// Client and server both on the runtime.
fn within(s: &mut Suite) {
    let shapes = [(1, 4_000, 64), (100, 200, 64), (1_000, 20, 512), (8, 100, 64 * 1024)];
    for (connections, messages, size) in shapes {
        let load = Load { connections, messages, size };
        let bytes = if size < 1024 { format!("{size} B") } else { format!("{} KiB", size / 1024) };
        let plural = if connections == 1 { "" } else { "s" };
        let spec = Spec::new("net", format!("echo {bytes}, {connections} connection{plural}"))
            .wall_ms()
            .latency("p50", 0.5)
            .latency("p99", 0.99);
        turns!(s, spec, WORKERS, |rt| tcp(rt, load), floor bare::tcp(load));
    }
    let load = Load { connections: 16, messages: 1_000, size: 64 };
    let spec = |what: &str| Spec::new("net", format!("{what} echo 64 B, 16 pairs")).wall_ms();
    turns!(s, spec("UDP"), WORKERS, |rt| udp(rt, load), floor bare::udp(load));
    turns!(s, spec("Unix-socket"), WORKERS, |rt| unix(rt, load), floor bare::unix(load));
    for connections in [1, 10, 100, 1_000] {
        let load = Load { connections, messages: 10_000 / connections, size: 64 };
        let curve = "echo 64 B round trips over connections";
        let spec = Spec::new("net", format!("{curve}, {connections}"))
            .on_curve(curve, connections)
            .wall_each(10_000);
        turns!(s, spec, WORKERS, |rt| tcp(rt, load), floor bare::tcp(load));
    }
}

/// The server on the runtime, the clients on a bare loop.
fn from_elsewhere(s: &mut Suite) {
    for (connections, messages) in [(1, 4_000), (16, 1_000), (100, 200)] {
        let load = Load { connections, messages, size: 64 };
        let plural = if connections == 1 { "" } else { "s" };
        let spec = |clients: &str| {
            let work = format!("echo 64 B, {connections} connection{plural} from {clients}");
            Spec::new("net", work).wall_ms()
        };
        let here = |addr| bare::tcp_clients(addr, load);
        turns!(s, spec("a bare thread"), WORKERS, |rt| serving(rt, load, here),
            floor bare::tcp_servers(load, here));
        let there = |addr: SocketAddr| another_process(&addr.to_string(), load);
        turns!(s, spec("another process"), WORKERS, |rt| serving(rt, load, there),
            floor bare::tcp_servers(load, there));
    }
    let load = Load { connections: 16, messages: 1_000, size: 64 };
    let work = "Unix-socket echo 64 B, 16 connections from another process";
    turns!(s, Spec::new("net", work).wall_ms(), WORKERS, |rt| serving_unix(rt, load));
}

/// Sends back whatever comes, until the other side goes.
async fn serve<D: Duplex>(mut socket: D, size: usize) {
    let mut buffer = vec![0; size];
    while let Ok(count @ 1..) = socket.read(&mut buffer).await {
        if socket.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Sends and awaits so many messages; the latency of each.
async fn ask<D: Duplex>(mut socket: D, load: Load) -> (D, Vec<u64>) {
    let mut buffer = vec![7; load.size];
    let mut latencies = Vec::with_capacity(load.messages);
    for _ in 0..load.messages {
        let start = Instant::now();
        socket.write_all(&buffer).await.expect("send");
        socket.read_exact(&mut buffer).await.expect("receive");
        latencies.push(start.elapsed().as_nanos() as u64);
    }
    (socket, latencies)
}

/// Spawns so many clients and waits for them all.
async fn ask_all<R: Rt, D: Duplex>(clients: Vec<D>, load: Load) -> (Vec<D>, Sample) {
    let watch = Stopwatch::start();
    let tasks: Vec<_> = clients.into_iter().map(|client| R::spawn(ask(client, load))).collect();
    let (mut clients, mut latencies) = (Vec::new(), Vec::new());
    for task in tasks {
        let (client, mut times) = task.await;
        clients.push(client);
        latencies.append(&mut times);
    }
    (clients, watch.stop().with_latencies(latencies))
}

/// Accepts so many connections and serves each in a task.
async fn accept_all<R: Rt>(listener: R::Listener, load: Load) {
    for _ in 0..load.connections {
        let socket = R::accept(&listener).await.expect("accept");
        R::detach(R::spawn(serve(socket, load.size)));
    }
}

async fn echo<R: Rt>(load: Load) -> Sample {
    let (listener, addr) = R::listen().expect("listen");
    let server = R::spawn(accept_all::<R>(listener, load));
    let mut clients = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let client = R::connect(addr).await.expect("connect");
        no_time_wait(&client);
        clients.push(client);
    }
    server.await;
    ask_all::<R, _>(clients, load).await.1
}

fn tcp<R: Rt>(rt: &Arc<R>, load: Load) -> Sample {
    on_a_worker(rt, echo::<R>(load))
}

fn beside_long_polls<R: Rt>(rt: &Arc<R>, between: Duration, load: Load) -> Sample {
    hold_worker(rt, Duration::from_millis(10), between, echo::<R>(load))
}

fn unix<R: Rt>(rt: &Arc<R>, load: Load) -> Sample {
    on_a_worker(rt, async move {
        let mut clients = Vec::with_capacity(load.connections);
        for _ in 0..load.connections {
            let (client, server) = R::unix_pair().expect("a pair");
            R::detach(R::spawn(serve(server, load.size)));
            clients.push(client);
        }
        ask_all::<R, _>(clients, load).await.1
    })
}

/// A datagram socket that knows where to send to.
struct Datagrams<R: Rt> {
    socket: R::Udp,
    peer: SocketAddr,
}

impl<R: Rt> Duplex for Datagrams<R> {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        R::recv_from(&self.socket, room).await.map(|(count, _)| count)
    }

    async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        R::send_to(&self.socket, data, self.peer).await.map(drop)
    }
}

fn udp<R: Rt>(rt: &Arc<R>, load: Load) -> Sample {
    on_a_worker(rt, async move {
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..load.connections {
            let (client, here) = R::udp().expect("a socket");
            let (server, there) = R::udp().expect("a socket");
            clients.push(Datagrams::<R> { socket: client, peer: there });
            let mut server = Datagrams::<R> { socket: server, peer: here };
            servers.push(R::spawn(async move {
                let mut buffer = vec![0; load.size];
                for _ in 0..load.messages {
                    let count = server.read(&mut buffer).await.expect("receive");
                    server.write_all(&buffer[..count]).await.expect("send");
                }
            }));
        }
        let (_, sample) = ask_all::<R, _>(clients, load).await;
        for server in servers {
            server.await;
        }
        sample
    })
}

/// Serves while the clients are run somewhere else, by the calling thread.
fn serving<R: Rt>(rt: &Arc<R>, load: Load, clients: impl FnOnce(SocketAddr) -> Sample) -> Sample {
    let (address, addr) = std::sync::mpsc::channel();
    let server = rt.spawn_outside(async move {
        let (listener, addr) = R::listen().expect("listen");
        address.send(addr).expect("somebody wants to connect");
        accept_all::<R>(listener, load).await;
    });
    let sample = clients(addr.recv().expect("the server says where"));
    rt.block_on(server);
    sample
}

/// Serves clients in another process over Unix sockets.
fn serving_unix<R: Rt>(rt: &Arc<R>, load: Load) -> Sample {
    let path = std::env::temp_dir().join(format!("wharf-bench-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("listen");
    let clients = std::thread::spawn({
        let path = path.to_str().expect("a temporary path is text").to_owned();
        move || another_process(&path, load)
    });
    let accept = |_| listener.accept().expect("accept").0;
    let streams: Vec<_> = (0..load.connections).map(accept).collect();
    let served = rt.spawn_outside(async move {
        let register = |stream| R::unix_from(stream).expect("a socket");
        let sockets = streams.into_iter().map(register);
        let tasks: Vec<_> = sockets.map(|socket| R::spawn(serve(socket, load.size))).collect();
        for task in tasks {
            task.await;
        }
    });
    let sample = clients.join().expect("the clients came to an end");
    rt.block_on(served);
    std::fs::remove_file(&path).expect("the socket is still there");
    sample
}

/// The word on the command line by which this program is a client of another one of itself.
pub const CLIENTS: &str = "echo-clients";

/// Runs the clients in a process of their own; its time, and this process's processor time.
fn another_process(addr: &str, load: Load) -> Sample {
    let watch = Stopwatch::start();
    let words = [load.connections, load.messages, load.size].map(|word| word.to_string());
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg(CLIENTS).arg(addr).args(words).stdin(Stdio::null());
    let output = command.output().expect("start another of this program");
    let text = String::from_utf8_lossy(&output.stdout);
    let nanos = text.trim().parse().expect("the clients print their nanoseconds");
    Sample { wall: Duration::from_nanos(nanos), ..watch.stop() }
}

/// The main function of that process.
pub fn clients(words: &[String]) -> Option<u128> {
    let [addr, connections, messages, size] = words else { return None };
    let load = Load {
        connections: connections.parse().ok()?,
        messages: messages.parse().ok()?,
        size: size.parse().ok()?,
    };
    let sample = match addr.parse() {
        Ok(addr) => bare::tcp_clients(addr, load),
        Err(_) => bare::unix_clients(Path::new(addr), load),
    };
    Some(sample.wall.as_nanos())
}

/// So many clients at once connect and get one byte back, from a listener as the runtime's own
/// `bind` makes it. Where its backlog is short the system drops some of them on the way: they
/// wait for a repetition, or are reset and try again.
fn connects<R: Rt>(rt: &Arc<R>, count: usize) -> Sample {
    on_a_worker(rt, async move {
        let (listener, addr) = R::bind().await.expect("listen");
        let enough = Arc::new(AtomicBool::new(false));
        let server = R::spawn({
            let enough = enough.clone();
            async move {
                // Relaxed: set before the last connect, which comes here through the kernel.
                while !enough.load(Ordering::Relaxed) {
                    let socket = R::accept(&listener).await.expect("accept");
                    R::detach(R::spawn(serve(socket, 1)));
                }
            }
        });
        let watch = Stopwatch::start();
        let clients: Vec<_> = (0..count).map(|_| R::spawn(knock::<R>(addr))).collect();
        for client in clients {
            no_time_wait(&client.await);
        }
        let sample = watch.stop();
        enough.store(true, Ordering::Relaxed);
        no_time_wait(&knock::<R>(addr).await);
        server.await;
        sample
    })
}

/// Connects and gets one byte back, however often it takes.
async fn knock<R: Rt>(addr: SocketAddr) -> R::Tcp {
    loop {
        let Ok(mut socket) = R::connect(addr).await else { continue };
        let answer = &mut [0];
        if socket.write_all(&[7]).await.is_ok() && socket.read_exact(answer).await.is_ok() {
            return socket;
        }
    }
}

//! Echo on bare epoll loops, one a processor, both ends of a connection in the same loop; or the
//! clients alone in one loop, or the servers alone in as many as there are processors.

use crate::stopwatch::{Sample, Stopwatch};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

/// What is to be echoed.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections, each with one message under way.
    pub connections: usize,
    /// Round trips on each.
    pub messages: usize,
    /// Bytes of a message.
    pub size: usize,
}

/// Both ends of TCP connections, connected.
pub fn tcp(load: Load) -> Sample {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen on the loopback");
    let addr = listener.local_addr().expect("bound");
    let pair = || {
        let client = TcpStream::connect(addr).expect("connect");
        let (server, _) = listener.accept().expect("accept");
        server.set_nodelay(true).expect("nodelay");
        (OwnedFd::from(prepared(client)), OwnedFd::from(server))
    };
    echo(load, (0..load.connections).map(|_| pair()).collect())
}

/// Both ends of Unix streams.
pub fn unix(load: Load) -> Sample {
    let pair = || UnixStream::pair().map(|(a, b)| (a.into(), b.into())).expect("a pair");
    echo(load, (0..load.connections).map(|_| pair()).collect())
}

/// Datagram sockets connected with each other.
pub fn udp(load: Load) -> Sample {
    let pair = || {
        let [one, other] = [(); 2].map(|()| UdpSocket::bind(("127.0.0.1", 0)).expect("bind"));
        one.connect(other.local_addr().expect("bound")).expect("connect");
        other.connect(one.local_addr().expect("bound")).expect("connect");
        (one.into(), other.into())
    };
    echo(load, (0..load.connections).map(|_| pair()).collect())
}

/// The client ends alone, against a server elsewhere.
pub fn tcp_clients(addr: SocketAddr, load: Load) -> Sample {
    let connect = |_| OwnedFd::from(prepared(TcpStream::connect(addr).expect("connect")));
    let clients = (0..load.connections).map(connect);
    Loop::new(load, clients, []).run()
}

/// The client ends of Unix streams alone.
pub fn unix_clients(path: &Path, load: Load) -> Sample {
    let connect = |_| OwnedFd::from(UnixStream::connect(path).expect("connect"));
    let clients = (0..load.connections).map(connect);
    Loop::new(load, clients, []).run()
}

/// The servers' ends alone, against clients that `clients` runs on the calling thread.
pub fn tcp_servers(load: Load, clients: impl FnOnce(SocketAddr) -> Sample) -> Sample {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen on the loopback");
    let addr = listener.local_addr().expect("bound");
    let servers = std::thread::spawn(move || {
        let accept = |_| {
            let (server, _) = listener.accept().expect("accept");
            server.set_nodelay(true).expect("nodelay");
            OwnedFd::from(server)
        };
        // Until the other sides have gone.
        run_all(in_loops((0..load.connections).map(accept).collect(), |ends| {
            Loop::new(load, [], ends)
        }));
    });
    let sample = clients(addr);
    servers.join().expect("a loop does not panic");
    sample
}

/// No waiting for more data, and no TIME_WAIT: the next round needs the ports.
fn prepared(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("nodelay");
    no_time_wait(&stream);
    stream
}

/// Closing resets the connection, so its port is free for the next round.
pub fn no_time_wait(stream: &impl std::os::fd::AsFd) {
    let linger = Some(std::time::Duration::ZERO);
    socket2::SockRef::from(stream).set_linger(linger).expect("linger");
}

/// As many loops as the runtimes have workers.
const LOOPS: usize = 2;

fn echo(load: Load, pairs: Vec<(OwnedFd, OwnedFd)>) -> Sample {
    let loops = in_loops(pairs, |pairs| {
        let (clients, servers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Loop::new(load, clients, servers)
    });
    let watch = Stopwatch::start();
    let latencies = run_all(loops);
    watch.stop().with_latencies(latencies)
}

/// Shares them out.
fn in_loops<T>(mut all: Vec<T>, make: impl Fn(Vec<T>) -> Loop) -> Vec<Loop> {
    let share = all.len().div_ceil(LOOPS);
    let mut loops = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(share.min(all.len()));
        loops.push(make(all));
        all = rest;
    }
    loops
}

/// Runs the loops, the first one on this thread, and gives the latencies of all.
fn run_all(mut loops: Vec<Loop>) -> Vec<u64> {
    std::thread::scope(|scope| {
        let others = loops.split_off(1);
        let others: Vec<_> = others.into_iter().map(|l| scope.spawn(|| l.run())).collect();
        let mut latencies = loops.pop().expect("at least one connection").run().latencies;
        for other in others {
            latencies.append(&mut other.join().expect("a loop does not panic").latencies);
        }
        latencies
    })
}

/// One end of a connection.
struct End {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// What is still to be written out of `buffer`.
    unsent: std::ops::Range<usize>,
    /// Whether the other side has gone.
    gone: bool,
    /// None: a server's end, which sends back whatever comes.
    client: Option<Client>,
}

/// What a client's end has yet to do.
struct Client {
    received: usize,
    left: usize,
    since: Instant,
}

struct Loop {
    epoll: OwnedFd,
    ends: Vec<End>,
    load: Load,
    /// Clients that have not had all their answers; without clients, servers not left by theirs.
    busy: usize,
    latencies: Vec<u64>,
}

impl Loop {
    fn new(
        load: Load,
        clients: impl IntoIterator<Item = OwnedFd>,
        servers: impl IntoIterator<Item = OwnedFd>,
    ) -> Self {
        // SAFETY: no pointers; the answer is a descriptor that nobody else has, or -1.
        let epoll = unsafe {
            let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            assert!(fd >= 0, "epoll_create1: {}", io::Error::last_os_error());
            OwnedFd::from_raw_fd(fd)
        };
        let latencies = Vec::with_capacity(load.connections * load.messages);
        let mut this = Self { epoll, ends: Vec::new(), load, busy: 0, latencies };
        for socket in clients {
            let client = Client { received: 0, left: load.messages, since: Instant::now() };
            this.add(socket, Some(client));
        }
        this.busy = this.ends.len();
        for socket in servers {
            this.add(socket, None);
        }
        if this.busy == 0 {
            this.busy = this.ends.len();
        }
        this
    }

    fn add(&mut self, socket: OwnedFd, client: Option<Client>) {
        socket2::SockRef::from(&socket).set_nonblocking(true).expect("nonblocking");
        let events = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET) as u32;
        let mut event = libc::epoll_event { events, u64: self.ends.len() as u64 };
        let (epoll, fd) = (self.epoll.as_raw_fd(), socket.as_raw_fd());
        // SAFETY: both descriptors are open, and `event` is valid for the call.
        let done = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) };
        assert_eq!(done, 0, "epoll_ctl: {}", io::Error::last_os_error());
        let buffer = vec![7; self.load.size];
        self.ends.push(End { socket, buffer, unsent: 0..0, gone: false, client });
    }

    fn run(mut self) -> Sample {
        let watch = Stopwatch::start();
        for end in self.ends.iter_mut().filter(|end| end.client.is_some()) {
            end.send_message();
        }
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; 1024];
        while self.busy > 0 {
            for event in wait(&self.epoll, &mut events) {
                self.turn(event.u64 as usize);
            }
        }
        watch.stop().with_latencies(self.latencies)
    }

    /// Writes what is left over and reads until there is no more.
    fn turn(&mut self, index: usize) {
        let end = &mut self.ends[index];
        loop {
            if !end.flush() {
                return;
            }
            let count = match end.receive() {
                Received::Bytes(count) => count,
                Received::Nothing => return,
                Received::End => {
                    assert!(end.client.is_none(), "the server went first");
                    self.busy -= usize::from(!std::mem::replace(&mut end.gone, true));
                    return;
                }
            };
            let full = count == end.buffer.len();
            match &mut end.client {
                None => end.unsent = 0..count,
                Some(client) => {
                    client.received += count;
                    if client.received == self.load.size {
                        self.latencies.push(client.since.elapsed().as_nanos() as u64);
                        client.left -= 1;
                        match client.left {
                            0 => self.busy -= 1,
                            _ => end.send_message(),
                        }
                    }
                }
            }
            if !full {
                end.flush();
                return;
            }
        }
    }
}

impl End {
    fn send_message(&mut self) {
        let client = self.client.as_mut().expect("only clients begin");
        client.received = 0;
        client.since = Instant::now();
        self.unsent = 0..self.buffer.len();
        self.flush();
    }

    /// Whether all is written.
    fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            let data = &self.buffer[self.unsent.clone()];
            // SAFETY: the descriptor is open and `data` is valid for its length.
            let count = unsafe {
                let fd = self.socket.as_raw_fd();
                libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL)
            };
            match usize::try_from(count) {
                Ok(count) => self.unsent.start += count,
                Err(_) => return would_block("send"),
            }
        }
        true
    }

    fn receive(&mut self) -> Received {
        let (room, size) = (self.buffer.as_mut_ptr().cast(), self.buffer.len());
        // SAFETY: the descriptor is open and `room` is valid for `size` bytes.
        let count = unsafe { libc::recv(self.socket.as_raw_fd(), room, size, 0) };
        match usize::try_from(count) {
            Ok(0) => Received::End,
            Ok(count) => Received::Bytes(count),
            // A client that is done resets its connection, see `no_time_wait`.
            Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::ECONNRESET) => {
                Received::End
            }
            Err(_) => {
                would_block("recv");
                Received::Nothing
            }
        }
    }
}

/// What a look for data found.
enum Received {
    Bytes(usize),
    Nothing,
    /// The other side has gone.
    End,
}

/// False where the last call would have had to wait; anything else is the end.
fn would_block(call: &str) -> bool {
    let error = io::Error::last_os_error();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{call}: {error}");
    false
}

fn wait<'a>(epoll: &OwnedFd, events: &'a mut [libc::epoll_event]) -> &'a [libc::epoll_event] {
    let (room, most) = (events.as_mut_ptr(), events.len() as libc::c_int);
    // SAFETY: the descriptor is an epoll's, and `room` holds `most` events.
    let count = unsafe { libc::epoll_wait(epoll.as_raw_fd(), room, most, -1) };
    &events[..usize::try_from(count).unwrap_or(0)]
}

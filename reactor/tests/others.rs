//! UDP, Unix domain sockets, descriptors of one's own, copying, look-ups of names.

mod common;

use common::{both, run, run_on};
use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    os::fd::FromRawFd,
    path::PathBuf,
    task::{Context, Waker},
};
use wharf_reactor::{
    Reactor,
    io::{AsyncFd, Interest, copy, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream},
};

/// A directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn udp_both_families_connected_and_not() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        run(async {
            let one = UdpSocket::bind(local).await.unwrap();
            let other = UdpSocket::bind(local).await.unwrap();
            let mut buf = [0; 16];
            assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
            let target = other.local_addr().unwrap();
            let (sent, got) = both(one.send_to(b"ahoy", target), other.recv_from(&mut buf)).await;
            assert_eq!(sent.unwrap(), 4);
            assert_eq!(got.unwrap(), (4, one.local_addr().unwrap()));
            one.connect(target).await.unwrap();
            other.connect(one.local_addr().unwrap()).await.unwrap();
            one.send(b"").await.unwrap();
            assert_eq!(other.recv(&mut buf).await.unwrap(), 0, "an empty datagram is one");
        });
    }
}

/// Each of the nine ways of looking sees the first datagram, as often as one likes, and only receiving
/// takes it.
#[test]
fn udp_a_look_takes_nothing_and_waits_where_there_is_nothing() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        run(async {
            let [one, two, here] = [
                UdpSocket::bind(local).await.unwrap(),
                UdpSocket::bind(local).await.unwrap(),
                UdpSocket::bind(local).await.unwrap(),
            ];
            let [first, second, target] =
                [&one, &two, &here].map(|socket| socket.local_addr().unwrap());
            let cx = &mut Context::from_waker(Waker::noop());
            let blocked = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
            let buf = &mut [0; 16];
            assert!(here.try_recv(buf).is_err_and(blocked));
            assert!(here.poll_peek(cx, buf).is_pending());
            assert!(here.poll_peek_from(cx, buf).is_pending());
            assert!(here.poll_peek_sender(cx).is_pending());
            assert!(here.try_peek(buf).is_err_and(blocked));
            assert!(here.try_peek_from(buf).is_err_and(blocked));
            assert!(here.try_peek_sender().is_err_and(blocked));

            let looking = std::future::poll_fn(|cx| here.poll_peek_sender(cx));
            assert_eq!(both(looking, one.send_to(b"ahoy", target)).await.0.unwrap(), first);
            two.send_to(b"two", target).await.unwrap();
            let mut looks = 0;
            let mut saw = |seen: &mut [u8; 16], count: usize| {
                looks += 1;
                assert_eq!(std::mem::take(seen)[..count], b"ahoy"[..count]);
            };
            let seen = &mut [0; 16];
            for count in [4, 2] {
                let room = if count == 4 { 16 } else { count };
                assert_eq!(here.peek(&mut seen[..room]).await.unwrap(), count);
                saw(seen, count);
                assert_eq!(here.try_peek(&mut seen[..room]).unwrap(), count);
                saw(seen, count);
                let peek = std::future::poll_fn(|cx| here.poll_peek(cx, &mut seen[..room]));
                assert_eq!(peek.await.unwrap(), count);
                saw(seen, count);
                assert_eq!(here.peek_from(&mut seen[..room]).await.unwrap(), (count, first));
                saw(seen, count);
                assert_eq!(here.try_peek_from(&mut seen[..room]).unwrap(), (count, first));
                saw(seen, count);
                let peek = std::future::poll_fn(|cx| here.poll_peek_from(cx, &mut seen[..room]));
                assert_eq!(peek.await.unwrap(), (count, first));
                saw(seen, count);
                assert_eq!(here.peek_sender().await.unwrap(), first);
                assert_eq!(here.try_peek_sender().unwrap(), first);
                let sender = std::future::poll_fn(|cx| here.poll_peek_sender(cx));
                assert_eq!(sender.await.unwrap(), first);
            }
            assert_eq!(looks, 12);
            assert_eq!(here.recv_from(buf).await.unwrap(), (4, first));
            assert_eq!(here.peek_sender().await.unwrap(), second);
            assert_eq!(here.recv_from(buf).await.unwrap(), (3, second));
            assert!(here.try_peek_sender().is_err_and(blocked));

            // Each that waits hears of what comes.
            assert_eq!(both(here.peek(buf), one.send_to(b"a", target)).await.0.unwrap(), 1);
            assert_eq!(here.recv(buf).await.unwrap(), 1);
            let looking = here.peek_from(buf);
            assert_eq!(both(looking, one.send_to(b"a", target)).await.0.unwrap(), (1, first));
            assert_eq!(here.recv(buf).await.unwrap(), 1);
            assert_eq!(both(here.peek_sender(), two.send_to(b"", target)).await.0.unwrap(), second);
            assert_eq!(here.recv(buf).await.unwrap(), 0);
        });
    }
}

/// Each of the four kinds of sockets, with a system call that it has no method for: a receive with flags.
macro_rules! own_operations_on {
    ($here:expr, $peer:expr, $send:ident) => {{
        let (here, peer) = ($here, $peer);
        let mut calls = 0;
        let mut recv = || {
            calls += 1;
            let mut room = [std::mem::MaybeUninit::uninit(); 16];
            socket2::SockRef::from(&here).recv_with_flags(&mut room, libc::MSG_TRUNC)
        };
        let nothing = here.try_io(Interest::READABLE, &mut recv).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        let again = here.try_io(Interest::READABLE, &mut recv).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::WouldBlock);
        let waiting = here.async_io(Interest::READABLE, &mut recv);
        let sending = async {
            step_back().await;
            peer.$send(b"ahoy").await.unwrap();
        };
        assert_eq!(both(waiting, sending).await.0.unwrap(), 4);
        assert_eq!(calls, 2, "not called where nothing is ready");
        let unclear = here.try_io(Interest::BOTH, || Ok(())).unwrap_err();
        assert_eq!(unclear.kind(), ErrorKind::InvalidInput);
        assert_eq!(here.try_io(Interest::WRITABLE, || Ok(7)).unwrap(), 7);
    }};
}

/// Lets the other future of `both` be polled first.
async fn step_back() {
    let mut again = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut again) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn operations_of_ones_own_on_every_socket() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = both(connecting, listener.accept()).await;
        own_operations_on!(client.unwrap(), server.unwrap().0, write_all);
        let (one, other) = UnixStream::pair().unwrap();
        own_operations_on!(one, other, write_all);
        let (one, other) = UnixDatagram::pair().unwrap();
        own_operations_on!(one, other, send);
        let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        other.connect(one.local_addr().unwrap()).await.unwrap();
        own_operations_on!(one, other, send);
    });
}

#[test]
fn the_other_side_of_a_unix_stream_is_this_very_process() {
    run(async {
        let (one, _other) = UnixStream::pair().unwrap();
        let found = one.peer_cred().unwrap();
        // SAFETY: these take nothing, and can't fail.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        assert_eq!((found.uid(), found.gid()), (uid, gid));
        assert_eq!(found.pid(), Some(std::process::id() as i32));
    });
}

#[test]
fn udp_several_datagrams_behind_one_event() {
    run(async {
        let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        one.connect(other.local_addr().unwrap()).await.unwrap();
        // A short datagram must not be taken for the last one.
        for n in 0..50 {
            one.send(&[n]).await.unwrap();
        }
        for n in 0..50 {
            let mut buf = [0; 1500];
            assert_eq!(other.recv(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], n);
        }
    });
}

#[test]
fn udp_multicast_and_broadcast() {
    run(async {
        let group = "239.255.77.1".parse().unwrap();
        let here = std::net::Ipv4Addr::LOCALHOST;
        let receiver = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        receiver.join_multicast_v4(group, here).unwrap();
        let port = receiver.local_addr().unwrap().port();
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket2::SockRef::from(&sender).set_multicast_if_v4(&here).unwrap();
        assert!(sender.multicast_loop_v4().unwrap());
        sender.set_multicast_ttl_v4(0).unwrap();
        assert_eq!(sender.multicast_ttl_v4().unwrap(), 0);
        let mut buf = [0; 16];
        let (sent, got) =
            both(sender.send_to(b"to all", (group, port)), receiver.recv_from(&mut buf)).await;
        assert_eq!(sent.unwrap(), 6);
        assert_eq!(got.unwrap(), (6, sender.local_addr().unwrap()));
        receiver.leave_multicast_v4(group, here).unwrap();
        assert!(receiver.leave_multicast_v4(group, here).is_err(), "left already");
        sender.set_broadcast(true).unwrap();
        assert!(sender.broadcast().unwrap());
    });
}

#[test]
fn unix_streams_by_path_and_pair() {
    let place = Place::new("stream");
    run(async {
        let path = place.0.join("socket");
        let missing = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).unwrap();
        let (client, server) = both(UnixStream::connect(&path), listener.accept()).await;
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        assert_eq!(server.read(&mut []).await.unwrap(), 0);
        let sent = vec![7; 1 << 20];
        let writing = async {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        both(writing, server.read_to_end(&mut got)).await.1.unwrap();
        assert!(got == sent);

        let (one, other) = UnixStream::pair().unwrap();
        let (reading, writing) = one.into_split();
        drop(writing);
        assert_eq!(other.read(&mut [0; 4]).await.unwrap(), 0);
        drop(other);
        assert_eq!(reading.read(&mut [0; 4]).await.unwrap(), 0);
    });
}

#[test]
fn a_write_to_a_closed_unix_stream_is_an_error_and_no_signal() {
    // SAFETY: the default disposition takes no handler of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        drop(other);
        assert_eq!(one.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let slices = [std::io::IoSlice::new(b"x")];
        let error = one.write_vectored(&slices).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let (one, other) = UnixDatagram::pair().unwrap();
        drop(other);
        assert!(one.send(b"x").await.is_err());
    });
}

#[test]
fn unix_datagrams_by_path_and_pair() {
    let place = Place::new("datagram");
    run(async {
        let one = UnixDatagram::unbound().unwrap();
        let path = place.0.join("socket");
        let other = UnixDatagram::bind(&path).unwrap();
        let mut buf = [0; 16];
        let (sent, got) = both(one.send_to(b"ahoy", &path), other.recv(&mut buf)).await;
        assert_eq!((sent.unwrap(), got.unwrap()), (4, 4));
        let (one, other) = UnixDatagram::pair().unwrap();
        // More than fits at once: the sender has to wait for the receiver.
        let sending = async {
            for n in 0..10_000u32 {
                one.send(&n.to_le_bytes()).await.unwrap();
            }
        };
        let receiving = async {
            for n in 0..10_000u32 {
                let mut buf = [0; 4];
                other.recv(&mut buf).await.unwrap();
                assert_eq!(u32::from_le_bytes(buf), n);
            }
        };
        both(sending, receiving).await;
    });
}

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) }, 0);
    // SAFETY: both were just made, for us.
    unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) }
}

#[test]
fn a_descriptor_of_ones_own() {
    run(async {
        let (reader, mut writer) = pipe();
        let reader = AsyncFd::with_interest(reader, Interest::READABLE).unwrap();
        let reading = reader.read_with(|mut pipe| {
            let mut buf = [0; 16];
            pipe.read(&mut buf).map(|count| buf[..count].to_vec())
        });
        let (got, ()) = both(reading, async { writer.write_all(b"ahoy").unwrap() }).await;
        assert_eq!(got.unwrap(), b"ahoy");
        // The guard: an operation that would block makes the next wait wait.
        let mut guard = reader.readable().await.unwrap();
        let result = guard.try_io(|fd| fd.get_ref().read(&mut [0; 4]));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(writer);
        let mut guard = reader.readable().await.unwrap();
        assert!(guard.is_closed());
        assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut [0; 4])).unwrap(), 0);
    });
}

#[test]
fn a_regular_file_is_refused() {
    run(async {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(AsyncFd::new(file).unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn copy_to_the_end_and_both_ways() {
    run(async {
        let (mut a, far_a) = UnixStream::pair().unwrap();
        let (mut b, far_b) = UnixStream::pair().unwrap();
        let sent: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
        let one_way = async {
            far_a.write_all(&sent).await.unwrap();
            far_a.shutdown().await.unwrap();
            let mut got = Vec::new();
            far_a.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"thanks");
        };
        let other_way = async {
            let mut got = Vec::new();
            far_b.read_to_end(&mut got).await.unwrap();
            assert!(got == sent);
            far_b.write_all(b"thanks").await.unwrap();
            far_b.shutdown().await.unwrap();
        };
        let copied = both(copy_bidirectional(&mut a, &mut b), both(one_way, other_way)).await.0;
        assert_eq!(copied.unwrap(), (300_000, 6));

        let (a, far_a) = UnixStream::pair().unwrap();
        let (b, far_b) = UnixStream::pair().unwrap();
        far_a.write_all(b"ahoy").await.unwrap();
        drop(far_a);
        assert_eq!(copy(&mut &a, &mut &b).await.unwrap(), 4);
        let mut buf = [0; 8];
        assert_eq!(far_b.read(&mut buf).await.unwrap(), 4);
    });
}

#[test]
fn a_socket_with_options() {
    run(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.set_reuseport(true).unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        assert!(socket.recv_buffer_size().unwrap() >= 64 * 1024);
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = socket.listen(16).unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_keepalive(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let from = socket.local_addr().unwrap();
        let (client, server) = both(socket.connect(address), listener.accept()).await;
        assert!(client.unwrap().nodelay().unwrap());
        assert_eq!(server.unwrap().1, from);
    });
}

#[test]
fn a_look_up_that_is_given_up_unasked_ends_with_an_error() {
    let reactor = Reactor::new(1);
    // As where the runtime ends, or has no thread for the job.
    reactor.set_pool(Box::new(drop));
    let error = run_on(&reactor, 0, TcpStream::connect("harbour.example:80")).unwrap_err();
    assert!(error.to_string().contains("harbour.example"), "{error}");
    assert!(error.to_string().contains("the runtime has ended"), "{error}");
}

#[test]
fn a_host_name_without_a_resolver_is_a_clear_error() {
    run(async {
        let error = TcpListener::bind("localhost:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("localhost"), "{error}");
    });
}

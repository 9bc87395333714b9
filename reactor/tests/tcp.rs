//! TCP streams and listeners, over the public surface and with real sockets.

mod common;

use common::{both, enter, run, run_on};
use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};
use wharf_reactor::{
    Reactor,
    net::{TcpListener, TcpStream},
};

const LOCAL: &str = "127.0.0.1:0";

async fn pair() -> (TcpStream, TcpStream) {
    pair_at(LOCAL).await
}

async fn pair_at(address: &str) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = both(TcpStream::connect(address), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

#[test]
fn echo_over_both_families() {
    for address in [LOCAL, "[::1]:0"] {
        run(async {
            let (client, server) = pair_at(address).await;
            assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
            client.write_all(b"ahoy").await.unwrap();
            let mut buf = [0; 16];
            assert_eq!(server.read(&mut buf).await.unwrap(), 4);
            server.write_all(&buf[..4]).await.unwrap();
            let mut four = [0; 4];
            assert_eq!(client.read_exact(&mut four).await.unwrap(), 4);
            assert_eq!(&four, b"ahoy");
        });
    }
}

#[test]
fn a_megabyte_crosses_while_both_sides_wait_for_each_other() {
    run(async {
        let (client, server) = pair().await;
        let sent: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
        let writing = async {
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let ((), count) = both(writing, server.read_to_end(&mut got)).await;
        assert_eq!(count.unwrap(), sent.len());
        assert!(got == sent);
    });
}

#[test]
fn half_close_leaves_the_other_direction_open() {
    run(async {
        let (client, server) = pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        // The end stays the end.
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.write_all(b"still here").await.unwrap();
        drop(server);
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "still here");
    });
}

#[test]
fn vectored_peek_and_try() {
    run(async {
        let (client, server) = pair().await;
        assert_eq!(server.try_read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cde")];
        assert_eq!(client.write_vectored(&slices).await.unwrap(), 5);
        let mut buf = [0; 3];
        assert_eq!(server.peek(&mut buf).await.unwrap(), 3);
        assert_eq!(&buf, b"abc");
        let peeked = std::future::poll_fn(|cx| server.poll_peek(cx, &mut buf[..2])).await;
        assert_eq!(peeked.unwrap(), 2);
        let (mut one, mut rest) = ([0; 1], [0; 9]);
        let mut slices = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut rest)];
        assert_eq!(server.read_vectored(&mut slices).await.unwrap(), 5);
        assert_eq!((&one, &rest[..4]), (b"a", &b"bcde"[..]));
        server.writable().await.unwrap();
        assert_eq!(server.try_write(b"xyz").unwrap(), 3);
        client.readable().await.unwrap();
        assert_eq!(client.try_read(&mut rest).unwrap(), 3);
        assert_eq!(client.try_read(&mut rest).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn empty_reads_and_writes_do_not_wait() {
    run(async {
        let (client, server) = pair().await;
        assert_eq!(server.read(&mut []).await.unwrap(), 0);
        assert_eq!(client.write(&[]).await.unwrap(), 0);
        assert_eq!(client.write_vectored(&[]).await.unwrap(), 0);
        assert_eq!(server.read_exact(&mut []).await.unwrap(), 0);
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 2]).await.unwrap(), 1);
    });
}

#[test]
fn a_refused_connect_is_an_error() {
    run(async {
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // Of several addresses, the first that answers.
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let addresses: &[SocketAddr] = &[address, listener.local_addr().unwrap()];
        TcpStream::connect(addresses).await.unwrap();
    });
}

/// A write to a peer that has reset would raise SIGPIPE, were it not told not to; the test harness
/// ignores that signal, so it is given back its default first.
#[test]
fn a_write_to_a_reset_peer_is_an_error_and_no_signal() {
    // SAFETY: the default disposition takes no handler of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    run(async {
        for vectored in [false, true] {
            let (client, server) = pair().await;
            server.set_linger(Some(std::time::Duration::ZERO)).unwrap();
            drop(server);
            let failed = loop {
                let result = if vectored {
                    client.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]).await
                } else {
                    client.write(b"x").await
                };
                if let Err(error) = result {
                    break error.kind();
                }
            };
            assert!(matches!(failed, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
            // And again, now surely to a socket that can't be written to any more.
            let error = client.write_vectored(&[IoSlice::new(b"x")]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    });
}

#[test]
fn split_halves_reunite_and_a_dropped_write_half_ends_the_stream() {
    run(async {
        let (mut client, server) = pair().await;
        {
            let (reading, writing) = client.split();
            writing.write_all(b"1").await.unwrap();
            assert_eq!(reading.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        let (other_reading, other_writing) = pair().await.0.into_split();
        let (reading, writing) = client.into_split();
        let error = reading.reunite(other_writing).unwrap_err();
        let client = error.0.reunite(writing).unwrap();
        drop((error.1, other_reading));
        let (reading, writing) = client.into_split();
        drop(writing);
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"1");
        server.write_all(b"2").await.unwrap();
        drop(server);
        let mut text = String::new();
        reading.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "2");
    });
}

#[test]
fn to_std_and_back() {
    run(async {
        let (client, server) = pair().await;
        let mut server = server.into_std().unwrap();
        server.set_nonblocking(false).unwrap();
        server.write_all(b"from std").unwrap();
        let mut buf = [0; 8];
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"from std");
        let server = TcpStream::from_std(server).unwrap();
        server.set_nodelay(true).unwrap();
        assert!(server.nodelay().unwrap());
        let mut client = client.into_std().unwrap();
        client.set_nonblocking(false).unwrap();
        server.write_all(b"x").await.unwrap();
        client.read_exact(&mut buf[..1]).unwrap();
    });
}

#[test]
fn without_a_runtime_it_is_a_clear_error() {
    let listener = std::net::TcpListener::bind(LOCAL).unwrap();
    let error = TcpListener::from_std(listener).unwrap_err();
    assert!(error.to_string().contains("no runtime"), "{error}");
}

#[test]
fn after_shutdown_every_operation_ends_with_an_error() {
    let reactor = Reactor::new(1);
    let (client, server, listener) = run_on(&reactor, 0, async {
        let (client, server) = pair().await;
        (client, server, TcpListener::bind(LOCAL).await.unwrap())
    });
    let ended = |result: io::Result<()>| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("shut down"), "{error}");
    };
    let other = reactor.clone();
    run_on(&reactor, 0, async {
        let stopping = async {
            // Runs only once the reads below wait.
            let mut first = true;
            std::future::poll_fn(|cx| {
                if std::mem::take(&mut first) {
                    cx.waker().wake_by_ref();
                    return std::task::Poll::Pending;
                }
                std::task::Poll::Ready(())
            })
            .await;
            thread::spawn(move || other.shutdown()).join().unwrap();
        };
        let mut buf = [0; 8];
        let reads = both(client.read(&mut buf), listener.accept());
        let ((read, accept), ()) = both(reads, stopping).await;
        ended(read.map(drop));
        ended(accept.map(drop));
        ended(server.write_all(b"x").await);
        ended(server.readable().await);
        ended(TcpListener::bind(LOCAL).await.map(drop));
    });
    drop((client, server, listener));
    assert_eq!(reactor.sources(), 0);
}

#[test]
fn a_socket_works_on_another_runtime_than_its_own() {
    let (home, away) = (Reactor::new(1), Reactor::new(1));
    let (client, server) = run_on(&home, 0, pair());
    let turning = home.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let driver = thread::spawn(move || {
        while stopped.try_recv().is_err() {
            turning.turn(0, None, None);
        }
    });
    run_on(&away, 0, async {
        for _ in 0..100 {
            let mut buf = [0; 1];
            both(async { client.write_all(b"x").await.unwrap() }, async {
                server.read_exact(&mut buf).await.unwrap();
            })
            .await;
        }
    });
    stop.send(()).unwrap();
    home.unpark(0);
    driver.join().unwrap();
}

/// Two tasks, each with a seat and a waker of its own, wait in `accept` on one listener: both are
/// served.
#[test]
fn two_tasks_in_accept_are_both_served() {
    let reactor = Reactor::new(3);
    let listener = Arc::new(run_on(&reactor, 0, async { TcpListener::bind(LOCAL).await.unwrap() }));
    let address = listener.local_addr().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let turn_until_done = |seat| {
        let (reactor, done) = (reactor.clone(), done.clone());
        move || {
            let _entered = enter(&reactor, Some(seat));
            while !done.load(SeqCst) {
                reactor.turn(seat, None, None);
            }
        }
    };
    let (report, reports) = std::sync::mpsc::channel();
    let mut threads = vec![thread::spawn(turn_until_done(0))];
    for seat in 1..3 {
        let (reactor, listener, report) = (reactor.clone(), listener.clone(), report.clone());
        // The listener may be at home here by then: somebody has to turn the seat to the end.
        let turn = turn_until_done(seat);
        threads.push(thread::spawn(move || {
            run_on(&reactor, seat, async move {
                for _ in 0..100 {
                    listener.accept().await.unwrap();
                }
            });
            report.send(seat).unwrap();
            turn();
        }));
    }
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(std::net::TcpStream::connect(address).unwrap());
    }
    let mut served = [reports.recv().unwrap(), reports.recv().unwrap()];
    served.sort_unstable();
    assert_eq!(served, [1, 2]);
    done.store(true, SeqCst);
    (0..3).for_each(|seat| reactor.unpark(seat));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_source_registered_from_outside_wakes_a_seat_that_sleeps_without_an_epoll() {
    let reactor = Reactor::new(1);
    let turning = reactor.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let driver = thread::spawn(move || {
        let _entered = enter(&turning, Some(0));
        while stopped.try_recv().is_err() {
            turning.turn(0, None, None);
        }
    });
    let other = Reactor::new(1);
    // The sockets belong to `reactor`, whose only seat sleeps; the task runs on `other`.
    let listener = {
        let _entered = enter(&reactor, None);
        TcpListener::from_std(std::net::TcpListener::bind(LOCAL).unwrap()).unwrap()
    };
    let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    run_on(&other, 0, async {
        let (stream, _) = listener.accept().await.unwrap();
        peer.write_all(b"x").unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 1);
    });
    stop.send(()).unwrap();
    reactor.unpark(0);
    driver.join().unwrap();
}

#[test]
fn slots_are_given_back() {
    let reactor = Reactor::new(1);
    run_on(&reactor, 0, async {
        let listener = TcpListener::bind(LOCAL).await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..500 {
            let (client, server) = both(TcpStream::connect(address), listener.accept()).await;
            let (client, (server, _)) = (client.unwrap(), server.unwrap());
            drop(client);
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        }
        assert_eq!((reactor.sources(), reactor.sources_at(0)), (1, 1));
    });
    assert_eq!((reactor.sources(), reactor.sources_at(0)), (0, 0));
}

//! Peers that go away at every point: each operation ends, with what it can still say, and raises no
//! signal.

mod common;

use common::{both, run};
use std::{
    io::{self, ErrorKind, IoSlice},
    time::Duration,
};
use wharf_reactor::net::{TcpListener, TcpStream};

/// Closes a connection so that the peer is reset instead of reading an end.
fn reset(stream: TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = both(TcpStream::connect(address), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// What a read says after a reset; a loopback's reset may come behind data or before.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Writes until the reset has arrived.
async fn write_until_gone(stream: &TcpStream, vectored: bool) -> io::Error {
    loop {
        let result = if vectored {
            stream.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).await
        } else {
            stream.write(b"ab").await
        };
        if let Err(error) = result {
            return error;
        }
    }
}

#[test]
fn before_it_is_accepted() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        reset(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        // Some systems hand it out all the same; then the first read says it.
        match listener.accept().await {
            Ok((stream, _)) => assert!(is_gone(&stream.read(&mut [0; 8]).await.unwrap_err())),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionAborted),
        }
        // The listener is as good as before.
        let next = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, from) = listener.accept().await.unwrap();
        assert_eq!(from, next.local_addr().unwrap());
        drop(accepted);
    });
}

#[test]
fn while_somebody_reads() {
    run(async {
        let (client, server) = pair().await;
        let mut buf = [0; 8];
        let (read, ()) = both(server.read(&mut buf), async { reset(client) }).await;
        assert!(is_gone(&read.unwrap_err()));
        // Said once, the error is used up; after it comes the end.
        assert_eq!(server.read(&mut buf).await.unwrap(), 0);
    });
}

#[test]
fn behind_data_that_was_not_read_yet() {
    run(async {
        let (client, server) = pair().await;
        client.write_all(b"last words").await.unwrap();
        reset(client);
        let mut text = Vec::new();
        let end = server.read_to_end(&mut text).await;
        // The system may throw away what a reset has overtaken, but makes nothing up.
        assert!(b"last words".starts_with(&text));
        assert!(end.is_err_and(|error| is_gone(&error)));
    });
}

#[test]
fn in_the_middle_of_what_is_read_exactly() {
    run(async {
        let (client, server) = pair().await;
        client.write_all(b"half").await.unwrap();
        let mut buf = [0; 8];
        let (read, ()) = both(server.read_exact(&mut buf), async {
            wait_until_read(&client).await;
            reset(client);
        })
        .await;
        assert!(is_gone(&read.unwrap_err()));
        assert_eq!(&buf[..4], b"half");
    });
}

/// Gives the other side its turns until nothing of ours is on its way: two rounds suffice here, as
/// both are polled in turn and the loopback delivers at once.
async fn wait_until_read(_: &TcpStream) {
    for _ in 0..2 {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            match std::mem::replace(&mut yielded, true) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    }
}

#[test]
fn while_somebody_writes_more_than_fits() {
    // SAFETY: the default disposition takes no handler of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    for vectored in [false, true] {
        run(async {
            let (client, server) = pair().await;
            // Full, so that the write waits.
            while server.try_write(&[0; 1 << 16]).is_ok() {}
            let (error, ()) =
                both(write_until_gone(&server, vectored), async { reset(client) }).await;
            assert!(is_gone(&error), "{error}");
            // Again, when the system has long known it.
            assert!(is_gone(&write_until_gone(&server, vectored).await));
        });
    }
}

#[test]
fn after_our_half_was_closed() {
    run(async {
        let (client, server) = pair().await;
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        reset(client);
        assert!(is_gone(&server.read(&mut [0; 8]).await.unwrap_err()));
        assert!(is_gone(&write_until_gone(&server, false).await));
        // A peer that has gone is no error here.
        server.shutdown().await.unwrap();
    });
}

#[test]
fn after_their_half_was_closed() {
    run(async {
        let (client, server) = pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        reset(client);
        assert!(is_gone(&write_until_gone(&server, true).await));
        // Reading ends at once, with the end or the error, and does not wait.
        let _ = server.read(&mut [0; 8]).await;
    });
}

#[test]
fn with_a_reader_and_a_writer_on_two_halves() {
    run(async {
        let (client, server) = pair().await;
        let (reading, writing) = server.into_split();
        while writing.try_write(&[0; 1 << 16]).is_ok() {}
        let mut buf = [0; 8];
        let both_wait = both(reading.read(&mut buf), writing.write_all(&[1; 1 << 16]));
        let ((read, written), ()) = both(both_wait, async { reset(client) }).await;
        // Both end; the error itself goes to whoever asks first.
        assert!(read.is_err() || written.is_err());
        drop(writing);
        assert!(reading.read(&mut buf).await.is_ok_and(|count| count == 0));
    });
}

#[test]
fn a_connect_that_nobody_answers_can_be_given_up() {
    run(async {
        // A full backlog: the system drops what knocks, and the connect goes on waiting.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket2::SockRef::from(&listener).listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut waiting = Vec::new();
        for _ in 0..8 {
            let mut connect = Box::pin(TcpStream::connect(address));
            if connect.as_mut().poll(&mut cx).is_pending() {
                waiting.push(connect);
            }
        }
        assert!(!waiting.is_empty());
        let reactor = wharf_reactor::Reactor::current().unwrap();
        let before = reactor.sources();
        drop(waiting);
        assert!(reactor.sources() < before);
    });
}

//! Waiting for several things at once.

mod common;

use common::{both, run};
use std::{
    future::{Future, poll_fn},
    io::{ErrorKind, Read, Write},
    pin::pin,
    task::{Context, Poll, Waker},
};
use wharf_reactor::{
    io::{AsyncFd, Interest, Ready},
    net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixStream, unix::pipe},
};

/// Reads until there is nothing, so that the socket no longer counts as readable.
fn drain(mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>) {
    while read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
}

/// Writes until there is no room, so that the socket no longer counts as writable.
fn fill(mut write: impl FnMut(&[u8]) -> std::io::Result<usize>) {
    while write(&[7; 1024]).is_ok() {}
}

fn is_pending(future: impl Future) -> bool {
    matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        both(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

#[test]
fn each_direction_is_told_of_and_only_what_was_asked_for() {
    run(async {
        let (here, peer) = tcp().await;
        drain(|room| here.try_read(room));
        assert_eq!(here.ready(Interest::BOTH).await.unwrap(), Ready::WRITABLE);
        assert!(is_pending(here.ready(Interest::READABLE)));
        peer.write_all(b"ahoy").await.unwrap();
        assert_eq!(here.ready(Interest::READABLE).await.unwrap(), Ready::READABLE);
        let all = here.ready(Interest::BOTH).await.unwrap();
        assert_eq!(all, Ready::READABLE | Ready::WRITABLE);
        assert_eq!(here.ready(Interest::WRITABLE).await.unwrap(), Ready::WRITABLE);
    });
}

#[test]
fn the_peer_s_end_is_told_of() {
    run(async {
        let (here, peer) = tcp().await;
        drain(|room| here.try_read(room));
        let (ready, _) = both(here.ready(Interest::READABLE), peer.shutdown()).await;
        assert_eq!(ready.unwrap(), Ready::READABLE | Ready::READ_CLOSED);
        assert!(!here.ready(Interest::BOTH).await.unwrap().is_write_closed());
    });
}

/// A waiter for both directions is woken by either, also in a crowd.
#[test]
fn either_direction_ends_a_wait_for_both() {
    run(async {
        let (here, peer) = UnixStream::pair().unwrap();
        drain(|room| here.try_read(room));
        fill(|data| here.try_write(data));
        let (one, other) = (here.ready(Interest::BOTH), here.ready(Interest::BOTH));
        let waiting = both(one, other);
        let (ready, _) = both(waiting, peer.write_all(b"ahoy")).await;
        assert_eq!((ready.0.unwrap(), ready.1.unwrap()), (Ready::READABLE, Ready::READABLE));
        drain(|room| here.try_read(room));
        let waiting = both(here.ready(Interest::BOTH), here.ready(Interest::BOTH));
        let (ready, ()) = both(waiting, async { drain(|room| peer.try_read(room)) }).await;
        assert_eq!((ready.0.unwrap(), ready.1.unwrap()), (Ready::WRITABLE, Ready::WRITABLE));
    });
}

/// A wait that is given up leaves nothing behind that another one would rely on; that other one stands
/// behind it in both directions.
#[test]
fn a_wait_that_is_given_up_takes_nothing_from_others() {
    run(async {
        for event in [Ready::READABLE, Ready::WRITABLE] {
            let (here, peer) = UnixStream::pair().unwrap();
            drain(|room| here.try_read(room));
            fill(|data| here.try_write(data));
            let staying = async {
                let mut given_up = Box::pin(here.ready(Interest::BOTH));
                assert!(is_pending(given_up.as_mut()));
                let mut staying = pin!(here.ready(Interest::BOTH));
                let mut polled = false;
                poll_fn(|cx| {
                    assert!(polled || staying.as_mut().poll(cx).is_pending());
                    if std::mem::replace(&mut polled, true) {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
                drop(given_up);
                staying.await
            };
            let happening = async {
                if event == Ready::READABLE {
                    peer.write_all(b"ahoy").await.unwrap();
                } else {
                    drain(|room| peer.try_read(room));
                }
            };
            let (ready, ()) = both(staying, happening).await;
            assert_eq!(ready.unwrap(), event);
        }
    });
}

#[test]
fn urgent_data_is_told_of_to_who_asks() {
    run(async {
        let (here, peer) = tcp().await;
        drain(|room| here.try_read(room));
        let urgent = async { socket2::SockRef::from(&peer).send_out_of_band(b"!").unwrap() };
        let (ready, _) = both(here.ready(Interest::PRIORITY), urgent).await;
        assert_eq!(ready.unwrap(), Ready::PRIORITY);
        let room = &mut [std::mem::MaybeUninit::uninit()];
        let socket = socket2::SockRef::from(&here);
        let count = here.try_io(Interest::PRIORITY, || socket.recv_out_of_band(room)).unwrap();
        assert_eq!(count, 1);
        let blocked = || -> std::io::Result<()> { Err(ErrorKind::WouldBlock.into()) };
        here.try_io(Interest::PRIORITY, blocked).unwrap_err();
        assert!(is_pending(here.ready(Interest::PRIORITY)));
    });
}

#[test]
fn an_error_is_told_of_to_who_asks() {
    run(async {
        let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(nobody).await.unwrap();
        assert!(is_pending(socket.ready(Interest::ERROR)));
        let (ready, sent) = both(socket.ready(Interest::ERROR), socket.send(b"anybody?")).await;
        assert_eq!((ready.unwrap(), sent.unwrap()), (Ready::ERROR, 8));
        assert!(socket.take_error().unwrap().is_some());
    });
}

#[test]
fn datagrams_pipes_and_halves_are_waited_for_likewise() {
    run(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        drain(|room| one.try_recv(room));
        let (ready, _) = both(one.ready(Interest::READABLE), other.send(b"ahoy")).await;
        assert!(ready.unwrap().is_readable());

        let (sender, receiver) = pipe::pipe().unwrap();
        drain(|room| receiver.try_read(room));
        fill(|data| sender.try_write(data));
        assert!(is_pending(sender.ready(Interest::WRITABLE)));
        assert!(receiver.ready(Interest::READABLE).await.unwrap().is_readable());
        drop(receiver);
        let ready = sender.ready(Interest::WRITABLE).await.unwrap();
        assert!(ready.is_writable() && ready.is_write_closed(), "{ready:?}");

        let (here, _peer) = tcp().await;
        let (reader, writer) = here.into_split();
        assert!(writer.ready(Interest::WRITABLE).await.unwrap().is_writable());
        drain(|room| reader.try_read(room));
        assert!(is_pending(reader.ready(Interest::READABLE)));
    });
}

/// What is cleared is what has been tried: the other direction stays ready.
#[test]
fn of_a_descriptor_one_direction_can_be_cleared_alone() {
    run(async {
        let (here, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let here = AsyncFd::new(here).unwrap();
        peer.write_all(b"ahoy").unwrap();
        assert!(here.readable().await.unwrap().ready().is_readable());
        let mut guard = here.ready(Interest::BOTH).await.unwrap();
        assert_eq!(guard.ready(), Ready::READABLE | Ready::WRITABLE);
        assert_eq!(guard.try_io(|fd| fd.get_ref().read(&mut [0; 16])).unwrap(), 4);
        guard.clear_ready_matching(Ready::READABLE);
        assert_eq!(here.ready(Interest::BOTH).await.unwrap().ready(), Ready::WRITABLE);
        assert!(!guard.is_closed());
    });
}

//! Where the system's rules have an exception: what a short read means, what a full queue tells, which
//! slices count, what a path may contain.

#![cfg(target_os = "linux")]

mod common;

use common::{both, run};
use std::{
    future::Future,
    io::{ErrorKind, IoSlice, IoSliceMut},
    mem,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::net::SocketAddr,
    },
    pin::pin,
    ptr,
    task::{Context, Poll, Waker},
};
use wharf_reactor::net::{UnixListener, UnixStream, unix::pipe};

/// Sends `data` with a descriptor beside it.
fn send_with_descriptor(socket: BorrowedFd<'_>, data: &[u8], fd: BorrowedFd<'_>) {
    let mut slice = IoSlice::new(data);
    let mut control = [0_u64; 4];
    // SAFETY: all zero is a valid header: nothing and nobody.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = ptr::from_mut(&mut slice).cast();
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    // SAFETY: takes no pointers.
    header.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<i32>() as u32) } as _;
    // SAFETY: the room is aligned, zeroed and large enough for one message with a descriptor.
    unsafe {
        let first = libc::CMSG_FIRSTHDR(&header);
        (*first).cmsg_level = libc::SOL_SOCKET;
        (*first).cmsg_type = libc::SCM_RIGHTS;
        (*first).cmsg_len = libc::CMSG_LEN(size_of::<i32>() as u32) as _;
        libc::CMSG_DATA(first).cast::<i32>().write_unaligned(fd.as_raw_fd());
        assert_eq!(libc::sendmsg(socket.as_raw_fd(), &header, 0), data.len() as isize);
    }
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What a future comes to that must not wait.
fn at_once<F: Future>(future: F) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits, and there is something"),
    }
}

/// A read ends behind what came with a descriptor, whatever comes after it: that is no sign that there
/// is nothing left.
#[test]
fn a_unix_stream_s_read_that_stops_at_a_descriptor_leaves_the_rest_for_the_next() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        assert!(poll(one.read(&mut [0; 16])).is_pending());
        send_with_descriptor(other.as_fd(), b"a", other.as_fd());
        other.try_write(b"bcd").unwrap();
        one.readable().await.unwrap();
        let mut buf = [0; 16];
        assert_eq!(at_once(one.read(&mut buf)).unwrap(), 1);
        assert_eq!(at_once(one.read(&mut buf)).unwrap(), 3);
        assert!(poll(one.read(&mut buf)).is_pending());
    });
}

/// In packet mode a read takes one packet, however much room it has.
#[test]
fn a_pipe_of_packets_is_read_one_by_one() {
    run(async {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_DIRECT) }, 0);
        // SAFETY: just made, and nobody else's.
        let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        let receiver = pipe::Receiver::from_owned_fd(reader).unwrap();
        let sender = pipe::Sender::from_owned_fd(writer).unwrap();
        assert!(poll(receiver.read(&mut [0; 16])).is_pending());
        sender.try_write(b"one").unwrap();
        sender.try_write(b"other").unwrap();
        receiver.readable().await.unwrap();
        let mut buf = [0; 16];
        assert_eq!(at_once(receiver.read(&mut buf)).unwrap(), 3);
        assert_eq!(at_once(receiver.read(&mut buf)).unwrap(), 5);
        assert!(poll(receiver.read(&mut buf)).is_pending());
    });
}

/// The system takes 1,024 slices at once: as many empty ones in front must not look like an end.
#[test]
fn empty_slices_in_front_are_passed_over() {
    const EMPTY: usize = 2_000;
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        let mut slices = vec![IoSlice::new(b""); EMPTY];
        slices.push(IoSlice::new(b"ahoy"));
        assert_eq!(one.write_vectored(&slices).await.unwrap(), 4);
        assert_eq!(one.try_write_vectored(&slices).unwrap(), 4);
        other.readable().await.unwrap();
        let (mut empty, mut bufs) = ([[0; 0]; EMPTY], [[0; 4]; 2]);
        for (buf, by_trying) in bufs.iter_mut().zip([false, true]) {
            let mut slices: Vec<_> = empty.iter_mut().map(|buf| IoSliceMut::new(buf)).collect();
            slices.push(IoSliceMut::new(buf));
            let read = if by_trying {
                other.try_read_vectored(&mut slices)
            } else {
                other.read_vectored(&mut slices).await
            };
            assert_eq!(read.unwrap(), 4);
        }
        assert_eq!(bufs, [*b"ahoy"; 2]);
    });
}

/// Where nothing is asked for there is nothing to wait for, whichever way it is asked.
#[test]
fn empty_slices_alone_do_not_wait() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        while one.try_write(&[1; 4096]).is_ok() {}
        while other.try_read(&mut [0; 4096]).is_ok() {}
        while one.try_write(&[1; 4096]).is_ok() {}
        assert!(poll(one.write(b"a")).is_pending() && poll(one.read(&mut [0])).is_pending());
        let mut cx = Context::from_waker(Waker::noop());
        let empty: &mut [_] = &mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
        assert!(matches!(one.poll_read_vectored(&mut cx, empty), Poll::Ready(Ok(0))));
        let empty: &[_] = &[IoSlice::new(&[]), IoSlice::new(&[])];
        assert!(matches!(one.poll_write_vectored(&mut cx, empty), Poll::Ready(Ok(0))));
    });
}

/// A path with a NUL in it is another one to the system, which reads up to there.
#[test]
fn a_path_with_a_nul_in_it_is_refused_and_one_in_front_is_an_abstract_address() {
    run(async {
        let listener = UnixListener::bind("/tmp/wharf-edges\0cut");
        assert_eq!(listener.unwrap_err().kind(), ErrorKind::InvalidInput);
        let name = format!("wharf-edges-{}", std::process::id());
        let path = format!("\0{name}");
        let listener = UnixListener::bind(&path).unwrap();
        let (client, server) = both(UnixStream::connect(&path), listener.accept()).await;
        assert_eq!(client.unwrap().peer_addr().unwrap().as_abstract_name(), Some(name.as_bytes()));
        drop(server.unwrap());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        UnixStream::connect_addr(&address).await.unwrap();
    });
}

/// A read ends before urgent data too.
#[test]
fn a_unix_stream_s_read_that_stops_at_urgent_data_leaves_the_rest_for_the_next() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        assert!(poll(one.read(&mut [0; 16])).is_pending());
        if socket2::SockRef::from(&other).send_out_of_band(b"ab!").is_err() {
            return; // This system has none on Unix sockets.
        }
        other.try_write(b"cde").unwrap();
        one.readable().await.unwrap();
        let mut buf = [0; 16];
        assert_eq!(at_once(one.read(&mut buf)).unwrap(), 2);
        assert_eq!(at_once(one.read(&mut buf)).unwrap(), 3);
    });
}

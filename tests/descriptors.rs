//! No descriptor left: the one test in this process, as the limit is the process's.

#[path = "../reactor/tests/common/limit.rs"]
mod limit;

use limit::limit_descriptors;
use std::{io::ErrorKind, net::TcpStream as Std};
use wharf::net::TcpListener;

#[test]
fn a_listener_survives_the_end_of_descriptors_and_goes_on() {
    wharf::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let first = Std::connect(address).unwrap();
        drop(listener.accept().await.unwrap());
        let mut held = Vec::new();
        // The client's end of the connection that will have to wait is opened while it still can be.
        let waiting = Std::connect(address).unwrap();
        limit_descriptors(256);
        while let Ok(more) = first.try_clone() {
            held.push(more);
        }
        for _ in 0..3 {
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        }
        held.clear();
        let (accepted, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, waiting.local_addr().unwrap());
        drop(waiting);
        assert_eq!(accepted.read(&mut [0; 8]).await.unwrap(), 0);
        // And the listener still waits where there is nothing to accept.
        let mut again = std::pin::pin!(listener.accept());
        let pending =
            std::future::poll_fn(|cx| std::task::Poll::Ready(again.as_mut().poll(cx).is_pending()));
        assert!(pending.await);
        // Errors of other kinds are not descriptors running out.
        let refused = wharf::net::TcpStream::connect("127.0.0.1:1").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

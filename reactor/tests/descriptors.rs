//! No descriptor left: the one test in this process, as the limit is the process's.

mod common;

use common::run_on;
use std::{fs::File, net::TcpStream as Std};
use wharf_reactor::{Reactor, net::TcpListener};

fn limit_descriptors(to: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for one limit.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit.rlim_cur = to as libc::rlim_t;
    // SAFETY: a valid limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
}

/// The connection takes the last one, and there is none for an epoll of the seat that accepts it.
#[test]
fn a_connection_that_was_accepted_with_the_last_descriptor_is_not_lost() {
    let reactor = Reactor::new(2);
    let listener = run_on(&reactor, 0, async { TcpListener::bind("127.0.0.1:0").await.unwrap() });
    let client = Std::connect(listener.local_addr().unwrap()).unwrap();
    limit_descriptors(256);
    let mut held: Vec<File> = Vec::new();
    while let Ok(more) = File::open("/dev/null") {
        held.push(more);
    }
    held.pop();
    let (accepted, peer) = run_on(&reactor, 1, listener.accept()).unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(accepted.try_write(b"ahoy").unwrap(), 4);
}

//! No descriptor left: the one test in this process, as the limit is the process's.

mod common;
#[path = "common/limit.rs"]
mod limit;

use common::run_on;
use limit::limit_descriptors;
use std::{fs::File, net::TcpStream as Std};
use wharf_reactor::{Reactor, net::TcpListener};

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

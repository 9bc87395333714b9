//! A Unix stream from another process is told from one of this: the program starts itself once more.

#![cfg(target_os = "linux")]

mod common;

use common::{both, run_on};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream as Std,
    process::{Command, Stdio},
};
use wharf_reactor::{
    Reactor,
    net::{UnixListener, UnixStream},
};

const CONNECT: &str = "WHARF_NEIGHBOURS_CONNECT";

/// The other process's half: says one word when asked, and waits for the end.
#[test]
fn the_other_process() {
    let Some(path) = std::env::var_os(CONNECT) else { return };
    let mut stream = Std::connect(path).unwrap();
    stream.read_exact(&mut [0; 1]).unwrap();
    stream.write_all(b"ahoy").unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

/// Asks for a word, so that an event tells of it.
async fn ask(stream: &UnixStream) {
    assert!(stream.try_read(&mut [0; 1]).is_err(), "nothing has been asked for");
    stream.write_all(b"?").await.unwrap();
    stream.readable().await.unwrap();
}

#[test]
fn whoever_connects_from_another_process_is_a_neighbour_and_nobody_of_this_one_is() {
    let path = std::env::temp_dir().join(format!("wharf-neighbours-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let reactor = Reactor::new(1);
    run_on(&reactor, 0, async {
        let listener = UnixListener::bind(&path).unwrap();
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_other_process"])
            .env(CONNECT, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (foreign, _) = listener.accept().await.unwrap();
        ask(&foreign).await;
        assert!(reactor.is_fed_nearby(0));
        assert_eq!(foreign.read(&mut [0; 16]).await.unwrap(), 4);
        drop(foreign);
        assert!(other.wait().unwrap().success());

        let (own, accepted) = both(UnixStream::connect(&path), listener.accept()).await;
        let (own, accepted) = (own.unwrap(), accepted.unwrap().0);
        while accepted.try_read(&mut [0; 1]).is_ok() {}
        let (heard, _) = both(accepted.readable(), own.write_all(b"ahoy")).await;
        heard.unwrap();
        assert!(!reactor.is_fed_nearby(0));
    });
    std::fs::remove_file(&path).unwrap();
}

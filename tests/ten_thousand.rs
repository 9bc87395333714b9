//! Ten thousand connections at once, each of which echoes. Client and server are two processes, for
//! the limit of descriptors: this program starts itself once more to be the server.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use wharf::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 10_000;
const SERVE: &str = "WHARF_TEN_THOUSAND_SERVE";

/// Raises the limit of descriptors as far as it goes.
fn raise_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for one limit.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: a valid limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    let enough = CONNECTIONS as libc::rlim_t + 100;
    assert!(limit.rlim_max >= enough, "this test needs a limit of {enough} descriptors");
}

/// The server's half: serves until its standard input ends.
#[test]
fn the_server() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    raise_limit();
    wharf::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("\nat {}", listener.local_addr().unwrap());
        drop(wharf::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                drop(wharf::spawn(async move {
                    let mut buf = [0; 8];
                    while let Ok(count @ 1..) = stream.read(&mut buf).await {
                        stream.write_all(&buf[..count]).await.unwrap();
                    }
                }));
            }
        }));
        let end = wharf::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        end.await.unwrap().unwrap();
    });
}

#[test]
fn ten_thousand_connections_are_open_at_once_and_each_echoes() {
    raise_limit();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_server", "--nocapture"])
        .env(SERVE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(server.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("at ").map(str::to_owned)).unwrap();
    let address: std::net::SocketAddr = address.parse().unwrap();
    wharf::block_on(async {
        let mut streams = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            streams.push(TcpStream::connect(address).await.unwrap());
        }
        let echoes: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(n, stream)| {
                wharf::spawn(async move {
                    let sent = n.to_le_bytes();
                    stream.write_all(&sent).await.unwrap();
                    let mut got = [0; 8];
                    stream.read_exact(&mut got[..sent.len()]).await.unwrap();
                    assert_eq!(got[..sent.len()], sent);
                    stream
                })
            })
            .collect();
        let mut open = Vec::with_capacity(CONNECTIONS);
        for echo in echoes {
            open.push(echo.await.unwrap());
        }
        assert_eq!(open.len(), CONNECTIONS);
    });
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

//! Connections that come and go in every way there is: nothing is left over. The one test in this
//! process, as it counts the process's descriptors.
//!
//! `WHARF_SOAK` is how many connections there are, 2,000 unless it says otherwise.

use std::{net::SocketAddr, time::Duration};
use wharf::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

/// The process's sockets. (Its other descriptors may become more: a worker opens its epoll late.)
fn sockets() -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = all.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

async fn serve(listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        drop(wharf::spawn(async move {
            let mut buf = [0; 512];
            while let Ok(count @ 1..) = stream.read(&mut buf).await {
                if stream.write_all(&buf[..count]).await.is_err() {
                    return;
                }
            }
        }));
    }
}

/// One connection, ended in one of six ways.
async fn visit(address: SocketAddr, n: usize) {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut buf = [0; 512];
    if n % 2 == 0 {
        stream.write_all(&[n as u8; 300]).await.unwrap();
        stream.read_exact(&mut buf[..300]).await.unwrap();
        assert!(buf[..300].iter().all(|&byte| byte == n as u8));
    }
    match n % 6 {
        // A reset, with and without something on its way.
        0 | 1 => stream.set_linger(Some(Duration::ZERO)).unwrap(),
        2 => {
            stream.write_all(&[1; 512]).await.unwrap();
            stream.set_linger(Some(Duration::ZERO)).unwrap();
        }
        // Half of it first.
        3 => {
            stream.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut buf).await.unwrap(), 0);
        }
        4 => {
            let (reading, writing) = stream.into_split();
            drop(writing);
            assert_eq!(reading.read(&mut buf).await.unwrap(), 0);
        }
        // Just dropped, with a wait that is given up.
        _ => {
            let waiting = stream.read(&mut buf);
            let _ = futures_util::future::select(
                std::pin::pin!(waiting),
                std::pin::pin!(wharf::task::yield_now()),
            )
            .await;
        }
    }
}

#[test]
fn nothing_is_left_of_connections_that_have_gone() {
    let total = std::env::var("WHARF_SOAK").map_or(2_000, |text| text.parse().unwrap());
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let handle = runtime.handle().clone();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = wharf::spawn(serve(listener));
        // Opens what opens lazily.
        for n in 0..50 {
            visit(address, n).await;
        }
        let everybody_gone = || async {
            // The server's tasks end once they have read the ends of their connections.
            while handle.metrics().live_tasks > 1 {
                wharf::task::yield_now().await;
            }
        };
        everybody_gone().await;
        let before = sockets();
        for start in (0..total).step_by(100) {
            let visits: Vec<_> =
                (start..start + 100).map(|n| wharf::spawn(visit(address, n))).collect();
            for visit in visits {
                visit.await.unwrap();
            }
        }
        everybody_gone().await;
        assert_eq!(sockets(), before);
        server.abort();
        drop(server.await);
    });
    assert_eq!(handle.metrics().live_tasks, 0);
    drop(runtime);
}

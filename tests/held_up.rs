//! A worker that is held up in a long poll does not hold its sockets up.

use std::sync::mpsc;
use wharf::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

async fn echo(stream: TcpStream) {
    let mut buf = [0; 64];
    while let Ok(count @ 1..) = stream.read(&mut buf).await {
        stream.write_all(&buf[..count]).await.unwrap();
    }
}

/// The sockets are at home with a worker that blocks until they have done: were they not rescued,
/// this would never end.
#[test]
fn sockets_of_a_blocked_worker_are_served_by_another() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let held = runtime.spawn(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = wharf::spawn(async move { listener.accept().await.unwrap().0 });
        let client = TcpStream::connect(address).await.unwrap();
        let server = accepting.await.unwrap();
        let (done, finished) = mpsc::channel();
        drop(wharf::spawn(echo(server)));
        drop(wharf::spawn(async move {
            for n in 0..100 {
                client.write_all(&[n; 64]).await.unwrap();
                let mut buf = [0; 64];
                client.read_exact(&mut buf).await.unwrap();
                assert_eq!(buf, [n; 64]);
            }
            done.send(()).unwrap();
        }));
        finished.recv().unwrap();
    });
    runtime.block_on(held).unwrap();
}

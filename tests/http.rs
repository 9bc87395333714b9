//! HTTP with hyper: both versions, server and client on the runtime, over wharf's sockets, executor
//! and timer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use std::{convert::Infallible, net::SocketAddr};
use wharf::net::{TcpListener, TcpStream};

/// Sends the request's body back, with its method in a header.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let method = request.method().to_string();
    let body = request.into_body().collect().await.expect("the whole body").to_bytes();
    Ok(Response::builder().header("x-method", method).body(Full::new(body)).expect("valid"))
}

#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

/// Serves every connection in a task of its own.
async fn serve(version: Version) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(wharf::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            drop(wharf::spawn(connection(version, stream)));
        }
    }));
    address
}

async fn connection(version: Version, stream: TcpStream) {
    let served = match version {
        Version::One => {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(wharf::rt::Timer);
            builder.serve_connection(stream, service_fn(echo)).await
        }
        Version::Two => {
            let mut builder = hyper::server::conn::http2::Builder::new(wharf::rt::Executor);
            builder.timer(wharf::rt::Timer);
            builder.serve_connection(stream, service_fn(echo)).await
        }
    };
    served.expect("a clean end");
}

fn request(n: usize) -> Request<Full<Bytes>> {
    // Some larger than a socket's buffer.
    let size = if n % 10 == 0 { 1 << 20 } else { n };
    let body = Full::new(Bytes::from(vec![n as u8; size]));
    let uri = "http://wharf.test/echo";
    Request::builder().method(Method::POST).uri(uri).body(body).expect("valid")
}

async fn check(n: usize, response: Response<Incoming>) {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-method"], "POST");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), if n % 10 == 0 { 1 << 20 } else { n });
    assert!(body.iter().all(|&byte| byte == n as u8));
}

#[wharf::test]
async fn http_1_keeps_its_connections_alive() {
    let address = serve(Version::One).await;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            wharf::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(stream).await.unwrap();
                let driving = wharf::spawn(connection);
                for n in 0..25 {
                    check(n, sender.send_request(request(n)).await.unwrap()).await;
                }
                drop(sender);
                driving.await.unwrap().unwrap();
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

#[wharf::test]
async fn http_2_has_many_requests_on_one_connection() {
    let address = serve(Version::Two).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::Builder::new(wharf::rt::Executor)
        .timer(wharf::rt::Timer)
        .handshake(stream)
        .await
        .unwrap();
    let driving = wharf::spawn(connection);
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let mut sender = sender.clone();
            wharf::spawn(async move {
                check(n, sender.send_request(request(n)).await.unwrap()).await;
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    drop(sender);
    driving.await.unwrap().unwrap();
}

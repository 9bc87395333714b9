//! One request over HTTP/1.1 and its answer.

use crate::{body::Body, error::PageError, tls::TlsStream, trust, url::Url};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap,
        HeaderName, LOCATION, USER_AGENT,
    },
    rt::{Read, Write},
};
use rustls::pki_types::ServerName;
use std::{
    future::{Future, poll_fn},
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    task::Poll,
};
use wharf::net::{TcpStream, lookup_host};

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where the answer sends the client on to, if it does.
    pub(crate) location: Option<String>,
    pub(crate) content_type: Option<String>,
    /// The body, unpacked; empty where there is a `location`.
    pub(crate) body: Vec<u8>,
}

/// Asks for `url`; `waiting_for` says at any time what is being waited for.
pub(crate) async fn get(
    url: &Url,
    limit_bytes: usize,
    waiting_for: &mut &'static str,
) -> Result<Answer, PageError> {
    let stream = connect(url, waiting_for).await?;
    if url.https {
        *waiting_for = "the TLS handshake";
        let stream = encrypt(url, stream).await?;
        ask(url, stream, limit_bytes, waiting_for).await
    } else {
        ask(url, stream, limit_bytes, waiting_for).await
    }
}

async fn connect(url: &Url, waiting_for: &mut &'static str) -> Result<TcpStream, PageError> {
    *waiting_for = "the address of the host";
    let found = lookup_host((url.host.as_str(), url.port)).await;
    let unknown = |cause| PageError::UnknownHost { host: url.host.clone(), cause };
    let addresses: Vec<SocketAddr> = found.map_err(|error| unknown(error.to_string()))?.collect();
    *waiting_for = "the connection";
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is one write; where it cannot be had, it is only slower.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    let authority = url.authority();
    Err(match last {
        None => unknown("it has no address".into()),
        Some(error) if error.kind() == ErrorKind::ConnectionRefused => {
            PageError::Refused { authority }
        }
        Some(error) => PageError::Unreachable { authority, cause: error.to_string() },
    })
}

async fn encrypt(url: &Url, stream: TcpStream) -> Result<TlsStream<TcpStream>, PageError> {
    let failed = |cause: String| PageError::Tls { host: url.host.clone(), cause };
    let name = ServerName::try_from(url.host.clone());
    let name = name.map_err(|_| failed("its name cannot stand in a certificate".into()))?;
    let tls = rustls::ClientConnection::new(trust::config(), name);
    let tls = tls.map_err(|error| failed(error.to_string()))?;
    TlsStream::handshake(stream, tls).await.map_err(|error| match tls_error(&error) {
        Some(rustls::Error::InvalidCertificate(cause)) => {
            PageError::BadCertificate { host: url.host.clone(), cause: cause.to_string() }
        }
        None if error.kind() == ErrorKind::UnexpectedEof => {
            failed("the server hung up in the middle of the handshake".into())
        }
        _ => failed(error.to_string()),
    })
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

async fn ask<S>(
    url: &Url,
    stream: S,
    limit_bytes: usize,
    waiting_for: &mut &'static str,
) -> Result<Answer, PageError>
where
    S: Read + Write + Unpin,
{
    *waiting_for = "the head of the answer";
    let bad = |error| broken(url, 0, error);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(bad)?;
    let answer = async {
        let response = sender.send_request(request(url)).await.map_err(bad)?;
        if let Some(location) = redirect(&response) {
            return Ok(Answer {
                status: response.status().as_u16(),
                location: Some(location),
                content_type: None,
                body: Vec::new(),
            });
        }
        *waiting_for = "the body of the answer";
        receive(url, response, limit_bytes).await
    };
    beside(connection, answer).await
}

/// Runs `work` and, in the same task, the connection that it works on: dropping this future drops
/// both, so that a cancelled load leaves no connection behind.
async fn beside<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    let mut connected = true;
    poll_fn(|cx| {
        // What the connection ends with, the work is told of as well.
        if connected && connection.as_mut().poll(cx).is_ready() {
            connected = false;
        }
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending if connected => {
                // The work may have given the connection something to do.
                connected = connection.as_mut().poll(cx).is_pending();
                if connected { Poll::Pending } else { work.as_mut().poll(cx) }
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn request(url: &Url) -> Request<Empty<Bytes>> {
    Request::get(url.path.as_str())
        .header(HOST, url.authority())
        .header(USER_AGENT, concat!("wharf-pages/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "text/html, */*;q=0.5")
        .header(ACCEPT_ENCODING, "gzip")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .expect("a parsed URL has only what may stand in a request")
}

fn redirect(response: &Response<Incoming>) -> Option<String> {
    let sends_on = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if sends_on { text_of(response.headers(), LOCATION) } else { None }
}

async fn receive(
    url: &Url,
    mut response: Response<Incoming>,
    limit_bytes: usize,
) -> Result<Answer, PageError> {
    let packed = text_of(response.headers(), CONTENT_ENCODING);
    let mut body = Body::new(packed.as_deref(), limit_bytes)?;
    while let Some(frame) = response.body_mut().frame().await {
        let frame = frame.map_err(|error| broken(url, body.received_bytes(), error))?;
        if let Ok(data) = frame.into_data() {
            body.push(&data)?;
        }
    }
    Ok(Answer {
        status: response.status().as_u16(),
        location: None,
        content_type: text_of(response.headers(), CONTENT_TYPE),
        body: body.finish()?,
    })
}

/// A header as text; servers write `Location` in UTF-8 and in Latin-1, and mean UTF-8.
fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What an error of hyper's means to the reader.
fn broken(url: &Url, received_bytes: usize, error: hyper::Error) -> PageError {
    let authority = url.authority();
    let io = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let hung_up = io.is_some_and(|io| {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(io.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
    });
    if hung_up || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return PageError::Closed { authority, received_bytes };
    }
    if let Some(tls) = io.and_then(tls_error) {
        return PageError::Tls { host: url.host.clone(), cause: tls.to_string() };
    }
    // hyper's own text is short; the cause behind it says what was wrong.
    let cause = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    PageError::Protocol { authority, cause }
}

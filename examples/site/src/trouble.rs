//! What servers do wrong, on purpose, for tests of how clients bear it: `/trouble/KIND`.

use crate::answer::{Body, full, plain, redirect};
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Response, StatusCode,
    body::{Bytes, Frame},
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName},
};
use std::{io, time::Duration};

/// Answers as badly as `kind` says.
///
/// * `silent`: never.
/// * `stalls`: the head and some of the body, and then nothing more.
/// * `closes`: the head and some of the body, and then hangs up.
/// * `closes-at-once`: hangs up instead of answering.
/// * `endless`: a body without an end.
/// * `loop`: sends the client on to itself.
/// * `not-gzip`, `brotli`: a body that is not packed as its head says, or in a way not asked for.
/// * `slow/MS`: answers well, after so many milliseconds.
/// * `latin-1`: a page in another charset than UTF-8.
pub(crate) async fn make(kind: &str) -> io::Result<Response<Body>> {
    match kind {
        "silent" => std::future::pending().await,
        "closes-at-once" => Err(io::Error::other("hung up on purpose")),
        "stalls" => unfinished(Then::Nothing),
        "closes" => unfinished(Then::HangUp),
        "endless" => unfinished(Then::More),
        "loop" => Ok(redirect("/trouble/loop")),
        "not-gzip" => said(CONTENT_ENCODING, "gzip", b"this is no gzip"),
        "brotli" => said(CONTENT_ENCODING, "br", b"\x0b\x02\x80"),
        "latin-1" => {
            said(CONTENT_TYPE, "text/html; charset=iso-8859-1", b"<title>Caf\xe9 &amp; Bar</title>")
        }
        _ => match kind.strip_prefix("slow/").and_then(|ms| ms.parse().ok()) {
            Some(ms) => {
                wharf::time::sleep(Duration::from_millis(ms)).await;
                Ok(plain(StatusCode::OK, "it took a while"))
            }
            None => Ok(plain(StatusCode::NOT_FOUND, "there is no such trouble")),
        },
    }
}

fn said(name: HeaderName, value: &str, body: &'static [u8]) -> io::Result<Response<Body>> {
    Response::builder().header(name, value).body(full(body)).map_err(io::Error::other)
}

/// What follows the first piece of an unfinished body.
enum Then {
    Nothing,
    HangUp,
    More,
}

fn unfinished(then: Then) -> io::Result<Response<Body>> {
    static PIECE: [u8; 16 << 10] = [b'x'; 16 << 10];
    let pieces = stream::unfold((0, then), |(count, then)| async move {
        match then {
            Then::Nothing if count > 0 => std::future::pending().await,
            Then::HangUp if count > 0 => {
                // Time for the first piece to leave.
                wharf::time::sleep(Duration::from_millis(50)).await;
                Some((Err(io::Error::other("on purpose")), (count, then)))
            }
            _ => Some((Ok(Frame::data(Bytes::from_static(&PIECE))), (count + 1, then))),
        }
    });
    let response = Response::builder().header(CONTENT_TYPE, "text/html; charset=utf-8");
    let body = StreamBody::new(pieces).boxed_unsync();
    response.header(CONTENT_LENGTH, u64::MAX >> 1).body(body).map_err(io::Error::other)
}

//! From a request to an answer: files, folders, and redirects to them.

use crate::trouble;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION},
};
use std::{
    fs, io,
    io::Write as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A body that may fail on its way.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers one request.
pub(crate) async fn answer(
    folder: Arc<Path>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let path = request.uri().path();
    if let Some(kind) = path.strip_prefix("/trouble/") {
        return trouble::make(kind).await;
    }
    // What lies at /x is also found at /moved/x, in one hop.
    if let Some(target) = path.strip_prefix("/moved") {
        if target.starts_with('/') {
            return Ok(redirect(target));
        }
    }
    let Some(file) = within(&folder, path) else {
        return Ok(plain(StatusCode::NOT_FOUND, "there is no such page"));
    };
    let gzip = request.headers().get(ACCEPT_ENCODING);
    let gzip = gzip.is_some_and(|value| value.to_str().is_ok_and(|text| text.contains("gzip")));
    let in_folder = format!("{path}/");
    let read = wharf::task::spawn_blocking(move || {
        if file.is_dir() && !in_folder.ends_with("//") {
            return Ok(redirect(&in_folder));
        }
        read(&file, gzip)
    });
    Ok(match read.await.map_err(io::Error::other)? {
        Ok(response) => response,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            plain(StatusCode::NOT_FOUND, "there is no such page")
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    })
}

/// The file that a path of a URL means, if it lies in `folder`.
fn within(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = unescape(path)?;
    let relative = Path::new(path.trim_start_matches('/'));
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(relative))
}

/// Undoes percent-encoding.
fn unescape(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().filter(|path| !path.contains('\0'))
}

/// Reads a file, or the index of a folder, and packs it where that pays.
fn read(file: &Path, gzip: bool) -> io::Result<Response<Body>> {
    const WORTH_PACKING: usize = 1024;
    let file = if file.is_dir() { file.join("index.html") } else { file.to_path_buf() };
    let bytes = fs::read(&file)?;
    let kind = content_type(&file);
    let response = Response::builder().header(CONTENT_TYPE, kind);
    let pays = kind.contains("charset") && bytes.len() >= WORTH_PACKING;
    let response = if gzip && pays {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&bytes)?;
        response.header(CONTENT_ENCODING, "gzip").body(full(packed.finish()?))
    } else {
        response.body(full(bytes))
    };
    response.map_err(io::Error::other)
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml; charset=utf-8",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// An answer of one line.
pub(crate) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let body = format!("<!doctype html><title>{status}</title><p>{text}.</p>\n");
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type("x.html".as_ref()).parse().unwrap());
    response
}

/// Sends the client on to `target`.
pub(crate) fn redirect(target: &str) -> Response<Body> {
    let mut response = plain(StatusCode::FOUND, "it is elsewhere");
    match target.parse() {
        Ok(target) => drop(response.headers_mut().insert(LOCATION, target)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let folder = Path::new("/site");
        assert_eq!(within(folder, "/a/b.html"), Some("/site/a/b.html".into()));
        assert_eq!(within(folder, "/"), Some("/site/".into()));
        assert_eq!(within(folder, "/K%C3%B6ln"), Some("/site/K\u{f6}ln".into()));
        for outside in ["/../x", "/a/../../x", "/%2e%2e/x", "/a%00b", "/%ff", "/%2", "/%zz", "/%é"]
        {
            assert_eq!(within(folder, outside), None, "{outside}");
        }
    }
}

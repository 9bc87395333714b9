//! Loading one page: look up, connect, encrypt, ask, follow, unpack, decode.

use crate::{
    error::PageError,
    html,
    http::{self, Answer},
    url::Url,
};
use std::time::{Duration, Instant};

/// How far [`load`] goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the whole page may take, redirects and all. Default: 30 seconds.
    pub time: Duration,
    /// How large the body may be, unpacked, in bytes. Default: 32 MiB.
    pub size_bytes: usize,
    /// How many redirects are followed. Default: 10.
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), size_bytes: 32 << 20, redirects: 10 }
    }
}

/// A page that has been loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status of the answer: 404 is an answer too.
    pub status: u16,
    /// The page's title, or an empty string.
    pub title: String,
    /// The size of the body in bytes, unpacked, in its own charset.
    pub bytes: usize,
    /// How long it took from the call to here.
    pub time: Duration,
    /// The body as UTF-8.
    pub body: String,
}

/// Loads a page within `limits`.
///
/// Cancel safe: dropping the future closes the connection; nothing goes on behind it but a look-up
/// of a host name that has begun, on the blocking pool.
///
/// # Errors
///
/// A [`PageError`] that names the cause.
pub async fn load(url: &str, limits: Limits) -> Result<Page, PageError> {
    let start = Instant::now();
    let mut waiting_for = "its turn";
    let loading = follow(url, &limits, &mut waiting_for);
    let Ok(answer) = wharf::time::timeout(limits.time, loading).await else {
        return Err(PageError::TimedOut { limit: limits.time, waiting_for });
    };
    let answer = answer?;
    let body = html::decode(&answer.body, answer.content_type.as_deref());
    Ok(Page {
        status: answer.status,
        title: html::title(&body),
        bytes: answer.body.len(),
        time: start.elapsed(),
        body,
    })
}

/// Asks for `url`, and for what the answer sends it on to.
async fn follow(
    url: &str,
    limits: &Limits,
    waiting_for: &mut &'static str,
) -> Result<Answer, PageError> {
    let mut url = Url::parse(url)?;
    for _ in 0..=limits.redirects {
        let answer = http::get(&url, limits.size_bytes, waiting_for).await?;
        match answer.location {
            Some(location) => url = url.join(&location)?,
            None => return Ok(answer),
        }
    }
    Err(PageError::TooManyRedirects { limit: limits.redirects })
}

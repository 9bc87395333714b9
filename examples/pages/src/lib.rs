//! Loads web pages, many at a time: a library in Rust for hosts in other languages.
//!
//! The functions here marked as exported are C functions as well; `include/pages.h` declares them.
//! Each takes a port and a tag of the host's and returns at once; its result, a [`Page`] or a
//! [`PageError`], arrives as a message with that tag at the port. Nothing in this library is
//! unsafe, and nothing in it knows of the host: it is what an author of such a library writes.
//!
//! HTTP/1.1 is hyper's and TLS is rustls's, both on wharf's sockets and timers. A page is asked for
//! as a browser would: redirects are followed, gzip is unpacked, any charset becomes UTF-8. The time
//! and the size that it may take are limited.

mod body;
mod error;
mod html;
mod http;
mod load;
pub mod tls;
mod trust;
mod url;

pub use error::PageError;
pub use load::{Limits, Page, load};
pub use trust::trust;
pub use url::Url;

use std::time::Duration;
use wharf_ffi::{Failure, IntoFailure, IntoValue, Value};

/// Loads a page within the usual [`Limits`]. Exported.
///
/// # Errors
///
/// A [`PageError`] that names the cause.
#[wharf_ffi::export]
pub async fn load_page(url: String) -> Result<Page, PageError> {
    load(&url, Limits::default()).await
}

/// Loads a page within a time limit, and a size limit in bytes; 0 stands for the usual one.
/// Exported.
///
/// # Errors
///
/// A [`PageError`] that names the cause.
#[wharf_ffi::export]
pub async fn load_page_within(
    url: String,
    time_limit: Duration,
    size_limit_bytes: usize,
) -> Result<Page, PageError> {
    let mut limits = Limits::default();
    if !time_limit.is_zero() {
        limits.time = time_limit;
    }
    if size_limit_bytes > 0 {
        limits.size_bytes = size_limit_bytes;
    }
    load(&url, limits).await
}

/// Trusts certificates in PEM form as authorities, see [`trust`]; answers how many there were.
/// Exported.
///
/// # Errors
///
/// A text that says what is wrong with them.
#[wharf_ffi::export]
pub async fn trust_certificates(pem: Vec<u8>) -> Result<u32, String> {
    trust(&pem).map(|count| count as u32)
}

/// An array: status, title, bytes, nanoseconds, body.
impl IntoValue for Page {
    fn into_value(self) -> wharf_ffi::Result<Value> {
        (self.status, self.title, self.bytes, self.time, self.body).into_value()
    }
}

impl IntoFailure for PageError {
    fn into_failure(self) -> Failure {
        Failure::from_error(self.code(), &self)
    }
}

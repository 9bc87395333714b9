//! Loads web pages, many at a time: a library in Rust for hosts in other languages.
//!
//! The functions here with the attribute are C functions as well; `include/pages.h`, which is made
//! from what the library says of itself, declares them.
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

pub use error::*;
pub use load::{Limits, Page, load};
pub use trust::trust;
pub use url::Url;

use std::time::Duration;
use wharf_ffi::{Failure, IntoFailure, IntoValue, Value};

/// Loads the page at `url`, within 30 seconds and 32 MiB.
///
/// # Errors
///
/// A [`PageError`], by its code one of PAGE_ERROR_..., with a text that names the cause.
#[wharf_ffi::export]
pub async fn load_page(url: String) -> Result<Page, PageError> {
    load(&url, Limits::default()).await
}

/// Loads the page at `url` within a time limit in nanoseconds and a size limit in bytes; 0 stands
/// for the usual one.
///
/// # Errors
///
/// A [`PageError`], by its code one of PAGE_ERROR_..., with a text that names the cause.
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

/// Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
/// result is an integer: how many they were.
///
/// # Errors
///
/// A text that says what is wrong with them.
#[wharf_ffi::export]
pub async fn trust_certificates(pem: Vec<u8>) -> Result<u32, String> {
    trust(&pem).map(|count| count as u32)
}

wharf_ffi::c_enum! {
    /// A loaded page is an array of these.
    pub PAGE:
    /// int32: the status of the answer; 404 is an answer too.
    PAGE_STATUS = 0,
    /// string: the title, or an empty string.
    PAGE_TITLE = 1,
    /// int64: the size of the body in bytes, unpacked, in its own charset.
    PAGE_BYTES = 2,
    /// int64: from the submit to the answer, in nanoseconds.
    PAGE_TIME_NS = 3,
    /// string: the body as UTF-8.
    PAGE_BODY = 4,
    /// How many there are.
    PAGE_LENGTH = 5,
}

impl IntoValue for Page {
    const C: &'static str = PAGE;

    fn into_value(self) -> wharf_ffi::Result<Value> {
        (self.status, self.title, self.bytes, self.time, self.body).into_value()
    }
}

impl IntoFailure for PageError {
    const C: &'static str = PAGE_ERRORS;

    fn into_failure(self) -> Failure {
        Failure::from_error(self.code(), &self)
    }
}

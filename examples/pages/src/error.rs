//! Why a page could not be loaded: a code for programs, a text for people.

use std::{error::Error, fmt, time::Duration};

wharf_ffi::c_enum! {
    /// The codes of messages of kind WHARF_KIND_ERROR; their text names the cause.
    pub PAGE_ERRORS:
    /// What was given is no URL.
    PAGE_ERROR_MALFORMED_URL = 1,
    /// A URL, but neither `http` nor `https`.
    PAGE_ERROR_UNSUPPORTED_SCHEME = 2,
    /// The name cannot be turned into an address.
    PAGE_ERROR_UNKNOWN_HOST = 3,
    /// Nobody listens at the host's port.
    PAGE_ERROR_REFUSED = 4,
    /// The connection could not be made, for another reason.
    PAGE_ERROR_UNREACHABLE = 5,
    /// The server's certificate is not to be trusted.
    PAGE_ERROR_BAD_CERTIFICATE = 6,
    /// TLS failed, for another reason.
    PAGE_ERROR_TLS = 7,
    /// The server closed the connection before its answer was complete.
    PAGE_ERROR_CLOSED = 8,
    /// The time limit ran out.
    PAGE_ERROR_TIMED_OUT = 9,
    /// The body is larger than the size limit.
    PAGE_ERROR_TOO_LARGE = 10,
    /// More redirects than are followed.
    PAGE_ERROR_TOO_MANY_REDIRECTS = 11,
    /// The answer breaks the rules of HTTP.
    PAGE_ERROR_PROTOCOL = 12,
    /// The body is not what its headers say, or is packed in a way not asked for.
    PAGE_ERROR_BAD_ENCODING = 13,
}

/// Why a page could not be loaded.
///
/// Each kind has a [`code`](PageError::code) that a host can switch on; the text names the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are what the texts print")]
pub enum PageError {
    /// What was given is no URL. Code 1.
    MalformedUrl { url: String, reason: &'static str },
    /// A URL, but neither `http` nor `https`. Code 2.
    UnsupportedScheme { scheme: String },
    /// The name cannot be turned into an address. Code 3.
    UnknownHost { host: String, cause: String },
    /// Nobody listens at the host's port. Code 4.
    Refused { authority: String },
    /// The connection could not be made, for another reason. Code 5.
    Unreachable { authority: String, cause: String },
    /// The server's certificate is not to be trusted. Code 6.
    BadCertificate { host: String, cause: String },
    /// TLS failed, for another reason. Code 7.
    Tls { host: String, cause: String },
    /// The server closed the connection before its answer was complete. Code 8.
    Closed { authority: String, received_bytes: usize },
    /// The time limit ran out. Code 9.
    TimedOut { limit: Duration, waiting_for: &'static str },
    /// The body is larger than the size limit. Code 10.
    TooLarge { limit_bytes: usize },
    /// More redirects than are followed. Code 11.
    TooManyRedirects { limit: usize },
    /// The answer breaks the rules of HTTP. Code 12.
    Protocol { authority: String, cause: String },
    /// The body is not what its headers say, or is packed in a way not asked for. Code 13.
    BadEncoding { cause: String },
}

impl PageError {
    /// The kind as a number, for hosts in other languages. Numbers are never used anew.
    pub fn code(&self) -> i32 {
        match self {
            Self::MalformedUrl { .. } => PAGE_ERROR_MALFORMED_URL,
            Self::UnsupportedScheme { .. } => PAGE_ERROR_UNSUPPORTED_SCHEME,
            Self::UnknownHost { .. } => PAGE_ERROR_UNKNOWN_HOST,
            Self::Refused { .. } => PAGE_ERROR_REFUSED,
            Self::Unreachable { .. } => PAGE_ERROR_UNREACHABLE,
            Self::BadCertificate { .. } => PAGE_ERROR_BAD_CERTIFICATE,
            Self::Tls { .. } => PAGE_ERROR_TLS,
            Self::Closed { .. } => PAGE_ERROR_CLOSED,
            Self::TimedOut { .. } => PAGE_ERROR_TIMED_OUT,
            Self::TooLarge { .. } => PAGE_ERROR_TOO_LARGE,
            Self::TooManyRedirects { .. } => PAGE_ERROR_TOO_MANY_REDIRECTS,
            Self::Protocol { .. } => PAGE_ERROR_PROTOCOL,
            Self::BadEncoding { .. } => PAGE_ERROR_BAD_ENCODING,
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedUrl { url, reason } => {
                write!(f, "malformed URL '{}': {reason}", clipped(url))
            }
            Self::UnsupportedScheme { scheme } => {
                write!(f, "only http and https are supported, not '{}'", clipped(scheme))
            }
            Self::UnknownHost { host, cause } => write!(f, "unknown host '{host}': {cause}"),
            Self::Refused { authority } => {
                write!(f, "{authority} refused the connection: nobody listens there")
            }
            Self::Unreachable { authority, cause } => {
                write!(f, "cannot connect to {authority}: {cause}")
            }
            Self::BadCertificate { host, cause } => {
                write!(f, "the certificate of {host} is not to be trusted: {cause}")
            }
            Self::Tls { host, cause } => write!(f, "no TLS connection with {host}: {cause}"),
            Self::Closed { authority, received_bytes } => write!(
                f,
                "{authority} closed the connection before its answer was complete, \
                 after {received_bytes} bytes of body"
            ),
            Self::TimedOut { limit, waiting_for } => {
                write!(f, "timed out after {} ms, waiting for {waiting_for}", limit.as_millis())
            }
            Self::TooLarge { limit_bytes } => {
                write!(f, "the body is larger than the limit of {limit_bytes} bytes")
            }
            Self::TooManyRedirects { limit } => write!(f, "more than {limit} redirects"),
            Self::Protocol { authority, cause } => {
                write!(f, "{authority} does not answer as HTTP demands: {cause}")
            }
            Self::BadEncoding { cause } => write!(f, "the body cannot be decoded: {cause}"),
        }
    }
}

impl Error for PageError {}

/// A text from outside, cut to a length that an error message can bear.
fn clipped(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

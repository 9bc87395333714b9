//! Loads web pages, many at a time: a library in Rust for hosts in other languages.

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

//! wharf: an async runtime that lives behind a C ABI.

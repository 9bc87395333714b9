//! The library that the Dart programs of the tests and benches load.

pub mod floor;

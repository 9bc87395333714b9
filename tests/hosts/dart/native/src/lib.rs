//! The library that the Dart programs of the tests and benches load.
//!
//! | module | has |
//! | --- | --- |
//! | [`tasks`] | authors' functions of every kind: values, errors, panics, streams |
//! | [`values`] | every type that a Dart port can carry, and bytes that are counted |
//! | [`monitor`] | a network monitor: packets and errors from a socket, until it is stopped |
//! | [`calls`] | functions that call back into Dart |
//! | [`bare`] | what a library written for allo-isolate has: raw Dart ports |
//! | [`ledger`] | what is alive, for tests that ask whether anything leaks |
//! | [`readme`] | the function that the package's README shows |
//! | [`floor`] | the bare minimum, to measure against |

pub mod bare;
pub mod calls;
pub mod floor;
pub mod ledger;
pub mod monitor;
pub mod readme;
pub mod tasks;
pub mod values;

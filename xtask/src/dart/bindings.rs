//! The Dart bindings, made from the C header: `ffi/hosts/dart/lib/src/bindings.g.dart`.
//!
//! The header is the description of the library; the bindings are committed beside it, and a part of
//! the test makes them anew and compares. [`parse`] understands the C that the header is written in
//! and refuses any other, so that a new kind of declaration is noticed, not dropped.

mod parse;
mod print;
mod token;

use crate::{command::Failure, sh};
use std::{fs, path::PathBuf};

const HEADER: &str = "ffi/include/wharf.h";
const BINDINGS: &str = "ffi/hosts/dart/lib/src/bindings.g.dart";

/// Makes the bindings and writes them where they belong.
pub(crate) fn write() -> Result<(), Failure> {
    let path = path();
    super::write(&path, &make()?)?;
    println!("{BINDINGS} is made from {HEADER}");
    Ok(())
}

/// Fails unless the committed bindings are what the header makes.
pub(crate) fn check() -> Result<(), Failure> {
    let committed = fs::read_to_string(path()).unwrap_or_default();
    if committed == make()? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{BINDINGS} is not what {HEADER} makes; run `cargo xtask dart bindings` and commit it"
    )))
}

fn path() -> PathBuf {
    sh::root().join(BINDINGS)
}

fn make() -> Result<String, Failure> {
    let header = fs::read_to_string(sh::root().join(HEADER))
        .map_err(|error| Failure::new(format!("cannot read {HEADER}: {error}")))?;
    let items = parse::items(&header).map_err(|why| Failure::new(format!("{HEADER}: {why}")))?;
    print::dart(&items).map_err(|why| Failure::new(format!("{HEADER}: {why}")))
}

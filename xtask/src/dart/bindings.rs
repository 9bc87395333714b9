//! The Dart bindings, made from C headers: wharf's own for the package, and the examples' as a
//! library's author would make them.
//!
//! The header is the description of the library; the bindings are committed beside what uses them,
//! and a part of the test makes them anew and compares. [`parse`] understands the C that the headers
//! are written in and refuses any other, so that a new kind of declaration is noticed, not dropped.

pub(crate) mod parse;
mod print;
mod token;

use crate::{command::Failure, sh};
use parse::Item;
use print::Source;
use std::{fs, path::PathBuf};

/// A header, and what is made from it.
struct Binding {
    header: &'static str,
    bindings: &'static str,
    class: &'static str,
}

/// Wharf's own; what the others name and do not declare is declared here.
const WHARF: Binding = Binding {
    header: "ffi/include/wharf.h",
    bindings: "ffi/hosts/dart/lib/src/bindings.g.dart",
    class: "Bindings",
};

const PAGES: Binding = Binding {
    header: "examples/pages/include/pages.h",
    bindings: "examples/dart/pages.g.dart",
    class: "PagesBindings",
};

/// Makes the bindings and writes them where they belong.
pub(crate) fn write() -> Result<(), Failure> {
    for Binding { header, bindings, .. } in [&WHARF, &PAGES] {
        println!("{bindings} is made from {header}");
    }
    for (path, text) in make()? {
        super::write(&sh::root().join(path), &text)?;
    }
    Ok(())
}

/// Fails unless the committed bindings are what the headers make.
pub(crate) fn check() -> Result<(), Failure> {
    for (path, text) in make()? {
        if fs::read_to_string(sh::root().join(path)).unwrap_or_default() != text {
            return Err(Failure::new(format!(
                "{path} is not what its header makes; run `cargo xtask dart bindings` and commit it"
            )));
        }
    }
    Ok(())
}

fn make() -> Result<[(&'static str, String); 2], Failure> {
    let (wharf, pages) = (WHARF.items()?, PAGES.items()?);
    Ok([
        (WHARF.bindings, WHARF.print(&wharf, &[])?),
        (PAGES.bindings, PAGES.print(&pages, &wharf)?),
    ])
}

impl Binding {
    fn items(&self) -> Result<Vec<Item>, Failure> {
        let path: PathBuf = sh::root().join(self.header);
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", self.header)))?;
        parse::items(&text).map_err(|why| self.wrong(&why))
    }

    fn print(&self, items: &[Item], known: &[Item]) -> Result<String, Failure> {
        let Self { header, class, .. } = *self;
        print::dart(&Source { header, class, items, known }).map_err(|why| self.wrong(&why))
    }

    fn wrong(&self, why: &str) -> Failure {
        Failure::new(format!("{}: {why}", self.header))
    }
}

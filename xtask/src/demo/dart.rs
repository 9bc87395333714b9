//! The host program in Dart: the library built for the machine, and the program run in it.

use super::Options;
use crate::{command::Failure, dart::Dart, sh, site::Site};
use std::path::PathBuf;

const PROGRAM: &str = "examples/dart/pages.dart";

/// The machine, and the library for it.
pub(super) struct Host {
    dart: Dart,
    library: PathBuf,
}

/// Finds the machine and builds the library for it.
pub(super) fn build() -> Result<Host, Failure> {
    let dart = Dart::find()?;
    let library = dart.library("pages", true)?;
    Ok(Host { dart, library })
}

impl Host {
    /// Has the host load the URLs.
    pub(super) fn run(
        &self,
        options: &Options,
        site: Option<&Site>,
        urls: &[String],
    ) -> Result<(), Failure> {
        let mut host = self.dart.command(&sh::root().join(PROGRAM))?;
        host.arg(&self.library);
        super::load(host, "the Dart machine", options, site, urls)
    }
}

//! The host program in Dart: the library built for the machine, and the program run in it.

use crate::{command::Failure, dart::Dart, sh};
use std::{path::PathBuf, process::Command};

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
    /// The program, with the library.
    pub(super) fn program(&self) -> Result<Command, Failure> {
        let mut host = self.dart.command(&sh::root().join(PROGRAM))?;
        host.arg(&self.library);
        Ok(host)
    }
}

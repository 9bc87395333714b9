//! The host program in Dart: the library built for the machine, and the program run in it.

use super::Options;
use crate::{command::Failure, dart::Dart, sh, site::Site};
use std::{fs, path::PathBuf};

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
        let list = sh::work_dir("demo")?.join("urls.txt");
        fs::write(&list, urls.join("\n") + "\n")
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", list.display())))?;
        let mut host = self.dart.command(&sh::root().join(PROGRAM))?;
        host.arg(&self.library);
        host.args(["--concurrency", &options.concurrency.to_string()]);
        host.args(["--time-limit", &options.time_limit_ms.to_string()]);
        if options.quiet {
            host.arg("--quiet");
        }
        if let Some(site) = site {
            host.arg("--trust").arg(&site.ca).arg("--all");
        }
        host.arg(&list);
        let status = host.status();
        super::judge(
            status
                .map_err(|error| Failure::new(format!("cannot start the Dart machine: {error}")))?,
        )
    }
}

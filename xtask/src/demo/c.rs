//! The host program in C: building it and running it.

use super::Options;
use crate::{command::Failure, sh, site::Site};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles the host against the header and the shared library that cargo has built.
pub(super) fn build(built: &Path, work: &Path) -> Result<PathBuf, Failure> {
    let program = work.join("pages-host");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Iffi/include"]);
    cc.args(["-Iexamples/pages/include", "examples/c/pages.c", "-o"]).arg(&program);
    cc.arg("-L").arg(built).arg("-lpages");
    sh::find_library_in(&mut cc, built);
    cc.current_dir(sh::root());
    sh::run_unseen(cc)?;
    Ok(program)
}

/// Has the host load the URLs.
pub(super) fn run(
    program: &Path,
    options: &Options,
    site: Option<&Site>,
    urls: &[String],
) -> Result<(), Failure> {
    let list = program.with_file_name("urls.txt");
    fs::write(&list, urls.join("\n") + "\n")
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", list.display())))?;
    let mut host = Command::new(program);
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
    let status = status.map_err(|error| {
        Failure::new(format!("cannot start the host, {}: {error}", program.display()))
    })?;
    super::judge(status)
}

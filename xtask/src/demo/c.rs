//! The host program in C: building it and running it.

use super::Options;
use crate::{command::Failure, sh, site::Site};
use std::{
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
    let what = format!("the host, {}", program.display());
    super::load(Command::new(program), &what, options, site, urls)
}

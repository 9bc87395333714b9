//! The host program in C: building it.

use crate::{command::Failure, sh};
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

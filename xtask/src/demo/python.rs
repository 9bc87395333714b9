//! The host program in Python, with the package as it lies here.

use crate::{python, sh};
use std::{path::Path, process::Command};

const PROGRAM: &str = "examples/python/pages.py";

/// The program, with this library.
pub(super) fn program(library: &Path) -> Command {
    let mut host = Command::new("python3");
    host.args(["-B", PROGRAM]).arg(library);
    host.env("PYTHONPATH", python::source()).current_dir(sh::root());
    host
}

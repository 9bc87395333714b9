//! The host program in Python, with the package as it lies here.

use super::Options;
use crate::{command::Failure, python, sh, site::Site};
use std::{path::Path, process::Command};

const PROGRAM: &str = "examples/python/pages.py";

/// Has the host load the URLs with this library.
pub(super) fn run(
    library: &Path,
    options: &Options,
    site: Option<&Site>,
    urls: &[String],
) -> Result<(), Failure> {
    let mut host = Command::new("python3");
    host.args(["-B", PROGRAM]).arg(library);
    host.env("PYTHONPATH", python::source()).current_dir(sh::root());
    super::load(host, "Python", options, site, urls)
}

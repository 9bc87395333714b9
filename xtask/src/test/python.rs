//! The Python side: the package, as a wheel that has been installed, and the example on it.

use crate::{command::Failure, folder, needs, needs::Need, python, sh, site::Site};
use std::{path::Path, process::Command, time::Duration};

/// Far above what it takes.
const PATIENCE: Duration = Duration::from_secs(180);
const PAGES: usize = 100;
/// Of these, those that the example prints a line for.
const SHOWN: usize = 10;

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::PYTHON, python::VENV, python::TOOLS];

/// Runs all of it.
pub(super) fn run() -> Result<(), Failure> {
    let packages = ["pages", "site", "harbour"];
    let mut build = sh::cargo(["build", "--quiet"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    sh::run(build)?;
    let work = sh::work_dir("python")?;
    let interpreter = python::with_wheel()?;
    let built = sh::target_dir()?.join("debug");
    let served = folder::choose(None)?;
    let site = Site::start(&built, &served, &work.join("ca.pem"))?;
    let urls = site.urls(&folder::pages(&served, PAGES)?, PAGES);
    let library = built.join("libpages.so");

    let mut tests = python(&interpreter);
    tests.args(["-m", "unittest", "discover", "--start-directory", "tests/hosts/python"]);
    tests.env("WHARF_HARBOUR", built.join("libharbour.so")).env("WHARF_PAGES", &library);
    tests.env("WHARF_UVLOOP", python::packages()?);
    tests.env("WHARF_CA", &site.ca).env("WHARF_HTTP", &site.http);
    tests.env("WHARF_URLS", urls.join("\n"));
    sh::run_within(tests, PATIENCE)?;
    let mut example = python(&interpreter);
    example.args(["examples/python/pages.py", "--all", "--trust"]).arg(&site.ca).arg(&library);
    example.args(&urls[..SHOWN]);
    sh::run_within(example, PATIENCE)
}

/// Python with its warnings as errors, and without files left beside the sources.
fn python(interpreter: &Path) -> Command {
    let mut python = Command::new(interpreter);
    python.args(["-B", "-W", "error"]).current_dir(sh::root());
    python
}

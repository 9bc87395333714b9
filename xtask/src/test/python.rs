//! The Python side: the example, which needs nothing but Python, and what it promises.

use crate::{command::Failure, folder, needs, needs::Need, sh, site::Site};
use std::{process::Command, time::Duration};

/// Far above what it takes.
const PATIENCE: Duration = Duration::from_secs(180);
const PAGES: usize = 100;
/// Of these, those that the example prints a line for.
const SHOWN: usize = 10;

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::PYTHON];

/// Runs all of it.
pub(super) fn run() -> Result<(), Failure> {
    sh::run(sh::cargo(["build", "--quiet", "--package", "pages", "--package", "site"]))?;
    let work = sh::work_dir("python")?;
    let built = sh::target_dir()?.join("debug");
    let served = folder::choose(None)?;
    let site = Site::start(&built, &served, &work.join("ca.pem"))?;
    let urls = site.urls(&folder::pages(&served, PAGES)?, PAGES);
    let library = built.join("libpages.so");

    let mut tests = python("tests/hosts/python/test_pages.py");
    tests.arg(&library).arg(&site.ca).arg(&site.http).args(&urls);
    sh::run_within(tests, PATIENCE)?;
    let mut example = python("examples/python/pages.py");
    example.arg("--trust").arg(&site.ca).arg(&library).args(&urls[..SHOWN]);
    sh::run_within(example, PATIENCE)
}

/// Python with its warnings as errors, and without files left beside the sources.
fn python(program: &str) -> Command {
    let mut python = Command::new("python3");
    python.args(["-B", "-W", "error", program]).current_dir(sh::root());
    python
}

//! The Node side: the example, which calls C through koffi, and what it promises.

use crate::{
    command::Failure,
    folder, needs,
    needs::{Need, Source},
    npm, sh,
    site::Site,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Far above what it takes.
const PATIENCE: Duration = Duration::from_secs(180);
const PAGES: usize = 200;
/// Of these, those that the example prints a line for.
const SHOWN: usize = 10;

/// The folder of the manifest and the lock file, from the workspace's root.
const MANIFEST: &str = "examples/node";
const EXAMPLE: &str = "examples/node/pages.mjs";
const TESTS: &str = "tests/hosts/node/pages.test.mjs";

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::NODE, KOFFI];

/// What the example calls C with.
const KOFFI: Need = Need {
    what: "koffi, a package of Node's",
    here: || folder().is_ok_and(|folder| npm::has(MANIFEST, &folder, "koffi")),
    from: Source::Made {
        advice: "let --install fetch it through npm",
        make: || npm::ci(MANIFEST, &folder()?, &[]),
    },
};

/// Runs all of it.
pub(super) fn run() -> Result<(), Failure> {
    sh::run(sh::cargo(["build", "--quiet", "--package", "pages", "--package", "site"]))?;
    let work = folder()?;
    // Node looks for packages in the folders above a program, and ours are to stay as they are.
    for name in [EXAMPLE, TESTS] {
        sh::copy(&sh::root().join(name), &work.join(name))?;
    }
    let built = sh::target_dir()?.join("debug");
    let served = folder::choose(None)?;
    let site = Site::start(&built, &served, &work.join("ca.pem"))?;
    let urls = site.urls(&folder::pages(&served, PAGES)?, PAGES);
    let library = built.join("libpages.so");

    let mut tests = node(&work);
    tests.args(["--test-reporter=spec", TESTS]).arg(&library).arg(&site.ca).arg(&site.http);
    tests.arg(sh::root().join("ffi/include/wharf.h")).args(&urls);
    sh::run_within(tests, PATIENCE)?;
    let mut example = node(&work);
    example.args([EXAMPLE, "--trust"]).arg(&site.ca).arg(&library).args(&urls[..SHOWN]);
    sh::run_within(example, PATIENCE)
}

fn folder() -> Result<PathBuf, Failure> {
    sh::work_dir("node")
}

/// Node, where the use of what is deprecated is an error.
fn node(work: &Path) -> Command {
    let mut node = Command::new("node");
    node.args(["--throw-deprecation", "--trace-warnings"]).current_dir(work);
    node
}

//! The Node side: the package, packed and installed as anybody would, what it promises, its types, and the example.

use crate::{command::Failure, folder, needs, needs::Need, npm, sh, site::Site};
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

const TESTS: &str = "tests/hosts/node";
const EXAMPLE: &str = "examples/node";
const README: &str = "ffi/hosts/node/README.md";

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::NODE, needs::CC, npm::TOOLS_NEED];

/// Runs all of it.
pub(super) fn run() -> Result<(), Failure> {
    let packages = ["pages", "site", "wharf-dart-tests", "harbour"];
    let mut build = sh::cargo(["build", "--quiet"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    sh::run(build)?;
    let work = npm::tools()?.join("installed");
    npm::install(&work)?;
    for from in [TESTS, EXAMPLE] {
        // Node looks for packages in the folders above a program, and finds the one that was installed.
        let except = ["package.json", "package-lock.json", "node_modules", "bench"];
        sh::copy_all(&sh::root().join(from), &work.join(from), &except)?;
    }
    sh::copy(&sh::root().join(README), &work.join("README.md"))?;
    types(&work)?;
    promises(&work)
}

/// The compiler of TypeScript accepts what is right, and finds what is marked as wrong.
fn types(work: &Path) -> Result<(), Failure> {
    let compiler = npm::tools()?.join("node_modules/typescript/bin/tsc");
    let mut tsc = Command::new("node");
    tsc.arg(compiler).current_dir(work);
    tsc.args(["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"]);
    tsc.args(["--lib", "es2022,esnext.disposable", "--types", "node", "--typeRoots"]);
    tsc.arg(npm::tools()?.join("node_modules/@types")).arg(format!("{TESTS}/types.mts"));
    sh::run_within(tsc, PATIENCE)
}

/// The programs of the promises, against the libraries and a site that is up, and the example.
fn promises(work: &Path) -> Result<(), Failure> {
    let built = sh::target_dir()?.join("debug");
    let served = folder::choose(None)?;
    let site = Site::start(&built, &served, &work.join("ca.pem"))?;
    let urls = site.urls(&folder::pages(&served, PAGES)?, PAGES);
    let library = |name: &str| built.join(format!("lib{name}.so"));

    let mut tests = node(work);
    tests.args(["--expose-gc", "--test", "--test-reporter=spec"]).args(test_files()?);
    tests.env("WHARF_TESTS", library("wharf_dart_tests")).env("WHARF_HARBOUR", library("harbour"));
    tests.env("WHARF_PAGES", library("pages")).env("WHARF_README", work.join("README.md"));
    tests.env("WHARF_HEADER", sh::root().join("ffi/include/wharf.h"));
    // Panics are part of what is promised, and say enough in a line.
    tests.env("RUST_BACKTRACE", "0");
    tests.env("WHARF_CA", &site.ca).env("WHARF_HTTP", &site.http).env("WHARF_URLS", urls.join(" "));
    sh::run_within(tests, PATIENCE)?;
    let mut example = node(work);
    example.arg(format!("{EXAMPLE}/pages.mjs")).arg("--trust").arg(&site.ca);
    example.arg(library("pages")).args(&urls[..SHOWN]);
    sh::run_within(example, PATIENCE)
}

fn test_files() -> Result<Vec<PathBuf>, Failure> {
    let folder = sh::root().join(TESTS);
    let entries = std::fs::read_dir(&folder)
        .map_err(|why| Failure::new(format!("cannot list {}: {why}", folder.display())))?;
    let names = entries.flatten().map(|entry| PathBuf::from(TESTS).join(entry.file_name()));
    let mut files: Vec<PathBuf> =
        names.filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    files.sort();
    Ok(files)
}

/// Node, where the use of what is deprecated is an error.
fn node(work: &Path) -> Command {
    let mut node = Command::new("node");
    node.args(["--throw-deprecation", "--trace-warnings"]).current_dir(work);
    node
}

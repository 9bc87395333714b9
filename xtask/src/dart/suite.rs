//! The tests in the machine: every `tests/hosts/dart/*_test.dart`, a process each.

use super::Dart;
use crate::{command::Failure, sh};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

const FOLDER: &str = "tests/hosts/dart";

/// What the programs load: the tests' own library, and the one of the examples.
const LIBRARIES: [&str; 2] = ["wharf-dart-tests", "pages"];

/// Far above what a program takes: one that is not done by then hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Builds the libraries that the programs load, and runs them all.
pub(crate) fn run() -> Result<(), Failure> {
    let dart = Dart::find()?;
    let mut libraries = Vec::new();
    for package in LIBRARIES {
        libraries.push(dart.library(package, false)?);
    }
    let mut failed = Vec::new();
    for program in programs()? {
        let mut command = dart.command(&program)?;
        // Some of the tasks panic, as they should: their traces would bury what matters.
        command.args(&libraries).env("RUST_BACKTRACE", "0");
        if let Err(failure) = run_patiently(command) {
            println!("{failure}");
            failed.push(program.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("failed in the Dart machine: {}", failed.join(", "))))
    }
}

fn programs() -> Result<Vec<PathBuf>, Failure> {
    let folder = sh::root().join(FOLDER);
    let entries = fs::read_dir(&folder)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", folder.display())))?;
    let mut programs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    programs.retain(|path| path.to_string_lossy().ends_with("_test.dart"));
    programs.sort();
    if programs.is_empty() {
        return Err(Failure::new(format!("there are no tests in {}", folder.display())));
    }
    Ok(programs)
}

/// Runs a program, and ends it where it does not end.
fn run_patiently(mut command: Command) -> Result<(), Failure> {
    let name = shown(&command);
    println!("$ dart {name}");
    let fail = |what: String| Failure::new(format!("`dart {name}` {what}"));
    let mut child = command.spawn().map_err(|error| fail(format!("does not start: {error}")))?;
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| fail(format!("cannot be waited for: {error}")))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(fail(format!("failed ({status})"))),
            None if start.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
            None => {
                let killed = child.kill().and_then(|()| child.wait());
                return Err(fail(format!("hung, and was ended ({killed:?})")));
            }
        }
    }
}

/// The program's name: the rest is the same for all.
fn shown(command: &Command) -> String {
    let names = command.get_args().map(Path::new).filter_map(Path::file_name);
    let mut names = names.map(|name| name.to_string_lossy());
    names.find(|name| name.ends_with(".dart")).unwrap_or_default().into_owned()
}

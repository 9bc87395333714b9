//! The tests in the machine: every `tests/hosts/dart/*_test.dart`, a process each.

use super::{
    Dart,
    memcheck::{self, Memcheck},
};
use crate::{command::Failure, sh};
use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

const FOLDER: &str = "tests/hosts/dart";

/// What the programs load: the tests' own library, and the one of the examples.
const LIBRARIES: [&str; 2] = ["wharf-dart-tests", "pages"];

/// Far above what a program takes: one that is not done by then hangs.
const PATIENCE: Duration = Duration::from_secs(420);

/// Builds the libraries that the programs load, and runs them all: once as they are, and once under
/// memcheck.
pub(crate) fn run() -> Result<(), Failure> {
    let dart = Dart::find()?;
    let mut libraries = Vec::new();
    for package in LIBRARIES {
        libraries.push(dart.library(package, false)?);
    }
    let programs = programs()?;
    all("in the Dart machine", &programs, 1, |program| {
        let mut command = dart.command(program)?;
        // Some of the tasks panic, as they should: their traces would bury what matters.
        command.args(&libraries).env("RUST_BACKTRACE", "0");
        Ok(command)
    })?;
    let Some(memcheck) = Memcheck::set_up(&dart)? else { return Ok(()) };
    all("under memcheck", &memcheck::choice(programs), 2, |program| {
        let mut command = memcheck.command(&dart, program)?;
        command.args(&libraries).env("RUST_BACKTRACE", "0");
        Ok(command)
    })
}

/// Runs programs, some of them side by side, each as `command` makes it.
fn all(
    how: &str,
    programs: &[PathBuf],
    at_once: usize,
    command: impl Fn(&Path) -> Result<Command, Failure> + Sync,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((0, Vec::new()));
    let work = || {
        // Relaxed: only the number matters.
        while let Some(program) = programs.get(next.fetch_add(1, Relaxed)) {
            let counted = command(program).and_then(|command| count_tests(command, at_once == 1));
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match counted {
                Ok(tests) => done.0 += tests,
                Err(failure) => {
                    println!("{failure}");
                    done.1.push(name_of(program));
                }
            }
        }
    };
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let (passed, failed) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        println!("{passed} tests passed {how}");
        Ok(())
    } else {
        Err(Failure::new(format!("failed {how}: {}", failed.join(", "))))
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

/// Runs a program, ends it where it does not end, and gives the number of its tests if all of them
/// have passed: an exit status of 0 alone says nothing, for a Dart program that waits for what
/// nothing will send ends with that.
fn count_tests(mut command: Command, show: bool) -> Result<usize, Failure> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let name = format!("{} {}", program.to_string_lossy(), shown(&command));
    println!("$ {name}");
    let fail = |what: String| Failure::new(format!("`{name}` {what}"));
    if !show {
        command.stderr(Stdio::piped());
    }
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| fail(format!("does not start: {error}")))?;
    let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let tally = thread::spawn(move || Tally::read(output, show));
    let errors = child.stderr.take().map(|errors| thread::spawn(|| io::read_to_string(errors)));
    let status = patiently(&mut child).map_err(fail)?;
    let tally = tally.join().unwrap_or_default();
    let verdict =
        if status.success() { tally.verdict() } else { Err(format!("failed ({status})")) };
    verdict.map_err(|what| {
        let errors = errors.and_then(|errors| errors.join().ok()).and_then(Result::ok);
        fail(format!("{what}\n{}{}", tally.unseen, errors.unwrap_or_default()))
    })
}

fn patiently(child: &mut Child) -> Result<ExitStatus, String> {
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))? {
            Some(status) => return Ok(status),
            None if start.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
            None => {
                let killed = child.kill().and_then(|()| child.wait());
                return Err(format!("hung, and was ended ({killed:?})"));
            }
        }
    }
}

/// What a program says of its tests.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    /// `running N tests`, before the first.
    announced: Option<usize>,
    /// `N passed, M failed`, after the last.
    ended: Option<(usize, usize)>,
    /// What has not been shown.
    unseen: String,
}

impl Tally {
    /// Shows or keeps what a program prints, and reads the two lines that count.
    fn read(output: impl BufRead, show: bool) -> Self {
        let mut tally = Self::default();
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if show {
                println!("{line}");
            } else {
                tally.unseen += &format!("{line}\n");
            }
            tally.line(&line);
        }
        tally
    }

    fn line(&mut self, line: &str) {
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["running", count, "tests"] => self.announced = count.parse().ok(),
            [passed, "passed,", failed, "failed"] => {
                self.ended = passed.parse().ok().zip(failed.parse().ok());
            }
            _ => {}
        }
    }

    /// The number of tests, if there are any and all passed.
    fn verdict(&self) -> Result<usize, String> {
        match (self.announced, self.ended) {
            (Some(announced @ 1..), Some((passed, 0))) if announced == passed => Ok(passed),
            (Some(announced), Some((passed, failed))) => Err(format!(
                "announced {announced} tests, of which {passed} passed and {failed} failed"
            )),
            (Some(announced), None) => Err(format!("ended in the midst of its {announced} tests")),
            (None, _) => Err("ended before it had announced its tests".to_owned()),
        }
    }
}

/// The Dart program's name: the rest is the same for all.
fn shown(command: &Command) -> String {
    let mut programs = command.get_args().map(Path::new).filter(|path| {
        path.extension().is_some_and(|extension| extension == "dart" || extension == "dill")
    });
    programs.next().map(name_of).unwrap_or_default()
}

fn name_of(path: impl AsRef<Path>) -> String {
    path.as_ref().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(output: &str) -> Result<usize, String> {
        Tally::read(output.as_bytes(), false).verdict()
    }

    #[test]
    fn all_announced_tests_have_to_pass() {
        assert_eq!(verdict("  running 2 tests\n  ok a\n  ok b\n  2 passed, 0 failed\n"), Ok(2));
        for output in [
            "",
            "  2 passed, 0 failed\n",
            "  running 2 tests\n  ok a\n",
            "  running 2 tests\n  1 passed, 0 failed\n",
            "  running 2 tests\n  1 passed, 1 failed\n",
            "  running 0 tests\n  0 passed, 0 failed\n",
        ] {
            assert!(verdict(output).is_err(), "{output:?}");
        }
    }
}

//! The tests in the machine: every `tests/hosts/dart/*_test.dart`, and the examples of the documentation.

use super::{
    Dart,
    memcheck::{self, Memcheck},
    programs::Programs,
};
use crate::command::Failure;
use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// Far above what a run takes: one that is not done by then hangs.
const PATIENCE: Duration = Duration::from_secs(420);

/// Builds the libraries that the programs load, and runs them all: once as they are, a process each,
/// and once under memcheck.
pub(crate) fn run() -> Result<(), Failure> {
    let dart = Dart::find()?;
    let programs = Programs::compile(&dart)?;
    let each: Vec<_> = programs.names.iter().map(|name| vec![name.as_str()]).collect();
    all("in the Dart machine", "dart", &each, 1, |names| programs.run(names))?;
    let Some(memcheck) = Memcheck::set_up(&dart)? else { return Ok(()) };
    let lanes = memcheck::lanes(&programs.names);
    all("under memcheck", "valgrind dart", &lanes, lanes.len(), |names| {
        memcheck.command(&programs.run(names))
    })
}

/// Runs programs, so many of their runs side by side, each as `command` makes it.
fn all(
    how: &str,
    with: &str,
    runs: &[Vec<&str>],
    at_once: usize,
    command: impl Fn(&[&str]) -> Command + Sync,
) -> Result<(), Failure> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((0, Vec::new()));
    let work = || {
        // Relaxed: only the number matters.
        while let Some(names) = runs.get(next.fetch_add(1, Relaxed)) {
            let shown = format!("{with} {}", names.join(" "));
            let start = Instant::now();
            let counted = count_tests(&shown, command(names), at_once == 1, names.len());
            println!("{shown}: {:.1} s", start.elapsed().as_secs_f64());
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match counted {
                Ok(tests) => done.0 += tests,
                Err(failure) => {
                    println!("{failure}");
                    done.1.push(names.join(" "));
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

/// Runs so many `programs`, ends them where they do not end, and gives the number of their tests if all
/// of them have passed: an exit status of 0 alone says nothing, for a Dart program that waits for
/// what nothing will send ends with that.
fn count_tests(
    name: &str,
    mut command: Command,
    show: bool,
    programs: usize,
) -> Result<usize, Failure> {
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
        if status.success() { tally.verdict(programs) } else { Err(format!("failed ({status})")) };
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

/// What programs say of their tests.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    /// How many have said `running N tests` before the first of them.
    programs: usize,
    announced: usize,
    /// `N passed, M failed`, after the last.
    passed: usize,
    failed: usize,
    /// What has not been shown.
    unseen: String,
}

impl Tally {
    /// Shows or keeps what a program prints, and reads the lines that count.
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
        let number = |word: &str| word.parse().unwrap_or(0);
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["running", count, "tests"] => {
                // One that has no tests has lost them.
                self.programs += usize::from(number(count) > 0);
                self.announced += number(count);
            }
            [passed, "passed,", failed, "failed"] => {
                self.passed += number(passed);
                self.failed += number(failed);
            }
            _ => {}
        }
    }

    /// The number of tests, if all `programs` have some and all passed.
    fn verdict(&self, programs: usize) -> Result<usize, String> {
        let Self { announced, passed, failed, .. } = *self;
        if self.programs != programs {
            return Err(format!(
                "ended when {} of its {programs} programs had announced their tests",
                self.programs
            ));
        }
        if passed == announced && failed == 0 {
            return Ok(passed);
        }
        Err(format!("announced {announced} tests, of which {passed} passed and {failed} failed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(output: &str, programs: usize) -> Result<usize, String> {
        Tally::read(output.as_bytes(), false).verdict(programs)
    }

    #[test]
    fn all_announced_tests_have_to_pass() {
        let good = "  running 2 tests\n  ok a\n  ok b\n  2 passed, 0 failed\n";
        assert_eq!(verdict(good, 1), Ok(2));
        assert_eq!(verdict(&good.repeat(2), 2), Ok(4));
        for output in [
            "",
            "  2 passed, 0 failed\n",
            "  running 2 tests\n  ok a\n",
            "  running 2 tests\n  1 passed, 0 failed\n",
            "  running 2 tests\n  1 passed, 1 failed\n",
            "  running 0 tests\n  0 passed, 0 failed\n",
        ] {
            assert!(verdict(output, 1).is_err(), "{output:?}");
            assert!(verdict(&(good.to_owned() + output), 2).is_err(), "{output:?}");
        }
    }
}

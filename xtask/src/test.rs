//! `cargo xtask test`: everything that must hold, in parts that also run alone.

mod c;
mod install;
mod memcheck;
mod node;
mod parts;
mod python;

use crate::{
    command::{Command, Failure},
    needs::{self, Need},
};
use parts::PARTS;
use std::{
    env,
    time::{Duration, Instant},
};

pub(crate) const COMMAND: Command = Command {
    name: "test",
    about: "run every test, or the parts named: `cargo xtask test [--install] [PART...]`",
    help: "\
usage: cargo xtask test [--install] [--list] [PART...]

Runs all parts of the test, or those named. Says first what they need.

  --install   get what is missing: Debian packages (as root), rustup's components
  --list      list the parts and what each needs, and run nothing

A part that lacks something is skipped, loudly; where CI=true it fails instead. The last line
counts the parts: `9 passed, 0 failed, 0 skipped`. Exit status 0 only if none failed.
",
    run,
};

/// One part of the test.
pub(crate) struct Part {
    /// What is typed to run it alone.
    pub(crate) name: &'static str,
    /// One line: what it proves.
    pub(crate) about: &'static str,
    /// What it cannot do without.
    pub(crate) needs: &'static [Need],
    /// Does it.
    pub(crate) run: fn() -> Result<(), Failure>,
}

impl Part {
    fn missing(&self) -> Vec<&'static Need> {
        self.needs.iter().filter(|need| !(need.here)()).collect()
    }
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

fn run(args: &mut lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let (mut chosen, mut install, mut list) = (Vec::new(), false, false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("install") => install = true,
            Long("list") => list = true,
            Value(name) => chosen.push(find(&name.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen = PARTS.iter().collect();
    }
    tell_needs(&chosen);
    if list {
        return Ok(());
    }
    if install {
        get_missing(&chosen)?;
    }
    let results = chosen.iter().map(|part| (part.name, timed(part))).collect::<Vec<_>>();
    summary(&results)
}

fn find(name: &str) -> Result<&'static Part, Failure> {
    PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        Failure::new(format!("there is no part '{name}'; there are: {}", names.join(", ")))
    })
}

fn tell_needs(chosen: &[&Part]) {
    println!("parts of this run, and what they need besides Rust and cargo:");
    for part in chosen {
        println!("  {:<8} {}", part.name, part.about);
        for need in part.needs {
            let state = if (need.here)() {
                "here".to_owned()
            } else {
                format!("MISSING: {}", need.from.advice())
            };
            println!("  {:<8}   needs {} ({state})", "", need.what);
        }
    }
    println!();
}

fn get_missing(chosen: &[&Part]) -> Result<(), Failure> {
    let missing: Vec<&Need> = chosen.iter().flat_map(|part| part.missing()).collect();
    if missing.is_empty() { Ok(()) } else { needs::install(&missing) }
}

fn timed(part: &Part) -> (Outcome, Duration) {
    println!("==== {}: {}", part.name, part.about);
    let start = Instant::now();
    let outcome = outcome(part);
    let took = start.elapsed();
    match &outcome {
        Outcome::Passed => println!("==== {}: passed in {:.1} s\n", part.name, took.as_secs_f64()),
        Outcome::Failed(why) => println!("==== {}: FAILED: {why}\n", part.name),
        Outcome::Skipped(why) => println!("==== {}: SKIPPED: {why}\n", part.name),
    }
    (outcome, took)
}

fn outcome(part: &Part) -> Outcome {
    let missing = part.missing();
    if missing.is_empty() {
        return match (part.run)() {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed(failure.to_string()),
        };
    }
    let lacks: Vec<_> =
        missing.iter().map(|need| format!("{} ({})", need.what, need.from.advice())).collect();
    let why = format!("this machine lacks {}", lacks.join(", "));
    if env::var("CI").is_ok_and(|ci| ci == "true") {
        Outcome::Failed(format!("{why}; under CI=true nothing is skipped"))
    } else {
        Outcome::Skipped(why)
    }
}

fn summary(results: &[(&str, (Outcome, Duration))]) -> Result<(), Failure> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, (outcome, took)) in results {
        let (word, count) = match outcome {
            Outcome::Passed => ("passed", &mut passed),
            Outcome::Failed(_) => ("FAILED", &mut failed),
            Outcome::Skipped(_) => ("SKIPPED", &mut skipped),
        };
        *count += 1;
        println!("  {name:<8} {word:<8} {:>7.1} s", took.as_secs_f64());
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { Ok(()) } else { std::process::exit(1) }
}

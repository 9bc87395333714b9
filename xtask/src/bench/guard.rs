//! The instruction guard: callgrind counts the hot inner operations here and in the parent commit,
//! both built by the same compiler, and a rise over the limit needs a reason.

use crate::{command::Failure, sh};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A rise above this share fails.
const LIMIT: f64 = 0.05;

/// How a line of the commit's message begins that says why more instructions are right.
const REASON: &str = "Instructions:";

pub(super) fn run() -> Result<(), Failure> {
    if !sh::works("valgrind", &["--version"]) {
        return Err(Failure::new(
            "the instruction guard needs valgrind, which is not on the PATH; \
             `apt-get install valgrind`",
        ));
    }
    let here = Tree { folder: sh::root().to_path_buf() }.counts()?;
    let (commit, committed) = if is_clean() { ("HEAD^", true) } else { ("HEAD", false) };
    let before = match Tree::of(commit)? {
        Some(tree) => tree.counts()?,
        None => {
            println!("there is no {commit} here, or no guard in it: nothing to compare with");
            Vec::new()
        }
    };
    let risen = compare(&here, &before, commit);
    let reason = if committed { reason()? } else { None };
    match (risen.is_empty(), reason) {
        (true, _) => Ok(()),
        (false, Some(reason)) => {
            println!("risen, and the commit says why: {reason}");
            Ok(())
        }
        (false, None) => Err(Failure::new(format!(
            "over {:.0} % more instructions than {commit}: {}; make it cheaper, or say why in a \
             line of the commit's message that begins with `{REASON}`",
            LIMIT * 100.0,
            risen.join(", "),
        ))),
    }
}

/// Prints both figures of each operation; names the ones that rose too much.
fn compare(here: &[Count], before: &[Count], commit: &str) -> Vec<String> {
    println!("{:24} {:>12} {:>12} {:>8}", "instructions each", commit, "here", "change");
    let mut risen = Vec::new();
    for count in here {
        match before.iter().find(|old| old.name == count.name) {
            None => println!("{:24} {:>12} {:>12.1}", count.name, "-", count.each),
            Some(old) => {
                let percent = (count.each / old.each - 1.0) * 100.0;
                println!(
                    "{:24} {:>12.1} {:>12.1} {:>+7.1}%",
                    count.name, old.each, count.each, percent
                );
                if count.each > old.each * (1.0 + LIMIT) {
                    let (old, new) = (old.each, count.each);
                    risen.push(format!("{} ({old:.1} to {new:.1}, {percent:+.1} %)", count.name));
                }
            }
        }
    }
    risen
}

/// Instructions of one operation.
struct Count {
    name: String,
    each: f64,
}

/// A checked-out tree with the guard's package in it.
struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// Unpacks a commit; none where it isn't there (the first one, a shallow clone) or has no guard.
    fn of(commit: &str) -> Result<Option<Self>, Failure> {
        let revision = format!("{commit}:benches/guard/Cargo.toml");
        if !sh::works("git", &["cat-file", "-e", &revision]) {
            return Ok(None);
        }
        let folder = target()?.join("before");
        // Left over from the last time; where there is nothing, nothing is to be removed.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
        let archive = target()?.join("before.tar");
        let mut pack = Command::new("git");
        pack.args(["archive", "--output"]).arg(&archive).arg(commit).current_dir(sh::root());
        sh::run(pack)?;
        let mut unpack = Command::new("tar");
        unpack.arg("-xf").arg(&archive).arg("-C").arg(&folder);
        sh::run(unpack)?;
        Ok(Some(Self { folder }))
    }

    fn counts(&self) -> Result<Vec<Count>, Failure> {
        let target = target()?;
        let mut build = sh::cargo(["build", "--quiet", "--release", "-p", "wharf-guard"]);
        build.current_dir(&self.folder).env("CARGO_TARGET_DIR", &target);
        sh::run(build)?;
        let program = target.join("release/wharf-guard");
        let names = sh::output(Command::new(&program))?;
        names.lines().map(|name| count(&program, name, &target)).collect()
    }
}

/// One operation under callgrind.
fn count(program: &Path, name: &str, target: &Path) -> Result<Count, Failure> {
    let profile = target.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind", "--toggle-collect=wharf_guard_counted"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .arg(name);
    let operations: f64 = sh::output(valgrind)?
        .trim()
        .parse()
        .map_err(|_| Failure::new("wharf-guard prints how many operations it did"))?;
    let text = fs::read_to_string(&profile).map_err(|error| cannot("read", &profile, &error))?;
    let total = total(&text).ok_or_else(|| {
        Failure::new(format!("callgrind counted nothing of `{name}` in {}", profile.display()))
    })?;
    Ok(Count { name: name.to_owned(), each: total / operations })
}

/// The sum at the end of callgrind's file; none where it is 0, which means that the function it
/// should have looked into was never entered.
fn total(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    line?.trim().parse().ok().filter(|total| *total > 0.0)
}

/// A target folder of its own for both trees: the same flags for both, and nobody else's.
fn target() -> Result<PathBuf, Failure> {
    let folder = sh::target_dir()?.join("guard");
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    Ok(folder)
}

/// Whether all that is here is committed.
fn is_clean() -> bool {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain"]).current_dir(sh::root());
    sh::output(git).is_ok_and(|text| text.trim().is_empty())
}

/// Why the commit means to need more instructions, if it says so.
fn reason() -> Result<Option<String>, Failure> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%B"]).current_dir(sh::root());
    let message = sh::output(git)?;
    Ok(message
        .lines()
        .filter_map(|line| line.trim().strip_prefix(REASON))
        .map(|why| why.trim().to_owned())
        .find(|why| !why.is_empty()))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot {verb} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(each: &[(&str, f64)]) -> Vec<Count> {
        each.iter().map(|(name, each)| Count { name: (*name).to_owned(), each: *each }).collect()
    }

    #[test]
    fn only_a_rise_over_the_limit_is_named() {
        let before = counts(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let here = counts(&[("a", 105.0), ("b", 105.1), ("c", 50.0), ("new", 9.0)]);
        assert_eq!(compare(&here, &before, "HEAD^"), ["b (100.0 to 105.1, +5.1 %)"]);
    }

    #[test]
    fn the_total_is_read_and_nothing_is_no_total() {
        assert_eq!(total("events: Ir\ntotals: 1234\n"), Some(1234.0));
        assert_eq!(total("totals: 0\n"), None);
        assert_eq!(total("summary: 5\n"), None);
    }
}

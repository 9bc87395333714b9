//! The instruction guard: callgrind counts the hot inner operations here and in the parent commit,
//! both built by the same compiler, and a rise over the limit needs a reason.
//!
//! `HEAD^` is a merge's first parent: the line that it was merged into.

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

/// Compares with the parent commit, or with the last commit where something is not committed.
pub(crate) fn run() -> Result<(), Failure> {
    against(if is_clean() { "HEAD^" } else { "HEAD" })
}

/// Compares with any commit.
pub(super) fn against(commit: &str) -> Result<(), Failure> {
    let here = Tree { folder: sh::root().to_path_buf(), name: "build-here" }.counts()?;
    let before = match Tree::of(commit)? {
        Ok(tree) => tree.counts().or_else(|failure| nothing(commit, &failure.to_string()))?,
        Err(why) => nothing(commit, why)?,
    };
    let risen = compare(&here, &before, commit);
    if risen.is_empty() {
        return Ok(());
    }
    match reason(commit)? {
        Some(reason) => {
            println!("risen, and a commit says why: {reason}");
            Ok(())
        }
        None => Err(Failure::new(format!(
            "over {:.0} % more instructions than {commit}: {}; make it cheaper, or say why in a \
             line of the commit's message that begins with `{REASON}`",
            LIMIT * 100.0,
            risen.join(", "),
        ))),
    }
}

/// No counts to compare with is no failure: it is said, and the next commit has some.
fn nothing(commit: &str, why: &str) -> Result<Vec<Count>, Failure> {
    println!("nothing to compare with: {commit}: {why}");
    Ok(Vec::new())
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
    /// Of its folder to build in. Two trees can't share one: cargo knows the packages of a workspace
    /// by their place in it, and would take one tree's for the other's, already built.
    name: &'static str,
}

impl Tree {
    /// Unpacks a commit, or says why there is nothing to unpack.
    fn of(commit: &str) -> Result<Result<Self, &'static str>, Failure> {
        if !sh::works("git", &["rev-parse", "--git-dir"]) {
            return Ok(Err("this folder is not a clone of the repository"));
        }
        if !sh::works("git", &["cat-file", "-e", &format!("{commit}^{{commit}}")]) {
            return Ok(Err(
                "not here; it is the first commit, or the clone is a shallow one, which \
                           `git fetch --deepen 1` mends",
            ));
        }
        if !sh::works("git", &["cat-file", "-e", &format!("{commit}:benches/guard/Cargo.toml")]) {
            return Ok(Err("has no instruction guard"));
        }
        let folder = target()?.join("before");
        // Left over from the last time; where there is nothing, nothing is to be removed.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
        let archive = target()?.join("before.tar");
        let mut pack = Command::new("git");
        pack.args(["archive", "--output"]).arg(&archive).arg(commit).current_dir(sh::root());
        sh::run_unseen(pack)?;
        let mut unpack = Command::new("tar");
        // Dated now (-m): cargo takes what is older than the last build for already built.
        unpack.arg("-xmf").arg(&archive).arg("-C").arg(&folder);
        sh::run_unseen(unpack)?;
        Ok(Ok(Self { folder, name: "build-before" }))
    }

    fn counts(&self) -> Result<Vec<Count>, Failure> {
        let target = target()?.join(self.name);
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

/// What the guard makes is in a folder of its own: the same flags for both trees, and nobody else's.
fn target() -> Result<PathBuf, Failure> {
    let folder = sh::target_dir()?.join("guard");
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    Ok(folder)
}

/// Whether all that is here and known to git is committed.
fn is_clean() -> bool {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--untracked-files=no"]).current_dir(sh::root());
    sh::output(git).is_ok_and(|text| text.trim().is_empty())
}

/// Why one of the commits since then means to need more instructions: of a merge, any of what it
/// brings.
fn reason(since: &str) -> Result<Option<String>, Failure> {
    let mut git = Command::new("git");
    git.args(["log", "--format=%B", &format!("{since}..HEAD")]).current_dir(sh::root());
    Ok(reason_in(&sh::output(git)?))
}

fn reason_in(messages: &str) -> Option<String> {
    messages
        .lines()
        .filter_map(|line| line.trim().strip_prefix(REASON))
        .map(|why| why.trim().to_owned())
        .find(|why| !why.is_empty())
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
    fn a_reason_is_a_line_of_its_own_that_says_something() {
        assert_eq!(
            reason_in("A\n\nInstructions: the check is worth it\n").unwrap(),
            "the check is worth it"
        );
        assert_eq!(reason_in("Instructions:\n"), None);
        assert_eq!(reason_in("Fewer Instructions: yes\n"), None);
    }

    #[test]
    fn the_total_is_read_and_nothing_is_no_total() {
        assert_eq!(total("events: Ir\ntotals: 1234\n"), Some(1234.0));
        assert_eq!(total("totals: 0\n"), None);
        assert_eq!(total("summary: 5\n"), None);
    }
}

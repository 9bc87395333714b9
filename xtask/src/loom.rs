//! The loom models: every crate of the workspace that depends on loom under `cfg(loom)`.

use crate::{
    command::{Command, Failure},
    sh,
};
use std::fs;

pub(crate) const COMMAND: Command = Command {
    name: "loom",
    about: "run the concurrency models: `cargo xtask loom [CRATE [FILTER]]`",
    help: "\
usage: cargo xtask loom [CRATE [FILTER]]

Runs the loom models of every crate that has some, or of CRATE alone (its folder's name, as in
`cargo xtask loom executor`), or of those the ones whose name contains FILTER.
They are built once, in release, into target/loom.
",
    run: |args| {
        use lexopt::prelude::*;
        let mut given = Vec::new();
        while let Some(arg) = args.next()? {
            match arg {
                Value(value) => given.push(value.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        match given.as_slice() {
            [] => all(),
            [name] => models(name, "models").map(drop),
            [name, filter] => models(name, filter).map(drop),
            _ => Err(Failure::new("one crate and one filter at most")),
        }
    },
};

/// The models of all crates.
pub(crate) fn all() -> Result<(), Failure> {
    let mut failed = Vec::new();
    let mut tally = Vec::new();
    for name in crates()? {
        match models(&name, "models") {
            Ok(count) => tally.push(format!("{name} {count}")),
            Err(failure) => {
                println!("{failure}");
                failed.push(name);
            }
        }
    }
    println!("models passed: {}", tally.join(", "));
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("the models of these crates failed: {}", failed.join(", "))))
    }
}

/// The folders of the crates with models, in the order of the workspace.
fn crates() -> Result<Vec<String>, Failure> {
    let manifest = fs::read_to_string(sh::root().join("Cargo.toml")).map_err(|error| {
        Failure::new(format!("cannot read the workspace's Cargo.toml: {error}"))
    })?;
    let members = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let (members, _) =
        members.ok_or_else(|| Failure::new("the workspace's Cargo.toml lists no members"))?;
    let names = members.split(',').map(|name| name.trim().trim_matches('"').to_owned());
    // A comma behind the last member leaves an empty name, which is no crate's.
    Ok(names.filter(|name| !name.is_empty() && has_models(name)).collect())
}

fn has_models(name: &str) -> bool {
    let manifest = sh::root().join(name).join("Cargo.toml");
    fs::read_to_string(manifest).is_ok_and(|text| text.contains("cfg(loom)"))
}

/// Runs the models of one crate whose name contains `filter`; returns how many passed.
fn models(name: &str, filter: &str) -> Result<usize, Failure> {
    let package = format!("wharf-{name}");
    let target = sh::root().join("target/loom");
    let mut cargo =
        sh::cargo(["test", "--quiet", "--package", &package, "--release", "--lib", "--", filter]);
    // Appended, so that a user's own flags stay in force.
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", format!("{flags} --cfg loom")).env("CARGO_TARGET_DIR", target);
    let mut passed = 0;
    sh::run_seeing(cargo, |line| passed += passed_in(line))?;
    Ok(passed)
}

/// The number in cargo's `test result: ok. 7 passed; 0 failed; ...`, else 0.
fn passed_in(line: &str) -> usize {
    let Some(rest) = line.strip_prefix("test result: ok. ") else { return 0 };
    rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_says_has_passed() {
        assert_eq!(passed_in("test result: ok. 7 passed; 0 failed; 0 ignored"), 7);
        assert_eq!(passed_in("test result: FAILED. 6 passed; 1 failed; 0 ignored"), 0);
        assert_eq!(passed_in("running 7 tests"), 0);
    }

    #[test]
    fn finds_the_crates_that_depend_on_loom() {
        let crates = crates().unwrap();
        assert!(crates.contains(&"base".to_owned()), "{crates:?}");
        assert!(!crates.contains(&"xtask".to_owned()), "{crates:?}");
        assert!(!crates.contains(&String::new()), "the workspace's own manifest is no crate");
    }
}

//! What the groups `python` and `node` of the benches run: a program in that host, and the libraries that it loads.

use crate::{
    command::Failure,
    needs::{self, Need},
    npm, python, sh,
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the hosts' programs and floors are, and what tokio's side of them is called.
const TESTS: &str = "tests/hosts";
const PEERS: &str = "benches/peers";

/// Builds for a host, and prints in one line the words of the command that runs its works, a tab
/// between two.
pub(super) fn prepare(host: &str) -> Result<(), Failure> {
    let words = match host {
        "python" => python_works()?,
        "node" => node_works()?,
        _ => return Err(Failure::new(format!("{host} is no host that is measured this way"))),
    };
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    println!("{}", words.join("\t"));
    Ok(())
}

fn python_works() -> Result<Vec<OsString>, Failure> {
    here("python", &[needs::PYTHON, needs::CC])?;
    let work = sh::work_dir("python/bench")?;
    let floor = work.join("floor.so");
    floor_of("python", &floor, &[])?;
    let works = sh::root().join(TESTS).join("python/bench/works.py");
    let package = python::source();
    Ok(vec![
        "python3".into(),
        "-B".into(),
        works.into(),
        package.into(),
        library()?.into(),
        peer("python")?.into(),
        floor.into(),
    ])
}

fn node_works() -> Result<Vec<OsString>, Failure> {
    here("node", &[needs::NODE, needs::CC, npm::TOOLS_NEED])?;
    let work = sh::work_dir("node")?.join("bench");
    npm::install(&work)?;
    let headers = npm::tools()?.join("node_modules/node-api-headers/include");
    let (works, floor, addon) =
        (work.join("works.mjs"), work.join("floor.node"), work.join("peer.node"));
    sh::copy(&sh::root().join(TESTS).join("node/bench/works.mjs"), &works)?;
    floor_of("node", &floor, &["-I".as_ref(), &headers])?;
    sh::copy(&peer("node")?, &addon)?;
    Ok(vec!["node".into(), works.into(), library()?.into(), addon.into(), floor.into()])
}

fn here(host: &str, needs: &[Need]) -> Result<(), Failure> {
    match needs.iter().find(|need| !(need.here)()) {
        None => Ok(()),
        Some(need) => {
            let (what, get) = (need.what, format!("cargo xtask test --install {host}"));
            Err(Failure::new(format!("this machine lacks {what}; `{get}` gets what {host} needs")))
        }
    }
}

/// The library of the C tests, as released: `cargo xtask bench` has built it.
fn library() -> Result<PathBuf, Failure> {
    sh::run(sh::cargo(["build", "--quiet", "--release", "-p", "harbour"]))?;
    Ok(sh::target_dir()?.join("release/libharbour.so"))
}

/// Builds tokio's side, which is a workspace of its own: what it takes is no concern of ours but here.
fn peer(host: &str) -> Result<PathBuf, Failure> {
    let target = sh::target_dir()?.join("peers");
    let manifest = sh::root().join(PEERS).join(host).join("Cargo.toml");
    let mut build = sh::cargo(["build", "--quiet", "--release", "--locked", "--manifest-path"]);
    build.arg(manifest).arg("--target-dir").arg(&target);
    sh::run(build)?;
    Ok(target.join(format!("release/libpeer_{host}.so")))
}

fn floor_of(host: &str, output: &Path, further: &[&Path]) -> Result<(), Failure> {
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]);
    cc.args(further).arg("-o").arg(output);
    cc.arg(sh::root().join(TESTS).join(host).join("bench/floor.c"));
    sh::run(cc)
}

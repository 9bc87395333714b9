//! Python: the tools that build the package's wheel, and an interpreter that has nothing but the wheel.

use crate::{
    command::Failure,
    needs::{Need, Source},
    sh,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The package, from the workspace's root.
const PACKAGE: &str = "ffi/hosts/python";
/// What the tools are, by name and version.
const REQUIREMENTS: &str = "tests/hosts/python/requirements.txt";

/// Python's own way to have packages in a folder.
pub(crate) const VENV: Need = Need {
    what: "Python's venv with pip",
    here: || sh::works("python3", &["-c", "import ensurepip, venv"]),
    from: Source::Debian(&["python3-venv"]),
};

/// maturin and what it needs.
pub(crate) const TOOLS: Need = Need {
    what: "maturin, cffi and uvloop, packages of Python's",
    here: || tools().is_ok_and(|tools| are_here(&tools)),
    from: Source::Made {
        advice: "let --install fetch them through pip, into a folder of their own",
        make: fetch,
    },
};

fn tools() -> Result<PathBuf, Failure> {
    Ok(sh::work_dir("python")?.join("tools"))
}

/// Whether they are those that are asked for now.
fn are_here(tools: &Path) -> bool {
    let fetched = fs::read(tools.join("requirements.txt")).ok();
    fetched.is_some() && fetched == fs::read(sh::root().join(REQUIREMENTS)).ok()
}

fn fetch() -> Result<(), Failure> {
    let tools = tools()?;
    let wanted = sh::root().join(REQUIREMENTS);
    sh::run(venv(&tools, &[]))?;
    let mut pip = pip(&tools)?;
    pip.args(["install", "--requirement"]).arg(&wanted);
    sh::run(pip)?;
    sh::copy(&wanted, &tools.join("requirements.txt"))
}

fn venv(folder: &Path, further: &[&str]) -> Command {
    let mut python = Command::new("python3");
    python.args(["-m", "venv", "--clear"]).args(further).arg(folder);
    python
}

/// pip, which finds the tools before all others.
fn pip(tools: &Path) -> Result<Command, Failure> {
    let bin = tools.join("bin");
    let mut path = vec![bin.clone()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path = env::join_paths(path).map_err(|why| Failure::new(format!("PATH: {why}")))?;
    let mut pip = Command::new(bin.join("pip"));
    pip.args(["--quiet", "--disable-pip-version-check"]).env("PATH", path);
    // It starts a cargo of its own, for another package than this program's.
    pip.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    pip.current_dir(sh::root());
    Ok(pip)
}

/// Builds the wheel, and makes an interpreter that has it and nothing else.
pub(crate) fn with_wheel() -> Result<PathBuf, Failure> {
    let (tools, wheels) = (tools()?, sh::work_dir("python")?.join("wheels"));
    let _ = fs::remove_dir_all(&wheels);
    let mut build = pip(&tools)?;
    build.args(["wheel", "--no-build-isolation", "--no-deps", "--wheel-dir"]);
    build.arg(&wheels).arg(sh::root().join(PACKAGE));
    sh::run(build)?;
    let wheel = fs::read_dir(&wheels).ok().and_then(|mut all| all.next()).and_then(Result::ok);
    let wheel =
        wheel.ok_or_else(|| Failure::new(format!("no wheel is in {}", wheels.display())))?;

    let fresh = sh::work_dir("python")?.join("fresh");
    sh::run(venv(&fresh, &["--without-pip"]))?;
    let python = fresh.join("bin/python3");
    let mut install = pip(&tools)?;
    install.arg("--python").arg(&python).args(["install", "--no-index", "--no-deps"]);
    install.arg(wheel.path());
    sh::run(install)?;
    Ok(python)
}

/// Where the tools' packages are, for one that is tried and not needed.
pub(crate) fn packages() -> Result<PathBuf, Failure> {
    let lib = tools()?.join("lib");
    let python = fs::read_dir(&lib).ok().and_then(|mut all| all.next()).and_then(Result::ok);
    let python = python.ok_or_else(|| Failure::new(format!("{} is empty", lib.display())))?;
    Ok(python.path().join("site-packages"))
}

/// The package as it lies here, for a program that is run from here.
pub(crate) fn source() -> PathBuf {
    sh::root().join(PACKAGE)
}

//! Runs the C programs under tests/hosts/c against a library built on wharf, as a host would: each
//! is compiled with warnings as errors and with the address sanitizer, which also looks for leaks.
//!
//! A program passes by returning 0. Each has its own test here, so that a failure has a name.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        output.status.success(),
        "{what} failed with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The directory that holds the test library, built once for all tests.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned();
        let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        cargo.current_dir(root()).args(["build", "--quiet", "--package", "harbour"]);
        cargo.arg("--target-dir").arg(&target);
        run(&mut cargo, "building the test library");
        target.join("debug")
    })
}

fn compiler() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// Compiles and runs `tests/hosts/c/NAME.c`.
fn host(name: &str) {
    let folder = root().join("tests/hosts/c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut cc = Command::new(compiler());
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"])
        .args(["-D_GNU_SOURCE", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .arg(folder.join(name).with_extension("c"))
        .arg("-o")
        .arg(&program)
        .arg("-I")
        .arg(root().join("ffi/include"))
        .arg("-I")
        .arg(&folder)
        .arg("-L")
        .arg(library())
        .args(["-lharbour", "-ldl"])
        .arg(format!("-Wl,-rpath,{}", library().display()));
    run(&mut cc, &format!("compiling {name}.c"));
    // A program that hangs is a finding: it must not take the whole run with it.
    let mut timed = Command::new("timeout");
    timed.args(["--signal=ABRT", "120"]).arg(&program);
    timed.env("RUST_BACKTRACE", "0");
    run(&mut timed, &format!("{name}.c"));
}

#[test]
fn first() {
    host("first");
}

//! What a C programmer has at hand: a compiler, the library, and little patience.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// No program takes nearly as long: one that does has hung, which is a finding.
const PATIENCE_S: &str = "240";

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where programs and their files may go.
pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Where cargo puts what it builds for these tests.
pub(crate) fn target() -> &'static Path {
    scratch().parent().unwrap()
}

/// Runs to the end, and fails unless that is a success.
pub(crate) fn run(command: &mut Command, what: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{what} failed with {}:\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// As [`run`], for what might hang: that is a failure, too, and must not take the whole run with it.
pub(crate) fn run_bounded(command: &mut Command, what: &str) -> String {
    const OUT_OF_TIME: i32 = 124;
    let mut timed = Command::new("timeout");
    timed.args(["--signal=ABRT", PATIENCE_S]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    timed.env("RUST_BACKTRACE", "0");
    let output = timed.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = match output.status.code() {
        Some(0) => return text,
        Some(OUT_OF_TIME) => format!("hung: it was not done after {PATIENCE_S} s"),
        _ => format!("failed with {}", output.status),
    };
    panic!("{what} {why}\n{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs `cargo ARGS...` for the same target directory.
pub(crate) fn cargo(args: &[&str]) {
    let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.current_dir(root()).args(args).arg("--quiet").arg("--target-dir").arg(target());
    run(&mut cargo, &format!("cargo {}", args.join(" ")));
}

/// The directory that holds libharbour and libwharf, built once for all tests.
pub(crate) fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        cargo(&["build", "--package", "harbour", "--package", "wharf-c"]);
        target().join("debug")
    })
}

/// The C compiler.
pub(crate) fn compiler() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// The C++ compiler.
pub(crate) fn cxx_compiler() -> String {
    env::var("CXX").unwrap_or_else(|_| "c++".to_owned())
}

/// What a program that is linked statically needs of the system.
pub(crate) const SYSTEM: &[&str] =
    &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

/// How a program gets at the library.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Built {
    /// The shared one, found where it was built.
    Shared,
    /// The archive.
    Static,
    /// Not at all: it loads what it wants itself.
    Not,
}

/// A C program under tests/hosts/c.
pub(crate) struct Program {
    name: String,
    built: Built,
    sanitized: bool,
}

impl Program {
    pub(crate) fn new(name: &str, built: Built) -> Self {
        Self { name: name.to_owned(), built, sanitized: false }
    }

    pub(crate) fn sanitized(mut self, sanitized: bool) -> Self {
        self.sanitized = sanitized;
        self
    }

    fn file(&self) -> PathBuf {
        let suffix = match (self.built, self.sanitized) {
            (Built::Static, _) => "-static",
            (_, true) => "-sanitized",
            (_, false) => "-plain",
        };
        scratch().join(format!("{}{suffix}", self.name))
    }

    /// Compiles it, warnings being errors, and returns where it lies.
    pub(crate) fn compile(&self) -> PathBuf {
        let folder = root().join("tests/hosts/c");
        let (program, library) = (self.file(), library());
        let mut cc = Command::new(compiler());
        cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"]);
        cc.arg("-D_GNU_SOURCE");
        if self.sanitized {
            cc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        } else {
            cc.arg("-O2");
        }
        cc.arg(folder.join(&self.name).with_extension("c"));
        cc.arg("-o").arg(&program);
        cc.arg("-I").arg(root().join("ffi/include")).arg("-I").arg(&folder);
        match self.built {
            Built::Shared => {
                cc.arg("-L").arg(library).args(["-lharbour", "-ldl"]);
                cc.arg(format!("-Wl,-rpath,{}", library.display()));
            }
            Built::Static => {
                cc.arg(library.join("libharbour.a")).args(SYSTEM);
            }
            Built::Not => {
                cc.arg("-ldl");
            }
        }
        run(&mut cc, &format!("compiling {}.c", self.name));
        program
    }
}

//! What must be on the machine for a part of the test, and how to get it.

use crate::{command::Failure, sh};
use std::{process::Command, thread, time::Duration};

/// Something that a part cannot do without.
pub(crate) struct Need {
    /// For the reader: `a C compiler (cc)`.
    pub(crate) what: &'static str,
    /// Whether it is here.
    pub(crate) here: fn() -> bool,
    /// How it is had.
    pub(crate) from: Source,
}

/// Where a [`Need`] comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// Debian packages.
    Debian(&'static [&'static str]),
    /// A component that rustup adds to the toolchain.
    Rustup(&'static str),
    /// Neither: something that a function of ours fetches or makes.
    Made {
        /// What a person would do.
        advice: &'static str,
        /// Does it.
        make: fn() -> Result<(), Failure>,
    },
}

impl Source {
    /// What a person would type to get it.
    pub(crate) fn advice(self) -> String {
        match self {
            Self::Debian(packages) => format!("apt-get install {}", packages.join(" ")),
            Self::Rustup(component) => format!("rustup component add {component}"),
            Self::Made { advice, .. } => advice.to_owned(),
        }
    }
}

/// A C compiler with its headers.
pub(crate) const CC: Need = Need {
    what: "a C compiler (cc)",
    here: || sh::works("cc", &["--version"]) && sh::works("sh", &["-c", C_HEADERS]),
    from: Source::Debian(&["gcc", "libc6-dev"]),
};

const C_HEADERS: &str = "echo '#include <stdio.h>' | cc -fsyntax-only -x c -";

/// A C++ compiler, for the headers are C++ as well.
pub(crate) const CXX: Need = Need {
    what: "a C++ compiler (c++)",
    here: || sh::works("c++", &["--version"]),
    from: Source::Debian(&["g++"]),
};

/// What `-fsanitize=address,undefined` links to.
pub(crate) const SANITIZERS: Need = Need {
    what: "the C compiler's sanitizers",
    here: || sh::works("sh", &["-c", SANITIZED]),
    from: Source::Debian(&["gcc", "libc6-dev"]),
};

const SANITIZED: &str =
    "echo 'int main(void) { return 0; }' | cc -fsanitize=address,undefined -x c -o /dev/null -";

/// Python with asyncio and ctypes, of a version that its own people still care for.
pub(crate) const PYTHON: Need = Need {
    what: "Python 3.9 or newer (python3)",
    here: || sh::works("python3", &["-c", PYTHON_MODULES]),
    from: Source::Debian(&["python3"]),
};

const PYTHON_MODULES: &str =
    "import asyncio, ctypes, sys, unittest; assert sys.version_info >= (3, 9)";

/// Node with its own test runner, `fetch`, and signals that take any number of listeners.
pub(crate) const NODE: Need = Need {
    what: "Node 18.17 or newer (node)",
    here: || sh::works("node", &["--eval", NODE_VERSION]),
    from: Source::Debian(&["nodejs"]),
};

const NODE_VERSION: &str = "const [major, minor] = process.versions.node.split('.').map(Number); \
     process.exit(major > 18 || (major === 18 && minor >= 17) ? 0 : 1)";

/// pkg-config, by whatever program.
pub(crate) const PKG_CONFIG: Need = Need {
    what: "pkg-config",
    here: || sh::works("pkg-config", &["--version"]),
    from: Source::Debian(&["pkgconf"]),
};

/// CMake and the program that does what it says.
pub(crate) const CMAKE: Need = Need {
    what: "CMake, and make",
    here: || sh::works("cmake", &["--version"]) && sh::works("make", &["--version"]),
    from: Source::Debian(&["cmake", "make"]),
};

/// valgrind, for callgrind.
pub(crate) const VALGRIND: Need = Need {
    what: "valgrind",
    here: || sh::works("valgrind", &["--version"]),
    from: Source::Debian(&["valgrind"]),
};

/// rustfmt.
pub(crate) const RUSTFMT: Need = Need {
    what: "rustfmt",
    here: || sh::works("cargo", &["fmt", "--version"]),
    from: Source::Rustup("rustfmt"),
};

/// clippy.
pub(crate) const CLIPPY: Need = Need {
    what: "clippy",
    here: || sh::works("cargo", &["clippy", "--version"]),
    from: Source::Rustup("clippy"),
};

/// cargo-deny. Building it takes a few minutes, once.
pub(crate) const CARGO_DENY: Need = Need {
    what: "cargo-deny",
    here: || sh::works("cargo", &["deny", "--version"]),
    from: Source::Made {
        advice: "cargo install --locked cargo-deny@0.20.2",
        make: || sh::run(sh::cargo(["install", "--quiet", "--locked", "cargo-deny@0.20.2"])),
    },
};

/// Gets what is missing, as far as it can be had; what stays missing is found by looking again.
pub(crate) fn install(missing: &[&Need]) -> Result<(), Failure> {
    let mut packages: Vec<&str> = Vec::new();
    let mut made = Vec::new();
    for need in missing {
        match need.from {
            Source::Debian(names) => packages.extend(names),
            Source::Rustup(component) => {
                let mut rustup = Command::new("rustup");
                rustup.args(["component", "add", component]);
                note(sh::run(rustup));
            }
            Source::Made { make, .. } => made.push(make),
        }
    }
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        apt(&packages)?;
    }
    made.into_iter().for_each(|make| note(make()));
    Ok(())
}

/// Refreshes the lists and installs Debian packages.
pub(crate) fn apt(packages: &[&str]) -> Result<(), Failure> {
    if !sh::works("sh", &["-c", "command -v apt-get"]) {
        return Err(Failure::new(format!(
            "--install knows only Debian's apt-get, which is not here; \
             please install {} yourself",
            packages.join(", ")
        )));
    }
    if !sh::works("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        return Err(Failure::new(format!(
            "--install needs root to run `apt-get install {}`",
            packages.join(" ")
        )));
    }
    refresh_lists();
    apt_install(packages);
    Ok(())
}

/// Installs Debian packages from the lists at hand: as many of them as can be had.
pub(crate) fn apt_install(packages: &[&str]) {
    let mut arguments = vec!["install", "-qq", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    if sh::run(apt_get(&arguments)).is_err() {
        // One name that is not to be had must not keep the others away.
        for package in packages {
            note(sh::run(apt_get(&["install", "-qq", "-y", "--no-install-recommends", package])));
        }
    }
}

/// Asks for the lists of packages. A mirror that does not answer, or is changing just then, is asked
/// again a few times; then the lists at hand have to do.
pub(crate) fn refresh_lists() {
    for pause_s in [3, 10, 0] {
        if sh::run(apt_get(&["update", "-qq"])).is_ok() {
            break;
        }
        thread::sleep(Duration::from_secs(pause_s));
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-o", "Acquire::Retries=3", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn note(result: Result<(), Failure>) {
    if let Err(failure) = result {
        println!("   {failure}");
    }
}

//! The parts of `cargo xtask test`, in the order they run: the quick ones first.

use super::{Part, c, install, memcheck, node, python};
use crate::{bench, command::Failure, dart, header, loom, needs, sh};
use std::time::Duration;

/// Every part there is. A new one adds its entry here.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "fmt",
        about: "the code is formatted as rustfmt.toml says",
        needs: &[needs::RUSTFMT],
        run: || sh::run(sh::cargo(["fmt", "--all", "--check"])),
    },
    Part {
        name: "clippy",
        about: "no warnings, in tests and examples neither",
        needs: &[needs::CLIPPY],
        run: clippy,
    },
    Part {
        name: "unit",
        about: "unit and integration tests of every crate, and the C programs of the interface",
        needs: &[needs::CC, needs::SANITIZERS],
        run: unit,
    },
    Part {
        name: "doc",
        about: "the examples in the documentation compile and run, and its links lead somewhere",
        needs: &[],
        run: doc,
    },
    Part {
        name: "deny",
        about: "licences and sources of the dependencies are those that deny.toml allows",
        needs: &[needs::CARGO_DENY],
        run: deny,
    },
    Part {
        name: "header",
        about: "wharf.h is what the Rust source makes; libraries' headers, Node's and Python's modules follow",
        needs: &[needs::CC],
        run: || header::run(true),
    },
    Part {
        name: "bindings",
        about: "the Dart bindings are what the C header makes",
        needs: &[],
        run: dart::bindings::check,
    },
    Part {
        name: "c",
        about: "the C side: headers alone, README, tests and host under the sanitizers",
        needs: c::NEEDS,
        run: c::run,
    },
    Part {
        name: "memcheck",
        about: "the programs of the promises, in C, under valgrind's memcheck",
        needs: memcheck::NEEDS,
        run: memcheck::run,
    },
    Part {
        name: "install",
        about: "libwharf, installed: the program of ffi/README.md, by pkg-config and by CMake",
        needs: install::NEEDS,
        run: install::run,
    },
    Part {
        name: "python",
        about: "the package for Python as a wheel, its promises, and the example on it",
        needs: python::NEEDS,
        run: python::run,
    },
    Part {
        name: "node",
        about: "the Node package, packed, installed and held to its promises; its types and the example",
        needs: node::NEEDS,
        run: node::run,
    },
    Part {
        name: "dart",
        about: "the Dart programs, in a real virtual machine and under memcheck",
        needs: dart::NEEDS,
        run: dart::suite::run,
    },
    Part {
        name: "guard",
        about: "the hot inner operations take no more instructions than in the parent commit",
        needs: &[needs::VALGRIND],
        run: bench::guard::run,
    },
    Part { name: "loom", about: "the concurrency models", needs: &[], run: loom::all },
];

fn clippy() -> Result<(), Failure> {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    sh::run(sh::cargo(args))
}

/// What the tests of all crates take is a few minutes at most: a hang is to end, and to say where.
const PATIENCE: Duration = Duration::from_secs(8 * 60);

fn unit() -> Result<(), Failure> {
    let test = |more: &[&str]| {
        let mut test = sh::cargo(["test", "--quiet", "--workspace", "--all-features"]);
        test.args(["--lib", "--bins", "--tests"]).args(more);
        test
    };
    // By itself: how long a build takes says nothing of a hang.
    sh::run(test(&["--no-run"]))?;
    sh::run_within(test(&[]), PATIENCE)
}

fn deny() -> Result<(), Failure> {
    // Advisories are not asked for: their list changes by the day, and a test's result should not.
    let mut deny = sh::cargo(["deny", "--workspace", "check"]);
    deny.args(["licenses", "bans", "sources"]);
    sh::run(deny)
}

fn doc() -> Result<(), Failure> {
    sh::run(sh::cargo(["test", "--quiet", "--workspace", "--all-features", "--doc"]))?;
    let mut doc = sh::cargo(["doc", "--quiet", "--workspace", "--all-features", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    sh::run(doc)
}

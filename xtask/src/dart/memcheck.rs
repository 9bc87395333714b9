//! The programs once more, the whole machine under valgrind's memcheck: what the library, the VM and
//! the code that it compiles do with memory is watched, in the children of the programs, too.
//!
//! Four things stand in the way, and are dealt with here:
//!
//! * valgrind takes 32-bit programs only with the symbols of their C library, which Debian has in a
//!   package of its own for i386.
//! * The VM asks for memory near its code with an address that is not a page's, which Linux rounds
//!   and valgrind refuses; a small library that is loaded before all others rounds it.
//! * Compiling a Dart program is most of what a short one does, and nothing that we want to watch. It
//!   is done before, outside: the VM is given the compiled form.
//! * valgrind runs one thread at a time, and lets the one that asks most have most: a task that posts
//!   without end kept the isolate that was to receive, and to kill it, waiting for minutes. Told to be
//!   fair, it lets each have its turn.
//!
//! No suppressions are needed. AddressSanitizer was not asked further: rustc 1.85 has it for i686 only
//! in a nightly build, and it would see the library alone, not what the VM does with the library's
//! memory.

use super::{CC32, Dart, Vm, cross};
use crate::{
    command::Failure,
    needs::{self, Need, Source},
    sh,
};
use std::{fs, path::PathBuf, process::Command};

/// What it takes, where the machine is the 32-bit one.
pub(crate) const NEED: Need = Need {
    what: "valgrind, and the symbols of the 32-bit C library for it",
    here: || Vm::on_path().is_some() || runs(),
    from: Source::Made {
        advice: "dpkg --add-architecture i386; apt-get install valgrind libc6-dbg:i386",
        make: install,
    },
};

/// The library that rounds the VM's addresses.
const SHIM: &str = "tests/hosts/dart/vm/mmap_hint.c";

/// For which word size, and which folder the dynamic linker of that size calls `$LIB`: valgrind's
/// own launcher is a 64-bit program, and Debian has two 32-bit C libraries.
const SHIMS: [(&str, &str); 3] =
    [("-m32", "lib/i386-linux-gnu"), ("-m32", "lib32"), ("-m64", "lib/x86_64-linux-gnu")];

/// Programs that are left out: this one fetches 2,200 pages, and what it does with memory the others
/// and the C host under the sanitizers do as well.
const LEFT_OUT: &str = "scrape_test";

/// As long as about half of the others: it starts the machine anew several times.
const LONGEST: [&str; 3] = ["finalizers_test", "machine_test", "order_test"];

/// How much slower everything is, roughly, where two programs share what one would need.
const SLOWER: &str = "20";

/// Valgrind with all that it takes.
pub(super) struct Memcheck {
    folder: PathBuf,
}

/// The programs that are run, in two halves that take as long as each other, side by side.
pub(super) fn lanes(programs: &[String]) -> Vec<Vec<&str>> {
    let names = programs.iter().map(String::as_str).filter(|name| *name != LEFT_OUT);
    let (longest, others) = names.partition(|name| LONGEST.contains(name));
    vec![longest, others]
}

impl Memcheck {
    /// Builds the shim. Nothing with a `dart` of the user's, which has not been tried.
    pub(super) fn set_up(dart: &Dart) -> Result<Option<Self>, Failure> {
        if let Vm::OnPath(_) = dart.vm {
            println!("not under memcheck: that is only known to work with the packaged machine");
            return Ok(None);
        }
        let folder = sh::work_dir("dart/memcheck")?;
        for (word_size, library) in SHIMS {
            let folder = folder.join(library);
            fs::create_dir_all(&folder).map_err(|error| {
                Failure::new(format!("cannot make {}: {error}", folder.display()))
            })?;
            let mut cc = Command::new("cc");
            cc.args([word_size, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
            cc.arg(folder.join("mmap_hint.so")).arg(SHIM).current_dir(sh::root());
            sh::run(cc)?;
        }
        Ok(Some(Self { folder }))
    }

    /// `valgrind dart PROGRAM`, for a program that has been compiled before.
    pub(super) fn command(&self, run: &Command) -> Command {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=99", "--trace-children=yes"]);
        valgrind.arg("--fair-sched=try");
        valgrind.args(["--leak-check=full", "--num-callers=40"]);
        valgrind.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
        valgrind.arg(run.get_program()).args(run.get_args());
        valgrind.env("LD_PRELOAD", self.folder.join("$LIB/mmap_hint.so"));
        valgrind.env("WHARF_TESTS_SLOWER", SLOWER).current_dir(sh::root());
        for (name, value) in run.get_envs() {
            valgrind.env(name, value.unwrap_or_default());
        }
        valgrind
    }
}

/// Whether valgrind runs a 32-bit program.
fn runs() -> bool {
    const TRY: &str = "file=$(mktemp) && echo 'int main(void) { return 0; }' \
                       | cc -m32 -x c -o $file - && valgrind --quiet $file; \
                       status=$?; rm -f $file; exit $status";
    (CC32.here)() && sh::works("sh", &["-c", TRY])
}

fn install() -> Result<(), Failure> {
    cross::add_i386()?;
    needs::apt_install(&["valgrind", "libc6-dbg:i386"]);
    Ok(())
}

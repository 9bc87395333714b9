//! Dart: the virtual machine, a library built for it, and programs run in it.
//!
//! The machine is the `dart` on the PATH where there is one. Else it is the 32-bit one that an npm
//! package carries, and the library is built for 32-bit x86 to match. The second way is the one that
//! the project's own tests take; the first has been written to be the same but for the target.

pub(crate) mod bindings;
mod command;
mod cross;
mod examples;
mod memcheck;
mod programs;
pub(crate) mod suite;
mod vm;

use crate::{
    command::Failure,
    needs::{Need, Source},
    sh,
};
pub(crate) use command::COMMAND;
pub(crate) use cross::Target;
use std::{
    path::{Path, PathBuf},
    process::Command,
};
pub(crate) use vm::Vm;

/// What the tests cannot do without; the first three are what any Dart program of ours takes.
pub(crate) const NEEDS: &[Need] = &[VM, CC32, STD32, memcheck::NEED];

/// The virtual machine.
pub(crate) const VM: Need = Need {
    what: "a Dart virtual machine",
    here: || Vm::find().is_some(),
    from: Source::Made {
        advice: "put `dart` on the PATH, or let --install fetch one through npm",
        make: vm::fetch,
    },
};

/// A C compiler that links 32-bit programs, where the machine is a 32-bit one.
pub(crate) const CC32: Need = Need {
    what: "a C compiler for the machine's word size",
    here: || Vm::on_path().is_some() || cross::links(),
    from: Source::Debian(&["gcc", "libc6-dev", "gcc-multilib", "lib32stdc++6"]),
};

/// Rust's standard library for 32-bit x86, where the machine is a 32-bit one.
pub(crate) const STD32: Need = Need {
    what: "Rust's standard library for the machine's word size",
    here: || Vm::on_path().is_some() || Target::find_i686().is_some(),
    from: Source::Made {
        advice: "rustup target add i686-unknown-linux-gnu, or let --install take Debian's",
        make: cross::install,
    },
};

/// Everything that a Dart program of ours is run with.
pub(crate) struct Dart {
    vm: Vm,
    target: Target,
}

impl Dart {
    /// Finds what [`NEEDS`] names.
    pub(crate) fn find() -> Result<Self, Failure> {
        let missing = |what: &str| {
            Failure::new(format!("there is no {what}; `cargo xtask test --install dart` gets it"))
        };
        let vm = Vm::find().ok_or_else(|| missing("Dart virtual machine"))?;
        let target = match vm {
            Vm::OnPath(_) => Target::native(),
            Vm::Packaged(_) => Target::find_i686()
                .ok_or_else(|| missing("standard library for i686-unknown-linux-gnu"))?,
        };
        Ok(Self { vm, target })
    }

    /// Builds a package's shared library, and says where it lies.
    pub(crate) fn library(&self, package: &str, release: bool) -> Result<PathBuf, Failure> {
        self.target.library(package, release)
    }

    /// `dart ARGS...`, with the packages of this workspace to be found by `package:`.
    pub(crate) fn command(&self, program: &Path) -> Result<Command, Failure> {
        let mut command = Command::new(self.vm.path());
        command.arg(format!("--packages={}", package_config()?.display()));
        command.arg("--enable-asserts").arg(program).current_dir(sh::root());
        Ok(command)
    }

    /// The same with the program compiled before, which is most of what starting one takes: for
    /// programs that are started often, or under a tool that slows them down. A `dart` of the user's
    /// is left to run the source, since this has not been tried with any.
    pub(crate) fn compiled(&self, program: &Path) -> Result<Command, Failure> {
        let Vm::Packaged(vm) = &self.vm else { return self.command(program) };
        let name = program.file_stem().unwrap_or_default();
        let kernel = sh::work_dir("dart/compiled")?.join(name).with_extension("dill");
        let packages = format!("--packages={}", package_config()?.display());
        let mut compile = Command::new(vm);
        compile.arg(&packages).arg(format!("--snapshot={}", kernel.display()));
        compile.arg("--snapshot-kind=kernel").arg(program).current_dir(sh::root());
        sh::run_unseen(compile)?;
        let mut command = Command::new(vm);
        // The packages once more, for programs that start others.
        command.args([&packages, "--enable-asserts"]).arg(kernel).current_dir(sh::root());
        Ok(command)
    }
}

/// Writes the file that tells the machine where `package:wharf/` lies: what `dart pub get` would
/// write, had the package any dependency to get.
fn package_config() -> Result<PathBuf, Failure> {
    let path = sh::target_dir()?.join("dart/package_config.json");
    let text = format!(
        "{{\n  \"configVersion\": 2,\n  \"packages\": [\n    {{ \"name\": \"wharf\", \
         \"rootUri\": \"file://{}\", \"packageUri\": \"lib/\", \"languageVersion\": \"3.5\" }}\n  ]\n}}\n",
        sh::root().join("ffi/hosts/dart").display()
    );
    write(&path, &text)?;
    Ok(path)
}

/// Writes a file and the folders above it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

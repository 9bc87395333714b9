//! The programs of the tests, put together into one that is compiled once: which of them it runs is
//! said by `WHARF_TESTS`, a list of names. Several run one after the other, in an isolate each, for
//! starting the machine takes as long as many a test where a tool slows it down.

use super::{Dart, examples};
use crate::{command::Failure, sh};
use std::{fs, path::Path, process::Command};

const FOLDER: &str = "tests/hosts/dart";

/// What the programs load: the tests' own library, and the one of the examples.
const LIBRARIES: [&str; 2] = ["wharf-dart-tests", "pages"];

/// All of them, compiled, with the libraries that they load.
pub(super) struct Programs {
    /// Their names, in order.
    pub(super) names: Vec<String>,
    command: Command,
}

impl Programs {
    pub(super) fn compile(dart: &Dart) -> Result<Self, Failure> {
        let mut libraries = Vec::new();
        for package in LIBRARIES {
            libraries.push(dart.library(package, false)?);
        }
        let folder = sh::work_dir("dart/tests")?;
        examples::write(&folder)?;
        let mut names = found()?;
        let mut paths: Vec<_> =
            names.iter().map(|name| sh::root().join(FOLDER).join(name)).collect();
        names.push(examples::PROGRAM.to_owned());
        paths.push(folder.join(examples::PROGRAM));
        names.iter_mut().for_each(|name| *name = name.trim_end_matches(".dart").to_owned());
        let all = folder.join("all.dart");
        let paths = names.iter().zip(paths.iter().map(|path| path.as_path()));
        super::write(&all, &together(paths))?;
        let mut command = dart.compiled(&all)?;
        command.args(libraries);
        // Some of the tasks panic, as they should: their traces would bury what matters.
        command.env("RUST_BACKTRACE", "0");
        Ok(Self { names, command })
    }

    /// What runs some of them.
    pub(super) fn run(&self, names: &[&str]) -> Command {
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args()).current_dir(sh::root());
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("WHARF_TESTS", names.join(","));
        command
    }
}

fn found() -> Result<Vec<String>, Failure> {
    let folder = sh::root().join(FOLDER);
    let entries = fs::read_dir(&folder)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", folder.display())))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.ends_with("_test.dart")).collect();
    names.sort();
    if names.is_empty() {
        return Err(Failure::new(format!("there are no tests in {}", folder.display())));
    }
    Ok(names)
}

/// The source of one program that runs whichever of these it is told to.
fn together<'a>(programs: impl Iterator<Item = (&'a String, &'a Path)> + Clone) -> String {
    let support = sh::root().join(FOLDER).join("support");
    let imports: String = programs
        .clone()
        .map(|(name, path)| format!("import 'file://{}' as {name};\n", path.display()))
        .collect();
    let entries: String = programs.map(|(name, _)| format!("  '{name}': {name}.main,\n")).collect();
    format!(
        "import 'dart:io';\n{imports}import 'file://{support}/check.dart';\n\
         import 'file://{support}/tests.dart';\n\nconst _programs = <String, Main>{{\n{entries}}};\n\n\
         Future<void> main(List<String> args) {{\n  \
           final names = Platform.environment['WHARF_TESTS']!.split(',');\n  \
           if (names case [final name]) return _programs[name]!(args);\n  \
           final tests = Tests(args.first);\n  \
           return runPrograms({{for (final name in names) name: _programs[name]!}}, args,\n      \
             atRest: () => tests.held() == 0);\n\
         }}\n",
        support = support.display()
    )
}

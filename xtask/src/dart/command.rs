//! `cargo xtask dart`: the bindings, and any program of one's own.

use super::{Dart, bindings};
use crate::{
    command::{Command, Failure},
    sh,
};
use lexopt::prelude::*;
use std::{
    ffi::OsStr,
    iter,
    path::{self, Path, PathBuf},
    process,
};

pub(crate) const COMMAND: Command = Command {
    name: "dart",
    about: "make the Dart bindings, or run a Dart program: `dart bindings | run FILE | compile FILE`",
    help: "\
usage: cargo xtask dart bindings
       cargo xtask dart run FILE [ARGS...]
       cargo xtask dart compile FILE [ARGS...]

  bindings   make the Dart bindings from the C headers: the package's, and the examples'
  run        run a program in the Dart machine, with package:wharf to be found;
             the words {tests}, {checked}, {pages} and {peer} among the arguments
             stand for the paths of libraries, built first: the tests' as the benches
             use it, the same with debug assertions, the examples' (so, too), and the
             benches' peer
  compile    compile a program, and print in one line the words of the command that runs
             it, a tab between two: for one that is to start often and at once

`cargo xtask test --install dart` fetches the machine and what it takes to build for it;
`cargo xtask bench dart` measures.
",
    run,
};

fn run(args: &mut lexopt::Parser) -> Result<(), Failure> {
    let what = match args.next()? {
        Some(Value(what)) => what.string()?,
        _ => return Err(Failure::new("dart what? `cargo xtask dart --help` tells")),
    };
    match what.as_str() {
        "bindings" => bindings::write(),
        "run" => {
            let file = PathBuf::from(args.value()?);
            sh::run(program(&file, words(args)?, Dart::command)?)
        }
        "compile" => {
            let file = PathBuf::from(args.value()?);
            let command = program(&file, words(args)?, Dart::compiled)?;
            let words = iter::once(command.get_program()).chain(command.get_args());
            println!("{}", words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join("\t"));
            Ok(())
        }
        other => {
            Err(Failure::new(format!("there is no `dart {other}`; --help lists what there is")))
        }
    }
}

fn words(args: &mut lexopt::Parser) -> Result<Vec<String>, Failure> {
    Ok(args.raw_args()?.map(|arg| arg.to_string_lossy().into()).collect())
}

/// The command that runs a program with these arguments, as `by` makes it.
fn program(
    file: &Path,
    args: Vec<String>,
    by: impl Fn(&Dart, &Path) -> Result<process::Command, Failure>,
) -> Result<process::Command, Failure> {
    let dart = Dart::find()?;
    let mut command = by(&dart, &path::absolute(file).unwrap_or_else(|_| file.into()))?;
    for arg in args {
        match arg.as_str() {
            "{tests}" => command.arg(dart.library("wharf-dart-tests", true)?),
            "{checked}" => command.arg(dart.library("wharf-dart-tests", false)?),
            "{pages}" => command.arg(dart.library("pages", false)?),
            "{peer}" => command.arg(dart.library("wharf-dart-peer", true)?),
            _ => command.arg(arg),
        };
    }
    Ok(command)
}

//! `cargo xtask dart`: the bindings, and any program of one's own.

use super::{Dart, bindings};
use crate::{
    command::{Command, Failure},
    sh,
};
use lexopt::prelude::*;
use std::path::PathBuf;

pub(crate) const COMMAND: Command = Command {
    name: "dart",
    about: "make the Dart bindings, or run a Dart program: `dart bindings | run FILE`",
    help: "\
usage: cargo xtask dart bindings
       cargo xtask dart run FILE [ARGS...]

  bindings   make the Dart bindings from the C headers: the package's, and the examples'
  run        run a program in the Dart machine, with package:wharf to be found;
             the words {tests}, {checked}, {pages} and {peer} among the arguments
             stand for the paths of libraries, built first: the tests' as the benches
             use it, the same with debug assertions, the examples' (so, too), and the
             benches' peer

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
            program(&file, args.raw_args()?.map(|arg| arg.to_string_lossy().into()).collect())
        }
        other => {
            Err(Failure::new(format!("there is no `dart {other}`; --help lists what there is")))
        }
    }
}

fn program(file: &std::path::Path, args: Vec<String>) -> Result<(), Failure> {
    let dart = Dart::find()?;
    let mut command = dart.command(&std::path::absolute(file).unwrap_or_else(|_| file.into()))?;
    for arg in args {
        match arg.as_str() {
            "{tests}" => command.arg(dart.library("wharf-dart-tests", true)?),
            "{checked}" => command.arg(dart.library("wharf-dart-tests", false)?),
            "{pages}" => command.arg(dart.library("pages", false)?),
            "{peer}" => command.arg(dart.library("wharf-dart-peer", true)?),
            _ => command.arg(arg),
        };
    }
    sh::run(command)
}

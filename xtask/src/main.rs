//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! Each command is a module with a `COMMAND` constant, and one line in [`COMMANDS`].

mod bench;
mod command;
mod dart;
mod demo;
mod folder;
mod header;
mod install;
mod loom;
mod needs;
mod npm;
mod python;
mod sh;
mod site;
mod test;

use command::{Command, Failure};
use std::process::ExitCode;

/// Every command there is, in the order of the help text. A new module adds its line here.
const COMMANDS: &[Command] = &[
    demo::COMMAND,
    test::COMMAND,
    loom::COMMAND,
    bench::COMMAND,
    dart::COMMAND,
    header::COMMAND,
    install::COMMAND,
];

fn main() -> ExitCode {
    let mut args = lexopt::Parser::from_env();
    match dispatch(&mut args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &mut lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let name = match args.next()? {
        None | Some(Short('h') | Long("help")) => {
            print!("{}", overview());
            return Ok(());
        }
        Some(Value(name)) => name.to_string_lossy().into_owned(),
        Some(other) => return Err(other.unexpected().into()),
    };
    let command = COMMANDS.iter().find(|command| command.name == name).ok_or_else(|| {
        Failure::new(format!("there is no command '{name}'; `cargo xtask` lists them"))
    })?;
    if command::asks_for_help(args) {
        print!("{}", command.help);
        return Ok(());
    }
    (command.run)(args)
}

fn overview() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [OPTIONS]\n\n");
    for command in COMMANDS {
        text += &format!("  {:<8} {}\n", command.name, command.about);
    }
    text + "\n`cargo xtask COMMAND --help` tells more about one.\n"
}

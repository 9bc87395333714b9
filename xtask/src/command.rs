//! What a command is, and how one fails.

use std::fmt;

/// One command of `cargo xtask`.
pub(crate) struct Command {
    /// What is typed after `cargo xtask`.
    pub(crate) name: &'static str,
    /// One line for the list of commands.
    pub(crate) about: &'static str,
    /// What `--help` prints; ends with a line break.
    pub(crate) help: &'static str,
    /// Does the work with the arguments after the name.
    pub(crate) run: fn(&mut lexopt::Parser) -> Result<(), Failure>,
}

/// Why a command failed: what was tried, what went wrong, what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self(format!("{error}; --help lists what is understood"))
    }
}

/// Whether `--help` or `-h` stands anywhere before a `--` among the arguments yet to come.
pub(crate) fn asks_for_help(args: &mut lexopt::Parser) -> bool {
    let Ok(rest) = args.raw_args() else { return false };
    let rest = rest.as_slice();
    rest.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--help" || arg == "-h")
}

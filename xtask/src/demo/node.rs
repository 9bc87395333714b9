//! The host program in JavaScript: the package installed, and the program run by Node with it.

use crate::{command::Failure, needs, npm, sh};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const PROGRAM: &str = "examples/node";

/// The program, beside the package that it imports, and the library.
pub(super) struct Host {
    folder: PathBuf,
    library: PathBuf,
}

/// Makes the package and installs it.
pub(super) fn build(built: &Path) -> Result<Host, Failure> {
    for need in [&needs::NODE, &needs::CC, &npm::TOOLS_NEED] {
        if !(need.here)() {
            let advice = need.from.advice();
            return Err(Failure::new(format!(
                "the host runs in Node, and this machine lacks {}: {advice}, or run \
                 `cargo xtask test --install node` once",
                need.what
            )));
        }
    }
    let folder = sh::work_dir("demo")?.join("node");
    npm::install(&folder)?;
    sh::copy_all(&sh::root().join(PROGRAM), &folder, &["package.json", "node_modules"])?;
    Ok(Host { folder, library: built.join("libpages.so") })
}

impl Host {
    /// The program, with the library.
    pub(super) fn program(&self) -> Command {
        let mut host = Command::new("node");
        host.arg(self.folder.join("pages.mjs")).arg(&self.library);
        host
    }
}

//! Where the virtual machine is, and how it is fetched.

use crate::{command::Failure, npm, sh};
use std::{path::PathBuf, process::Command};

/// Which package carries the machine. Its version and checksum stand in the lock file beside the
/// manifest in [`MANIFEST`].
const PACKAGE: &str = "sass-embedded-linux-ia32";

/// The folder of the manifest and the lock file, from the workspace's root.
const MANIFEST: &str = "tests/hosts/dart/vm";

/// A Dart virtual machine with a just-in-time compiler: it runs `.dart` files as they are.
pub(crate) enum Vm {
    /// The `dart` that the user has, a 64-bit one.
    OnPath(PathBuf),
    /// The 32-bit one out of the npm package.
    Packaged(PathBuf),
}

impl Vm {
    /// The machine to use, if there is one.
    pub(crate) fn find() -> Option<Self> {
        Self::on_path().or_else(Self::packaged)
    }

    /// A `dart` on the PATH, made for the processor that this program is made for.
    pub(crate) fn on_path() -> Option<Self> {
        let mut version = Command::new("dart");
        version.arg("--version");
        let text = version.output().ok().filter(|output| output.status.success())?;
        let arch = if cfg!(target_arch = "aarch64") { "_arm64\"" } else { "_x64\"" };
        let says = [text.stdout, text.stderr].concat();
        String::from_utf8_lossy(&says).contains(arch).then(|| Self::OnPath("dart".into()))
    }

    fn packaged() -> Option<Self> {
        let path = folder().ok()?.join(format!("node_modules/{PACKAGE}/dart-sass/src/dart"));
        path.exists().then_some(Self::Packaged(path))
    }

    /// What is run.
    pub(crate) fn path(&self) -> &PathBuf {
        match self {
            Self::OnPath(path) | Self::Packaged(path) => path,
        }
    }
}

fn folder() -> Result<PathBuf, Failure> {
    Ok(sh::target_dir()?.join("dart/vm"))
}

/// Fetches the package into the target folder.
pub(super) fn fetch() -> Result<(), Failure> {
    // --force: the package says that it is for 32-bit processors, which this one is too.
    npm::ci(MANIFEST, &folder()?, &["--force"])
}

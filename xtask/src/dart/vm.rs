//! Where the virtual machine is, and how it is fetched.

use crate::{command::Failure, sh};
use std::{fs, path::PathBuf, process::Command};

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

/// Fetches the package into the target folder; npm compares it with the checksum in the lock file.
pub(super) fn fetch() -> Result<(), Failure> {
    if !sh::works("npm", &["--version"]) {
        crate::needs::apt(&["npm"])?;
    }
    let folder = folder()?;
    for name in ["package.json", "package-lock.json"] {
        let from = sh::root().join(MANIFEST).join(name);
        let text = fs::read_to_string(&from)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", from.display())))?;
        super::write(&folder.join(name), &text)?;
    }
    let mut npm = Command::new("npm");
    // --force: the package says that it is for 32-bit processors, which this one is too.
    npm.args(["ci", "--force", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(&folder);
    sh::run(npm)
}

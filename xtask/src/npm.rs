//! npm packages that the tests run with, by name, version and checksum: a manifest and its lock file.

use crate::{command::Failure, needs, sh};
use std::{fs, path::Path, process::Command};

/// Fetches what the manifest in the folder `manifest`, from the workspace's root, asks for into
/// `folder`. npm compares it with the checksums in the lock file; no script of a package's is run.
pub(crate) fn ci(manifest: &str, folder: &Path, further: &[&str]) -> Result<(), Failure> {
    if !sh::works("npm", &["--version"]) {
        needs::apt(&["npm"])?;
    }
    for name in ["package.json", LOCK] {
        sh::copy(&sh::root().join(manifest).join(name), &folder.join(name))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.args(further).current_dir(folder);
    sh::run(npm)
}

/// Whether `package` is in `folder`, fetched by this manifest's lock file as it is now.
pub(crate) fn has(manifest: &str, folder: &Path, package: &str) -> bool {
    let lock = |folder: &Path| fs::read(folder.join(LOCK)).ok();
    let wanted = lock(&sh::root().join(manifest));
    let fetched = folder.join("node_modules").join(package).join("package.json");
    wanted.is_some() && wanted == lock(folder) && fetched.exists()
}

const LOCK: &str = "package-lock.json";

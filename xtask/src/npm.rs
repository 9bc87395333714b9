//! npm packages: those that the tests run with, by name, version and checksum, and our own.

use crate::{
    command::Failure,
    needs::{self, Need, Source},
    sh,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Fetches what the manifest in the folder `manifest`, from the workspace's root, asks for into
/// `folder`. npm compares it with the checksums in the lock file; no script of a package's is run.
pub(crate) fn ci(manifest: &str, folder: &Path, further: &[&str]) -> Result<(), Failure> {
    if !sh::works("npm", &["--version"]) {
        needs::apt(&["npm"])?;
    }
    for name in ["package.json", LOCK] {
        sh::copy(&sh::root().join(manifest).join(name), &folder.join(name))?;
    }
    let mut ci = npm(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    ci.args(further);
    sh::run(ci)
}

/// Whether `package` is in `folder`, fetched by this manifest's lock file as it is now.
pub(crate) fn has(manifest: &str, folder: &Path, package: &str) -> bool {
    let lock = |folder: &Path| fs::read(folder.join(LOCK)).ok();
    let wanted = lock(&sh::root().join(manifest));
    let fetched = folder.join("node_modules").join(package).join("package.json");
    wanted.is_some() && wanted == lock(folder) && fetched.exists()
}

const LOCK: &str = "package-lock.json";

fn npm(folder: &Path, args: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.arg("--loglevel=error").args(args).current_dir(folder);
    npm
}

/// The package `wharf`, from the workspace's root.
const PACKAGE: &str = "ffi/hosts/node";
/// The manifest of what it is made and checked with.
const TOOLS: &str = "tests/hosts/node";

/// What our own package is made and checked with.
pub(crate) const TOOLS_NEED: Need = Need {
    what: "the headers of Node-API and the compiler of TypeScript, packages of npm's",
    here: || tools().is_ok_and(|folder| has(TOOLS, &folder, "typescript")),
    from: Source::Made {
        advice: "let --install fetch them through npm",
        make: || ci(TOOLS, &tools()?, &[]),
    },
};

/// Where these are.
pub(crate) fn tools() -> Result<PathBuf, Failure> {
    sh::work_dir("node")
}

/// Packs the package as it would be published, and installs that into `folder`, where nothing else is: without the
/// network, and without a compiler, for the addon is packed as well.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let tools = tools()?;
    // Below the folder that has the headers, and away from the sources, which stay as they are.
    let copy = tools.join("package");
    let cannot = |what: &Path, why: std::io::Error| {
        Failure::new(format!("cannot replace {}: {why}", what.display()))
    };
    for folder in [&copy, folder] {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|why| cannot(folder, why))?;
        }
        fs::create_dir_all(folder).map_err(|why| cannot(folder, why))?;
    }
    sh::copy_all(&sh::root().join(PACKAGE), &copy, &["build", "node_modules", "prebuilds"])?;
    sh::copy(&sh::root().join("ffi/include/wharf.h"), &copy.join("native/wharf.h"))?;
    let mut pack = npm(&copy, &["pack", "--silent", "--pack-destination"]);
    pack.arg(&tools).env("CFLAGS", "-Werror");
    sh::run(pack)?;
    let packed = tools.join(format!("wharf-{}.tgz", env!("CARGO_PKG_VERSION")));
    let alone = "{\"private\": true, \"type\": \"module\"}\n";
    let manifest = folder.join("package.json");
    fs::write(&manifest, alone).map_err(|why| cannot(&manifest, why))?;
    let flags = ["install", "--offline", "--omit=optional", "--no-audit", "--no-fund", "--silent"];
    let mut install = npm(folder, &flags);
    install.arg(&packed);
    sh::run(install)
}

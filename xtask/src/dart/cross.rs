//! Building for the machine's word size.
//!
//! The 32-bit machine takes a 32-bit library. rustup's toolchain is used where it has the target;
//! else Debian's compiler with Debian's standard library for i386. Of the latter only the compiled
//! Rust crates are wanted, so the package is unpacked under the target folder, not installed: it
//! would draw in a 32-bit LLVM, and fail where the lists of the two architectures are not of the
//! same hour.

use crate::{command::Failure, needs, sh};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const TRIPLE: &str = "i686-unknown-linux-gnu";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const CRATES: &str = "libstd-rust-web-dev";

/// What a library is built for, and with.
pub(crate) struct Target {
    triple: Option<&'static str>,
    rustc: Option<&'static str>,
    sysroot: Option<PathBuf>,
}

impl Target {
    /// This machine itself, with the toolchain that cargo takes.
    pub(super) fn native() -> Self {
        Self { triple: None, rustc: None, sysroot: None }
    }

    /// 32-bit x86, with whichever toolchain here can build for it.
    pub(super) fn find_i686() -> Option<Self> {
        let with = |rustc, sysroot| Self { triple: Some(TRIPLE), rustc, sysroot };
        if sysroot_of("rustc").is_some_and(|sysroot| has_crates(&sysroot)) {
            return Some(with(None, None));
        }
        let debian = sysroot_of(DEBIAN_RUSTC)?;
        if has_crates(&debian) {
            return Some(with(Some(DEBIAN_RUSTC), None));
        }
        let unpacked = unpacked().ok()?.join("usr");
        has_crates(&unpacked).then(|| with(Some(DEBIAN_RUSTC), Some(unpacked)))
    }

    /// Builds a package's shared library, and says where it lies.
    pub(super) fn library(&self, package: &str, release: bool) -> Result<PathBuf, Failure> {
        let folder = sh::target_dir()?.join("dart/build");
        sh::run(self.build(package, release, &folder))?;
        let name = format!("lib{}.so", package.replace('-', "_"));
        let profile = if release { "release" } else { "debug" };
        Ok(folder.join(self.triple.unwrap_or_default()).join(profile).join(name))
    }

    fn build(&self, package: &str, release: bool, folder: &Path) -> Command {
        let mut cargo = sh::cargo(["build", "--quiet", "--lib", "--package", package]);
        cargo.env("CARGO_TARGET_DIR", folder);
        if release {
            cargo.arg("--release");
        }
        if let Some(triple) = self.triple {
            cargo.args(["--target", triple]);
        }
        if let Some(rustc) = self.rustc {
            cargo.env("RUSTC", rustc).env_remove("RUSTUP_TOOLCHAIN");
        }
        if let Some(sysroot) = &self.sysroot {
            // With --target these flags are for the library alone, not for what cargo runs here.
            cargo.env("RUSTFLAGS", format!("--sysroot {}", sysroot.display()));
        }
        cargo
    }
}

fn sysroot_of(rustc: &str) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).current_dir(sh::root()).output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    Some(PathBuf::from(text.trim()))
}

fn has_crates(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TRIPLE).join("lib").exists()
}

/// Whether the C compiler links programs of 32 bits.
pub(super) fn links() -> bool {
    sh::works("sh", &["-c", "echo 'int main(void){return 0;}' | cc -m32 -x c -o /dev/null -"])
}

fn unpacked() -> Result<PathBuf, Failure> {
    Ok(sh::target_dir()?.join("dart/i386"))
}

/// Lets packages for i386 be had beside those for this machine.
pub(super) fn add_i386() -> Result<(), Failure> {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.get().is_none() {
        sh::run(command("dpkg", &["--add-architecture", "i386"]))?;
        needs::refresh_lists();
        DONE.get_or_init(|| ());
    }
    Ok(())
}

/// Gets Debian's compiler and, for i386, its crates, in one version.
pub(super) fn install() -> Result<(), Failure> {
    add_i386()?;
    let version = common_version()?;
    let compiler = [format!("rustc-web={version}"), format!("{CRATES}={version}")];
    needs::apt_install(&compiler.each_ref().map(String::as_str));
    unpack(&version)
}

/// The oldest version that the lists have for both: the closest to the oldest compiler we promise.
fn common_version() -> Result<String, Failure> {
    let versions = |package: &str| -> Result<Vec<String>, Failure> {
        let text = sh::output(command("apt-cache", &["madison", package]))?;
        Ok(text
            .lines()
            .filter_map(|line| line.split('|').nth(1))
            .map(|v| v.trim().into())
            .collect())
    };
    let here = versions("rustc-web")?;
    let there = versions(&format!("{CRATES}:i386"))?;
    here.into_iter().rev().find(|version| there.contains(version)).ok_or_else(|| {
        Failure::new(format!("the lists have no version of both rustc-web and {CRATES}:i386"))
    })
}

fn unpack(version: &str) -> Result<(), Failure> {
    let folder = unpacked()?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    let mut download = command("apt-get", &["download", &format!("{CRATES}:i386={version}")]);
    download.current_dir(&folder);
    sh::run(download)?;
    let mut unpack = command("sh", &["-c", "dpkg-deb -x libstd-*_i386.deb . && rm libstd-*.deb"]);
    unpack.current_dir(&folder);
    sh::run(unpack)
}

fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

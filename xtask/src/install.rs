//! `cargo xtask install`: libwharf for C programmers, laid out as they expect it.
//!
//! ```text
//! PREFIX/include/wharf.h, wharf.hpp, wharf_loop.hpp
//! PREFIX/lib/libwharf.so -> libwharf.so.0 -> libwharf.so.0.1.0
//! PREFIX/lib/libwharf.a
//! PREFIX/lib/pkgconfig/wharf.pc
//! PREFIX/lib/cmake/wharf/wharf-config.cmake, wharf-config-version.cmake
//! ```
//!
//! The shared library is linked here, out of the static one: cargo's has the same code, but rustc
//! gives it a list of names to the linker, beside which there is no room for their versions.

use crate::{
    command::{Command, Failure},
    sh,
};
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process,
};

pub(crate) const COMMAND: Command = Command {
    name: "install",
    about: "build libwharf and install it for C: `cargo xtask install --prefix DIR`",
    help: "\
usage: cargo xtask install --prefix DIR [--destdir DIR] [--debug]

Builds libwharf and copies what a C program needs to be built with it: the header, the shared
library with its soname, the static library, a pkg-config file and a CMake package.

  --prefix DIR    where it will be used, as an absolute path
  --destdir DIR   put before the prefix when copying, for those who make packages
  --debug         the unoptimised build, which is made faster
",
    run,
};

fn run(args: &mut lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    let (mut prefix, mut destdir, mut debug) = (None, PathBuf::new(), false);
    while let Some(arg) = args.next()? {
        match arg {
            Long("prefix") => prefix = Some(PathBuf::from(args.value()?)),
            Long("destdir") => destdir = args.value()?.into(),
            Long("debug") => debug = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let prefix = prefix
        .ok_or_else(|| Failure::new("say where: `cargo xtask install --prefix /usr/local`"))?;
    if !prefix.is_absolute() {
        let text =
            format!("--prefix {}: it is written into files, so be absolute", prefix.display());
        return Err(Failure::new(text));
    }
    install(&prefix, &destdir, debug)
}

/// Builds and copies.
pub(crate) fn install(prefix: &Path, destdir: &Path, debug: bool) -> Result<(), Failure> {
    let mut build = sh::cargo(["build", "--quiet", "--package", "wharf-c"]);
    if !debug {
        build.arg("--release");
    }
    sh::run(build)?;
    let built = sh::target_dir()?.join(if debug { "debug" } else { "release" });
    let version = env!("CARGO_PKG_VERSION");
    let root = destdir.join(prefix.strip_prefix("/").unwrap_or(prefix));
    let root = if destdir.as_os_str().is_empty() { prefix.to_path_buf() } else { root };
    let lib = root.join("lib");

    for header in ["wharf.h", "wharf.hpp", "wharf_loop.hpp"] {
        let from = sh::root().join("ffi/include").join(header);
        copy(&from, &root.join("include").join(header))?;
    }
    link_shared(&built.join("libwharf.a"), &lib.join(format!("libwharf.so.{version}")), !debug)?;
    link(&format!("libwharf.so.{version}"), &lib.join("libwharf.so.0"))?;
    link("libwharf.so.0", &lib.join("libwharf.so"))?;
    copy(&built.join("libwharf.a"), &lib.join("libwharf.a"))?;
    write(&lib.join("pkgconfig/wharf.pc"), &pkg_config(prefix, version))?;
    write(&lib.join("cmake/wharf/wharf-config.cmake"), &CMAKE.replace("@VERSION@", version))?;
    let cmake_version = CMAKE_VERSION.replace("@VERSION@", version);
    write(&lib.join("cmake/wharf/wharf-config-version.cmake"), &cmake_version)?;
    println!("installed in {}", root.display());
    Ok(())
}

/// Makes the shared library, its functions under the version that ffi/lib/wharf.map gives them.
fn link_shared(archive: &Path, to: &Path, stripped: bool) -> Result<(), Failure> {
    make_room(to)?;
    let mut cc = process::Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.arg("-shared").arg("-o").arg(to);
    cc.arg("-Wl,--whole-archive").arg(archive).arg("-Wl,--no-whole-archive");
    let map = sh::root().join("ffi/lib/wharf.map");
    cc.arg(format!("-Wl,--version-script={}", map.display()));
    cc.args(["-Wl,-soname,libwharf.so.0", "-Wl,-Bsymbolic-functions", "-Wl,-z,nodelete"]);
    cc.args(["-Wl,--gc-sections", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,--as-needed"]);
    if packs_relocations() {
        cc.arg("-Wl,-z,pack-relative-relocs");
    }
    if stripped {
        cc.arg("-Wl,--strip-all");
    }
    cc.args(SYSTEM.map(|library| format!("-l{library}")));
    sh::run(cc)
}

/// Whether this system's loader knows the short form of relocations (DT_RELR), which takes a
/// hundredth of the room: glibc does since 2.36.
fn packs_relocations() -> bool {
    let mut ask = process::Command::new("getconf");
    let Ok(text) = ask.arg("GNU_LIBC_VERSION").output() else { return false };
    let text = String::from_utf8_lossy(&text.stdout);
    let version = text.trim().trim_start_matches("glibc ").split_once('.');
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    version.is_some_and(|(major, minor)| (number(major), number(minor)) >= (2, 36))
}

/// What a program that is linked statically needs of the system.
pub(crate) const SYSTEM: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

fn pkg_config(prefix: &Path, version: &str) -> String {
    format!(
        "prefix={}\n\
         includedir=${{prefix}}/include\n\
         libdir=${{prefix}}/lib\n\
         \n\
         Name: wharf\n\
         Description: An async runtime behind a C interface\n\
         Version: {version}\n\
         Cflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -lwharf\n\
         Libs.private: -l{}\n",
        prefix.display(),
        SYSTEM.join(" -l")
    )
}

/// Targets `wharf::wharf`, the shared library, and `wharf::static`. Found from where the file lies,
/// so the tree may be moved.
const CMAKE: &str = r#"get_filename_component(_wharf "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET wharf::wharf)
  add_library(wharf::wharf SHARED IMPORTED)
  set_target_properties(wharf::wharf PROPERTIES
    IMPORTED_LOCATION "${_wharf}/lib/libwharf.so.@VERSION@"
    IMPORTED_SONAME "libwharf.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_wharf}/include")
  add_library(wharf::static STATIC IMPORTED)
  set_target_properties(wharf::static PROPERTIES
    IMPORTED_LOCATION "${_wharf}/lib/libwharf.a"
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl;c"
    INTERFACE_INCLUDE_DIRECTORIES "${_wharf}/include")
endif()
unset(_wharf)
"#;

/// While the major version is 0, each minor version stands alone.
const CMAKE_VERSION: &str = r#"set(PACKAGE_VERSION "@VERSION@")
string(REGEX MATCH "^[0-9]+\\.[0-9]+" _wharf "${PACKAGE_VERSION}")
if(PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION
   AND "${PACKAGE_FIND_VERSION_MAJOR}.${PACKAGE_FIND_VERSION_MINOR}" STREQUAL _wharf)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
else()
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
unset(_wharf)
"#;

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    make_room(to)?;
    fs::copy(from, to).map(|_| ()).map_err(|error| refused(to, &error))
}

fn write(to: &Path, text: &str) -> Result<(), Failure> {
    make_room(to)?;
    fs::write(to, text).map_err(|error| refused(to, &error))
}

fn link(target: &str, at: &Path) -> Result<(), Failure> {
    make_room(at)?;
    symlink(target, at).map_err(|error| refused(at, &error))
}

/// Makes the folder and takes away what is there, so that a file that is in use stays as it is.
fn make_room(path: &Path) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| refused(folder, &error))?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(path, &error)),
        _ => Ok(()),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

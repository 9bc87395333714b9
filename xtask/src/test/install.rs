//! libwharf as C programmers meet it: installed, found by pkg-config and by CMake, and used by the
//! program that ffi/README.md shows.

use super::c::example;
use crate::{command::Failure, install, needs, needs::Need, sh};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::CC, needs::CXX, needs::PKG_CONFIG, needs::CMAKE];

/// Far above what the program takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Installs, then builds and runs the program in each way.
pub(super) fn run() -> Result<(), Failure> {
    let work = sh::work_dir("install")?;
    let prefix = work.join("prefix");
    let source = work.join("first.c");
    install::install(&prefix, Path::new(""), true)?;
    versions(&prefix.join("lib/libwharf.so"))?;
    write(&source, program("c")?.as_str())?;
    with_pkg_config(&prefix, &source, false)?;
    with_pkg_config(&prefix, &source, true)?;
    let source = work.join("primes.cpp");
    write(&source, program("cpp")?.as_str())?;
    with_pkg_config(&prefix, &source, false)?;
    with_cmake(&work, &prefix)
}

/// The first program of ffi/README.md in a language.
fn program(language: &str) -> Result<String, Failure> {
    let readme = sh::root().join("ffi/README.md");
    let text = fs::read_to_string(&readme)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", readme.display())))?;
    example(&text, language).map(str::to_owned).ok_or_else(|| {
        Failure::new(format!("ffi/README.md has no example that begins with ```{language}"))
    })
}

/// Everything that the shared library offers is there under a version, and nothing else is.
fn versions(library: &Path) -> Result<(), Failure> {
    let mut nm = Command::new("nm");
    nm.args(["--dynamic", "--defined-only", "--with-symbol-versions"]).arg(library);
    let text = sh::output(nm)?;
    let names = text.lines().filter_map(|line| line.split_whitespace().nth(2));
    let names: Vec<&str> = names.filter(|name| !name.starts_with("WHARF_")).collect();
    let odd = names.iter().find(|name| !name.ends_with("@@WHARF_1"));
    match odd {
        None if names.len() > 30 => Ok(()),
        None => Err(Failure::new(format!("{} offers but {names:?}", library.display()))),
        Some(odd) => Err(Failure::new(format!("{} offers {odd}, unversioned", library.display()))),
    }
}

fn with_pkg_config(prefix: &Path, source: &Path, linked_statically: bool) -> Result<(), Failure> {
    let mut ask = Command::new("pkg-config");
    ask.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs"]);
    if linked_statically {
        ask.arg("--static");
    }
    ask.arg("wharf");
    let flags = sh::output(ask)?;
    let is_cpp = source.extension().is_some_and(|extension| extension == "cpp");
    let program = source.with_extension(if linked_statically { "static" } else { "shared" });
    let mut cc = Command::new(if is_cpp { "c++" } else { "cc" });
    cc.arg(if is_cpp { "-std=c++20" } else { "-std=c11" });
    cc.args(["-Wall", "-Wextra", "-Werror", "-pedantic"]).arg(source);
    cc.arg("-o").arg(&program);
    if linked_statically {
        // Where both are found, `-lwharf` means the shared one.
        let archive = prefix.join("lib/libwharf.a").display().to_string();
        cc.args(flags.split_whitespace().map(|flag| flag.replace("-lwharf", &archive)));
    } else {
        cc.args(flags.split_whitespace());
    }
    sh::run(cc)?;
    let mut run = Command::new(&program);
    if !linked_statically {
        // By its soname, which is a link in the tree.
        run.env("LD_LIBRARY_PATH", prefix.join("lib"));
    }
    sh::run_within(run, PATIENCE)
}

const CMAKE_LISTS: &str = "\
cmake_minimum_required(VERSION 3.16)
project(first C)
find_package(wharf 0.1 REQUIRED)
add_executable(shared first.c)
target_link_libraries(shared PRIVATE wharf::wharf)
add_executable(static first.c)
target_link_libraries(static PRIVATE wharf::static)
";

fn with_cmake(work: &Path, prefix: &Path) -> Result<(), Failure> {
    let build: PathBuf = work.join("build");
    write(&work.join("CMakeLists.txt"), CMAKE_LISTS)?;
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(work).arg("-B").arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    sh::run(configure)?;
    let mut make = Command::new("cmake");
    make.arg("--build").arg(&build);
    sh::run(make)?;
    for program in ["shared", "static"] {
        sh::run_within(Command::new(build.join(program)), PATIENCE)?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))
}

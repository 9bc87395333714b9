//! The C++ headers, by a program that throws wherever it can: under both standards that they know,
//! with warnings as errors and the sanitizers.

mod toolchain;

use std::process::Command;
use toolchain::{cxx_compiler, library, root, run, run_bounded, scratch};

fn host(standard: &str) {
    let program = scratch().join(format!("cpp-{standard}"));
    let mut cxx = Command::new(cxx_compiler());
    cxx.args(["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror", "-pedantic"]);
    cxx.args(["-g", "-pthread"]);
    cxx.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    cxx.arg(format!("-std={standard}")).arg(root().join("tests/hosts/cpp/cpp.cpp"));
    cxx.arg("-I").arg(root().join("ffi/include")).arg("-I").arg(root().join("tests/hosts/c"));
    cxx.arg("-o").arg(&program).arg("-L").arg(library()).arg("-lharbour");
    cxx.arg(format!("-Wl,-rpath,{}", library().display()));
    run(&mut cxx, &format!("compiling cpp.cpp as {standard}"));
    run_bounded(&mut Command::new(program), &format!("cpp.cpp as {standard}"));
}

#[test]
fn p8_exceptions_stay_on_their_side_in_cpp17() {
    host("c++17");
}

#[test]
fn p8_exceptions_stay_on_their_side_in_cpp20_with_coroutines() {
    host("c++20");
}

/// What is refused is told by exceptions: who compiles without them is told so, and not by what follows from that.
#[test]
fn without_exceptions_the_header_says_so() {
    let mut cxx = Command::new(cxx_compiler());
    cxx.args(["-std=c++17", "-fno-exceptions", "-fsyntax-only", "-x", "c++"]);
    cxx.arg(root().join("ffi/include/wharf.hpp"));
    let output = cxx.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("use wharf.h alone"), "{said}");
}

/// The headers as the other compiler sees them, where there is one.
#[test]
fn clang_finds_nothing_either() {
    if Command::new("clang++").arg("--version").output().is_err() {
        return;
    }
    for standard in ["c++17", "c++20"] {
        let mut cxx = Command::new("clang++");
        cxx.args(["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror", "-pedantic"]);
        cxx.arg(format!("-std={standard}")).arg("-fsyntax-only");
        cxx.arg(root().join("tests/hosts/cpp/cpp.cpp"));
        cxx.arg("-I").arg(root().join("ffi/include")).arg("-I").arg(root().join("tests/hosts/c"));
        run(&mut cxx, &format!("cpp.cpp as {standard} with clang++"));
    }
}

//! The C++ headers, by a program that throws wherever it can: under both standards that they know,
//! with warnings as errors and the sanitizers.

mod toolchain;

use std::process::Command;
use toolchain::{cxx_compiler, library, root, run, run_bounded, scratch};

fn host(standard: &str) {
    let program = scratch().join(format!("cpp-{standard}"));
    let mut cxx = Command::new(cxx_compiler());
    cxx.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"]);
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

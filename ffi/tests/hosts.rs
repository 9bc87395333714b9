//! Runs the C programs under tests/hosts/c against a library built on wharf, as a host would: each
//! is compiled with warnings as errors, plainly and with the address and undefined-behaviour
//! sanitizers, which also look for leaks.
//!
//! A program passes by returning 0. Each has its own test here, so that a failure has a name.

mod toolchain;

use std::{fs, process::Command};
use toolchain::{Built, Program, library, root, run_bounded, scratch};

macro_rules! programs {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                host(stringify!($name));
            }
        )*

        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
    };
}

programs! {
    first
    p1_none_lost_none_doubled
    p2_refused_posts_nothing
    p3_cancel_at_every_point
    p4_a_refused_post_means_that_the_port_is_gone
    p5_order_within_a_task
    p6_nothing_is_called_after_close
    p2_every_function_every_argument
    p6_handlers_and_notify
    p7_every_function_everywhere
    p7_ids_and_forks
    p8_errors_and_panics
    p9_back_pressure
    p9_a_stream_keeps_its_latest
    p10_batches_and_the_descriptor
    p11_side_by_side
    p11_stays_loaded
    p12_bytes_without_a_copy
    handlers
    faults_calls_at_a_threads_end
    faults_calls_at_the_processs_end
    faults_descriptors_exhausted
    faults_fork_with_two_libraries
    faults_host_code_does_not_return
    faults_post_calls_back
    faults_threads_refused
    loading_starts_no_thread
    owners
    random
    runtime_options
    shaking_hands
    storm
}

/// Compiles and runs `tests/hosts/c/NAME.c`, plainly and with the sanitizers.
fn host(name: &str) {
    for sanitized in [false, true] {
        let program = Program::new(name, Built::Shared).sanitized(sanitized).compile();
        let mut command = Command::new(&program);
        command.arg(library().join("libharbour.so")).current_dir(scratch());
        run_bounded(&mut command, &format!("{name}.c, {}", how(sanitized)));
    }
}

fn how(sanitized: bool) -> &'static str {
    if sanitized { "with sanitizers" } else { "plain" }
}

#[test]
fn first_linked_statically() {
    let program = Program::new("first", Built::Static).compile();
    run_bounded(&mut Command::new(program), "first.c, linked statically");
}

/// What ffi/README.md shows of C compiles, and what is a program runs.
#[test]
fn the_examples_of_the_readme() {
    let readme = fs::read_to_string(root().join("ffi/README.md")).unwrap();
    let blocks: Vec<_> = readme.split("\n```c\n").skip(1).collect();
    assert!(blocks.len() >= 3, "the first program, a loop, a declaration");
    for (at, block) in blocks.into_iter().enumerate() {
        let code = block.split_once("\n```").unwrap().0;
        let path = scratch().join(format!("readme-{at}"));
        let is_program = code.contains("int main(void)");
        let rest = if is_program { "" } else { "\nint main(void) { return 0; }\n" };
        let whole = format!("#include <wharf.h>\n{code}\n{rest}");
        fs::write(path.with_extension("c"), whole).unwrap();
        let program = Program::new(path.to_str().unwrap(), Built::Shared).compile();
        run_bounded(&mut Command::new(program), &format!("example {at} of ffi/README.md"));
    }
}

#[test]
fn every_program_has_its_test() {
    for entry in fs::read_dir(root().join("tests/hosts/c")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".c") {
            assert!(PROGRAMS.contains(&name), "{file} is run by no test");
        }
    }
}

//! The promises' programs under valgrind's memcheck, which sees what the sanitizers do not: what the
//! library itself, in Rust, does with memory, and values that nobody has set.

use crate::{command::Failure, needs, needs::Need, sh};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::CC, needs::VALGRIND];

/// Far above what one of the programs takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// Those that are done within seconds although each instruction takes thirty times as long.
const PROGRAMS: &[&str] = &[
    "first",
    "p2_every_function_every_argument",
    "p2_refused_posts_nothing",
    "p4_a_refused_post_means_that_the_port_is_gone",
    "p6_handlers_and_notify",
    "p6_nothing_is_called_after_close",
    "p7_every_function_everywhere",
    "p8_errors_and_panics",
    "p9_back_pressure",
    "p9_a_stream_keeps_its_latest",
    "p10_batches_and_the_descriptor",
    "p11_side_by_side",
    "p12_bytes_without_a_copy",
    "faults_threads_refused",
    "handlers",
    "owners",
    "shaking_hands",
];

/// Runs all of them.
pub(super) fn run() -> Result<(), Failure> {
    sh::run(sh::cargo(["build", "--quiet", "--package", "harbour", "--package", "wharf-c"]))?;
    let built = sh::target_dir()?.join("debug");
    let work = sh::work_dir("memcheck")?;
    PROGRAMS.iter().try_for_each(|name| {
        let program = compile(name, &built, &work)?;
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
        // Threads that still run when the process ends hold what they hold: only what nothing
        // points to any more is lost.
        valgrind.args(["--errors-for-leak-kinds=definite,indirect", "--fair-sched=yes"]);
        valgrind.arg(program).arg(built.join("libharbour.so"));
        sh::run_within(valgrind, PATIENCE)
    })
}

fn compile(name: &str, built: &Path, work: &Path) -> Result<PathBuf, Failure> {
    let program = work.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    cc.args(["-Iffi/include", "-Itests/hosts/c"]).arg(format!("tests/hosts/c/{name}.c"));
    cc.arg("-o").arg(&program).arg("-L").arg(built).args(["-lharbour", "-ldl"]);
    sh::find_library_in(&mut cc, built);
    cc.current_dir(sh::root());
    sh::run(cc)?;
    Ok(program)
}

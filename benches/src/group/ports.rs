//! Ports: a C host against wharf's library, against tokio with a queue and an eventfd, and against
//! a bare thread with two locked rings. Each sample is a process of its own.

use crate::row::{Better, Who};
use crate::stopwatch::Sample;
use crate::suite::{Entrant, Spec, Suite};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The hosts: who, the C file, and the library it is linked with.
const HOSTS: [(Who, &str, Option<&str>); 3] = [
    (Who::Wharf, "host_wharf", Some("wharf_peer_wharf")),
    (Who::Tokio, "host_tokio", Some("wharf_peer_tokio")),
    (Who::Floor, "host_bare", None),
];

/// Runs the group; without a C compiler or the libraries there are no rows, and a word about it.
pub fn run(s: &mut Suite) {
    let one = Spec::new("ports", "submit to answer, one at a time")
        .latency("p50", 0.0)
        .latency("p99", 1.0);
    let million = s.size(1_000_000, 500_000);
    let many =
        Spec::new("ports", "trivial tasks, 10,000 in flight, one worker").rate(million, "M/s", 1e6);
    let two = Spec::new("ports", "trivial tasks, 10,000 in flight, two workers")
        .rate(million, "M/s", 1e6);
    let posts = s.size(2_000_000, 1_000_000);
    let flood = Spec::new("ports", "messages of one task, drained in batches");
    let flood = flood.rate(posts, "M/s", 1e6);
    let first = Spec::new("ports", "first answer of a fresh process").figure("µs", Better::Lower);
    let works = [
        (one, "one-at-a-time", 1, s.size(20_000, 5_000)),
        (many, "in-flight", 1, million),
        (two, "in-flight", 2, million),
        (flood, "flood", 1, posts),
        (first, "first", 1, 1),
    ];
    let mut hosts = None;
    for (spec, what, workers, count) in works {
        if s.wants(&spec) {
            let hosts = hosts.get_or_insert_with(build);
            let entrants = hosts.iter().map(|(who, program)| -> Entrant<'_> {
                (*who, Box::new(move || sample(program, what, workers, count)))
            });
            let entrants = entrants.collect();
            s.run(spec, entrants);
        }
    }
}

/// Compiles the hosts that can be compiled, into the folder of this program.
fn build() -> Vec<(Who, PathBuf)> {
    let program = std::env::current_exe().expect("this program has a path");
    let dir = program.parent().expect("in a folder").to_path_buf();
    let compiled = |(who, name, library): (Who, &str, Option<&str>)| {
        let done = compile(&dir, name, library);
        if let Err(why) = &done {
            eprintln!("no figures of {} for ports: {why}", who.name());
        }
        Some((who, done.ok()?))
    };
    HOSTS.into_iter().filter_map(compiled).collect()
}

fn compile(dir: &Path, name: &str, library: Option<&str>) -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let out = dir.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .arg(&out)
        .args(["host.c", &format!("{name}.c")].map(|file| sources.join(file)))
        .arg("-I")
        .arg(sources.join("../../ffi/include"));
    if let Some(library) = library {
        let file = dir.join(format!("lib{library}.so"));
        if !file.exists() {
            return Err(format!("{} is not there; cargo xtask bench builds it", file.display()));
        }
        cc.arg(&file).arg(format!("-Wl,-rpath,{}", dir.display()));
    }
    let output = cc.output().map_err(|error| format!("cannot start cc: {error}"))?;
    match output.status.success() {
        true => Ok(out),
        false => Err(format!("cc failed:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn sample(program: &Path, what: &str, workers: usize, count: usize) -> Sample {
    let words = [what.to_owned(), workers.to_string(), count.to_string()];
    let output = Command::new(program).args(words).output().expect("start a host");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| !numbers.is_empty()).unwrap_or_else(|| {
        panic!("{} {what}: {}", program.display(), String::from_utf8_lossy(&output.stderr))
    });
    let wall = Duration::from_nanos(numbers[0]);
    let figure = numbers[0] as f64 / 1e3;
    Sample { wall, figure, latencies: numbers, ..Sample::default() }
}

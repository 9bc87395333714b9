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
    storm(s);
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

/// A storm over the C test of that name: whatever of it is not nought is a bug.
fn storm(s: &mut Suite) {
    let submits = s.size(1_000_000, 200_000).to_string();
    let work = "a storm of submits, cancels, closes and restarts: lost, doubled, leaked";
    let spec = Spec::new("ports", work).figure("", Better::Lower);
    if !s.wants(&spec) {
        return;
    }
    match compile_storm() {
        Ok(program) => {
            let sample = Box::new(move || Sample::figure(stormed(&program, &submits)));
            s.run(spec, vec![(Who::Wharf, sample)]);
        }
        Err(why) => eprintln!("no storm for ports: {why}"),
    }
}

fn stormed(program: &Path, submits: &str) -> f64 {
    let output =
        Command::new(program).args(["--submits", submits]).output().expect("start a storm");
    let text = String::from_utf8_lossy(&output.stdout);
    let after = |word: &str| {
        let number = text.split_once(&format!("{word} "))?.1;
        number.split(|char: char| !char.is_ascii_digit()).next()?.parse::<f64>().ok()
    };
    match [after("lost"), after("doubled"), after("leaked")] {
        [Some(lost), Some(doubled), Some(leaked)] => lost + doubled + leaked,
        _ => panic!("the storm broke off: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn compile_storm() -> Result<PathBuf, String> {
    let dir = own_folder();
    let (library, out) = (dir.join("libharbour.so"), dir.join("storm"));
    if !library.exists() {
        return Err(format!("{} is not there; cargo xtask bench builds it", library.display()));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests = root.join("tests/hosts/c");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .arg(&out)
        .arg(tests.join("storm.c"))
        .arg("-I")
        .arg(&tests)
        .arg("-I")
        .arg(root.join("ffi/include"))
        .arg(&library)
        .arg(format!("-Wl,-rpath,{}", dir.display()));
    succeed(cc)?;
    Ok(out)
}

/// The folder of this program, where the libraries lie.
fn own_folder() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program.parent().expect("in a folder").to_path_buf()
}

fn succeed(mut cc: Command) -> Result<(), String> {
    let output = cc.output().map_err(|error| format!("cannot start cc: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("cc failed:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// Compiles the hosts that can be compiled, into the folder of this program.
fn build() -> Vec<(Who, PathBuf)> {
    let dir = own_folder();
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
    succeed(cc)?;
    Ok(out)
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

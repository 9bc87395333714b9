//! Hosts with a loop of their own, Python and Node: wharf's package beside what wraps tokio there, and
//! beside the least that wakes such a loop. `tests/hosts/python/bench` and `tests/hosts/node/bench` have
//! the programs.

use crate::host::{Host, Work};
use crate::row::Who;
use crate::stopwatch::Sample;
use crate::suite::{Spec, Suite};
use std::time::Duration;

const WHO: [Who; 3] = [Who::Wharf, Who::Tokio, Who::Floor];

/// How large a group's works are, in thousands, with and without `--quick`.
struct Sizes {
    trips: [usize; 2],
    tasks: [usize; 2],
    numbers: [usize; 2],
    warm_up: f64,
}

/// asyncio, with pyo3-async-runtimes as the peer.
pub fn python(s: &mut Suite) {
    let sizes = Sizes { trips: [3, 1], tasks: [20, 10], numbers: [20, 10], warm_up: 0.2 };
    run(s, "python", "as a future", &sizes);
}

/// libuv, with napi-rs as the peer.
pub fn node(s: &mut Suite) {
    let sizes = Sizes { trips: [10, 10], tasks: [100, 50], numbers: [100, 100], warm_up: 1.0 };
    run(s, "node", "as a promise", &sizes);
}

/// Runs a group; without its host there are no rows, and a word about it.
fn run(s: &mut Suite, group: &'static str, each: &str, sizes: &Sizes) {
    let mut host = Host::new(group, &["bench", "--host", group], sizes.warm_up);
    let size = |[full, quick]: [usize; 2]| s.size(full, quick);
    let (trips, tasks, numbers) = (size(sizes.trips), size(sizes.tasks), size(sizes.numbers));
    let rate = |work: String, thousands| {
        let count = thousands * 1000;
        Spec::new(group, work).rate(count, "k/s", 1e3).cpu_of_each(count)
    };
    // On which processors the system puts both ends decides it, and that changes from process to
    // process: on one it is what the entrants do that counts.
    let trip = |ends: &str| {
        Spec::new(group, format!("round trip of a trivial task, {each}{ends}"))
            .latency("median", 0.5)
            .latency("p99", 0.99)
            .cpu_of_each(trips * 1000)
    };
    let beats = Spec::new(group, format!("{tasks}k tasks in {group}, beside a timer of 1 ms"))
        .latency("its longest gap", 1.0);
    let rows = [
        ("trip", trip(", on one processor"), trips, true),
        ("trip", trip(""), trips, false),
        ("tasks", rate(format!("{tasks}k tasks, 1,000 in flight"), tasks), tasks, false),
        ("gather", rate(format!("{tasks}k tasks, all submitted in one turn"), tasks), tasks, false),
        (
            "stream",
            rate(format!("{numbers}k numbers of one task, as a stream"), numbers),
            numbers,
            false,
        ),
        ("beats", beats, tasks, false),
    ];
    for (word, spec, thousands, on_one) in rows {
        let work = Work { word, count: thousands * 1000, who: WHO.to_vec(), on_one };
        if !host.run(s, spec, work, sample) {
            return;
        }
    }
}

/// A host's answer: wall time, processor time, and single times.
fn sample(answer: &[f64]) -> Sample {
    let [wall, cpu] = [0, 1].map(|at| Duration::from_nanos(answer[at] as u64));
    let times = answer[2..].iter().map(|time| *time as u64).collect();
    Sample { wall, cpu, ..Sample::default() }.with_latencies(times)
}

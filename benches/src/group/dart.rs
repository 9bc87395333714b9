//! Dart: in a real virtual machine, wharf's library and package beside tokio with allo-isolate, and
//! beside plain threads that post. The machine runs `tests/hosts/dart/bench/works.dart`.

use crate::host::{Host, Work};
use crate::row::{Better, Who};
use crate::stopwatch::Sample;
use crate::suite::{Spec, Suite};

const WORKS: &str = "tests/hosts/dart/bench/works.dart";

/// A row: the program's word for it, what is done, the unit, who takes part, and how many messages
/// or tasks a sample has, in thousands, with and without `--quick`. `{}` stands for that.
type Line = (&'static str, &'static str, &'static str, &'static [Who], [usize; 2]);

/// The package's futures and streams are measured against the least that tells the messages at one
/// bare port apart. What posts without a runtime is a thread that lives as long as the machine.
const ROWS: [Line; 7] = {
    use Who::{Floor, Tokio, Wharf};
    const ALL: &[Who] = &[Wharf, Tokio, Floor];
    const OWN: &[Who] = &[Wharf, Floor];
    [
        ("objects", "{}k integers of one task, by Dart_PostCObject", "k/s", ALL, [300, 100]),
        ("integers", "{}k integers of one task, by Dart_PostInteger", "k/s", OWN, [300, 100]),
        ("stream", "{}k integers of one task, as a stream", "k/s", OWN, [300, 100]),
        ("trip", "round trip of a trivial task, bare", "µs", ALL, [30, 30]),
        ("future", "round trip of a trivial task, as a future", "µs", ALL, [30, 30]),
        ("tasks", "{}k tasks as futures, 1,000 in flight", "k/s", ALL, [100, 50]),
        ("gap", "longest gap of a 16 ms timer, {}k tasks at once", "ms", ALL, [100, 50]),
    ]
};

/// The machine has compiled what it runs after some 15,000 rounds of it, and takes up to three times as
/// long before.
const WARM_UP: f64 = 1.0;

/// Runs the group; without a machine there are no rows, and a word about it.
pub fn run(s: &mut Suite) {
    let request: [&str; 5] = ["dart", "compile", WORKS, "{tests}", "{peer}"];
    let mut host = Host::new("dart", &request, WARM_UP);
    for (word, work, unit, who, [full, quick]) in ROWS {
        let thousands = s.size(full, quick);
        let is_rate = unit == "k/s";
        let better = if is_rate { Better::Higher } else { Better::Lower };
        let scale = if is_rate { 1e3 } else { 1.0 };
        let spec = Spec::new("dart", work.replace("{}", &thousands.to_string()));
        let work = Work { word, count: thousands * 1000, who: who.to_vec(), on_one: false };
        let read = |answer: &[f64]| Sample::figure(answer[0] / scale);
        if !host.run(s, spec.figure(unit, better), work, read) {
            return;
        }
    }
}

//! Dart: in one real virtual machine, wharf's library and package beside tokio with allo-isolate, and
//! beside plain threads that post. The machine runs `tests/hosts/dart/bench/works.dart`, which takes
//! one sample for each line that it is sent.

use crate::row::{Better, Who};
use crate::stopwatch::Sample;
use crate::suite::{Entrant, Spec, Suite};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Names the program of the workspace that finds the machine and builds for it; `cargo xtask bench`
/// sets it to itself.
pub const XTASK: &str = "WHARF_XTASK";

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
        ("trip", "round trip of a trivial task, bare", "µs", ALL, [5, 5]),
        ("future", "round trip of a trivial task, as a future", "µs", ALL, [5, 5]),
        ("tasks", "{}k tasks as futures, 1,000 in flight", "k/s", ALL, [100, 50]),
        ("gap", "longest gap of a 16 ms timer, {}k tasks at once", "ms", ALL, [100, 50]),
    ]
};

/// Runs the group; without a machine there are no rows, and a word about it.
pub fn run(s: &mut Suite) {
    let mut machine = None;
    for (word, work, unit, who, [full, quick]) in ROWS {
        let thousands = s.size(full, quick);
        let is_rate = unit == "k/s";
        let better = if is_rate { Better::Higher } else { Better::Lower };
        let work = work.replace("{}", &thousands.to_string());
        let spec = Spec::new("dart", work).figure(unit, better);
        if !s.wants(&spec) {
            continue;
        }
        match machine.get_or_insert_with(|| Machine::start().map(RefCell::new)) {
            Ok(machine) => {
                let machine = &*machine;
                let entrant = |who: &Who| -> Entrant<'_> {
                    let ask = format!("{word} {} {}", who.name(), thousands * 1000);
                    let scale = if is_rate { 1e3 } else { 1.0 };
                    let run = move || Sample::figure(machine.borrow_mut().ask(&ask) / scale);
                    (*who, Box::new(run))
                };
                s.run(spec, who.iter().map(entrant).collect());
            }
            Err(why) => return eprintln!("no figures for dart: {why}"),
        }
    }
}

/// The virtual machine with the program in it.
struct Machine {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Machine {
    /// Starts it, which builds the libraries first.
    fn start() -> Result<Self, String> {
        let xtask = std::env::var_os(XTASK)
            .ok_or("nobody has said how the machine is found; `cargo xtask bench` does")?;
        let mut command = Command::new(xtask);
        command.args(["dart", "run", WORKS, "{tests}", "{peer}"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("cannot start the machine: {error}"))?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut machine = Self { child, to, from };
        // Before it, whatever is said of the building.
        while machine.line().ok_or("it ended before it was ready; why is said above")? != "ready" {}
        Ok(machine)
    }

    /// One line of its standard output; nothing once it has ended.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.from.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim().to_owned())
    }

    fn ask(&mut self, what: &str) -> f64 {
        if let Some(to) = &mut self.to {
            writeln!(to, "{what}").expect("the machine listens");
        }
        let line = self.line().unwrap_or_default();
        line.parse()
            .unwrap_or_else(|_| panic!("the machine was asked for {what}, and said {line:?}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It ends when it is asked no more.
        self.to = None;
        let _ = self.child.wait();
    }
}

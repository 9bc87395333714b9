//! Dart: in a real virtual machine, wharf's library and package beside tokio with allo-isolate, and
//! beside plain threads that post. The machine runs `tests/hosts/dart/bench/works.dart`, which takes
//! one sample for each line that it is sent.
//!
//! Which processors, arenas of the heap and threads of the machine's a process happens to get decides
//! more than what is measured, and stays as it is until the process ends. So each round is a process
//! of its own, in which all take part, another one first than in the round before, and what counts
//! is the middle of the processes' ratios.

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

/// How many processes a row takes at least, but with `--quick`.
const PROCESSES: usize = 13;

/// What a process is warmed up with, of a sample's messages or tasks: enough for the machine to have
/// compiled what they run.
const WARM_UP: usize = 5;

/// Runs the group; without a machine there are no rows, and a word about it.
pub fn run(s: &mut Suite) {
    let mut program = None;
    for (word, work, unit, who, [full, quick]) in ROWS {
        let thousands = s.size(full, quick);
        let is_rate = unit == "k/s";
        let better = if is_rate { Better::Higher } else { Better::Lower };
        let work = work.replace("{}", &thousands.to_string());
        let processes = if s.options.quick { 1 } else { PROCESSES };
        let spec = Spec::new("dart", work).figure(unit, better).in_processes(processes);
        if !s.wants(&spec) {
            continue;
        }
        let program = match program.get_or_insert_with(Program::find) {
            Ok(program) => &*program,
            Err(why) => return eprintln!("no figures for dart: {why}"),
        };
        let who: Vec<Who> = who.iter().copied().filter(|who| s.invites(*who)).collect();
        let round =
            RefCell::new(Round { program, machine: None, word, count: thousands * 1000, who });
        let round = &round;
        let entrant = |who: &Who| -> Entrant<'_> {
            let who = *who;
            let scale = if is_rate { 1e3 } else { 1.0 };
            (who, Box::new(move || Sample::figure(round.borrow_mut().sample(who) / scale)))
        };
        let entrants = round.borrow().who.iter().map(entrant).collect();
        s.run(spec, entrants);
    }
}

/// The machine of one round, which lasts until each of the entrants has had its turn.
struct Round<'a> {
    program: &'a Program,
    /// And how many turns are left in it.
    machine: Option<(Machine, usize)>,
    word: &'static str,
    count: usize,
    who: Vec<Who>,
}

impl Round<'_> {
    fn sample(&mut self, who: Who) -> f64 {
        let (mut machine, turns) =
            self.machine.take().unwrap_or_else(|| (self.warm(), self.who.len()));
        let figure = machine.ask(self.word, who, self.count);
        self.machine = (turns > 1).then_some((machine, turns - 1));
        figure
    }

    fn warm(&self) -> Machine {
        let mut machine = self.program.start();
        for who in &self.who {
            machine.ask(self.word, *who, self.count / WARM_UP);
        }
        machine
    }
}

/// The program, compiled, and the libraries that it loads, built.
struct Program {
    /// What runs it.
    words: Vec<String>,
}

impl Program {
    fn find() -> Result<Self, String> {
        let xtask = std::env::var_os(XTASK)
            .ok_or("nobody has said how the machine is found; `cargo xtask bench` does")?;
        let mut command = Command::new(xtask);
        command.args(["dart", "compile", WORKS, "{tests}", "{peer}"]).stderr(Stdio::inherit());
        let output =
            command.output().map_err(|error| format!("cannot compile {WORKS}: {error}"))?;
        if !output.status.success() {
            return Err(format!("{WORKS} was not compiled; why is said above"));
        }
        // Before the last line, whatever is said of the building.
        let text = String::from_utf8_lossy(&output.stdout);
        let words = text.lines().last().unwrap_or_default().split('\t').map(str::to_owned);
        Ok(Self { words: words.collect() })
    }

    /// A machine of its own with the program in it, ready.
    fn start(&self) -> Machine {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the machine starts");
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut machine = Machine { child, to, from };
        assert_eq!(machine.line(), "ready", "the machine ended before it was ready");
        machine
    }
}

/// The virtual machine with the program in it.
struct Machine {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Machine {
    /// One line of its standard output; nothing once it has ended.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the machine's output is read");
        line.trim().to_owned()
    }

    fn ask(&mut self, word: &str, who: Who, count: usize) -> f64 {
        let what = format!("{word} {} {count}", who.name());
        if let Some(to) = &mut self.to {
            writeln!(to, "{what}").expect("the machine listens");
        }
        let line = self.line();
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

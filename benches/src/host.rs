//! A foreign host with the works of its group: a program that takes one sample for each line that it
//! is sent.
//!
//! Which processors, arenas of the heap and threads of the host's a process happens to get decides
//! more than what is measured, and stays as it is until the process ends. So each round is a process
//! of its own, in which all take part, another one first than in the round before, and what counts
//! is the middle of the processes' ratios.

use crate::row::Who;
use crate::stopwatch::Sample;
use crate::suite::{Entrant, Spec, Suite};
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Names the program of the workspace that finds the hosts and builds for them; `cargo xtask bench`
/// sets it to itself.
pub const XTASK: &str = "WHARF_XTASK";

/// How many processes a row takes at least, but with `--quick`.
const PROCESSES: usize = 13;

/// A group whose rows are measured in a host.
pub struct Host {
    /// Of the group.
    name: &'static str,
    /// What xtask is asked for the program.
    request: Vec<&'static str>,
    /// What a process is warmed up with, of a sample's messages or tasks.
    warm_up: f64,
    /// Once it was asked for.
    program: Option<Result<Program, String>>,
}

/// A row: the host's word for it, how many messages or tasks a sample has, and who takes part.
pub struct Work {
    /// What the host is asked for.
    pub word: &'static str,
    /// How many of them.
    pub count: usize,
    /// In turn.
    pub who: Vec<Who>,
    /// Whether the process is held to one processor.
    pub on_one: bool,
}

impl Host {
    /// A group's host, of which nothing is asked yet; `request` has xtask print what runs its works.
    /// `warm_up` is what its processes do before they are measured, of what they do then: enough for
    /// a just-in-time compiler to be done with what they run.
    pub fn new(name: &'static str, request: &[&'static str], warm_up: f64) -> Self {
        Self { name, request: request.to_vec(), warm_up, program: None }
    }

    /// Measures a row, where the filters let it through. Without the host there are no rows, and a
    /// word about it: false then. `read` makes a sample of what the host answers.
    pub fn run(
        &mut self,
        s: &mut Suite,
        spec: Spec,
        mut work: Work,
        read: impl Fn(&[f64]) -> Sample,
    ) -> bool {
        let spec = spec.in_processes(if s.options.quick { 1 } else { PROCESSES });
        if !s.wants(&spec) {
            return true;
        }
        let (request, warm_up) = (&self.request, self.warm_up);
        let program = match self.program.get_or_insert_with(|| Program::find(request)) {
            Ok(program) => &*program,
            Err(why) => {
                eprintln!("no figures for {}: {why}", self.name);
                return false;
            }
        };
        work.who.retain(|who| s.invites(*who));
        let round = RefCell::new(Round { program, process: None, work: &work, warm_up });
        let (round, read) = (&round, &read);
        let entrant = |who: &Who| -> Entrant<'_> {
            let who = *who;
            (who, Box::new(move || read(&round.borrow_mut().sample(who))))
        };
        s.run(spec, work.who.iter().map(entrant).collect());
        true
    }
}

/// The process of one round, which lasts until each of the entrants has had its turn.
struct Round<'a> {
    program: &'a Program,
    /// And how many turns are left in it.
    process: Option<(Process, usize)>,
    work: &'a Work,
    warm_up: f64,
}

impl Round<'_> {
    fn sample(&mut self, who: Who) -> Vec<f64> {
        let (mut process, turns) =
            self.process.take().unwrap_or_else(|| (self.warm(), self.work.who.len()));
        let answer = process.ask(self.work.word, who, self.work.count);
        self.process = (turns > 1).then_some((process, turns - 1));
        answer
    }

    fn warm(&self) -> Process {
        let mut process = self.program.start(self.work.on_one);
        let count = self.work.count as f64 * self.warm_up;
        for who in &self.work.who {
            process.ask(self.work.word, *who, count as usize);
        }
        process
    }
}

/// The host's program, ready to be started, with the libraries that it loads.
struct Program {
    /// What runs it.
    words: Vec<String>,
}

impl Program {
    fn find(request: &[&str]) -> Result<Self, String> {
        let xtask = std::env::var_os(XTASK)
            .ok_or("nobody has said how the host is found; `cargo xtask bench` does")?;
        let mut command = Command::new(xtask);
        command.args(request).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("cannot ask xtask: {error}"))?;
        if !output.status.success() {
            return Err("its program was not made; why is said above".to_owned());
        }
        // Before the last line, whatever is said of the building.
        let text = String::from_utf8_lossy(&output.stdout);
        let words = text.lines().last().unwrap_or_default().split('\t').map(str::to_owned);
        Ok(Self { words: words.collect() })
    }

    /// A process of its own, ready.
    fn start(&self, on_one: bool) -> Process {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if on_one {
            hold_to_one_processor(&mut command);
        }
        let mut child = command.spawn().expect("the host starts");
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut process = Process { child, to, from };
        assert_eq!(process.line(), "ready", "the host ended before it was ready");
        process
    }
}

/// Which may be any: the first that this program may use.
fn hold_to_one_processor(command: &mut Command) {
    // SAFETY: all zeroes are a set of processors, the empty one.
    let (mut allowed, mut one): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: there is room for a set of this size.
    unsafe { libc::sched_getaffinity(0, size, &mut allowed) };
    // SAFETY: the processors asked for are within the set.
    let first =
        (0..libc::CPU_SETSIZE as usize).find(|at| unsafe { libc::CPU_ISSET(*at, &allowed) });
    // SAFETY: as above.
    unsafe { libc::CPU_SET(first.unwrap_or_default(), &mut one) };
    let hold = move || {
        // SAFETY: the set is valid, and of this size.
        match unsafe { libc::sched_setaffinity(0, size, &one) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec it makes one system call, and allocates nothing.
    unsafe { command.pre_exec(hold) };
}

/// The host with the program in it.
struct Process {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Process {
    /// One line of its standard output; nothing once it has ended.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the host's output is read");
        line.trim().to_owned()
    }

    /// The numbers that it answers a line with.
    fn ask(&mut self, word: &str, who: Who, count: usize) -> Vec<f64> {
        let what = format!("{word} {} {count}", who.name());
        if let Some(to) = &mut self.to {
            writeln!(to, "{what}").expect("the host listens");
        }
        let line = self.line();
        let numbers: Result<Vec<f64>, _> = line.split(' ').map(str::parse).collect();
        numbers.unwrap_or_else(|_| panic!("the host was asked for {what}, and said {line:?}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when it is asked no more.
        self.to = None;
        let _ = self.child.wait();
    }
}

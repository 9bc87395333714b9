//! Runs the works, entrants in turn, and keeps what they measured.

use crate::report;
use crate::row::{Better, Figures, Row, Who, quantile};
use crate::stopwatch::Sample;
use std::time::Duration;

/// How a sample becomes a figure, and, where that makes sense, its processor time in that unit.
type Read = Box<dyn Fn(&Sample) -> (f64, Option<f64>)>;

/// One figure to be read from each sample: it becomes one row.
struct Metric {
    suffix: String,
    unit: &'static str,
    better: Better,
    read: Read,
}

/// What a work is called and which figures are read from its samples.
pub struct Spec {
    group: &'static str,
    work: String,
    series: Option<(String, f64)>,
    metrics: Vec<Metric>,
    processes: Option<usize>,
}

impl Spec {
    /// A work of `group`; its figures are added by the methods below.
    pub fn new(group: &'static str, work: impl Into<String>) -> Self {
        Self { group, work: work.into(), series: None, metrics: Vec::new(), processes: None }
    }

    /// Names the growth curve this work is a point of, and where on it.
    pub fn on_curve(mut self, curve: &str, size: usize) -> Self {
        self.series = Some((curve.to_owned(), size as f64));
        self
    }

    /// Each round is a process of its own, of which there are at least so many: what a process
    /// happens to get touches all of its entrants, so they are compared within it.
    pub fn in_processes(mut self, at_least: usize) -> Self {
        self.processes = Some(at_least);
        self
    }

    /// What the work is called.
    pub fn name(&self) -> &str {
        &self.work
    }

    fn metric(
        mut self,
        suffix: &str,
        unit: &'static str,
        better: Better,
        read: impl Fn(&Sample) -> (f64, Option<f64>) + 'static,
    ) -> Self {
        let read = Box::new(read);
        self.metrics.push(Metric { suffix: suffix.to_owned(), unit, better, read });
        self
    }

    /// The whole wall time, in milliseconds.
    pub fn wall_ms(self) -> Self {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        self.metric("", "ms", Better::Lower, move |s| (ms(s.wall), Some(ms(s.cpu))))
    }

    /// The processor time of all threads as a row of its own, in milliseconds.
    pub fn cpu_ms(self) -> Self {
        let read = |s: &Sample| (s.cpu.as_secs_f64() * 1e3, None);
        self.metric(": processor time", "ms", Better::Lower, read)
    }

    /// Wall time per operation, in nanoseconds.
    pub fn wall_each(self, operations: usize) -> Self {
        let each = move |time: Duration| time.as_nanos() as f64 / operations as f64;
        self.metric("", "ns each", Better::Lower, move |s| (each(s.wall), Some(each(s.cpu))))
    }

    /// Operations a second.
    pub fn rate(self, operations: usize, unit: &'static str, scale: f64) -> Self {
        let read = move |s: &Sample| (operations as f64 / s.wall.as_secs_f64() / scale, None);
        self.metric("", unit, Better::Higher, read)
    }

    /// A quantile of the latencies, in microseconds.
    pub fn latency(self, name: &str, quantile: f64) -> Self {
        let read = move |s: &Sample| (s.quantile(quantile) / 1e3, None);
        self.metric(&format!(": {name}"), "µs", Better::Lower, read)
    }

    /// Processor time per operation in microseconds, where the figure is a rate of operations.
    pub fn cpu_each(self, name: &str) -> Self {
        let each = |s: &Sample| s.cpu.as_secs_f64() * 1e6 / (s.figure * s.wall.as_secs_f64());
        self.metric(&format!(": {name}"), "µs", Better::Lower, move |s| (each(s), None))
    }

    /// Processor time per operation as a row of its own, in microseconds.
    pub fn cpu_of_each(self, operations: usize) -> Self {
        let each = move |s: &Sample| (s.cpu.as_secs_f64() * 1e6 / operations as f64, None);
        self.metric(": processor time of each", "µs", Better::Lower, each)
    }

    /// The sample's own figure, beside others.
    pub fn named_figure(self, name: &str, unit: &'static str, better: Better) -> Self {
        self.metric(&format!(": {name}"), unit, better, |s| (s.figure, None))
    }

    /// The sample's own figure.
    pub fn figure(self, unit: &'static str, better: Better) -> Self {
        self.metric("", unit, better, |s| (s.figure, None))
    }
}

/// The groups of works.
pub const GROUPS: [&str; 11] = [
    "sched", "time", "net", "http", "blocking", "memory", "start", "ports", "dart", "python",
    "node",
];

/// Whether a filter lets a work through: a group, a part of the work's name, its end with a `$` behind, or
/// GROUP/PART.
fn passes(filter: &str, spec: &Spec) -> bool {
    match filter.split_once('/') {
        _ if GROUPS.contains(&filter) => spec.group == filter,
        Some((group, part)) if spec.group == group => spec.work.contains(part),
        _ => match filter.strip_suffix('$') {
            Some(end) => spec.work.ends_with(end),
            None => spec.work.contains(filter),
        },
    }
}

/// What the command line asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Groups, or parts of works' names; empty for everything.
    pub filters: Vec<String>,
    /// Measured rounds, after one for warming up.
    pub rounds: usize,
    /// Seven rounds and shorter runs.
    pub quick: bool,
    /// Only name the works.
    pub list: bool,
    /// Who takes part.
    pub who: Vec<Who>,
}

/// Keeps the rows measured so far.
pub type Save = Box<dyn Fn(&[Row])>;

/// One entrant of a row: who, and a run of the work.
pub type Entrant<'a> = (Who, Box<dyn FnMut() -> Sample + 'a>);

/// The rows measured so far, and how to measure more.
pub struct Suite {
    /// From the command line.
    pub options: Options,
    /// As measured, in order.
    pub rows: Vec<Row>,
    /// Called after each work, so that a run that is cut short has not been for nothing.
    pub save: Option<Save>,
    group: &'static str,
}

impl Suite {
    /// Nothing measured yet.
    pub fn new(options: Options) -> Self {
        Self { options, rows: Vec::new(), save: None, group: "" }
    }

    /// Whether the filters let this work through; with `--list`, names it and says no.
    pub fn wants(&self, spec: &Spec) -> bool {
        let filters = &self.options.filters;
        let wanted = filters.is_empty() || filters.iter().any(|filter| passes(filter, spec));
        if wanted && self.options.list {
            println!("{:8} {}", spec.group, spec.work);
        }
        wanted && !self.options.list
    }

    /// Whether this entrant is wanted.
    pub fn invites(&self, who: Who) -> bool {
        self.options.who.contains(&who)
    }

    /// A size: the full one, or the smaller one of `--quick`.
    pub fn size(&self, full: usize, quick: usize) -> usize {
        if self.options.quick { quick } else { full }
    }

    /// Runs all entrants once for warming up and then in turn, and prints and keeps the rows.
    pub fn run(&mut self, spec: Spec, mut entrants: Vec<Entrant<'_>>) {
        entrants.retain(|(who, _)| self.invites(*who));
        if entrants.is_empty() {
            return;
        }
        let mut samples: [Vec<Sample>; 4] = Default::default();
        for (_, run) in &mut entrants {
            run();
        }
        for round in 0..self.options.rounds.max(spec.processes.unwrap_or(0)) {
            for turn in 0..entrants.len() {
                let count = entrants.len();
                let (who, run) = &mut entrants[(round + turn) % count];
                samples[*who as usize].push(run());
            }
        }
        self.keep(spec, &samples);
        if let Some(save) = &self.save {
            save(&self.rows);
        }
    }

    fn keep(&mut self, spec: Spec, samples: &[Vec<Sample>; 4]) {
        if self.group != spec.group {
            self.group = spec.group;
            report::print_heading(spec.group);
        }
        for metric in &spec.metrics {
            let row = Row {
                group: spec.group.to_owned(),
                work: format!("{}{}", spec.work, metric.suffix),
                unit: metric.unit.to_owned(),
                better: metric.better,
                figures: std::array::from_fn(|who| digest(&samples[who], &metric.read)),
                series: spec.series.clone(),
                by_round: spec.processes.is_some(),
                at: report::now(),
            };
            report::print_row(&row);
            self.rows.push(row);
        }
    }
}

/// Median and quartiles of the rounds.
fn digest(samples: &[Sample], read: &Read) -> Option<Figures> {
    let read: Vec<_> = samples.iter().map(read).collect();
    let rounds: Vec<f64> = read.iter().map(|figure| figure.0).collect();
    let cpu: Option<Vec<f64>> = read.iter().map(|figure| figure.1).collect();
    (!rounds.is_empty()).then(|| Figures {
        median: quantile(&rounds, 0.5),
        low: quantile(&rounds, 0.25),
        high: quantile(&rounds, 0.75),
        cpu: cpu.map(|cpu| quantile(&cpu, 0.5)),
        rounds,
        curve: curve(samples),
    })
}

/// All rounds' latencies together (none where there are too few to draw) at the quantiles a chart
/// shows: denser towards the slow end.
fn curve(samples: &[Sample]) -> Vec<(f64, f64)> {
    let mut all: Vec<u64> = samples.iter().flat_map(|s| s.latencies.iter().copied()).collect();
    if all.len() < 100 {
        return Vec::new();
    }
    all.sort_unstable();
    let last = all.len() - 1;
    let at = |q: f64| (q, all[(last as f64 * q).round() as usize] as f64 / 1e3);
    let body = (0..=18).map(|step| at(f64::from(step) * 0.05));
    let tail = (10..=40).map(|step| 1.0 - 10f64.powf(-f64::from(step) / 10.0));
    body.chain(tail.filter(|q| (1.0 - q) * last as f64 >= 1.0).map(at)).collect()
}

/// Runs a work on every runtime: `turns!(suite, spec, workers, |rt| work(rt), floor bare())`.
///
/// `rt` is an `Arc` of the runtime; the expression is compiled once for each of them. Each is
/// started with `workers` workers when the row begins and stopped when it ends. In place of `workers`,
/// `spinning(workers, limit)` starts those that can with a spin before their workers sleep.
#[macro_export]
macro_rules! turns {
    ($suite:expr, $spec:expr, spinning($workers:expr, $limit:expr), $($rest:tt)*) => {
        $crate::turns!(@row $suite, $spec, start_spinning($workers, $limit), $($rest)*)
    };
    (@row
        $suite:expr, $spec:expr, $start:ident($($how:expr),*), |$rt:ident| $run:expr
        $(, floor $floor:expr)?
    ) => {{
        let (suite, spec): (&mut $crate::suite::Suite, _) = ($suite, $spec);
        if suite.wants(&spec) {
            let mut entrants: Vec<$crate::suite::Entrant<'_>> = Vec::new();
            $crate::turns!(@entrant suite, entrants, Wharf::$start($($how),*), Wharf, |$rt| $run);
            $crate::turns!(@entrant suite, entrants, Tokio::$start($($how),*), Tokio, |$rt| $run);
            $crate::turns!(@entrant suite, entrants, Smol::$start($($how),*), Smol, |$rt| $run);
            $(entrants.push(($crate::row::Who::Floor, Box::new(|| $floor)));)?
            suite.run(spec, entrants);
        }
    }};
    (@entrant $suite:ident, $entrants:ident, $start:expr, $who:ident, |$rt:ident| $run:expr) => {
        if $suite.invites($crate::row::Who::$who) {
            use $crate::rt::{Rt as _, $who};
            let runtime = std::sync::Arc::new($start);
            $entrants.push(($crate::row::Who::$who, Box::new(move || {
                let $rt = &runtime;
                $run
            })));
        }
    };
    ($suite:expr, $spec:expr, $workers:expr, $($rest:tt)*) => {
        $crate::turns!(@row $suite, $spec, start($workers), $($rest)*)
    };
}

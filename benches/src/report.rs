//! The table on the terminal, `report.json`, and the detailed samples that the charts are drawn
//! from.

use crate::row::{ALL, Row, Who};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Where and with what it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor's model and how many.
    pub processor: String,
    /// System and release.
    pub kernel: String,
    /// The compiler.
    pub rustc: String,
    /// The entrants' versions.
    pub versions: Vec<String>,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
            .unwrap_or("unknown");
        let count = std::thread::available_parallelism().map_or(0, usize::from);
        let rustc = std::process::Command::new("rustc").arg("--version").output();
        Self {
            processor: format!("{count} x {model}"),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            rustc: rustc.map_or_else(
                |_| "rustc unknown".to_owned(),
                |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
            ),
            versions: versions(),
        }
    }

    /// In one line each.
    pub fn lines(&self) -> [String; 3] {
        [
            format!("{}, {}", self.processor, self.kernel),
            self.rustc.clone(),
            self.versions.join(", "),
        ]
    }
}

/// The entrants' versions, as the lock files they are built with have them, and the hosts'.
fn versions() -> Vec<String> {
    let locked = [
        (
            include_str!("../../Cargo.lock"),
            &["wharf", "tokio", "async-executor", "async-io", "blocking", "hyper", "mio"][..],
        ),
        (include_str!("../peers/python/Cargo.lock"), &["pyo3", "pyo3-async-runtimes"]),
        (include_str!("../peers/node/Cargo.lock"), &["napi"]),
    ];
    let locked = locked
        .into_iter()
        .flat_map(|(lock, names)| names.iter().filter_map(|name| version_in(lock, name)));
    locked.chain(["python3", "node"].into_iter().filter_map(version_of)).collect()
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.lines().any(|line| line == format!("name = \"{name}\"")))?;
    let version = entry.lines().find_map(|line| line.strip_prefix("version = "))?;
    Some(format!("{name} {}", version.trim_matches('"')))
}

/// The version of a host's program, where it is here.
fn version_of(program: &str) -> Option<String> {
    let output = std::process::Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `Python 3.13.1`, `v22.12.0`.
    let number = text.split_whitespace().last()?.trim_start_matches('v');
    Some(format!("{} {number}", program.trim_end_matches('3')))
}

/// All that is known of the rows measured: what the charts are drawn from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Detail {
    /// Where.
    pub machine: Machine,
    /// As measured.
    pub rows: Vec<Row>,
}

impl Detail {
    /// Reads the rows of earlier runs; none where there are none.
    pub fn load(dir: &Path) -> Self {
        let text = fs::read_to_string(dir.join("detail.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Puts new rows in the place of old ones of the same name, and adds the others.
    pub fn merge(&mut self, rows: Vec<Row>) {
        for row in rows {
            let same = |old: &&mut Row| old.group == row.group && old.work == row.work;
            match self.rows.iter_mut().find(same) {
                Some(old) => *old = row,
                None => self.rows.push(row),
            }
        }
    }

    /// Writes `detail.json` and `report.json`.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("detail.json"), serde_json::to_string(self)?)?;
        let rows: Vec<Value> = self.rows.iter().map(plain).collect();
        fs::write(dir.join("report.json"), serde_json::to_string_pretty(&rows)?)
    }
}

/// A row of `report.json`: the medians.
fn plain(row: &Row) -> Value {
    let mut object = Map::new();
    object.insert("group".into(), json!(row.group));
    object.insert("work".into(), json!(row.work));
    object.insert("unit".into(), json!(row.unit));
    for who in ALL {
        let median = row.figures[who as usize].as_ref().map(|figures| figures.median);
        object.insert(who.name().into(), json!(median));
    }
    object.insert("better".into(), json!(row.better));
    Value::Object(object)
}

/// The heading of a group's table.
pub fn print_heading(group: &str) {
    println!();
    println!(
        "{group:52} {:>8} {:>24} {:>24} {:>24} {:>24} {:>8} {:>8} {:>8}  cpu",
        "unit", "wharf", "tokio", "smol", "floor", "/tokio", "/smol", "/floor"
    );
}

/// One row: medians with quartiles, ratios (below one wharf is ahead), processor time.
pub fn print_row(row: &Row) {
    let cell = |who: Who| match &row.figures[who as usize] {
        None => "-".to_owned(),
        Some(f) => format!("{} [{} {}]", short(f.median), short(f.low), short(f.high)),
    };
    let ratio = |who| row.shown_ratio(who).unwrap_or("-".to_owned());
    let cpu = ALL.map(|who| {
        let cpu = row.figures[who as usize].as_ref().and_then(|figures| figures.cpu);
        cpu.map_or("-".to_owned(), short)
    });
    println!(
        "{:52} {:>8} {:>24} {:>24} {:>24} {:>24} {:>8} {:>8} {:>8}  {}",
        row.work,
        row.unit,
        cell(Who::Wharf),
        cell(Who::Tokio),
        cell(Who::Smol),
        cell(Who::Floor),
        ratio(Who::Tokio),
        ratio(Who::Smol),
        ratio(Who::Floor),
        cpu.join(" / "),
    );
}

/// Three digits that matter.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

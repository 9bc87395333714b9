//! docs/benchmarks.md: the tables, the charts, and how it was measured.

use crate::charts::{curves, ratios};
use crate::glance;
use crate::report::{Detail, short};
use crate::row::{ALL, Row, Who};
use crate::suite::GROUPS;
use chrono::DateTime;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// What stands above each group's table.
fn about(group: &str) -> &'static str {
    match group {
        "sched" => "Spawns, joins, yields and wakes; no sockets and no timers.",
        "time" => "Timers armed, cancelled, held; and how late they are.",
        "net" => {
            "Echo over the loopback. The floor is bare epoll loops, one a processor, with both \
             ends of a connection on one thread, or with the servers' ends alone where the clients \
             are elsewhere."
        }
        "http" => "The same hyper service on each runtime, loaded by wrk from another process.",
        "blocking" => "Jobs on the pool for blocking work. The floor is one thread and a channel.",
        "memory" => {
            "Counted by the allocator, or as resident memory, each in a process of its own. smol's \
             figures for building depend on how far its threads have come."
        }
        "start" => "Starting, and what an idle runtime goes on doing.",
        "ports" => {
            "A C host against the C library; against tokio with a locked queue and an eventfd; \
             and against a bare thread with two locked rings (floor)."
        }
        "dart" => "In a real Dart virtual machine.",
        "python" => {
            "The package for Python on asyncio; tokio through pyo3-async-runtimes; and a thread that \
             answers an eventfd with another, or fills a pipe (floor)."
        }
        "node" => {
            "The package for Node; tokio through napi-rs; and threads that wake libuv themselves, \
             with one wake for many (floor)."
        }
        _ => "",
    }
}

/// Writes the page and its pictures.
///
/// # Errors
///
/// What can't be written, and why.
pub fn write(detail: &Detail, docs: &Path) -> io::Result<()> {
    let pictures = docs.join("benchmarks");
    fs::create_dir_all(&pictures)?;
    let mut page = opening(detail) + &glance::section(&detail.rows);
    for group in GROUPS {
        let rows: Vec<&Row> = detail.rows.iter().filter(|row| row.group == group).collect();
        if rows.is_empty() {
            continue;
        }
        page += &format!("\n## {group}\n\n{}\n\n", about(group));
        let plain: Vec<&Row> = rows.iter().filter(|row| row.series.is_none()).copied().collect();
        let file = format!("{group}.svg");
        if ratios::draw(&pictures.join(&file), group, &plain).map_err(io::Error::other)? {
            page += &format!("![{group}: ratios](benchmarks/{file})\n\n");
        }
        page += &table(&rows);
    }
    page += &drawn(&pictures, "growth", "Growth", &curves::growth(&detail.rows))?;
    page += &drawn(&pictures, "latency", "Latencies", &curves::latencies(&detail.rows))?;
    fs::write(docs.join("benchmarks.md"), page)
}

/// A section with panels, if there are any.
fn drawn(dir: &Path, name: &str, title: &str, panels: &[curves::Panel]) -> io::Result<String> {
    let hint = match name {
        "growth" => "The same work at growing sizes, the cost of one operation: flat is good.",
        _ => "All rounds together; both axes are logarithmic. Further right is rarer.",
    };
    let file = format!("{name}.svg");
    let any = curves::draw(&dir.join(&file), title, panels).map_err(io::Error::other)?;
    Ok(match any {
        true => format!("\n## {title}\n\n{hint}\n\n![{title}](benchmarks/{file})\n"),
        false => String::new(),
    })
}

fn opening(detail: &Detail) -> String {
    let days: Vec<String> = detail.rows.iter().filter_map(|row| day(row.at)).collect();
    let (first, last) = (days.iter().min(), days.iter().max());
    let when = match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(first), _) => first.clone(),
        _ => "never".to_owned(),
    };
    let machine = detail.machine.lines().map(|line| format!("- {line}\n")).concat();
    let rounds = detail.rows.iter().flat_map(|row| row.figures.iter().flatten());
    let (least, most) = rounds
        .map(|figures| figures.rounds.len())
        .fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
    let rounds =
        if least >= most { most.to_string() } else { format!("{least} to {most}, by the row") };
    format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --report`, measured {when} on\n\n{machine}\n\
         Every work is written once, generic over the runtime (`benches/`). The runtimes take turns \
         inside one process run, in rotating order, after a round for warming up. The figures are \
         medians; in brackets the quartiles. Rounds: {rounds}. Two workers where nothing else is \
         said; no runtime has a setting that another can't have, save in the one row that says so. \
         A ratio with quartiles is taken round by round, where each round is a process of its own. \
         *cpu* is the processor time of the whole process (wharf / tokio), in the row's unit. A \
         ratio below 1 means that wharf is ahead. The machine is a small virtual one and noisy: take \
         the ratios, not the times, and believe no single ratio between 0.9 and 1.1.\n"
    )
}

fn table(rows: &[&Row]) -> String {
    let mut text = String::from(
        "| work | unit | wharf | tokio | smol | floor | / tokio | / smol | / floor | cpu |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let cells = ALL.map(|who| match &row.figures[who as usize] {
            None => String::new(),
            Some(f) if f.low == f.high => short(f.median),
            Some(f) => format!("{} [{}, {}]", short(f.median), short(f.low), short(f.high)),
        });
        let ratio = |who| row.shown_ratio(who).unwrap_or_default();
        let ratios = [Who::Tokio, Who::Smol, Who::Floor].map(ratio).join(" | ");
        let cpu = |who: Who| row.figures[who as usize].as_ref()?.cpu.map(short);
        let cpu = match (cpu(Who::Wharf), cpu(Who::Tokio)) {
            (Some(ours), Some(theirs)) => format!("{ours} / {theirs}"),
            _ => String::new(),
        };
        let (work, unit, cells) = (&row.work, &row.unit, cells.join(" | "));
        writeln!(text, "| {work} | {unit} | {cells} | {ratios} | {cpu} |").expect("a String grows");
    }
    text
}

/// Seconds since 1970 as a date.
fn day(seconds: u64) -> Option<String> {
    let moment = DateTime::from_timestamp(seconds.try_into().ok()?, 0)?;
    Some(moment.date_naive().to_string())
}

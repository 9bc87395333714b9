//! Runs the works: `wharf-benches [GROUP or FILTER]... [--rounds N] [--quick] [--who A,B]`.
//!
//! `cargo xtask bench` builds and starts it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wharf_benches::report::{Detail, Machine};
use wharf_benches::row::{ALL, Row, Who};
use wharf_benches::suite::{Options, Save, Suite};
use wharf_benches::{group, markdown};

const USAGE: &str = "\
wharf-benches [GROUP or part of a work's name, or its end and $]... [options]
  --rounds N    measured rounds, after one for warming up (default 11)
  --quick       7 rounds and shorter runs
  --who A,B     only these of wharf, tokio, smol, floor
  --list        only name the works
  --out DIR     where report.json and detail.json go (default target/bench)
  --add         keep the rows of earlier runs that were not measured now
  --report      also write docs/benchmarks.md and its charts
  --redraw      measure nothing, write docs/benchmarks.md from what was measured before";

struct Args {
    options: Options,
    out: PathBuf,
    add: bool,
    report: bool,
    redraw: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == group::net::CLIENTS) {
        let nanos = group::net::clients(&words[1..]).expect("ADDR CONNECTIONS MESSAGES SIZE");
        println!("{nanos}");
        return ExitCode::SUCCESS;
    }
    let args = match parse(words.into_iter()) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> io::Result<()> {
    let mut detail =
        if args.add || args.redraw { Detail::load(&args.out) } else { Detail::default() };
    if !args.redraw {
        detail.machine = Machine::here();
        for line in detail.machine.lines() {
            println!("{line}");
        }
        let rounds = args.options.rounds;
        println!("{rounds} rounds; median [quartiles]; a ratio below 1: wharf is ahead");
        let listing = args.options.list;
        let mut suite = Suite::new(args.options);
        let (before, out) = (detail.clone(), args.out.clone());
        suite.save = (!listing).then(|| -> Save {
            Box::new(move |rows: &[Row]| {
                let mut detail = before.clone();
                detail.merge(rows.to_vec());
                if let Err(error) = detail.save(&out) {
                    eprintln!("cannot write the rows so far to {}: {error}", out.display());
                }
            })
        });
        group::all(&mut suite);
        if listing {
            return Ok(());
        }
        detail.merge(suite.rows);
        detail.save(&args.out)?;
    }
    if args.report || args.redraw {
        markdown::write(&detail, Path::new("docs"))?;
    }
    Ok(())
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut rounds = None;
    let mut options =
        Options { filters: Vec::new(), rounds: 11, quick: false, list: false, who: ALL.to_vec() };
    let mut out = PathBuf::from("target/bench");
    let (mut add, mut report, mut redraw) = (false, false, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds wants a number")?),
            "--quick" => options.quick = true,
            "--list" => options.list = true,
            "--add" => add = true,
            "--report" => report = true,
            "--redraw" => redraw = true,
            "--out" => out = value()?.into(),
            "--who" => options.who = value()?.split(',').map(who).collect::<Result<_, _>>()?,
            flag if flag.starts_with("--") => return Err(format!("unknown option {flag}")),
            filter => options.filters.push(filter.to_owned()),
        }
    }
    options.rounds = rounds.unwrap_or(if options.quick { 7 } else { 11 }).max(1);
    Ok(Args { options, out, add, report, redraw })
}

fn who(name: &str) -> Result<Who, String> {
    let found = ALL.into_iter().find(|who| who.name() == name);
    found.ok_or_else(|| format!("--who knows no {name}"))
}

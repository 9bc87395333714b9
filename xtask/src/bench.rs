//! The benchmarks: the same work on wharf, its peers and bare loops, in turn; and the instruction
//! guard.

pub(crate) mod guard;
mod hosts;

use crate::{
    command::{Command, Failure},
    sh,
};

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    about: "measure wharf beside tokio, smol and bare loops: `cargo xtask bench [GROUP or FILTER]`",
    help: "\
usage: cargo xtask bench [GROUP or FILTER]... [OPTIONS]
       cargo xtask bench --guard [COMMIT]

Builds and runs the works of benches/, all of them or the ones whose group is GROUP or whose name
contains FILTER (GROUP/FILTER for both). The runtimes take turns inside one process run. Prints
medians with quartiles, ratios and processor time, and writes target/bench/report.json.

Groups: sched, time, net, http, blocking, memory, start, ports, dart, python, node.

  --rounds N    measured rounds, after one for warming up (default 11)
  --quick       7 rounds and shorter runs
  --who A,B     only these of wharf, tokio, smol, floor
  --list        only name the works
  --add         keep the rows of earlier runs that are not measured now
  --report      also write docs/benchmarks.md and its charts
  --redraw      measure nothing, write docs/benchmarks.md from what was measured before
  --guard       count the instructions of the hot inner operations with callgrind and compare them
                with the parent commit's (with the last commit's, where something is not committed;
                or with COMMIT's); fails on a rise over 5 % unless the message of a commit since then
                has a line `Instructions: why`
  --host NAME   build what the group python or node runs, and print in one line the words of the
                command, a tab between two; it reads its works from standard input

`cargo bench -p wharf-benches` times those operations.
",
    run,
};

fn run(args: &mut lexopt::Parser) -> Result<(), Failure> {
    let rest: Vec<String> =
        args.raw_args()?.map(|word| word.to_string_lossy().into_owned()).collect();
    match &rest[..] {
        [guard] if guard == "--guard" => return guard::run(),
        [guard, commit] if guard == "--guard" => return guard::against(commit),
        [host, name] if host == "--host" => return hosts::prepare(name),
        _ => {}
    }
    build()?;
    let mut bench = std::process::Command::new(sh::target_dir()?.join("release/wharf-benches"));
    // The groups of hosts come back to this program for what they run.
    if let Ok(own) = std::env::current_exe() {
        bench.env("WHARF_XTASK", own);
    }
    bench.args(rest).arg("--out").arg(sh::target_dir()?.join("bench")).current_dir(sh::root());
    sh::run(bench)
}

/// The works themselves, and the libraries that C hosts are linked with: these as they are
/// released, one at a time, so that no feature slips from one into another.
fn build() -> Result<(), Failure> {
    let works = ["build", "--quiet", "--profile", "bench", "--bins", "-p", "wharf-benches"];
    sh::run(sh::cargo(works))?;
    let libraries =
        ["wharf-c", "wharf-peer-wharf", "wharf-peer-tokio", "wharf-peer-bare", "harbour"];
    for library in libraries {
        sh::run(sh::cargo(["build", "--quiet", "--release", "-p", library]))?;
    }
    Ok(())
}

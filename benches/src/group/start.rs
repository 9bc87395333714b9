//! Starting: a runtime, a process, and what an idle one goes on doing; the size of the C library.

use crate::group::memory::of_children;
use crate::row::{Better, Who};
use crate::rt::{Rt, Smol, Tokio, Wharf};
use crate::stopwatch::{Sample, Stopwatch};
use crate::suite::{Entrant, Spec, Suite};
use std::path::Path;

const WORKERS: usize = 2;

/// Runs the group.
pub fn run(s: &mut Suite) {
    const BUILDS: usize = 50;
    let spec = Spec::new("start", "build a runtime, run one task, drop it").wall_each(BUILDS);
    if s.wants(&spec) {
        let entrants: Vec<Entrant<'_>> = vec![
            (Who::Wharf, Box::new(|| builds::<Wharf>(BUILDS))),
            (Who::Tokio, Box::new(|| builds::<Tokio>(BUILDS))),
            (Who::Smol, Box::new(|| builds::<Smol>(BUILDS))),
            (Who::Floor, Box::new(|| threads(BUILDS))),
        ];
        s.run(spec, entrants);
    }
    let spec = Spec::new("start", "first task of a fresh process").figure("µs", Better::Lower);
    of_children(s, spec, "first-task", 1);
    let spec = Spec::new("start", "wake-ups of an idle runtime in 0.5 s").figure("", Better::Lower);
    of_children(s, spec, "idle-wakes", 500);
    sizes(s);
}

fn builds<R: Rt>(count: usize) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count {
        let rt = R::start(WORKERS);
        rt.block_on(rt.spawn_outside(async {}));
    }
    watch.stop()
}

/// As many bare threads, started and joined.
fn threads(count: usize) -> Sample {
    let watch = Stopwatch::start();
    for _ in 0..count {
        let threads: Vec<_> = (0..WORKERS).map(|_| std::thread::spawn(|| {})).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("an empty thread"));
    }
    watch.stop()
}

/// Sizes of the shared libraries, stripped: wharf's, the peer with tokio, bare std with a thread.
fn sizes(s: &mut Suite) {
    let spec = Spec::new("start", "the C library, stripped").figure("KiB", Better::Lower);
    if !s.wants(&spec) {
        return;
    }
    let dir = std::env::current_exe().expect("this program has a path");
    let dir = dir.parent().expect("in a folder");
    let names = [
        (Who::Wharf, "libwharf.so"),
        (Who::Tokio, "libwharf_peer_tokio.so"),
        (Who::Floor, "libwharf_peer_bare.so"),
    ];
    let mut entrants: Vec<Entrant<'_>> = Vec::new();
    for (who, name) in names {
        match stripped_size(&dir.join(name)) {
            Some(bytes) => {
                entrants.push((who, Box::new(move || Sample::figure(bytes as f64 / 1024.0))));
            }
            None => eprintln!("{name} is not there, or there is no strip: a gap in the row"),
        }
    }
    s.run(spec, entrants);
}

fn stripped_size(library: &Path) -> Option<u64> {
    let copy = std::env::temp_dir().join(format!("wharf-bench-{}.so", std::process::id()));
    let mut strip = std::process::Command::new("strip");
    let status = strip.arg("-o").arg(&copy).arg(library).status().ok()?;
    let size = status.success().then(|| copy.metadata().ok().map(|data| data.len())).flatten();
    // Where it could not be written, there is nothing to remove.
    let _ = std::fs::remove_file(copy);
    size
}

//! Which folder the demo's site serves, and which of its pages are loaded.

use crate::{command::Failure, sh};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder to serve: the one asked for, else Rust's documentation, else this workspace's.
pub(crate) fn choose(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(folder) = asked {
        return match fs::canonicalize(folder) {
            Ok(path) if path.is_dir() => Ok(path),
            Ok(_) => Err(Failure::new(format!("--site {}: this is no folder", folder.display()))),
            Err(error) => Err(Failure::new(format!("--site {}: {error}", folder.display()))),
        };
    }
    if let Some(documentation) = of_the_toolchain() {
        return Ok(documentation);
    }
    println!("Rust's documentation is not installed here; making wharf's own");
    let mut doc = sh::cargo(["doc", "--quiet", "--no-deps"]);
    for part in ["wharf", "wharf-executor", "wharf-timer", "wharf-reactor", "wharf-ffi"] {
        doc.args(["--package", part]);
    }
    sh::run_unseen(doc)?;
    Ok(sh::target_dir()?.join("doc"))
}

fn of_the_toolchain() -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "sysroot"]).current_dir(sh::root());
    let sysroot = sh::output(rustc).ok()?;
    let html = Path::new(sysroot.trim()).join("share/doc/rust/html");
    html.join("index.html").is_file().then_some(html)
}

/// Some of the pages in `folder`, as many as wanted if there are as many, spread over all of it.
pub(crate) fn pages(folder: &Path, wanted: usize) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    collect(folder, &mut found)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", folder.display())))?;
    if found.is_empty() {
        return Err(Failure::new(format!("there is no .html file in {}", folder.display())));
    }
    found.sort_unstable();
    let taken = wanted.min(found.len());
    let spread = (0..taken).map(|index| index * found.len() / taken);
    let relative = |at: usize| found[at].strip_prefix(folder).map(Path::to_path_buf);
    Ok(spread.filter_map(|at| relative(at).ok()).collect())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), found)?;
        } else if kind.is_file() && entry.path().extension().is_some_and(|end| end == "html") {
            found.push(entry.path());
        }
    }
    Ok(())
}

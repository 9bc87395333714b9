//! Running other programs, and where things lie.

use crate::command::Failure;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        own.parent().expect("xtask lies in the workspace").to_path_buf()
    })
}

/// Where cargo puts what it builds, wherever the user's configuration says that is.
pub(crate) fn target_dir() -> Result<PathBuf, Failure> {
    let text = output(cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    let (_, after) = text
        .split_once("\"target_directory\":\"")
        .ok_or_else(|| Failure::new("`cargo metadata` names no target_directory"))?;
    Ok(PathBuf::from(after.split('"').next().unwrap_or_default().replace("\\\\", "\\")))
}

/// A folder of ours below the target folder, made where it is not there yet.
pub(crate) fn work_dir(name: &str) -> Result<PathBuf, Failure> {
    let folder = target_dir()?.join(name);
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    Ok(folder)
}

/// Copies a file, into a folder that is made where it is not there yet.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to.parent().unwrap_or(to)).and_then(|()| fs::copy(from, to)).map_err(
        |error| {
            Failure::new(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
        },
    )?;
    Ok(())
}

/// Copies what is in a folder, and below it, but for what bears one of these names.
pub(crate) fn copy_all(from: &Path, to: &Path, except: &[&str]) -> Result<(), Failure> {
    let entries = fs::read_dir(from)
        .map_err(|why| Failure::new(format!("cannot list {}: {why}", from.display())))?;
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if except.iter().any(|it| name == *it) {
            continue;
        }
        if path.is_dir() {
            copy_all(&path, &to.join(name), except)?;
        } else {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// `cargo ARGS...` at the workspace's root.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    // What cargo tells a program that it runs is not meant for the next cargo.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
    }
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    command
}

/// Has the program that `cc` links look for its shared libraries in `folder` before all others.
pub(crate) fn find_library_in(cc: &mut Command, folder: &Path) {
    // Not as a RUNPATH: cargo puts folders of its own, with libraries of other profiles, on
    // LD_LIBRARY_PATH, which goes before that.
    cc.arg(format!("-Wl,--disable-new-dtags,-rpath,{}", folder.display()));
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        let plain = !arg.is_empty() && !arg.contains([' ', '"', '$', '\'', '*', ';']);
        text += &if plain { format!(" {arg}") } else { format!(" '{arg}'") };
    }
    text
}

/// Says what is run, runs it, and fails unless it succeeds.
pub(crate) fn run(command: Command) -> Result<(), Failure> {
    println!("$ {}", shown(&command));
    run_unseen(command)
}

/// As [`run`], but shows the command only if it fails.
pub(crate) fn run_unseen(mut command: Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| cannot_start(&command, &error))?;
    if status.success() { Ok(()) } else { Err(ended(&command, &status.to_string())) }
}

/// As [`run`], for a program that could hang: it is ended after `patience`, which is far above what
/// it takes, and with it what it has started.
pub(crate) fn run_within(mut command: Command, patience: Duration) -> Result<(), Failure> {
    println!("$ {}", shown(&command));
    let mut child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(ended(&command, &status.to_string())),
            Err(error) => return Err(cannot_start(&command, &error)),
        }
    }
    kill_descendants(child.id());
    let _ = child.kill();
    let _ = child.wait();
    Err(ended(&command, &format!("it hung for {} s and was killed", patience.as_secs())))
}

/// Kills what a process has started, where the system says what that is: a program that hangs below
/// cargo would outlive it.
fn kill_descendants(process: u32) {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        child.parse().into_iter().for_each(kill_descendants);
        let _ = Command::new("sh").args(["-c", &format!("kill -KILL {child}")]).status();
    }
}

/// As [`run`], and hands each line of standard output to `see` after printing it.
pub(crate) fn run_seeing(mut command: Command, mut see: impl FnMut(&str)) -> Result<(), Failure> {
    println!("$ {}", shown(&command));
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| cannot_start(&command, &error))?;
    let lines = BufReader::new(child.stdout.take().expect("standard output is piped"));
    for line in lines.split(b'\n') {
        let line = line.unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        see(&line);
    }
    let status = child.wait().map_err(|error| cannot_start(&command, &error))?;
    if status.success() { Ok(()) } else { Err(ended(&command, &status.to_string())) }
}

/// Runs silently and returns what was printed.
pub(crate) fn output(mut command: Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| cannot_start(&command, &error))?;
    if !output.status.success() {
        return Err(ended(&command, &output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program starts and succeeds; what it prints is dropped.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.current_dir(root()).status().is_ok_and(|status| status.success())
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot run `{}`: {error}", shown(command)))
}

fn ended(command: &Command, status: &str) -> Failure {
    Failure::new(format!("`{}` failed ({status}); its output is above", shown(command)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_hangs_is_ended_with_all_that_it_has_started() {
        let mut command = Command::new("sh");
        // Its standard output stays open for as long as the sleeper lives.
        command.args(["-c", "sleep 1000 & sleep 1000"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        while fs::read_to_string(&children).unwrap().split_whitespace().count() < 2 {
            thread::yield_now();
        }
        kill_descendants(child.id());
        let mut rest = String::new();
        child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        assert!(!child.wait().unwrap().success());
    }
}

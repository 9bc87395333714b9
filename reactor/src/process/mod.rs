//! Child processes, under the names of `std::process`.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use wharf_reactor::process::Command;
//!
//! let output = Command::new("date").arg("-u").output().await?;
//! assert!(output.status.success());
//! # Ok(())
//! # }
//! ```
//!
//! Starting a program blocks its thread for as long as the system takes, some hundred microseconds.
//! A child's end is heard through a descriptor of the process (Linux 5.3 and later), elsewhere through
//! SIGCHLD, with what [`signal`](crate::signal) says about that.
//!
//! A [`Child`] that is dropped goes on running, unless
//! [`kill_on_drop`](Command::kill_on_drop) was asked for. When it has ended the system keeps its
//! status for us (a "zombie") until the next time that this module starts a child or lets go of one.

mod child;
mod ends;

use std::{
    ffi::OsStr, future::Future, io, os::unix::process::CommandExt, path::Path, process as blocking,
};

pub use child::Child;
pub use ends::{ChildStderr, ChildStdin, ChildStdout};
pub use std::process::{ExitStatus, Output, Stdio};

/// A program to be started, with its arguments and surroundings.
#[derive(Debug)]
pub struct Command {
    inner: blocking::Command,
    kill_on_drop: bool,
}

/// What is passed on to the standard library's command as it is.
macro_rules! passed_on {
    ($($(#[$doc:meta])* $name:ident$(<$($kind:ident: $bound:ty),*>)?($($arg:ident: $type:ty),*);)*) => {$(
        $(#[$doc])*
        pub fn $name$(<$($kind: $bound),*>)?(&mut self $(, $arg: $type)*) -> &mut Self {
            self.inner.$name($($arg),*);
            self
        }
    )*};
}

impl Command {
    /// To start `program`, which is looked for in `PATH`, without arguments and with this process's
    /// surroundings.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        blocking::Command::new(program).into()
    }

    /// The standard library's command behind this one.
    pub fn as_std(&self) -> &blocking::Command {
        &self.inner
    }

    /// The standard library's command behind this one, for what is not offered here.
    pub fn as_std_mut(&mut self) -> &mut blocking::Command {
        &mut self.inner
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.inner.args(args);
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env(key, value);
        self
    }

    /// Sets variables of the child's environment.
    pub fn envs(
        &mut self,
        vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> &mut Self {
        self.inner.envs(vars);
        self
    }

    /// Takes a variable out of the child's environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env_remove(key);
        self
    }

    /// The directory that the child starts in.
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.inner.current_dir(dir);
        self
    }

    /// The child's standard input; inherited by default.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.inner.stdin(stdin);
        self
    }

    /// The child's standard output; inherited by default, except by [`output`](Self::output).
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.inner.stdout(stdout);
        self
    }

    /// The child's standard error; inherited by default, except by [`output`](Self::output).
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.inner.stderr(stderr);
        self
    }

    passed_on! {
        /// Takes all variables out of the child's environment.
        env_clear();
        /// The child's user.
        uid(id: u32);
        /// The child's group.
        gid(id: u32);
        /// The child's process group; 0: a new one of its own.
        process_group(group: i32);
    }

    /// Whether a [`Child`] that is dropped before it has ended is killed. Not by default.
    pub fn kill_on_drop(&mut self, on: bool) -> &mut Self {
        self.kill_on_drop = on;
        self
    }

    /// Starts the program.
    ///
    /// # Errors
    ///
    /// What the system says (`NotFound` where there is no such program), or that there is no runtime
    /// with I/O here; in the latter case the child is killed at once.
    pub fn spawn(&mut self) -> io::Result<Child> {
        Child::new(self.inner.spawn()?, self.kill_on_drop)
    }

    /// Starts the program and waits for its end. What is piped is closed at once.
    ///
    /// The child is started when this is called, not when it is first polled. Cancelled, it goes on,
    /// unless [`kill_on_drop`](Self::kill_on_drop) says otherwise.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait`].
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + Send + use<> {
        let child = self.spawn();
        async move {
            let mut child = child?;
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            child.wait().await
        }
    }

    /// Starts the program, waits for its end, and collects what it has written to standard output
    /// and standard error.
    ///
    /// The child is started when this is called, not when it is first polled. Cancelled, it goes on,
    /// unless [`kill_on_drop`](Self::kill_on_drop) says otherwise.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait_with_output`].
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + Send + use<> {
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn();
        async move { child?.wait_with_output().await }
    }
}

impl From<blocking::Command> for Command {
    fn from(inner: blocking::Command) -> Self {
        Self { inner, kill_on_drop: false }
    }
}

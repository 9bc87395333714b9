//! The demo's site as a child process.

use crate::command::Failure;
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A site that is up. It ends when this is dropped, or when this process ends in whatever way: its
/// standard input is a pipe that nobody else holds.
pub(crate) struct Site {
    pub(crate) http: String,
    pub(crate) https: String,
    /// Where its certificate is signed by an authority that nobody knows.
    pub(crate) untrusted: String,
    pub(crate) ca: PathBuf,
    process: Child,
}

impl Site {
    /// Starts it on `folder` and waits until it listens. It lies in `built`, where cargo put it.
    pub(crate) fn start(built: &Path, folder: &Path, ca: &Path) -> Result<Self, Failure> {
        let program = built.join("site");
        let mut command = Command::new(&program);
        command.arg(folder).arg("--ca").arg(ca).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| {
            Failure::new(format!("cannot start the site, {}: {error}", program.display()))
        })?;
        let mut line = String::new();
        let out = process.stdout.take().expect("its standard output is piped");
        let read = BufReader::new(out).read_line(&mut line);
        let at = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name));
        match (read, at("http="), at("https="), at("untrusted=")) {
            (Ok(_), Some(http), Some(https), Some(untrusted)) => Ok(Self {
                http: http.into(),
                https: https.into(),
                untrusted: untrusted.into(),
                ca: ca.into(),
                process,
            }),
            _ => {
                let _ = process.kill();
                let _ = process.wait();
                Err(Failure::new("the site did not come up; what it said is above"))
            }
        }
    }

    /// `count` URLs of these pages: plain and encrypted in turn, each fifth through a redirect.
    pub(crate) fn urls(&self, pages: &[PathBuf], count: usize) -> Vec<String> {
        let pages = pages.iter().cycle().take(count).enumerate();
        let url = |(index, page): (usize, &PathBuf)| {
            let start = match index % 2 {
                0 => format!("http://{}", self.http),
                _ => format!("https://{}", self.https),
            };
            let moved = if index % 5 == 4 { "/moved" } else { "" };
            format!("{start}{moved}/{}", escape(&page.to_string_lossy()))
        };
        pages.map(url).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Percent-encodes what may stand in a file's name but not in a URL's path.
fn escape(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte);
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match plain(&byte) {
            true => escaped.push(char::from(byte)),
            false => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_of_files_become_paths_of_urls() {
        assert_eq!(super::escape("a b/100%?#.html"), "a%20b/100%25%3F%23.html");
        assert_eq!(super::escape("K\u{f6}ln"), "K%C3%B6ln");
    }
}

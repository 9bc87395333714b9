//! The C side: the headers alone, the README's example, the host program and the C tests under
//! AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.

use crate::{command::Failure, folder, needs, needs::Need, sh, site::Site};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Far above what one of the programs takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// What this part needs.
pub(super) const NEEDS: &[Need] = &[needs::CC, needs::CXX, needs::SANITIZERS];

/// Runs all of it.
pub(super) fn run() -> Result<(), Failure> {
    headers_alone()?;
    sh::run(sh::cargo(["build", "--quiet", "--package", "pages", "--package", "site"]))?;
    let work = sh::work_dir("c")?;
    let bench = Bench::set_up(&work)?;
    bench.readme()?;
    bench.bad_input()?;
    bench.shutdown_midway()?;
    bench.host()
}

/// A header must need nothing before it, in C and in C++, and give no cause for a warning.
fn headers_alone() -> Result<(), Failure> {
    for header in ["ffi/include/wharf.h", "examples/pages/include/pages.h"] {
        for (compiler, language, standard) in [
            ("cc", "c", "c99"),
            ("cc", "c", "c17"),
            ("c++", "c++", "c++11"),
            ("c++", "c++", "c++20"),
        ] {
            let mut command = Command::new(compiler);
            command.args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"]);
            command.args(["-pedantic", "-Wall", "-Wextra", "-Werror", "-Iffi/include", header]);
            sh::run({
                command.current_dir(sh::root());
                command
            })?;
        }
    }
    for (header, standard) in
        [("wharf.hpp", "c++17"), ("wharf.hpp", "c++20"), ("wharf_loop.hpp", "c++20")]
    {
        let mut command = Command::new("c++");
        command.args(["-x", "c++", &format!("-std={standard}"), "-fsyntax-only", "-pedantic"]);
        command.args(["-Wall", "-Wextra", "-Werror"]).arg(format!("ffi/include/{header}"));
        command.current_dir(sh::root());
        sh::run(command)?;
    }
    Ok(())
}

/// A site that is up, and where the programs are put that are tried on it.
struct Bench {
    work: PathBuf,
    built: PathBuf,
    urls: PathBuf,
    site: Site,
}

impl Bench {
    fn set_up(work: &Path) -> Result<Self, Failure> {
        let built = sh::target_dir()?.join("debug");
        let served = folder::choose(None)?;
        let site = Site::start(&built, &served, &work.join("ca.pem"))?;
        let urls = work.join("urls.txt");
        let list = site.urls(&folder::pages(&served, 200)?, 200);
        write(&urls, &(list.join("\n") + "\n"))?;
        Ok(Self { work: work.to_path_buf(), built, urls, site })
    }

    /// Compiles a program under the sanitizers and links it to the library.
    fn compile(&self, source: &Path) -> Result<Command, Failure> {
        let name = source.file_stem().unwrap_or_default();
        let program = self.work.join(name);
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"]);
        cc.args(["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]);
        cc.args(["-Iffi/include", "-Iexamples/pages/include"]).arg(source);
        cc.arg("-o").arg(&program).arg("-L").arg(&self.built).args(["-lpages", "-pthread"]);
        sh::find_library_in(&mut cc, &self.built);
        cc.current_dir(sh::root());
        sh::run(cc)?;
        let mut run = Command::new(program);
        run.env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0");
        run.env("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1");
        Ok(run)
    }

    /// The C example of the README, as it stands there.
    fn readme(&self) -> Result<(), Failure> {
        let readme = sh::root().join("README.md");
        let text = fs::read_to_string(&readme)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", readme.display())))?;
        let code = example(&text, "c")
            .ok_or_else(|| Failure::new("README.md has no example that begins with ```c"))?;
        let source = self.work.join("readme.c");
        write(&source, code)?;
        let mut run = self.compile(&source)?;
        run.arg(format!("http://{}/", self.site.http));
        sh::run_within(run, PATIENCE)
    }

    fn bad_input(&self) -> Result<(), Failure> {
        let mut run = self.compile("examples/pages/tests/c/bad_input.c".as_ref())?;
        run.args([&self.site.http, &self.site.https, &self.site.untrusted]).arg(&self.site.ca);
        sh::run_within(run, PATIENCE)
    }

    fn shutdown_midway(&self) -> Result<(), Failure> {
        let mut run = self.compile("examples/pages/tests/c/shutdown.c".as_ref())?;
        run.arg(&self.urls).arg("10000").arg(&self.site.ca);
        sh::run_within(run, PATIENCE)
    }

    /// The host of the demo loads pages, all of them.
    fn host(&self) -> Result<(), Failure> {
        let mut run = self.compile("examples/c/pages.c".as_ref())?;
        run.args(["--concurrency", "100", "--quiet", "--all", "--trust"]);
        run.arg(&self.site.ca).arg(&self.urls);
        sh::run_within(run, PATIENCE)
    }
}

/// The first block in a language in a page of Markdown.
pub(super) fn example<'a>(markdown: &'a str, language: &str) -> Option<&'a str> {
    let (_, rest) = markdown.split_once(&format!("\n```{language}\n"))?;
    rest.split_once("\n```").map(|(code, _)| code)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_is_what_stands_between_the_fences() {
        let page = "x\n```rust\na\n```\n```c\nint b;\nint c;\n```\ny\n```c\nd\n```\n";
        assert_eq!(super::example(page, "c"), Some("int b;\nint c;"));
        assert_eq!(super::example("none", "c"), None);
    }
}

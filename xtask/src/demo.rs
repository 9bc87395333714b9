//! `cargo xtask demo`: the main job, end to end. A host in another language loads pages through the
//! library `pages`, from a site on loopback that is a wharf program itself, or from the web.

mod c;
mod dart;
mod node;
mod python;

use crate::{
    command::{Command, Failure},
    folder, needs, sh,
    site::Site,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, ExitStatus},
};

pub(crate) const COMMAND: Command = Command {
    name: "demo",
    about: "load web pages through a host in C, Dart, Node or Python: `cargo xtask demo [OPTIONS] [URL...]`",
    help: "\
usage: cargo xtask demo [OPTIONS] [URL...]

Builds the library `pages` and a host program, starts a web site on loopback, and has the host load
pages from it: over HTTP and HTTPS in turn, packed with gzip, some of them through a redirect.
With URLs of your own it loads those instead, and starts no site.

  --host HOST       c, dart, node or python: the language of the host (default: c)
  --pages N         how many pages of the site to load (default: 200)
  --concurrency N   how many are under way at once (default: 50)
  --site FOLDER     what the site serves; its .html files are the pages. Default: the documentation
                    that came with Rust, else this workspace's own from `cargo doc`
  --time-limit MS   how long one page may take (default: 30000)
  --quiet           no line a page, only the summary

Exit status 0 if every accepted submit got exactly one answer and, on the site, every page loaded.
",
    run,
};

/// The language of the host.
#[derive(Clone, Copy, PartialEq)]
enum Language {
    C,
    Dart,
    Node,
    Python,
}

/// What the command line asks for.
struct Options {
    host: Language,
    pages: usize,
    concurrency: usize,
    site: Option<PathBuf>,
    time_limit_ms: u32,
    quiet: bool,
    urls: Vec<String>,
}

fn options(args: &mut lexopt::Parser) -> Result<Options, Failure> {
    use lexopt::prelude::*;
    let mut options = Options {
        host: Language::C,
        pages: 200,
        concurrency: 50,
        site: None,
        time_limit_ms: 30_000,
        quiet: false,
        urls: Vec::new(),
    };
    while let Some(arg) = args.next()? {
        match arg {
            Long("host") => match args.value()?.string()?.as_str() {
                "c" => options.host = Language::C,
                "dart" => options.host = Language::Dart,
                "node" => options.host = Language::Node,
                "python" => options.host = Language::Python,
                other => {
                    let text =
                        format!("there is no host '{other}'; there are: c, dart, node, python");
                    return Err(Failure::new(text));
                }
            },
            Long("pages") => options.pages = at_least_one("--pages", args)?,
            Long("concurrency") => options.concurrency = at_least_one("--concurrency", args)?,
            Long("site") => options.site = Some(args.value()?.into()),
            Long("time-limit") => {
                let limit = at_least_one("--time-limit", args)?;
                options.time_limit_ms = limit.try_into().map_err(|_| {
                    Failure::new(format!("--time-limit is at most {} ms", u32::MAX))
                })?;
            }
            Long("quiet") => options.quiet = true,
            Value(url) => options.urls.push(url.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

fn at_least_one(name: &str, args: &mut lexopt::Parser) -> Result<usize, Failure> {
    let text = args.value()?.to_string_lossy().into_owned();
    match text.parse() {
        Ok(0) | Err(_) => {
            Err(Failure::new(format!("{name} takes a number from 1 up, not '{text}'")))
        }
        Ok(number) => Ok(number),
    }
}

fn run(args: &mut lexopt::Parser) -> Result<(), Failure> {
    let options = options(args)?;
    if options.host == Language::C && !(needs::CC.here)() {
        return Err(Failure::new(format!(
            "the host is in C, and there is no C compiler: {}",
            needs::CC.from.advice()
        )));
    }
    let own_site = options.urls.is_empty();
    let served = if own_site { Some(served(&options)?) } else { None };
    println!("building the library and the host{}", if own_site { ", and the site" } else { "" });
    let built = sh::target_dir()?.join("release");
    let work = sh::work_dir("demo")?;
    let host = build(&options, &built, &work)?;

    let Some((folder, pages)) = served else {
        return host.run(&options, None, &options.urls);
    };
    let site = Site::start(&built, &folder, &work.join("ca.pem"))?;
    let urls = site.urls(&pages, options.pages);
    println!("the site is up at http://{} and https://{}", site.http, site.https);
    println!("and serves {}", folder.display());
    host.run(&options, Some(&site), &urls)
}

/// A host that has been built.
enum Host {
    C(PathBuf),
    Dart(dart::Host),
    Node(node::Host),
    Python(PathBuf),
}

/// Builds what the host needs, and the site where one is wanted.
fn build(options: &Options, built: &Path, work: &Path) -> Result<Host, Failure> {
    let mut packages = Vec::new();
    if options.host != Language::Dart {
        packages.extend(["--package", "pages"]);
    }
    if options.urls.is_empty() {
        packages.extend(["--package", "site"]);
    }
    if !packages.is_empty() {
        let mut build = sh::cargo(["build", "--release"]);
        build.args(packages);
        sh::run_unseen(build)?;
    }
    Ok(match options.host {
        Language::C => Host::C(c::build(built, work)?),
        Language::Dart => Host::Dart(dart::build()?),
        Language::Node => Host::Node(node::build(built)?),
        Language::Python => Host::Python(built.join("libpages.so")),
    })
}

impl Host {
    /// The program, and what it is called where it can't be started.
    fn program(&self) -> Result<(process::Command, String), Failure> {
        Ok(match self {
            Self::C(path) => (process::Command::new(path), format!("the host, {}", path.display())),
            Self::Dart(host) => (host.program()?, "the Dart machine".to_owned()),
            Self::Node(host) => (host.program(), "Node".to_owned()),
            Self::Python(library) => (python::program(library), "Python".to_owned()),
        })
    }

    /// Has the host load the URLs; all hosts take the same words.
    fn run(&self, options: &Options, site: Option<&Site>, urls: &[String]) -> Result<(), Failure> {
        let (mut host, what) = self.program()?;
        let list = sh::work_dir("demo")?.join("urls.txt");
        fs::write(&list, urls.join("\n") + "\n")
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", list.display())))?;
        host.args(["--concurrency", &options.concurrency.to_string()]);
        host.args(["--time-limit", &options.time_limit_ms.to_string()]);
        if options.quiet {
            host.arg("--quiet");
        }
        if let Some(site) = site {
            host.arg("--trust").arg(&site.ca).arg("--all");
        }
        let status = host.arg(&list).status();
        judge(status.map_err(|error| Failure::new(format!("cannot start {what}: {error}")))?)
    }
}

/// What a host's exit status says; all hosts end alike.
fn judge(status: ExitStatus) -> Result<(), Failure> {
    match status.code() {
        Some(0) => Ok(()),
        Some(3) => Err(Failure::new("not every page of the site was loaded; why is above")),
        Some(4) => Err(Failure::new("an accepted submit was not answered by exactly one message")),
        _ => Err(Failure::new(format!("the host failed ({status})"))),
    }
}

/// The folder that the site serves, and those of its pages that are loaded.
fn served(options: &Options) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    let folder = folder::choose(options.site.as_deref())?;
    let pages = folder::pages(&folder, options.pages)?;
    Ok((folder, pages))
}

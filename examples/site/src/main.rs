//! The web site of the demo: serves a folder over HTTP and HTTPS on loopback, as a program on wharf.
//!
//! Once it listens it prints one line, for the program that started it:
//!
//! ```text
//! http=127.0.0.1:PORT https=127.0.0.1:PORT untrusted=127.0.0.1:PORT
//! ```
//!
//! The certificate at `https` is signed by an authority made at the start and written to the file
//! given with `--ca`; the one at `untrusted` is signed by nobody that a client could know. The site
//! runs until its standard input ends, so that it cannot outlive its starter.

mod answer;
mod certificates;
mod serve;
mod trouble;

use std::{
    io::{self, Read as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
};

const USAGE: &str = "usage: site FOLDER --ca FILE";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let given = (args.next(), args.next(), args.next(), args.next());
    let (Some(folder), Some(flag), Some(ca), None) = given else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if flag != "--ca" {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        std::process::exit(0);
    });
    match wharf::block_on(run(folder.into(), ca.into())) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("site: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(folder: PathBuf, ca: PathBuf) -> io::Result<std::convert::Infallible> {
    let folder = folder.canonicalize().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot serve {}: {error}", folder.display()))
    })?;
    let trusted = certificates::make().map_err(io::Error::other)?;
    let untrusted = certificates::make().map_err(io::Error::other)?;
    std::fs::write(&ca, &trusted.authority_pem).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot write {}: {error}", ca.display()))
    })?;
    let folder: Arc<std::path::Path> = folder.into();
    let http = serve::listen(Arc::clone(&folder), None).await?;
    let https = serve::listen(Arc::clone(&folder), Some(trusted.server)).await?;
    let untrusted = serve::listen(folder, Some(untrusted.server)).await?;
    println!("http={http} https={https} untrusted={untrusted}");
    std::future::pending().await
}

//! Files, on the blocking pool: an operating system's files are always "ready" and block all the
//! same, so each call here is one job there.
//!
//! # Cancel safety
//!
//! Nothing happens before a call's future is first polled. From then on dropping it stops nothing: a write
//! still happens, and nobody hears how it went.

use crate::task::spawn_blocking;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

async fn job<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match spawn_blocking(job).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(format!("a file job came to no end: {error}"))),
    }
}

macro_rules! one_path {
    ($($(#[$doc:meta])* $name:ident -> $result:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// Those of the function of the same name in `std::fs`.
        ///
        /// # Panics
        ///
        /// Outside a runtime.
        pub async fn $name(path: impl AsRef<Path>) -> io::Result<$result> {
            let path = path.as_ref().to_owned();
            job(move || fs::$name(path)).await
        }
    )*};
}

one_path! {
    /// Reads a whole file.
    read -> Vec<u8>;
    /// Reads a whole file as UTF-8.
    read_to_string -> String;
    /// What the system knows of a path, following symbolic links.
    metadata -> fs::Metadata;
    /// The path in full, with symbolic links resolved.
    canonicalize -> PathBuf;
    /// Removes a file.
    remove_file -> ();
    /// Makes a directory.
    create_dir -> ();
    /// Makes a directory and those above it that are missing.
    create_dir_all -> ();
    /// Removes an empty directory.
    remove_dir -> ();
    /// Removes a directory with all that is in it.
    remove_dir_all -> ();
}

/// Writes a whole file, in place of what it held.
///
/// # Errors
///
/// Those of `std::fs::write`.
///
/// # Panics
///
/// Outside a runtime.
pub async fn write(
    path: impl AsRef<Path>,
    contents: impl AsRef<[u8]> + Send + 'static,
) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    job(move || fs::write(path, contents)).await
}

/// Renames a file or directory.
///
/// # Errors
///
/// Those of `std::fs::rename`.
///
/// # Panics
///
/// Outside a runtime.
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    job(move || fs::rename(from, to)).await
}

/// Copies a file and returns how many bytes it holds.
///
/// # Errors
///
/// Those of `std::fs::copy`.
///
/// # Panics
///
/// Outside a runtime.
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    job(move || fs::copy(from, to)).await
}

//! Files, on the blocking pool: an operating system's files are always "ready" and block all the
//! same, so each call here is one job there.
//!
//! What is done with an open file, or entry by entry in a directory, goes into a job of one's own:
//! [`spawn_blocking`] with `std::fs`.
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
    /// What the system knows of a path itself, also where it is a symbolic link.
    symlink_metadata -> fs::Metadata;
    /// Where a symbolic link leads.
    read_link -> PathBuf;
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

/// Whether there is something at a path, following symbolic links.
///
/// # Errors
///
/// Those of `std::fs::exists`: where that can't be found out.
///
/// # Panics
///
/// Outside a runtime.
pub async fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref().to_owned();
    job(move || fs::exists(path)).await
}

/// Sets what may be done with a file or directory, and by whom.
///
/// # Errors
///
/// Those of `std::fs::set_permissions`.
///
/// # Panics
///
/// Outside a runtime.
pub async fn set_permissions(
    path: impl AsRef<Path>,
    permissions: fs::Permissions,
) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    job(move || fs::set_permissions(path, permissions)).await
}

macro_rules! two_paths {
    ($($(#[$doc:meta])* $name:ident = $std:path => $result:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// Those of the function of the same name in `std`.
        ///
        /// # Panics
        ///
        /// Outside a runtime.
        pub async fn $name(
            from: impl AsRef<Path>,
            to: impl AsRef<Path>,
        ) -> io::Result<$result> {
            let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
            job(move || $std(from, to)).await
        }
    )*};
}

two_paths! {
    /// Renames a file or directory.
    rename = fs::rename => ();
    /// Copies a file and returns how many bytes it holds.
    copy = fs::copy => u64;
    /// Gives the file at `from` a second name, `to`.
    hard_link = fs::hard_link => ();
}

#[cfg(unix)]
two_paths! {
    /// Makes a symbolic link at `to` that leads to `from`.
    symlink = std::os::unix::fs::symlink => ();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_links_and_what_is_known_of_them() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("wharf-fs-{}", std::process::id()));
        let [file, second, link, copied] =
            ["file", "second", "link", "copied"].map(|name| folder.join(name));
        crate::block_on(async {
            create_dir_all(&folder).await?;
            write(&file, "ahoy").await?;
            hard_link(&file, &second).await?;
            symlink(&second, &link).await?;
            assert_eq!(read_link(&link).await?, second);
            assert!(symlink_metadata(&link).await?.is_symlink());
            assert!(metadata(&link).await?.is_file());
            let mut permissions = metadata(&file).await?.permissions();
            permissions.set_readonly(true);
            set_permissions(&file, permissions).await?;
            assert!(metadata(&second).await?.permissions().readonly());
            assert_eq!(copy(&link, &copied).await?, 4);
            remove_file(&second).await?;
            assert!(!try_exists(&link).await?, "it leads nowhere");
            rename(&copied, &second).await?;
            assert_eq!(read_to_string(&link).await?, "ahoy");
            remove_dir_all(&folder).await?;
            assert!(!try_exists(&folder).await?);
            Ok(())
        })
    }
}

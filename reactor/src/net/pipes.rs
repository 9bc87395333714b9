//! Pipes, and their ends that have a name in the file system (FIFOs).
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use wharf_reactor::net::unix::pipe;
//!
//! let (sender, receiver) = pipe::pipe()?;
//! sender.write_all(b"ahoy").await?;
//! drop(sender);
//! let mut text = String::new();
//! receiver.read_to_string(&mut text).await?;
//! assert_eq!(text, "ahoy");
//! # Ok(())
//! # }
//! ```

use super::methods::{polling_reads, polling_writes, readiness, reading, writing};
use crate::{
    quiet,
    registration::{Left, Wish},
    slot::{self, Direction},
    source::{Source, Stream},
};
use std::{
    fmt,
    fs::{self, File},
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
    path::Path,
    task::{Context, Poll},
};

/// One end of a pipe.
#[derive(Debug)]
pub(crate) struct End(File);

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for End {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<End> for OwnedFd {
    fn from(end: End) -> Self {
        end.0.into()
    }
}

impl Read for &End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.0).read_vectored(bufs)
    }
}

impl Stream for End {
    fn put(&self, buf: &[u8]) -> io::Result<usize> {
        self.put_vectored(&[IoSlice::new(buf)])
    }

    fn put_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        quiet::write(self.as_fd(), bufs)
    }

    fn finish(&self) -> io::Result<()> {
        // Only closing it tells the other end.
        Ok(())
    }

    /// A short read says nothing of the next one: who writes may do so in packets (O_DIRECT), which come
    /// one by one, and of which this end knows nothing.
    fn take(&self, room: &mut [MaybeUninit<u8>]) -> io::Result<(usize, Left)> {
        // SAFETY: the room is as long as said, and the system only writes to it.
        let done = unsafe { libc::read(self.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
        let done = usize::try_from(done).map_err(|_| io::Error::last_os_error())?;
        Ok((done, Left::Perhaps))
    }
}

/// A pipe with nobody else at either end.
///
/// # Errors
///
/// What the system says (no descriptor left), or that there is no runtime with I/O here.
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let (writer, reader) = mio::unix::pipe::new()?;
    Ok((Sender::from_owned_fd(writer.into())?, Receiver::from_owned_fd(reader.into())?))
}

/// What both ends have of ways in and out.
macro_rules! handing_over {
    ($child:literal) => {
        /// As [`from_owned_fd`](Self::from_owned_fd), for an open file.
        ///
        /// # Errors
        ///
        /// As there.
        pub fn from_file(file: File) -> io::Result<Self> {
            Self::from_owned_fd(file.into())
        }

        /// The bare end, non-blocking as it is.
        ///
        /// # Errors
        ///
        /// None at present.
        pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
            Ok(self.source.into_inner().into())
        }

        #[doc = concat!("The bare end, blocking again: as a child's standard ", $child, ", say.")]
        ///
        /// # Errors
        ///
        /// What the system says.
        pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
            blocking(self.source.into_inner())
        }

        pub(crate) fn source(&self) -> &Source<End> {
            &self.source
        }
    };
}

/// The end of a pipe that is written to.
///
/// All its methods take `&self`. Dropping the last sender of a pipe is the end for its receivers.
pub struct Sender {
    source: Source<End>,
}

impl Sender {
    /// Takes over the writing end of a pipe or FIFO, which becomes non-blocking (for everybody who
    /// shares the open end: a child's copy, too).
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it is no pipe or can't be written to; what the system says; that there
    /// is no runtime with I/O here.
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        let end = checked(fd.into(), libc::O_WRONLY)?;
        quiet::hush(end.as_fd())?;
        let wish = Wish { ready: slot::WRITABLE, ..Wish::TRY };
        Ok(Self { source: Source::new(end, wish)? })
    }

    handing_over!("input");

    readiness!();
    writing!();
    polling_writes!();
}

/// The end of a pipe that is read from.
///
/// All its methods take `&self`. Dropping the last receiver makes writing an error (`BrokenPipe`).
pub struct Receiver {
    source: Source<End>,
}

impl Receiver {
    /// Takes over the reading end of a pipe or FIFO, which becomes non-blocking (for everybody who
    /// shares the open end).
    ///
    /// # Errors
    ///
    /// As [`Sender::from_owned_fd`].
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        let end = checked(fd.into(), libc::O_RDONLY)?;
        let wish = Wish { ready: slot::READABLE, ..Wish::TRY };
        Ok(Self { source: Source::new(end, wish)? })
    }

    handing_over!("output");

    readiness!();
    reading!();
    polling_reads!();
}

/// How a FIFO is opened.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use wharf_reactor::net::unix::pipe::OpenOptions;
///
/// let receiver = OpenOptions::new().open_receiver("/run/orders")?;
/// let mut order = [0; 64];
/// let count = receiver.read(&mut order).await?;
/// # let _ = count;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
}

impl OpenOptions {
    /// Opens for one direction only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens for both directions, so that neither end is missing: a receiver then waits for the first
    /// sender and never comes to the end, a sender needs no receiver. Linux only.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn read_write(&mut self, on: bool) -> &mut Self {
        self.read_write = on;
        self
    }

    /// Opens the FIFO at `path` for reading. As long as nobody has opened it for writing, it is at
    /// its end.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` where it is no FIFO; that there is no runtime with I/O
    /// here.
    pub fn open_receiver(&self, path: impl AsRef<Path>) -> io::Result<Receiver> {
        Receiver::from_file(self.open(path.as_ref(), true, self.read_write)?)
    }

    /// Opens the FIFO at `path` for writing. Somebody must have opened it for reading.
    ///
    /// # Errors
    ///
    /// As [`open_receiver`](Self::open_receiver), and `ENXIO` where nobody reads.
    pub fn open_sender(&self, path: impl AsRef<Path>) -> io::Result<Sender> {
        Sender::from_file(self.open(path.as_ref(), self.read_write, true)?)
    }

    fn open(&self, path: &Path, read: bool, write: bool) -> io::Result<File> {
        let mut options = fs::OpenOptions::new();
        options.read(read).write(write).custom_flags(libc::O_NONBLOCK).open(path)
    }
}

/// The end, made non-blocking, if it is of a pipe and open for `direction`.
fn checked(file: File, direction: libc::c_int) -> io::Result<End> {
    if !file.metadata()?.file_type().is_fifo() {
        return Err(wrong("this descriptor is no pipe or FIFO"));
    }
    let flags = flags(&file)?;
    let mode = flags & libc::O_ACCMODE;
    if mode != direction && mode != libc::O_RDWR {
        return Err(wrong("this end of the pipe is for the other direction"));
    }
    if flags & libc::O_NONBLOCK == 0 {
        set_flags(&file, flags | libc::O_NONBLOCK)?;
    }
    Ok(End(file))
}

fn blocking(end: End) -> io::Result<OwnedFd> {
    set_flags(&end.0, flags(&end.0)? & !libc::O_NONBLOCK)?;
    Ok(end.into())
}

fn wrong(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn flags(file: &File) -> io::Result<libc::c_int> {
    // SAFETY: the descriptor is open, and no pointers are passed.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) } {
        -1 => Err(io::Error::last_os_error()),
        flags => Ok(flags),
    }
}

fn set_flags(file: &File, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: as in `flags`.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

macro_rules! ends {
    ($($kind:ident),*) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.source.fmt(f)
            }
        }

        impl AsFd for $kind {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.source.get().as_fd()
            }
        }

        impl AsRawFd for $kind {
            fn as_raw_fd(&self) -> RawFd {
                self.source.get().as_raw_fd()
            }
        }
    )*};
}

ends!(Sender, Receiver);

//! Pipes and FIFOs.

mod common;

use common::{both, run};
use std::{ffi::CString, fs::File, io::ErrorKind, io::IoSlice, os::unix::ffi::OsStrExt};
use wharf_reactor::net::unix::pipe::{OpenOptions, Receiver, Sender, pipe};

#[test]
fn more_than_fits_goes_through_and_ends() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let sent: Vec<u8> = (0..1 << 20).map(|n: u32| (n >> 3) as u8).collect();
        let sending = async {
            sender.write_all(&sent).await.unwrap();
            drop(sender);
        };
        let mut got = Vec::new();
        both(sending, receiver.read_to_end(&mut got)).await.1.unwrap();
        assert!(got == sent);
    });
}

#[test]
fn nothing_there_would_block_and_nothing_asked_for_does_not() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        assert_eq!(receiver.try_read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(receiver.read(&mut []).await.unwrap(), 0);
        assert_eq!(sender.write(&[]).await.unwrap(), 0);
        sender.write_all(b"ab").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(receiver.read(&mut buf).await.unwrap(), 2);
        drop(sender);
        assert_eq!(receiver.read(&mut buf).await.unwrap(), 0);
    });
}

#[test]
fn a_full_pipe_would_block_and_goes_on_when_it_is_read() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let chunk = [1; 4096];
        let mut total = 0;
        while let Ok(count) = sender.try_write(&chunk) {
            total += count;
        }
        let mut got = vec![0; total];
        let ((), read) = both(async { sender.writable().await.unwrap() }, async {
            receiver.read_exact(&mut got).await
        })
        .await;
        assert_eq!(read.unwrap(), total);
        assert_eq!(sender.write(&chunk).await.unwrap(), chunk.len());
    });
}

#[test]
fn a_pipe_that_nobody_reads_is_an_error_and_no_signal() {
    // SAFETY: the default disposition takes no handler of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    run(async {
        let (sender, receiver) = pipe().unwrap();
        drop(receiver);
        assert_eq!(sender.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let slices = [IoSlice::new(b"x"), IoSlice::new(b"y")];
        let error = sender.write_vectored(&slices).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(sender.try_write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn from_descriptors_and_back() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let sender = sender.into_blocking_fd().unwrap();
        let receiver = receiver.into_nonblocking_fd().unwrap();
        assert_eq!(
            Sender::from_owned_fd(receiver.try_clone().unwrap()).unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "the wrong end"
        );
        let file = File::open("/dev/null").unwrap();
        assert_eq!(Receiver::from_file(file).unwrap_err().kind(), ErrorKind::InvalidInput);
        let sender = Sender::from_owned_fd(sender).unwrap();
        let receiver = Receiver::from_owned_fd(receiver).unwrap();
        // Were the blocking end still blocking, this read would hang.
        let (got, sent) =
            both(async { receiver.read(&mut [0; 4]).await }, sender.write_all(b"ahoy")).await;
        assert_eq!((got.unwrap(), sent.unwrap()), (4, ()));
    });
}

#[test]
fn fifos_by_path() {
    let dir = std::env::temp_dir().join(format!("wharf-fifo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("fifo");
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a path that ends with a nul.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    run(async {
        let options = OpenOptions::new();
        let error = options.open_sender(&path).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENXIO), "nobody reads");
        let receiver = options.open_receiver(&path).unwrap();
        assert_eq!(receiver.read(&mut [0; 4]).await.unwrap(), 0, "nobody writes");
        let sender = options.open_sender(&path).unwrap();
        let mut buf = [0; 8];
        let (got, sent) = both(receiver.read(&mut buf), sender.write(b"ahoy")).await;
        assert_eq!((got.unwrap(), sent.unwrap()), (4, 4));
        drop((sender, receiver));
        // Both directions: it waits although nobody writes yet.
        let patient = OpenOptions::new().read_write(true).open_receiver(&path).unwrap();
        let mut buf = [0; 8];
        let (got, sent) = both(patient.read(&mut buf), async {
            options.open_sender(&path).unwrap().write(b"hi").await
        })
        .await;
        assert_eq!((got.unwrap(), sent.unwrap()), (2, 2));
        let plain = dir.join("plain");
        std::fs::write(&plain, b"x").unwrap();
        assert_eq!(options.open_receiver(&plain).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

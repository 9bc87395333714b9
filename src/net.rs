//! Sockets, pipes, and the look-up of host names.
//!
//! The sockets are the reactor's. A look-up has no non-blocking form in the operating system, so the
//! reactor is given the blocking pool for it.
//!
//! All methods of a socket take `&self`, so one task can read what another writes, without a split.
//!
//! # TCP
//!
//! ```
//! use wharf::net::{TcpListener, TcpStream};
//!
//! wharf::block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?;
//!     let server = wharf::spawn(async move {
//!         let (stream, _peer) = listener.accept().await?;
//!         let mut question = [0; 5];
//!         stream.read_exact(&mut question).await?;
//!         stream.write_all(b"yes").await
//!     });
//!     let stream = TcpStream::connect(address).await?;
//!     stream.write_all(b"ahoy?").await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!     assert_eq!(answer, "yes");
//!     server.await?
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Options that have to be set before a socket is bound or connected are [`TcpSocket`]'s:
//!
//! ```
//! use wharf::net::TcpSocket;
//!
//! wharf::block_on(async {
//!     let socket = TcpSocket::new_v4()?;
//!     socket.set_reuseaddr(true)?;
//!     socket.bind("127.0.0.1:0".parse().unwrap())?;
//!     let listener = socket.listen(64)?;
//!     assert_ne!(listener.local_addr()?.port(), 0);
//!     std::io::Result::Ok(())
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # UDP
//!
//! ```
//! use wharf::net::UdpSocket;
//!
//! wharf::block_on(async {
//!     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
//!     one.send_to(b"ahoy", other.local_addr()?).await?;
//!     let mut datagram = [0; 1500];
//!     let (count, from) = other.recv_from(&mut datagram).await?;
//!     assert_eq!((&datagram[..count], from), (&b"ahoy"[..], one.local_addr()?));
//!     std::io::Result::Ok(())
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Unix domain sockets and pipes
//!
//! ```
//! use wharf::net::{UnixDatagram, UnixListener, UnixStream, unix::pipe};
//!
//! let path = std::env::temp_dir().join(format!("wharf-doc-{}", std::process::id()));
//! wharf::block_on(async {
//!     let listener = UnixListener::bind(&path)?;
//!     let client = UnixStream::connect(&path).await?;
//!     let (server, _) = listener.accept().await?;
//!     client.write_all(b"ahoy").await?;
//!     assert_eq!(server.read(&mut [0; 16]).await?, 4);
//!
//!     let (one, other) = UnixDatagram::pair()?;
//!     one.send(b"each by itself").await?;
//!     assert_eq!(other.recv(&mut [0; 32]).await?, 14);
//!
//!     let (sender, receiver) = pipe::pipe()?;
//!     sender.write_all(b"down the pipe").await?;
//!     drop(sender);
//!     let mut text = String::new();
//!     receiver.read_to_string(&mut text).await?;
//!     assert_eq!(text, "down the pipe");
//!     std::io::Result::Ok(())
//! })?;
//! std::fs::remove_file(&path)?;
//! # Ok::<(), std::io::Error>(())
//! ```

//! # Several things at once
//!
//! `ready` waits for any of what it is asked for, and says what it is. Ask for room only where there is
//! something to write: else there is always some.
//!
//! ```
//! use std::io::ErrorKind::WouldBlock;
//! use wharf::{io::Interest, net::UnixStream};
//!
//! wharf::block_on(async {
//!     let (here, peer) = UnixStream::pair()?;
//!     peer.write_all(b"ahoy").await?;
//!     let (mut unsaid, mut heard) = (&b"aye aye"[..], Vec::<u8>::new());
//!     while heard.len() < 4 || !unsaid.is_empty() {
//!         let interest = match unsaid {
//!             [] => Interest::READABLE,
//!             _ => Interest::READABLE | Interest::WRITABLE,
//!         };
//!         let ready = here.ready(interest).await?;
//!         if ready.is_readable() {
//!             let mut room = [0; 16];
//!             match here.try_read(&mut room) {
//!                 Ok(count) => heard.extend(&room[..count]),
//!                 Err(error) if error.kind() == WouldBlock => {}
//!                 Err(error) => return Err(error),
//!             }
//!         }
//!         if ready.is_writable() {
//!             match here.try_write(unsaid) {
//!                 Ok(count) => unsaid = &unsaid[count..],
//!                 Err(error) if error.kind() == WouldBlock => {}
//!                 Err(error) => return Err(error),
//!             }
//!         }
//!     }
//!     assert_eq!(heard, b"ahoy");
//!     assert_eq!(peer.read(&mut [0; 16]).await?, 7);
//!     std::io::Result::Ok(())
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```

use wharf_reactor::Reactor;

pub use wharf_reactor::net::*;

/// Has `reactor` look names up on the blocking pool of the runtime that asks.
pub(crate) fn resolve_on_the_blocking_pool(reactor: &Reactor) {
    reactor.set_pool(Box::new(|job| drop(crate::spawn_blocking(job))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_found() {
        let found = crate::block_on(lookup_host(("localhost", 7))).unwrap();
        for address in found {
            assert!(address.ip().is_loopback() && address.port() == 7, "{address}");
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_names_it() {
        let error = crate::block_on(lookup_host("no-such-host.invalid:1")).unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    }
}

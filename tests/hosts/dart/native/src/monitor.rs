//! A network monitor: it is started, it tells of packets and of errors as they come, and after it
//! has been stopped it tells of nothing more.

use crate::ledger::Held;
use std::{net::SocketAddr, time::SystemTime};
use wharf::net::UdpSocket;
use wharf_ffi::{Failure, IntoFailure, Reply, export};

/// What a message says: where the monitor listens, a packet, or a packet that makes no sense.
const LISTENS: i32 = 0;
const PACKET: i32 = 1;
const ERROR: i32 = 2;

/// Listens on a port of the loopback interface until it is cancelled. Posts `[0, port]` first, then
/// for each datagram `[1, time, sender, payload]`, or `[2, text]` for one that is no text.
#[export]
pub async fn tests_monitor(reply: Reply) -> Result<(), Failure> {
    let _held = Held::new();
    let socket = UdpSocket::bind("127.0.0.1:0").await.map_err(IntoFailure::into_failure)?;
    let port = socket.local_addr().map_err(IntoFailure::into_failure)?.port();
    reply.post((LISTENS, port)).await?;
    let mut buffer = vec![0; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => tell(&reply, &buffer[..length], from).await?,
            Err(error) => reply.post((ERROR, error.to_string())).await?,
        }
    }
}

async fn tell(reply: &Reply, packet: &[u8], from: SocketAddr) -> Result<(), Failure> {
    match std::str::from_utf8(packet) {
        Ok(text) => reply.post((PACKET, SystemTime::now(), from, text)).await?,
        Err(error) => reply.post((ERROR, format!("a packet from {from}: {error}"))).await?,
    }
    Ok(())
}

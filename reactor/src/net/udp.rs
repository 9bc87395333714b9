//! UDP.

use super::{
    addr::{self, ToSocketAddrs},
    datagrams::datagrams,
    methods::descriptor,
};
use crate::{registration::Wish, slot::Direction, source::Source};
use std::{
    fmt,
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Std},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    task::{Context, Poll},
};

/// A UDP socket.
///
/// All its methods take `&self`; any number of tasks may send and receive at once.
pub struct UdpSocket {
    source: Source<Std>,
}

impl UdpSocket {
    /// Binds to `address`; of several the first that works. Port 0 lets the system choose.
    ///
    /// Cancel safe: it waits for nothing but the look-up of a host name.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let found = addr::sealed::Lookup::lookup(&address)?;
        drop(address);
        addr::first_that_works(found, |address| async move { Self::from_std(Std::bind(address)?) })
            .await
    }

    /// Sets the peer that [`send`](Self::send) sends to and [`recv`](Self::recv) receives from; of
    /// several addresses the first that works.
    ///
    /// Cancel safe: it waits for nothing but the look-up of a host name.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub async fn connect(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        let found = addr::sealed::Lookup::lookup(&address)?;
        drop(address);
        let connect = |address| async move {
            self.source.get().connect(address)?;
            self.source.registration().note_sender(address);
            Ok(())
        };
        addr::first_that_works(found, connect).await
    }

    /// Receives, and notes who has sent.
    fn receive(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (count, sender) = self.source.get().recv_from(buf)?;
        self.source.registration().note_sender(sender);
        Ok((count, sender))
    }

    fn source(&self) -> &Source<Std> {
        &self.source
    }

    super::methods::readiness!();
    super::methods::own_operations!();
    datagrams!(SocketAddr);

    /// Sends one datagram to `target`, of several addresses the first, and returns how many bytes went.
    ///
    /// Cancel safe: nothing is sent unless it returns.
    ///
    /// # Errors
    ///
    /// What the system says, or that the runtime has been shut down.
    pub async fn send_to(&self, buf: &[u8], target: impl ToSocketAddrs) -> io::Result<usize> {
        let found = addr::sealed::Lookup::lookup(&target)?;
        drop(target);
        let mut targets = addr::addresses(found).await?;
        match targets.next() {
            Some(target) => {
                self.source.run(Direction::Write, |socket| socket.send_to(buf, target)).await
            }
            None => Err(addr::nothing_found()),
        }
    }

    /// As [`send_to`](Self::send_to), for the one task that polls for sending.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.source.poll_run(cx, Direction::Write, |socket| socket.send_to(buf, target))
    }

    /// Sends one datagram to `target` without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is no room; else as [`send_to`](Self::send_to).
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.source.try_run(Direction::Write, |socket| socket.send_to(buf, target))
    }

    /// Takes over a socket of the standard library's, which becomes non-blocking.
    ///
    /// # Errors
    ///
    /// What the system says, or that there is no runtime with I/O here.
    pub fn from_std(socket: Std) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { source: Source::new(socket, Wish::TRY)? })
    }

    /// Gives the socket back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn into_std(self) -> io::Result<Std> {
        Ok(self.source.into_inner())
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().local_addr()
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.get().peer_addr()
    }
}

/// Options that the standard library's socket has too.
macro_rules! options {
    ($($doc:literal $name:ident($($arg:ident: $kind:ty),*) -> $output:ty;)*) => {
        impl UdpSocket {$(
            #[doc = $doc]
            ///
            /// # Errors
            ///
            /// What the system says.
            pub fn $name(&self $(, $arg: $kind)*) -> io::Result<$output> {
                self.source.get().$name($($arg),*)
            }
        )*}
    };
}

options! {
    "Whether it may send to broadcast addresses."
    broadcast() -> bool;
    "Says whether it may send to broadcast addresses."
    set_broadcast(on: bool) -> ();
    "The time to live of packets."
    ttl() -> u32;
    "Sets the time to live of packets."
    set_ttl(ttl: u32) -> ();
    "The time to live of multicast packets over IPv4."
    multicast_ttl_v4() -> u32;
    "Sets the time to live of multicast packets over IPv4."
    set_multicast_ttl_v4(ttl: u32) -> ();
    "Whether it receives its own multicast packets over IPv4."
    multicast_loop_v4() -> bool;
    "Says whether it receives its own multicast packets over IPv4."
    set_multicast_loop_v4(on: bool) -> ();
    "Whether it receives its own multicast packets over IPv6."
    multicast_loop_v6() -> bool;
    "Says whether it receives its own multicast packets over IPv6."
    set_multicast_loop_v6(on: bool) -> ();
    "The error that the system has noted for the socket, which is cleared by this."
    take_error() -> Option<io::Error>;
}

impl UdpSocket {
    /// Joins the multicast group of `group` on the interface with the address `interface`
    /// (unspecified: the system chooses).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.source.get().join_multicast_v4(&group, &interface)
    }

    /// Leaves a multicast group that was joined with the same arguments.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.source.get().leave_multicast_v4(&group, &interface)
    }

    /// Joins the multicast group of `group` on the interface with the index `interface` (0: the
    /// system chooses).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.source.get().join_multicast_v6(group, interface)
    }

    /// Leaves a multicast group that was joined with the same arguments.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.source.get().leave_multicast_v6(group, interface)
    }
}

/// Looking at a datagram that stays in the queue.
impl UdpSocket {
    /// As [`recv`](Self::recv), but leaves the datagram in the queue: the next one to receive gets it
    /// again.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn peek<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
        self.source.run(Direction::Read, move |socket| socket.peek(buf))
    }

    /// As [`peek`](Self::peek), for the one task that polls for receiving.
    ///
    /// # Errors
    ///
    /// As [`peek`](Self::peek).
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.source.poll_run(cx, Direction::Read, |socket| socket.peek(buf))
    }

    /// As [`peek`](Self::peek), without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is none; else as [`peek`](Self::peek).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.source.try_run(Direction::Read, |socket| socket.peek(buf))
    }

    /// As [`peek`](Self::peek), and says from whom.
    ///
    /// Cancel safe.
    ///
    /// ```
    /// # async fn example() -> std::io::Result<()> {
    /// use wharf_reactor::net::UdpSocket;
    ///
    /// let (one, other) = (UdpSocket::bind("[::1]:0").await?, UdpSocket::bind("[::1]:0").await?);
    /// one.send_to(b"ahoy", other.local_addr()?).await?;
    /// let mut start = [0; 1];
    /// assert_eq!(other.peek_from(&mut start).await?, (1, one.local_addr()?));
    /// // Only receiving takes it.
    /// assert_eq!(other.recv(&mut [0; 16]).await?, 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn peek_from<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'a {
        self.source.run(Direction::Read, move |socket| socket.peek_from(buf))
    }

    /// As [`peek_from`](Self::peek_from), for the one task that polls for receiving.
    ///
    /// # Errors
    ///
    /// As [`peek_from`](Self::peek_from).
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.source.poll_run(cx, Direction::Read, |socket| socket.peek_from(buf))
    }

    /// As [`peek_from`](Self::peek_from), without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is none; else as [`peek_from`](Self::peek_from).
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.source.try_run(Direction::Read, |socket| socket.peek_from(buf))
    }

    /// Waits for a datagram, leaves it in the queue, and says from whom it is.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    pub fn peek_sender(&self) -> impl Future<Output = io::Result<SocketAddr>> + Send + '_ {
        self.source.run(Direction::Read, peek_sender)
    }

    /// As [`peek_sender`](Self::peek_sender), for the one task that polls for receiving.
    ///
    /// # Errors
    ///
    /// As [`peek_sender`](Self::peek_sender).
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.source.poll_run(cx, Direction::Read, peek_sender)
    }

    /// As [`peek_sender`](Self::peek_sender), without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is no datagram; else as [`peek_sender`](Self::peek_sender).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.source.try_run(Direction::Read, peek_sender)
    }
}

fn peek_sender(socket: &Std) -> io::Result<SocketAddr> {
    socket.peek_from(&mut []).map(|(_, sender)| sender)
}

descriptor!(UdpSocket, Std);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::UdpSocket;
    use crate::Reactor;
    use std::{
        net::UdpSocket as Std,
        sync::Arc,
        task::{Context, Waker},
    };
    use wharf_base::context::{self, Parts};

    const HERE: (&str, u16) = ("127.0.0.1", 0);

    /// All are opened at one seat, as by one task.
    #[test]
    fn sockets_that_talk_to_each_other_spread_over_the_seats_in_pairs() {
        let reactor = Reactor::new(2);
        let parts = Parts { executor: Arc::new(()), timers: None, reactor: Some(reactor.clone()) };
        let parts = Arc::new(parts);
        let _entered = context::enter(parts.clone(), Some(0));
        let open = || UdpSocket::from_std(Std::bind(HERE).unwrap()).unwrap();
        let pairs: Vec<_> = (0..5).map(|_| [open(), open()]).collect();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..5 {
            for [one, other] in &pairs {
                one.try_send_to(&[1], other.local_addr().unwrap()).unwrap();
                other.try_send_to(&[1], one.local_addr().unwrap()).unwrap();
                for end in [one, other] {
                    let buffer = &mut [0];
                    for seat in 0..2 {
                        let _entered = context::enter(parts.clone(), Some(seat));
                        reactor.poll(seat);
                    }
                    assert!(end.poll_recv_from(&mut cx, buffer).is_ready());
                    assert!(end.poll_recv_from(&mut cx, buffer).is_pending());
                }
            }
        }
        let home = |end: &UdpSocket| format!("{:?}", end.source.registration());
        assert!(pairs.iter().all(|[one, other]| home(one) == home(other)), "{pairs:?}");
        assert_eq!(reactor.sources_at(0).abs_diff(reactor.sources_at(1)), 2, "{pairs:?}");
    }
}

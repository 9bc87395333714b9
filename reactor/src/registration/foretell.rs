//! What a sender knows before the system says it: that its peer has something to read.
//!
//! Where both ends of a TCP stream are this reactor's, and at home at the seat of the thread that sends,
//! the data has usually arrived when `send` returns. The sender's seat would learn of it by its next look
//! into its epoll, a system call for nothing else where no other source has events. So the sender
//! *foretells* the event: it marks the peer's slot as the event would, and wakes the reader, who finds the
//! data there. Where it has not arrived yet, the reader has tried in vain, and waits for the event.
//!
//! The event comes all the same, at the next look, and by then says the truth: that something can be
//! read, or only that one can write. The [slot's protocol](crate::slot) tells how the two go together.
//!
//! It is done in moderation, for who is woken so goes before those whose events nobody has looked for
//! yet: so many times between two looks, and only if the last look found few sources to read from
//! ([`FORETELLINGS`](crate::seat::FORETELLINGS), [`A_FEW`](crate::seat::A_FEW)). With more, the look is
//! shared between them, and costs each little.
//!
//! Like all that is known of [peers](crate::pairs), it is a hint: a wrong one costs a read in vain.

use super::Registration;

/// Whether a look into an epoll says of each source on its list what holds then, and not what held when
/// it came there. It does on Linux.
const LOOKS_SAY_WHAT_HOLDS: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Registration {
    /// Something was sent.
    #[inline]
    pub(crate) fn sent(&self) {
        if LOOKS_SAY_WHAT_HOLDS && self.follows {
            self.foretell();
        }
    }

    /// Tells a peer who is at home at this thread's seat.
    fn foretell(&self) {
        let reactor = &self.reactor;
        let Some(peer) = self.noted_peer() else { return };
        if reactor.seat_here() != Some(peer.seat) || !reactor.seats[peer.seat].may_foretell() {
            return;
        }
        let slot = reactor.slab.at(peer.index);
        if let Some(waker) = slot.and_then(|slot| slot.foretell(peer.generation)) {
            waker.wake();
        }
    }
}

#[cfg(all(test, not(loom), any(target_os = "linux", target_os = "android")))]
mod tests {
    use crate::{Reactor, registration::Wish, seat::FORETELLINGS, source::Source};
    use std::{
        io::Write,
        net::{TcpListener, TcpStream},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        task::{Context, Poll, Wake, Waker},
    };
    use wharf_base::context::{self, Parts};

    /// A connection of which both ends know each other, and that has been looked for.
    struct Connection {
        /// The end that sends, and the one that reads.
        ends: [Source<TcpStream>; 2],
        wakes: Arc<Wakes>,
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    impl Connection {
        fn new() -> Self {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let ends = [sender, listener.accept().unwrap().0].map(|end| {
                end.set_nonblocking(true).unwrap();
                end.set_nodelay(true).unwrap();
                Source::new(end, Wish { follows: true, ..Wish::TRY }).unwrap()
            });
            for end in ends.iter().chain(&ends) {
                let mut cx = Context::from_waker(Waker::noop());
                assert!(end.poll_read(&mut cx, &mut [0]).is_pending());
            }
            Self { ends, wakes: Arc::default() }
        }

        /// Sends as any user of the stream does.
        fn send(&self, byte: u8) {
            assert_eq!(self.ends[0].send(&[byte]).unwrap(), 1);
        }

        /// Sends behind the reactor's back.
        fn send_unseen(&self, bytes: &[u8]) {
            self.ends[0].get().write_all(bytes).unwrap();
        }

        /// Reads one byte, or leaves a waker.
        fn read(&self) -> Option<u8> {
            let waker = self.wakes.clone().into();
            let mut byte = [0];
            match self.ends[1].poll_read(&mut Context::from_waker(&waker), &mut byte) {
                Poll::Ready(done) => Some(byte[done.unwrap() - 1]),
                Poll::Pending => None,
            }
        }

        fn wakes(&self) -> usize {
            self.wakes.0.swap(0, Relaxed)
        }
    }

    fn at_seat(reactor: &Arc<Reactor>, seat: usize) -> context::Entered {
        let parts = Parts { executor: Arc::new(()), timers: None, reactor: Some(reactor.clone()) };
        context::enter(Arc::new(parts), Some(seat))
    }

    #[test]
    fn what_was_sent_is_read_before_anybody_has_looked() {
        let reactor = Reactor::new(1);
        let _entered = at_seat(&reactor, 0);
        let connection = Connection::new();
        reactor.poll(0);
        for round in 0..FORETELLINGS as u8 {
            assert_eq!(connection.read(), None);
            connection.send(round);
            assert_eq!((connection.wakes(), connection.read()), (1, Some(round)));
        }
        // Others may have events: it is time for a look.
        assert_eq!(connection.read(), None);
        connection.send(8);
        assert_eq!((connection.wakes(), connection.read()), (0, None));
        assert_eq!(reactor.poll(0), 1);
        assert_eq!((connection.wakes(), connection.read()), (1, Some(8)));
    }

    #[test]
    fn nothing_is_foretold_where_a_look_serves_several() {
        let reactor = Reactor::new(1);
        let _entered = at_seat(&reactor, 0);
        let connections = [Connection::new(), Connection::new()];
        for connection in &connections {
            connection.send_unseen(&[1]);
        }
        reactor.poll(0);
        for connection in &connections {
            assert_eq!((connection.read(), connection.read()), (Some(1), None));
            connection.send(2);
            assert_eq!((connection.wakes(), connection.read()), (0, None));
        }
        assert_eq!(reactor.poll(0), 2);
    }

    #[test]
    fn what_nobody_has_foretold_is_not_forgotten() {
        let reactor = Reactor::new(1);
        let _entered = at_seat(&reactor, 0);
        let connection = Connection::new();
        reactor.poll(0);
        assert_eq!(connection.read(), None);
        connection.send_unseen(&[1, 2]);
        connection.send(3);
        assert_eq!((connection.wakes(), connection.read()), (1, Some(1)));
        assert_eq!(connection.read(), None, "the end of what was foretold, as it seems");
        assert_eq!(reactor.poll(0), 1);
        assert_eq!([(); 3].map(|()| connection.read()), [Some(2), Some(3), None]);
        // The same, and somebody looks before it is read.
        connection.send_unseen(&[4, 5]);
        connection.send(6);
        reactor.poll(0);
        assert_eq!([(); 4].map(|()| connection.read()), [Some(4), Some(5), Some(6), None]);
    }

    #[test]
    fn a_peer_at_another_seat_waits_for_its_own_event() {
        let reactor = Reactor::new(2);
        let entered = at_seat(&reactor, 0);
        let connection = Connection::new();
        reactor.poll(0);
        assert_eq!(connection.read(), None);
        drop(entered);
        let _entered = at_seat(&reactor, 1);
        connection.send(1);
        assert_eq!((connection.wakes(), connection.read()), (0, None));
        assert_eq!(reactor.poll(0), 1);
    }
}

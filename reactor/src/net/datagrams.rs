//! The methods that all datagram sockets have, written once.

/// What every datagram socket has, for a type with a field `source` and a method `receive`.
macro_rules! datagrams {
    ($address:ty) => {
        /// Sends one datagram to the connected peer and returns how many bytes went.
        ///
        /// Cancel safe: nothing is sent unless it returns. Never raises SIGPIPE.
        ///
        /// # Errors
        ///
        /// What the system says, or that the runtime has been shut down.
        pub fn send<'a>(
            &'a self,
            buf: &'a [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source.run(Direction::Write, |socket| socket.send(buf))
        }

        /// As [`send`](Self::send), for the one task that polls for sending.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.source.poll_run(cx, Direction::Write, |socket| socket.send(buf))
        }

        /// Sends one datagram to the connected peer without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where there is no room; else as [`send`](Self::send).
        pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
            self.source.try_run(Direction::Write, |socket| socket.send(buf))
        }

        /// Receives one datagram and returns how many bytes it has put into `buf`; the rest of a
        /// longer one is lost.
        ///
        /// Cancel safe: no datagram is lost.
        ///
        /// # Errors
        ///
        /// What the system says, or that the runtime has been shut down.
        pub fn recv<'a>(
            &'a self,
            buf: &'a mut [u8],
        ) -> impl Future<Output = io::Result<usize>> + Send + 'a {
            self.source.run(Direction::Read, |socket| socket.recv(buf))
        }

        /// As [`recv`](Self::recv), for the one task that polls for receiving.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            self.source.poll_run(cx, Direction::Read, |socket| socket.recv(buf))
        }

        /// Receives one datagram without waiting.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where there is none; else as [`recv`](Self::recv).
        pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
            self.source.try_run(Direction::Read, |socket| socket.recv(buf))
        }

        /// As [`recv`](Self::recv), and says from whom.
        ///
        /// Cancel safe: no datagram is lost.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv).
        pub fn recv_from<'a>(
            &'a self,
            buf: &'a mut [u8],
        ) -> impl Future<Output = io::Result<(usize, $address)>> + Send + 'a {
            self.source.run(Direction::Read, |_| self.receive(buf))
        }

        /// As [`recv_from`](Self::recv_from), for the one task that polls for receiving.
        ///
        /// # Errors
        ///
        /// As [`recv_from`](Self::recv_from).
        pub fn poll_recv_from(
            &self,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<(usize, $address)>> {
            self.source.poll_run(cx, Direction::Read, |_| self.receive(buf))
        }

        /// Receives one datagram without waiting, and says from whom.
        ///
        /// # Errors
        ///
        /// `WouldBlock` where there is none; else as [`recv_from`](Self::recv_from).
        pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, $address)> {
            self.source.try_run(Direction::Read, |_| self.receive(buf))
        }

        /// Waits until receiving is worth a try. Cancel safe; it may return with nothing there.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub async fn readable(&self) -> io::Result<()> {
            self.source.registration().ready($crate::io::Interest::READABLE).await.map(drop)
        }

        /// Waits until sending is worth a try. Cancel safe; it may return with no room there.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub async fn writable(&self) -> io::Result<()> {
            self.source.registration().ready($crate::io::Interest::WRITABLE).await.map(drop)
        }

        /// As [`readable`](Self::readable), for the one task that polls for receiving.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.source.registration().poll_ready(cx, Direction::Read).map_ok(drop)
        }

        /// As [`writable`](Self::writable), for the one task that polls for sending.
        ///
        /// # Errors
        ///
        /// That the runtime has been shut down.
        pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.source.registration().poll_ready(cx, Direction::Write).map_ok(drop)
        }
    };
}

pub(crate) use datagrams;

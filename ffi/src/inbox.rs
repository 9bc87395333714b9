//! Ports of a library's own: where a task receives what a host posts to it.
//!
//! It is a queue port like a host's, with a bell that wakes a task. The order is that of all bells
//! (see `port::mailbox`): a receiver leaves its waker first and looks then, a post puts its message in
//! and rings then, so that one of the two sees the other.

use crate::{
    boundary::host_call,
    id::wharf_port_t,
    message::{Message, WHARF_KIND_CONTROL, wharf_message_t},
    port::{self, Abort, Bell, Limits, Mailbox, PortBell, Sink, Wait},
    runtime::Runtime,
    status::Result,
    value::{SendPort, Value},
};
use std::{
    fmt,
    future::poll_fn,
    mem::MaybeUninit,
    sync::Arc,
    task::{Context, Poll},
};
use wharf_base::waker::WakerSlot;

/// A port that a task of the library receives from: the other half of a talk with a host.
///
/// Made by [`Reply::open_port`](crate::Reply::open_port). The task sends the host its
/// [`send_port`](Self::send_port), the host posts to it with `wharf_post`, and may name a port of its
/// own in what it posts. Dropping it closes it.
pub struct Port {
    id: wharf_port_t,
    port: Arc<port::Port>,
}

/// What was posted to a [`Port`].
#[derive(Debug)]
pub struct Incoming {
    /// The number that the poster chose.
    pub tag: u64,
    /// Whether it came by `wharf_post_control`.
    pub is_control: bool,
    /// What was posted; [`FromValue`](crate::FromValue) makes a Rust type of it.
    pub value: Value,
}

impl Port {
    pub(crate) fn open(runtime: Arc<Runtime>) -> Result<Self> {
        let id = port::open(runtime, Limits::default(), 0, Sink::Queue)?;
        let port = port::get(id)?;
        port.bell(false, || Ok(PortBell::Task(Default::default())))?;
        Ok(Self { id, port })
    }

    /// The end to be sent to whoever is to post here.
    pub fn send_port(&self) -> SendPort {
        SendPort::new(self.id)
    }

    /// The next message: control messages first, each kind in the order posted.
    ///
    /// Cancel safe: a message is returned, or it stays in the port.
    ///
    /// # Errors
    ///
    /// The port has been closed by its id, or with its runtime.
    pub async fn recv(&mut self) -> Result<Incoming> {
        wharf::task::consume_budget().await;
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming>> {
        match self.port.bell(false, PortBell::descriptor)?.0 {
            PortBell::Task(waker) => poll_place(&self.port.mailbox, waker, cx),
            _ => Poll::Pending,
        }
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<Incoming>> {
        take(&self.port.mailbox)
    }
}

/// Leaves the waker, and looks then.
pub(crate) fn poll_place<A: Abort + Clone, B: Bell>(
    mailbox: &Mailbox<A, B>,
    waker: &WakerSlot,
    cx: &mut Context<'_>,
) -> Poll<Result<Incoming>> {
    waker.register(cx.waker());
    match take(mailbox) {
        Ok(None) => Poll::Pending,
        Ok(Some(incoming)) => Poll::Ready(Ok(incoming)),
        Err(error) => Poll::Ready(Err(error)),
    }
}

fn take<A: Abort + Clone, B: Bell>(mailbox: &Mailbox<A, B>) -> Result<Option<Incoming>> {
    let mut place = [MaybeUninit::<wharf_message_t>::uninit()];
    // No duty: the bell is not the host's.
    if mailbox.receive(&mut place, Wait::No).0? == 0 {
        return Ok(None);
    }
    // SAFETY: one message was written, and is taken back as it was.
    let message = unsafe { Message::take(place[0].assume_init_mut()) };
    let Message { tag, kind, value, .. } = message;
    Ok(Some(Incoming { tag, is_control: kind == WHARF_KIND_CONTROL, value }))
}

impl Drop for Port {
    fn drop(&mut self) {
        // As from inside host code: whoever ends last sees it off, and nobody waits here.
        let _ = host_call(|| self.port.close(Wait::No));
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({:#x})", self.id)
    }
}

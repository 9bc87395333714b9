//! Ports: where the messages of tasks arrive.
//!
//! A [`Port`] is a [`mailbox`](self::mailbox) with an id, the runtime that its tasks run on, and a
//! [`Sink`]: a queue that the host drains, or one that wharf drains, into the Dart VM or into a
//! function of the host's.

mod bell;
mod line;
mod mailbox;
#[cfg(all(test, loom))]
mod models;
mod queue;
mod serve;
mod tasks;

pub use bell::wharf_notify_t;
pub(crate) use bell::{Notify, PortBell};
pub(crate) use mailbox::{Bell, Last, Limits, Mailbox, Wait};
pub(crate) use queue::Full;
pub(crate) use serve::Handler;
pub use serve::{
    WHARF_CONTROL_KILL, WHARF_CONTROL_PAUSE, WHARF_CONTROL_PING, WHARF_CONTROL_RESUME,
    wharf_handler_t,
};
pub(crate) use tasks::{Abort, Key, Sender, Tasks};

use crate::{
    boundary,
    dart::DartPort,
    id::{self, Id, Table, wharf_port_t, wharf_task_t},
    message::{Message, WHARF_KIND_DATA, wharf_message_t},
    runtime::Runtime,
    status::*,
    value::Value,
};
use mailbox::Duty;
use std::{mem::MaybeUninit, sync::Arc};
use wharf::task::AbortHandle;

impl Abort for AbortHandle {
    fn abort(&self) {
        AbortHandle::abort(self);
    }
}

/// Where a port's messages go.
pub(crate) enum Sink {
    /// They wait for the host.
    Queue,
    /// They go into the Dart VM at once.
    Dart(DartPort),
    /// They go into a function of the host's, on the executor.
    Handler(Handler),
}

/// See the module.
pub(crate) struct Port {
    id: wharf_port_t,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) mailbox: Mailbox<AbortHandle, PortBell>,
    sink: Sink,
    /// The group that it is closed with, in the host's own numbers; 0 for none.
    group: u64,
}

#[cfg(not(loom))]
static PORTS: Table<Port> = Table::new(id::PORTS);
#[cfg(loom)]
loom::lazy_static! {
    static ref PORTS: Table<Port> = Table::new(id::PORTS);
}

/// Opens a port of `runtime`.
pub(crate) fn open(
    runtime: Arc<Runtime>,
    limits: Limits,
    group: u64,
    sink: Sink,
) -> Result<wharf_port_t> {
    let pumped = matches!(sink, Sink::Handler(_));
    let make = |id| {
        let mailbox = Mailbox::new(Id::unpack(id).place, limits, pumped);
        Port { id, runtime, mailbox, sink, group }
    };
    match PORTS.insert_unless(make, |port| port.runtime.is_shut_down())? {
        Some(port) => Ok(port.id),
        None => Err(Error::new(WHARF_SHUT_DOWN, "the runtime has been shut down")),
    }
}

/// The port that `id` names.
pub(crate) fn get(id: wharf_port_t) -> Result<Arc<Port>> {
    PORTS.get(id)
}

/// The port and key of the task that `id` names.
pub(crate) fn of_task(id: wharf_task_t) -> Result<(Arc<Port>, Key)> {
    let parts = id::task_place(id)?;
    let port = PORTS.at(parts.place).ok_or_else(|| id::no_task(id))?;
    Ok((port, Tasks::<AbortHandle>::key(parts)))
}

/// All ports of `runtime`.
pub(crate) fn of_runtime(runtime: &Arc<Runtime>) -> Vec<Arc<Port>> {
    let mut ports = PORTS.all();
    ports.retain(|port| Arc::ptr_eq(&port.runtime, runtime));
    ports
}

/// Closes all ports of `group`.
pub(crate) fn close_group(group: u64, wait: Wait) -> Result<wharf_status_t> {
    let mut ports = PORTS.all();
    ports.retain(|port| port.group == group);
    // All first, so that they come to rest side by side.
    ports.iter().for_each(|port| port.begin_close());
    let mut answer = WHARF_OK;
    for port in ports {
        answer = answer.max(port.close(wait)?);
    }
    Ok(answer)
}

impl Port {
    /// Takes messages out, if the host is to drain the port, or what a handler has left; 0 where `wait`
    /// was not long enough.
    pub(crate) fn receive(
        self: &Arc<Self>,
        into: &mut [MaybeUninit<wharf_message_t>],
        wait: Wait,
    ) -> Result<usize> {
        let mailbox = if self.is_left() { &self.mailbox } else { self.queue()? };
        let (received, duty) = mailbox.receive(into, wait);
        self.fulfil(duty);
        received
    }

    /// The bell, if the host is to drain the port; made at the first call. With it, whether this call has
    /// made it.
    pub(crate) fn bell(
        self: &Arc<Self>,
        is_code: bool,
        make: impl FnOnce() -> Result<PortBell>,
    ) -> Result<(&PortBell, bool)> {
        let (bell, made, duty) = self.queue()?.bell(is_code, make)?;
        self.fulfil(duty);
        Ok((bell, made))
    }

    /// Whether what waits here was for a handler that will not be called any more.
    fn is_left(&self) -> bool {
        matches!(self.sink, Sink::Handler(_)) && self.mailbox.is_left()
    }

    fn queue(&self) -> Result<&Mailbox<AbortHandle, PortBell>> {
        match self.sink {
            Sink::Queue => Ok(&self.mailbox),
            _ => Err(Error::new(
                WHARF_WRONG_STATE,
                "this port has no queue to receive from: its messages go elsewhere",
            )),
        }
    }

    /// Sends a task's one terminal message, after its future is gone.
    pub(crate) fn finish(self: &Arc<Self>, key: Key, tag: u64, last: Last) {
        let duty = match &self.sink {
            Sink::Queue | Sink::Handler(_) => self.mailbox.finish(key, tag, last),
            Sink::Dart(dart) => {
                if let Some((message, true)) = self.mailbox.last_words(key, tag, last) {
                    if !dart.post(message) {
                        self.lost();
                    }
                }
                self.mailbox.forget(key)
            }
        };
        self.fulfil(duty);
    }

    /// Posts a data or control message of a host's; the value is taken where the answer is OK.
    #[inline]
    pub(crate) fn post(self: &Arc<Self>, tag: u64, kind: i32, value: &mut Value) -> Result<()> {
        let duty = match &self.sink {
            Sink::Queue | Sink::Handler(_) => self.mailbox.post(tag, kind, value)?,
            Sink::Dart(dart) => {
                self.mailbox.begin_post(kind == WHARF_KIND_DATA)?;
                let value = std::mem::replace(value, Value::NULL);
                self.post_begun(dart, Message { tag, task: 0, kind, code: 0, value })
            }
        };
        self.fulfil(duty);
        Ok(())
    }

    /// Posts a data message of a task's; the value is taken where the answer is OK.
    #[inline]
    pub(crate) fn post_as(self: &Arc<Self>, sender: &Sender, value: &mut Value) -> Result<()> {
        let duty = match &self.sink {
            Sink::Queue | Sink::Handler(_) => self.mailbox.post_as(sender, value)?,
            Sink::Dart(dart) => {
                self.mailbox.begin_post_as(sender)?;
                self.post_begun(dart, sender.data(std::mem::replace(value, Value::NULL)))
            }
        };
        self.fulfil(duty);
        Ok(())
    }

    fn post_begun(&self, dart: &DartPort, message: Message) -> Duty {
        if !dart.post(message) {
            self.lost();
        }
        self.mailbox.end_callback()
    }

    /// Does what a call of the mailbox has left to be done.
    #[inline]
    fn fulfil(self: &Arc<Self>, duty: Duty) {
        if duty.pump {
            serve::start(self);
        }
        if duty.forget {
            PORTS.remove(self.id);
        }
    }

    /// A post was refused: whoever received here is gone, and with it the sense of its tasks.
    fn lost(&self) {
        log::info!("port {:#x}: a post was refused, so the port is gone; its tasks end", self.id);
        self.begin_close();
        if !self.mailbox.defer() {
            PORTS.remove(self.id);
        }
    }

    /// Closes the port and waits until nothing of the host's runs for it.
    ///
    /// The id stays valid until that is so, in order that the call can be repeated.
    pub(crate) fn close(&self, wait: Wait) -> Result<wharf_status_t> {
        self.begin_close();
        if boundary::in_host_call() {
            if self.mailbox.defer() {
                return Ok(WHARF_DEFERRED);
            }
        } else if !self.settle(wait) {
            return Err(Error::new(
                WHARF_TIMEOUT,
                "the port is closed, but something still runs for it: close it again to wait",
            ));
        }
        PORTS.remove(self.id);
        Ok(WHARF_OK)
    }

    fn begin_close(&self) {
        if self.mailbox.close().forget {
            PORTS.remove(self.id);
        }
    }

    /// Waits until no task and no host function runs for the closed port; false when the time is up.
    fn settle(&self, wait: Wait) -> bool {
        // What no thread will come for is not waited for.
        self.runtime.end_stranded();
        self.mailbox.settle(wait)
    }
}

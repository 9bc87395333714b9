//! Handler ports: a function of the host's that runs on the executor, one message at a time, in
//! order. It is the Dart VM's message handler: nothing of it exists while there are no messages.
//!
//! When a message comes into an idle port, a task is spawned that works through what is there, in
//! rounds, so that other tasks get their turn. The mailbox's `pumping` sees to it that there is one
//! at a time; its `callbacks` make a close wait for the handler.
//!
//! A shutdown waits until what is there has been handled. What then stays, because the handler has been
//! paused or no thread is to be had for it, can't be handled any more: nobody can resume it, and the
//! shutdown has promised that no code of the host's is called. The last words of tasks may be among
//! that, and are owed to the host: it drains the port itself then, as it would one with a queue.

use super::{Port, Wait, get, mailbox::Duty};
use crate::{
    boundary::host_call,
    id::wharf_port_t,
    message::{Message, WHARF_KIND_CONTROL, WHARF_KIND_DATA, wharf_message_t},
    value::{Value, raw::*},
};
use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};
use wharf_base::start;

/// Handles one message. The message is the port's and freed after the call; external data may be
/// taken out of it as the page of `wharf_message_free` says, or all of it: copy the struct, set the
/// type of `message->value` to WHARF_TYPE_NULL, and free the copy later. It does not throw.
pub type wharf_handler_t = Option<
    unsafe extern "C" fn(context: *mut c_void, port: wharf_port_t, message: *mut wharf_message_t),
>;

/// As a control message's value to a handler port: handle control messages only, until resumed.
pub const WHARF_CONTROL_PAUSE: i32 = 1;
/// As a control message's value to a handler port: go on after a pause.
pub const WHARF_CONTROL_RESUME: i32 = 2;
/// As the first of two values in a control message to a handler port; the second is a send port,
/// to which the null value is posted with the control message's tag.
pub const WHARF_CONTROL_PING: i32 = 3;
/// As a control message's value to a handler port: close the port.
pub const WHARF_CONTROL_KILL: i32 = 4;

/// Messages a round, before other tasks get their turn.
const ROUND: usize = 64;

/// A function of the host's and what it is called with.
pub(crate) struct Handler {
    function: unsafe extern "C" fn(*mut c_void, wharf_port_t, *mut wharf_message_t),
    context: *mut c_void,
    /// SeqCst: changed by the drainer alone, or before it is started; kept simple.
    paused: AtomicBool,
}

// SAFETY: the host has been told that the function is called from any thread, one at a time.
unsafe impl Send for Handler {}
// SAFETY: as for `Send`.
unsafe impl Sync for Handler {}

impl Handler {
    pub(crate) fn new(
        function: unsafe extern "C" fn(*mut c_void, wharf_port_t, *mut wharf_message_t),
        context: *mut c_void,
    ) -> Self {
        Self { function, context, paused: AtomicBool::new(false) }
    }

    fn call(&self, port: wharf_port_t, message: Message) {
        let mut raw = message.into_raw();
        // SAFETY: the host gave the function to be called with this context, until the port has
        // been closed, which waits for this call.
        host_call(|| unsafe { (self.function)(self.context, port, &mut raw) });
        // SAFETY: the host may only have taken external data out.
        drop(unsafe { Message::take(&mut raw) });
    }
}

/// Starts the drainer of `port`.
pub(super) fn start(port: &Arc<Port>) {
    // Made here, not in the future, which may be dropped before its first poll.
    let mut round = Round(Some(port.clone()));
    port.runtime.handle().spawn(async move {
        while let Some(port) = &round.0 {
            if !(0..ROUND).all(|_| step(port)) {
                // At its end, which the mailbox knows already.
                drop(round.0.take());
                break;
            }
            wharf::task::yield_now().await;
        }
    });
}

/// A drainer that a runtime drops, because it ends, may leave messages behind, the last words of
/// tasks among them. They are handled all the same, on a thread of their own: the one that drops is
/// waiting for the end, perhaps not for ever, and must not be kept by a handler.
///
/// One that is dropped while the runtime goes on had no thread to run on. Its messages stay: the
/// next task or message of the runtime's asks for threads again.
struct Round(Option<Arc<Port>>);

impl Drop for Round {
    fn drop(&mut self) {
        let Some(port) = self.0.take() else { return };
        if !port.runtime.is_shut_down() {
            if port.mailbox.pump_goes_on() {
                start(&port);
            }
            return;
        }
        let rest = port.clone();
        let main = Box::new(move || while step(&rest) {});
        // Where a thread is refused, the messages are left to the host, and the port comes to rest.
        if let Err(error) = start::thread("wharf-end".into(), None, main) {
            log::error!(
                "port {:#x}: its last messages are not handled, but left to be received: {error}",
                port.id
            );
            port.mailbox.pump_stop();
        }
    }
}

/// Handles one message; false if there was none.
fn step(port: &Arc<Port>) -> bool {
    let super::Sink::Handler(handler) = &port.sink else { return false };
    let Some(message) = port.mailbox.pump_next(handler.paused.load(SeqCst)) else { return false };
    // The end of the callback is announced even where the handler's panic unwinds through here.
    struct End<'a>(&'a Arc<Port>);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            let duty = self.0.mailbox.end_callback();
            self.0.fulfil(Duty { pump: false, ..duty });
        }
    }
    let _end = End(port);
    match control(&message) {
        Some(control) => {
            obey(port, handler, control, message.tag);
            // Bytes of the host's in it are given back by host code: before the callback ends.
            drop(message);
        }
        None => handler.call(port.id, message),
    }
    true
}

enum Control {
    Pause,
    Resume,
    Ping(i64),
    Kill,
}

/// What a control message asks of the port itself; others are the handler's.
fn control(message: &Message) -> Option<Control> {
    if message.kind != WHARF_KIND_CONTROL {
        return None;
    }
    let integer = |value: &Value| match value.as_raw().r#type {
        // SAFETY: the type says which member.
        WHARF_TYPE_INT32 => Some(unsafe { value.as_raw().value.as_int32 }),
        // SAFETY: the type says which member.
        WHARF_TYPE_INT64 => i32::try_from(unsafe { value.as_raw().value.as_int64 }).ok(),
        _ => None,
    };
    if let Some(number) = integer(&message.value) {
        return match number {
            WHARF_CONTROL_PAUSE => Some(Control::Pause),
            WHARF_CONTROL_RESUME => Some(Control::Resume),
            WHARF_CONTROL_KILL => Some(Control::Kill),
            _ => None,
        };
    }
    let mut parts = message.value.as_array()?;
    let (first, second) = (parts.next()?, parts.next()?);
    let ping = integer(first) == Some(WHARF_CONTROL_PING)
        && second.as_raw().r#type == WHARF_TYPE_SEND_PORT;
    // SAFETY: the type says which member.
    ping.then(|| Control::Ping(unsafe { second.as_raw().value.as_send_port.id }))
}

fn obey(port: &Arc<Port>, handler: &Handler, control: Control, tag: u64) {
    match control {
        Control::Pause => handler.paused.store(true, SeqCst),
        Control::Resume => handler.paused.store(false, SeqCst),
        Control::Ping(to) => {
            // Whoever asked may be gone by now.
            if let Ok(to) = get(to as u64) {
                let mut nothing = Value::NULL;
                let _ = to.post(tag, WHARF_KIND_DATA, &mut nothing);
            }
        }
        Control::Kill => {
            // From inside: takes effect when this callback ends.
            let _ = host_call(|| port.close(Wait::No));
        }
    }
}

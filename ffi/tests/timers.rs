//! Timers where there are none to be had, seen from C: an answer each, with the words that a Rust user
//! would have read.

use std::{
    ffi::{CStr, c_char},
    ptr::{null, null_mut},
    time::Duration,
};
use wharf_ffi::{Error, Param, c, export};

/// An argument that starts a timer where it is made: on the host's thread, outside of any runtime.
struct Alarm;

impl Param for Alarm {
    type C = u32;

    unsafe fn from_c(millis: u32, _: &str) -> Result<Self, Error> {
        drop(wharf::time::sleep(Duration::from_millis(millis.into())));
        Ok(Alarm)
    }
}

#[export]
async fn timers_outside(alarm: Alarm) {
    let Alarm = alarm;
}

/// On the blocking pool, in a runtime of its own that was built without timers.
#[export]
fn timers_not_enabled() {
    let runtime =
        wharf::runtime::Builder::new_current_thread().disable_time().build().expect("build");
    runtime.block_on(async { wharf::time::sleep(Duration::from_millis(1)).await });
}

unsafe extern "C" {
    #[link_name = "timers_outside"]
    fn c_timers_outside(
        port: c::wharf_port_t,
        tag: u64,
        alarm: u32,
        task: *mut c::wharf_task_t,
    ) -> c::wharf_status_t;

    #[link_name = "timers_not_enabled"]
    fn c_timers_not_enabled(
        port: c::wharf_port_t,
        tag: u64,
        task: *mut c::wharf_task_t,
    ) -> c::wharf_status_t;
}

fn port() -> c::wharf_port_t {
    let mut port = 0;
    // SAFETY: the options may be NULL, and `port` can be written to.
    assert_eq!(unsafe { c::wharf_port_open(0, null(), &raw mut port) }, c::WHARF_OK);
    port
}

fn last_error() -> String {
    let mut text: [c_char; 512] = [0; 512];
    // SAFETY: the buffer has as many bytes, and a NUL at its end is what the call sees to.
    unsafe {
        c::wharf_last_error_message(text.as_mut_ptr(), text.len());
        CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

#[test]
fn a_timer_outside_of_a_runtime_is_a_status() {
    let port = port();
    // SAFETY: the task's id may have no place to go.
    let status = unsafe { c_timers_outside(port, 1, 5, null_mut()) };
    assert_eq!(status, c::WHARF_PANICKED);
    let text = last_error();
    assert!(text.contains("no runtime here to make a timer for"), "{text}");
    let mut message = std::mem::MaybeUninit::<c::wharf_message_t>::uninit();
    // SAFETY: the message can be written to; nothing came, so there is nothing to free.
    let status = unsafe { c::wharf_port_try_recv(port, message.as_mut_ptr()) };
    assert_eq!(status, c::WHARF_EMPTY, "a refused call posts nothing");
}

#[test]
fn a_timer_in_a_runtime_without_timers_ends_its_task_and_says_so() {
    let port = port();
    // SAFETY: the task's id may have no place to go.
    assert_eq!(unsafe { c_timers_not_enabled(port, 7, null_mut()) }, c::WHARF_OK);
    let mut message = std::mem::MaybeUninit::<c::wharf_message_t>::uninit();
    // SAFETY: the message can be written to, and is read once the call has said that it was; it is
    // freed after the last look at its text.
    unsafe {
        let status = c::wharf_port_recv(port, message.as_mut_ptr(), c::WHARF_FOREVER);
        assert_eq!(status, c::WHARF_OK);
        let mut message = message.assume_init();
        assert_eq!((message.tag, message.kind), (7, c::WHARF_KIND_PANIC));
        assert_eq!(message.value.r#type, c::WHARF_TYPE_ARRAY);
        let first = &**message.value.value.as_array.values;
        assert_eq!(first.r#type, c::WHARF_TYPE_STRING);
        let text = CStr::from_ptr(first.value.as_string).to_string_lossy().into_owned();
        assert!(text.contains("the current runtime has no timers"), "{text}");
        c::wharf_message_free(&raw mut message);
    }
}

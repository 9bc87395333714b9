//! Tasks.

use crate::{boundary::call, id::wharf_task_t, port, status::wharf_status_t};

/// Asks for a task to end. The answer says only that this has been asked: the task's terminal
/// message follows, WHARF_KIND_CANCELLED once its future has been dropped and what it held is
/// free, or whatever it had come to before. Asking twice is as good as once.
///
/// Errors: WHARF_NO_TASK: it has sent its terminal message already, or never was.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_cancel(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.cancel(key)
    })
}

/// Makes a task wait: it is not polled again until `wharf_task_resume`. What it waits for may
/// happen meanwhile. It can be cancelled. A function on the blocking pool does not notice.
///
/// Errors: WHARF_NO_TASK.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_pause(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.set_paused(key, true)
    })
}

/// Lets a task go on after `wharf_task_pause`.
///
/// Errors: WHARF_NO_TASK.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_task_resume(task: wharf_task_t) -> wharf_status_t {
    call(|| {
        let (port, key) = port::of_task(task)?;
        port.mailbox.set_paused(key, false)
    })
}

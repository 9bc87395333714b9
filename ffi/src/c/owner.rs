//! Owners: ids for hosts whose finalizers take a pointer.

use crate::{
    boundary::{guard, host_call},
    id::{wharf_port_t, wharf_runtime_t},
    port::{self, Wait},
    runtime,
    status::{Error, WHARF_NO_PORT, keep},
};
use std::{ffi::c_void, ptr};
use wharf_base::start;

/// What a pointer stands for.
enum Owner {
    Port(wharf_port_t),
    Runtime(wharf_runtime_t),
}

/// Makes a pointer that owns a port or a runtime, for hosts that give up resources through a
/// function that takes a pointer (Dart's NativeFinalizer, Python's capsules, Node's externals).
///
/// The pointer is good for `wharf_owner_drop`, once, and nothing else. The id may be used as
/// before, and what it names may be closed or shut down by hand: the owner then owns nothing.
///
/// Returns NULL for an id that names neither; the last error says so.
#[unsafe(no_mangle)]
pub extern "C" fn wharf_owner_new(id: u64) -> *mut c_void {
    let owner = guard(|| {
        if port::get(id).is_ok() {
            return Ok(Owner::Port(id));
        }
        if id != 0 && runtime::get(id).is_ok() {
            return Ok(Owner::Runtime(id));
        }
        Err(Error::new(WHARF_NO_PORT, format!("{id:#x} names neither a port nor a runtime")))
    });
    match owner {
        Ok(owner) => Box::into_raw(Box::new(owner)).cast(),
        Err(error) => {
            keep(error);
            ptr::null_mut()
        }
    }
}

/// Gives up what an owner owns, and frees the owner: closes the port, which cancels its tasks; or
/// shuts the runtime down and frees it. NULL does nothing.
///
/// Never waits and never posts, so that it may be called from a finalizer, in the middle of a
/// garbage collection: what takes time goes on on a thread of its own.
///
/// # Safety
///
/// `owner` is NULL or comes from `wharf_owner_new`, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_owner_drop(owner: *mut c_void) {
    if owner.is_null() {
        return;
    }
    // In a forked child even a lock may be held for ever: there, nothing is done.
    let _ = guard(|| {
        // SAFETY: the caller's word.
        match *unsafe { Box::from_raw(owner.cast::<Owner>()) } {
            Owner::Port(port) => close(port),
            Owner::Runtime(runtime) => end(runtime),
        }
        Ok(())
    });
}

fn close(id: wharf_port_t) {
    if let Ok(port) = port::get(id) {
        // As from inside host code: nobody will ask again, so whoever ends last sees the port off.
        let _ = host_call(|| port.close(Wait::No));
    }
}

fn end(id: wharf_runtime_t) {
    let Ok(runtime) = runtime::get(id) else { return };
    let end = move |wait| {
        if let Err(error) = runtime.shut_down(wait).and_then(|()| runtime.free()) {
            log::warn!("runtime {id:#x} was given up, but did not end: {error}");
        }
    };
    let here = end.clone();
    let main = Box::new(move || end(Wait::Forever));
    if let Err(error) = start::thread("wharf-end".into(), None, main) {
        // Then here, as far as it goes without a wait.
        log::info!("runtime {id:#x} was given up, and no thread could be had to end it: {error}");
        here(Wait::No);
    }
}

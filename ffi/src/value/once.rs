//! Finalizers that run exactly once, though two sides might call them.
//!
//! The Dart VM that takes a message calls the finalizers in it some time later; one that refuses a
//! message leaves them to the caller. But a VM that has been cleaned up refuses a message and then
//! calls the finalizers all the same, before its post function returns. So each finalizer of a
//! message is posted behind a once-flag, on a peer that both sides count: whoever comes first
//! calls it.
//!
//! A native pointer is itself what its finalizer is called with, so there is no room for a flag:
//! these are left as they are.

use super::{Value, owned::walk, raw::*};
use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

type Callback = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// A finalizer and whether it has been called.
struct Once {
    /// Relaxed: one swap finds it false, and the others touch nothing that it stands for.
    called: AtomicBool,
    peer: *mut c_void,
    callback: Callback,
}

// SAFETY: a finalizer may be called from any thread, by its contract, and the swap lets one do so.
unsafe impl Send for Once {}
// SAFETY: as above.
unsafe impl Sync for Once {}

impl Once {
    /// Calls the finalizer unless that has been done; whether it had not.
    fn call(&self, isolate_callback_data: *mut c_void) -> bool {
        let first = !self.called.swap(true, Relaxed);
        if first {
            // SAFETY: a finalizer may be called once, from any thread, with its peer.
            unsafe { (self.callback)(isolate_callback_data, self.peer) };
        }
        first
    }
}

/// What the VM calls.
unsafe extern "C" fn call_once(isolate_callback_data: *mut c_void, peer: *mut c_void) {
    // SAFETY: the VM calls each of its finalizers once, so this is the count that it was given.
    let once = unsafe { Arc::from_raw(peer.cast::<Once>().cast_const()) };
    once.call(isolate_callback_data);
}

/// The finalizers of a value that is being posted, as counted by this side.
pub(crate) struct Guarded(Vec<Arc<Once>>);

impl Guarded {
    /// Puts a once-flag before each finalizer in `value`.
    pub(crate) fn new(value: &mut Value) -> Self {
        let mut all = Vec::new();
        external(value, &mut |data| {
            if let Some(callback) = data.callback {
                let once = Once { called: AtomicBool::new(false), peer: data.peer, callback };
                let once = Arc::new(once);
                data.peer = Arc::into_raw(once.clone()).cast_mut().cast();
                data.callback = Some(call_once);
                all.push(once);
            }
        });
        Self(all)
    }

    /// The post of `value` was refused: calls what the VM has not called, and will not.
    pub(crate) fn refused(self, value: &mut Value) {
        external(value, &mut |data| data.callback = None);
        for once in self.0 {
            if once.call(std::ptr::null_mut()) {
                // SAFETY: the VM has not used its count, and what was refused is not its own.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(&once)) };
            }
        }
    }
}

/// Visits all external data in a value.
fn external(value: &mut Value, visit: &mut dyn FnMut(&mut wharf_external_typed_data_t)) {
    walk(value.as_raw_mut(), &mut |raw| {
        if matches!(
            raw.r#type,
            WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA
        ) {
            // SAFETY: the type says which member.
            visit(unsafe { &mut raw.value.as_external_typed_data });
        }
    });
}

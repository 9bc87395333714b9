//! Finalizers that run exactly once, though two sides might call them.
//!
//! The Dart VM that takes a message calls the finalizers in it some time later; one that refuses a
//! message leaves them to the caller. But a VM that has been cleaned up refuses a message and then
//! calls the finalizers all the same, before its post function returns. So each finalizer of a
//! message is posted behind a flag: whoever comes first calls it.
//!
//! * External data have a peer of their own, which only the finalizer sees: it is replaced by the
//!   flag, on a count for each side.
//! * A native pointer is itself what its finalizer is called with, and once it has been delivered no
//!   finalizer will ever be called, so nothing may be allocated for it. Its finalizer is replaced by
//!   a *door*, one of a fixed number of functions that each stand for one finalizer of the process
//!   and look first whether their thread is posting the pointer just then; the flag lies in the
//!   poster's list.

use super::{Value, memory::walk, raw::*};
use crate::boundary::host_call;
use std::{
    cell::Cell,
    ffi::c_void,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

type Callback = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// The finalizer of external data and whether it has been called.
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

/// A native pointer that is being posted, its finalizer, and whether that has been called.
struct Pointer {
    pointer: *mut c_void,
    callback: Callback,
    called: Cell<bool>,
}

/// The finalizers of a value that is being posted, as this side knows them.
pub(crate) struct Guarded {
    data: Vec<Arc<Once>>,
    pointers: Vec<Pointer>,
}

impl Guarded {
    /// Puts a flag before each finalizer in `value`.
    pub(crate) fn new(value: &mut Value) -> Self {
        let mut all = Self { data: Vec::new(), pointers: Vec::new() };
        finalized(value, &mut |which| match which {
            Finalized::Data(data) => {
                if let Some(callback) = data.callback {
                    let called = AtomicBool::new(false);
                    let once = Arc::new(Once { called, peer: data.peer, callback });
                    data.peer = Arc::into_raw(once.clone()).cast_mut().cast();
                    data.callback = Some(call_once);
                    all.data.push(once);
                }
            }
            Finalized::Pointer(pointer) => {
                if let Some(callback) = pointer.callback {
                    pointer.callback = Some(door(callback));
                    let pointer = ptr::with_exposed_provenance_mut(pointer.ptr as usize);
                    all.pointers.push(Pointer { pointer, callback, called: Cell::new(false) });
                }
            }
        });
        all
    }

    /// Runs the post; a door that opens meanwhile, on this thread, marks its pointer.
    pub(crate) fn while_posting(&self, post: impl FnOnce() -> bool) -> bool {
        struct Leave(*const Vec<Pointer>);
        impl Drop for Leave {
            fn drop(&mut self) {
                POSTING.set(self.0);
            }
        }
        if self.pointers.is_empty() {
            return post();
        }
        // A finalizer may post, so posts nest.
        let _leave = Leave(POSTING.replace(&raw const self.pointers));
        post()
    }

    /// The post of `value` was refused: calls what the VM has not called, and will not.
    pub(crate) fn refused(self, value: &mut Value) {
        value.disarm();
        for once in self.data {
            if host_call(|| once.call(ptr::null_mut())) {
                // SAFETY: the VM has not used its count, and what was refused is not its own.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(&once)) };
            }
        }
        for pointer in self.pointers {
            if !pointer.called.get() {
                // SAFETY: a finalizer may be called once, from any thread, with its pointer; no
                // door has called it, and what was refused is not the VM's.
                host_call(|| unsafe { (pointer.callback)(ptr::null_mut(), pointer.pointer) });
            }
        }
    }
}

thread_local! {
    /// The pointers that this thread is posting just then, in the innermost post; NULL outside.
    static POSTING: Cell<*const Vec<Pointer>> = const { Cell::new(ptr::null()) };
}

/// How many finalizers of native pointers have a door of their own. A library has one for each type
/// that it hands out; those beyond go to the VM as they are, unguarded.
const DOORS: usize = 64;

/// The finalizers behind the doors, as addresses; 0 where a door is free. Relaxed: a function's
/// address carries no data with it, and a door is given to one finalizer for good.
static BEHIND: [AtomicUsize; DOORS] = [const { AtomicUsize::new(0) }; DOORS];

/// The function that stands for `callback`.
fn door(callback: Callback) -> Callback {
    let address = callback as usize;
    for (behind, door) in BEHIND.iter().zip(FUNCTIONS) {
        match behind.compare_exchange(0, address, Relaxed, Relaxed) {
            Ok(_) => return door,
            Err(found) if found == address => return door,
            Err(_) => {}
        }
    }
    callback
}

/// Stands for the finalizer behind door `N`. No more than a jump: there are many of them.
unsafe extern "C" fn open<const N: usize>(isolate_callback_data: *mut c_void, peer: *mut c_void) {
    // SAFETY: the caller's promises are handed on.
    unsafe { enter(isolate_callback_data, peer, N) };
}

/// What every door does. It is a C function, so that none of them has to be ready for a panic.
#[inline(never)]
unsafe extern "C" fn enter(isolate_callback_data: *mut c_void, peer: *mut c_void, number: usize) {
    let behind = BEHIND[number].load(Relaxed);
    // SAFETY: a door is posted after a finalizer was put behind it.
    let callback = unsafe { std::mem::transmute::<usize, Callback>(behind) };
    // A thread that is ending posts nothing.
    let posting = POSTING.try_with(Cell::get).unwrap_or(ptr::null());
    // SAFETY: the list lies on the stack of a post that has not returned, further up this thread.
    if let Some(posting) = unsafe { posting.as_ref() } {
        let is = |p: &&Pointer| {
            p.pointer == peer && p.callback as usize == callback as usize && !p.called.get()
        };
        if let Some(pointer) = posting.iter().find(is) {
            pointer.called.set(true);
        }
    }
    // SAFETY: the VM calls each of its finalizers once, from any thread, with its pointer.
    unsafe { callback(isolate_callback_data, peer) };
}

macro_rules! doors {
    ($($tens:literal)*) => {
        [$(open::<{ $tens * 8 }>, open::<{ $tens * 8 + 1 }>, open::<{ $tens * 8 + 2 }>,
           open::<{ $tens * 8 + 3 }>, open::<{ $tens * 8 + 4 }>, open::<{ $tens * 8 + 5 }>,
           open::<{ $tens * 8 + 6 }>, open::<{ $tens * 8 + 7 }>,)*]
    };
}

static FUNCTIONS: [Callback; DOORS] = doors![0 1 2 3 4 5 6 7];

/// A part of a value that has a finalizer.
enum Finalized<'a> {
    Data(&'a mut wharf_external_typed_data_t),
    Pointer(&'a mut wharf_native_pointer_t),
}

/// Visits all parts of a value that have finalizers.
fn finalized(value: &mut Value, visit: &mut dyn FnMut(Finalized<'_>)) {
    walk(value.as_raw_mut(), &mut |raw| {
        // SAFETY: the type says which member.
        unsafe {
            match raw.r#type {
                WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA => {
                    visit(Finalized::Data(&mut raw.value.as_external_typed_data));
                }
                WHARF_TYPE_NATIVE_POINTER => {
                    visit(Finalized::Pointer(&mut raw.value.as_native_pointer));
                }
                _ => {}
            }
        }
    });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    unsafe extern "C" fn count(_: *mut c_void, peer: *mut c_void) {
        // SAFETY: the tests pass a counter that outlives the value.
        unsafe { &*peer.cast::<AtomicUsize>() }.fetch_add(1, Relaxed);
    }

    /// A list that holds a native pointer twice and external data once.
    fn value(calls: &AtomicUsize) -> Value {
        let peer = (&raw const *calls).cast_mut().cast::<c_void>();
        // SAFETY: `count` may be called with the peer, from any thread.
        let pointer = || unsafe { Value::native_pointer(peer, 8, count) };
        // SAFETY: there are no elements; `count` as above.
        let data =
            unsafe { Value::external_parts(WHARF_DATA_UINT8, 0, ptr::null_mut(), peer, count) };
        Value::array([pointer(), data, pointer()]).unwrap()
    }

    /// What a VM does with all finalizers of a message, at once.
    fn finalize(value: &mut Value) {
        finalized(value, &mut |which| match which {
            // SAFETY: once each, as a VM does.
            Finalized::Data(data) => unsafe { data.callback.unwrap()(ptr::null_mut(), data.peer) },
            Finalized::Pointer(pointer) => {
                let peer = ptr::with_exposed_provenance_mut(pointer.ptr as usize);
                // SAFETY: as above.
                unsafe { pointer.callback.unwrap()(ptr::null_mut(), peer) }
            }
        });
    }

    fn posted(vm: impl FnOnce(&mut Value) -> bool) -> usize {
        let calls = AtomicUsize::new(0);
        let mut value = value(&calls);
        let guarded = Guarded::new(&mut value);
        if guarded.while_posting(|| vm(&mut value)) {
            value.disarm();
        } else {
            guarded.refused(&mut value);
        }
        drop(value);
        calls.load(Relaxed)
    }

    #[test]
    fn refused_and_left_to_the_poster() {
        assert_eq!(posted(|_| false), 3);
    }

    #[test]
    fn refused_and_finalized_all_the_same() {
        assert_eq!(
            posted(|value| {
                finalize(value);
                false
            }),
            3
        );
    }

    #[test]
    fn accepted_and_never_delivered() {
        assert_eq!(
            posted(|value| {
                finalize(value);
                true
            }),
            3
        );
    }

    #[test]
    fn a_finalizer_posts_while_its_message_is_posted() {
        assert_eq!(
            posted(|value| {
                assert_eq!(posted(|_| false), 3);
                finalize(value);
                false
            }),
            3
        );
    }

    #[test]
    fn a_finalizer_keeps_its_door() {
        unsafe extern "C" fn other(_: *mut c_void, _: *mut c_void) {}
        assert_eq!(door(count) as usize, door(count) as usize);
        assert_ne!(door(count) as usize, door(other) as usize);
    }
}

//! One message into the VM, and the functions of the VM's that take it.

use crate::{
    boundary::host_call,
    message::*,
    status::{Error, Result, WHARF_BAD_VALUE, WHARF_NULL},
    value::{Guarded, IntoValue, Value, raw::*},
};
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The Dart VM's `Dart_PostCObject`.
pub type wharf_dart_post_t =
    Option<unsafe extern "C" fn(port: i64, message: *mut wharf_value_t) -> bool>;

pub(super) type Post = unsafe extern "C" fn(i64, *mut wharf_value_t) -> bool;
type PostInteger = unsafe extern "C" fn(i64, i64) -> bool;

/// The VM's functions that a host has stored, as addresses; 0 before.
///
/// Relaxed: a function's address carries no data with it. The two belong to one VM, since a process
/// has one.
static POST: AtomicUsize = AtomicUsize::new(0);
static POST_INTEGER: AtomicUsize = AtomicUsize::new(0);

/// Stores the VM's post function for whoever has none of its own. If it is another one than before,
/// it is the only one from now on.
pub(crate) fn store(post: Post) {
    if POST.swap(post as usize, Relaxed) != post as usize {
        POST_INTEGER.store(0, Relaxed);
    }
}

/// The VM's post function that was stored.
pub(super) fn stored() -> Option<Post> {
    let address = POST.load(Relaxed);
    // SAFETY: the address is 0 or that of a function of this type.
    unsafe { std::mem::transmute::<usize, Option<Post>>(address) }
}

/// Posts small integers without a message being written and read: twice as fast, where the host has
/// given the whole table of functions.
fn integer_door(post: Post) -> Option<PostInteger> {
    if post as usize != POST.load(Relaxed) {
        return None;
    }
    let address = POST_INTEGER.load(Relaxed);
    // SAFETY: the address is 0 or that of a function of this type.
    unsafe { std::mem::transmute::<usize, Option<PostInteger>>(address) }
}

/// A row of the VM's table of functions.
#[repr(C)]
struct Row {
    name: *const c_char,
    function: *const c_void,
}

/// The VM's table of functions, which `NativeApi.initializeApiDLData` points to; a row without a
/// name ends it.
#[repr(C)]
struct Functions {
    major: c_int,
    minor: c_int,
    rows: *const Row,
}

/// The version of the table that this was written for. Rows are only ever added within one.
const MAJOR: c_int = 2;

/// Stores the functions out of the VM's table.
///
/// # Safety
///
/// `table` is NULL or the VM's.
pub(crate) unsafe fn store_table(table: *const c_void) -> Result<()> {
    let table = table.cast::<Functions>();
    if table.is_null() {
        return Err(Error::null("the table of functions"));
    }
    // SAFETY: the caller's word.
    let (major, minor) = unsafe { ((*table).major, (*table).minor) };
    if major != MAJOR {
        let text = format!("the Dart VM's table has version {major}.{minor}, not {MAJOR}.x");
        return Err(Error::new(WHARF_BAD_VALUE, text));
    }
    // SAFETY: the version says what the table looks like.
    let (post, integer) =
        unsafe { (find(table, c"Dart_PostCObject"), find(table, c"Dart_PostInteger")) };
    if post == 0 {
        return Err(Error::new(WHARF_BAD_VALUE, "the Dart VM's table has no Dart_PostCObject"));
    }
    POST_INTEGER.store(integer, Relaxed);
    POST.store(post, Relaxed);
    Ok(())
}

/// # Safety
///
/// `table` is the VM's, of a version that is known.
unsafe fn find(table: *const Functions, name: &CStr) -> usize {
    // SAFETY: the rows end with one that has no name.
    unsafe {
        let mut row = (*table).rows;
        while !(*row).name.is_null() {
            if CStr::from_ptr((*row).name) == name {
                return (*row).function.expose_provenance();
            }
            row = row.add(1);
        }
    }
    0
}

/// Posts a value as it is. False: the port is gone.
pub(super) fn bare(post: Post, port: i64, value: Value) -> bool {
    let number = integer(value.as_raw());
    number
        .and_then(|number| as_integer(post, port, number))
        .unwrap_or_else(|| lending(value, |raw| call(post, port, raw)))
}

/// Posts a number by the door for such, if the host has given it. False: the port is gone.
pub(super) fn as_integer(post: Post, port: i64, number: i64) -> Option<bool> {
    // SAFETY: the VM's function, which takes any port and any number.
    integer_door(post).map(|door| host_call(|| unsafe { door(port, number) }))
}

/// Posts `[tag, kind, code, value]`. False: the port is gone.
///
/// The list is laid out on the stack: the VM copies it during the call.
pub(super) fn enveloped(post: Post, port: i64, message: Message) -> bool {
    let Message { tag, kind, code, value, .. } = message;
    let mut tag = wharf_value_t::new(WHARF_TYPE_INT64, wharf_payload_t { as_int64: tag as i64 });
    let [mut kind, mut code] = [kind, code].map(small);
    lending(value, |raw| {
        let mut items: [*mut wharf_value_t; 4] = [&mut tag, &mut kind, &mut code, raw];
        let mut list = wharf_value_t::array(items.len(), items.as_mut_ptr());
        call(post, port, &mut list)
    })
}

/// Posts `[kind, code, value]`. False: the port is gone.
pub(super) fn unmarked(post: Post, port: i64, message: Message) -> bool {
    let Message { kind, code, value, .. } = message;
    let [mut kind, mut code] = [kind, code].map(small);
    lending(value, |raw| {
        let mut items: [*mut wharf_value_t; 3] = [&mut kind, &mut code, raw];
        let mut list = wharf_value_t::array(items.len(), items.as_mut_ptr());
        call(post, port, &mut list)
    })
}

fn small(number: i32) -> wharf_value_t {
    let mut payload = wharf_payload_t { as_int64: 0 };
    payload.as_int32 = number;
    wharf_value_t::new(WHARF_TYPE_INT32, payload)
}

pub(super) fn integer(raw: &wharf_value_t) -> Option<i64> {
    match raw.r#type {
        // SAFETY: the type says which member.
        WHARF_TYPE_INT32 => Some(unsafe { raw.value.as_int32 }.into()),
        // SAFETY: as above.
        WHARF_TYPE_INT64 => Some(unsafe { raw.value.as_int64 }),
        _ => None,
    }
}

/// Posts a value with `post`, and settles by its answer whose the external data in it are.
fn lending(mut value: Value, post: impl FnOnce(*mut wharf_value_t) -> bool) -> bool {
    if value.as_raw().r#type < WHARF_TYPE_ARRAY {
        // Nothing in it but itself, and no finalizer: the VM copies it, and it is dropped here.
        let mut raw = *value.as_raw();
        return post(&raw mut raw);
    }
    value.name_bytes();
    let finalizers = Guarded::new(&mut value);
    let mut raw = value.into_raw();
    let accepted = finalizers.while_posting(|| post(&raw mut raw));
    // SAFETY: taken back as it was given; the VM has changed nothing.
    let mut value = unsafe { Value::from_raw(raw) };
    if accepted {
        // The VM calls the finalizers.
        value.disarm();
    } else {
        finalizers.refused(&mut value);
    }
    accepted
}

pub(super) fn call(post: Post, port: i64, message: *mut wharf_value_t) -> bool {
    // SAFETY: the value is sound, and stays in place during the call, which copies it.
    host_call(|| unsafe { post(port, message) })
}

/// A port of the Dart VM's, for functions that are handed its number and post bare values to it.
///
/// This is all that code written for allo-isolate needs: the names are its own. The VM's post
/// function has to be stored before, by a call of `store_dart_post_cobject` or
/// `wharf_dart_initialize` from Dart.
///
/// Nothing is known here of tasks, their ends and their cancelling: for these, export a function
/// with [`export`](macro@crate::export), and open a port with `wharf_port_dart`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isolate {
    port: i64,
}

impl Isolate {
    /// The port whose number is `SendPort.nativePort` in Dart.
    pub const fn new(port: i64) -> Self {
        Self { port }
    }

    /// Posts a value to the port, from any thread. False if it can't be delivered: the port is
    /// gone, no post function has been stored, or the value can't be sent.
    ///
    /// Bytes are not copied: they are freed when Dart is done with them, or at once.
    pub fn post(&self, value: impl IntoValue) -> bool {
        self.try_post(value).unwrap_or_else(|error| {
            log::warn!("nothing was posted to Dart port {}: {error}", self.port);
            false
        })
    }

    fn try_post(self, value: impl IntoValue) -> Result<bool> {
        let post = stored().ok_or_else(no_function)?;
        Ok(bare(post, self.port, value.into_value()?))
    }
}

/// The error for a post function that is needed and was never given.
pub(super) fn no_function() -> Error {
    Error::new(WHARF_NULL, "no post function: pass NativeApi.postCObject, or store it once before")
}

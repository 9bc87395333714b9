//! Ports of the Dart VM.

use super::{args, port::wharf_port_options_t};
use crate::{
    boundary::call,
    dart::{self, wharf_dart_post_t},
    id::{wharf_port_t, wharf_runtime_t},
    runtime,
    status::wharf_status_t,
};
use std::ffi::c_void;

/// Opens a port whose messages go to a port of the Dart VM's (`SendPort.nativePort`), through the
/// VM's `Dart_PostCObject` (`NativeApi.postCObject`), on the threads that send them.
///
/// `mode` is WHARF_DART_ENVELOPED: each message is the list `[tag, kind, code, value]`;
/// WHARF_DART_RAW: data and results are sent bare, all else as the list `[kind, code, value]`; or
/// WHARF_DART_COMPACT: as WHARF_DART_ENVELOPED, but data and results with a number, a bool or null come
/// in what costs the VM less. With a tag below 8,192 that is one integer: from bit 14 up 0 for null, 1
/// for false, 2 for true, a whole number itself below 0 and three higher from 0 on; in the bits 1 to 13
/// the tag; in bit 0 the kind. Else, and where the whole does not go into 64 bits, a number comes as the
/// `Int64List`, or a double as the `Float64List`, `[tag, kind, value]`. (A double whose tag is above 2^53
/// comes in a list, and so do the others where they don't go into one integer, or where
/// `wharf_dart_initialize` has not been called.)
///
/// `post` may be NULL where one has been stored with `store_dart_post_cobject`. `options` may be
/// NULL; of it, `max_tasks`, `needs_credit` and `group` apply.
///
/// It belongs to the caller, who closes it. If the VM refuses a message, the port is gone: it is
/// closed, and its tasks are cancelled.
///
/// Errors: WHARF_NULL, WHARF_OUT_OF_RANGE (0 is no Dart port), WHARF_BAD_OPTION, WHARF_NO_RUNTIME,
/// WHARF_SHUT_DOWN, WHARF_LIMIT.
///
/// # Safety
///
/// `post` is NULL or the VM's function, which outlives the port. `options` is NULL or begins with
/// its size and has as many bytes; `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_port_dart(
    runtime: wharf_runtime_t,
    dart_port: i64,
    post: wharf_dart_post_t,
    mode: u32,
    options: *const wharf_port_options_t,
    out: *mut wharf_port_t,
) -> wharf_status_t {
    call(|| {
        let out = args::out(out, "out")?;
        // SAFETY: the caller's word; zeros are sound in all members.
        let options: wharf_port_options_t = unsafe { args::options(options) }?;
        let limits = super::port::limits(&options)?;
        let runtime = runtime::get(runtime)?;
        let port = dart::open(runtime, dart_port, post, mode, limits, options.group)?;
        // SAFETY: not NULL, so the caller lets us write to it.
        unsafe { out.write(port) };
        Ok(())
    })
}

/// Stores the Dart VM's `Dart_PostCObject` for ports that are opened without one. NULL does
/// nothing. The name is the one that Dart code written for other bridges calls.
///
/// # Safety
///
/// `post` is NULL or the VM's function, which outlives all ports opened with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn store_dart_post_cobject(post: wharf_dart_post_t) {
    if let Some(post) = post {
        dart::store(post);
    }
}

/// Stores what the Dart VM's table of functions has for posting (`NativeApi.initializeApiDLData`),
/// for ports that are opened without a post function. With it, integers that are sent bare travel
/// at about twice the rate.
///
/// Errors: WHARF_NULL, WHARF_BAD_VALUE (a table of a version that is not known).
///
/// # Safety
///
/// `table` is NULL or the VM's table, which outlives all ports opened with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wharf_dart_initialize(table: *const c_void) -> wharf_status_t {
    // SAFETY: the caller's word.
    call(|| unsafe { dart::store_table(table) })
}

//! Every type that a Dart port can carry.

use crate::ledger::Lent;
use std::ffi::c_void;
use wharf_ffi::{IntoValue, Reply, Result, Value, c, export};

/// One value of each simple type, nested in lists.
#[export]
pub async fn tests_plain_values() -> Result<Value> {
    let integers =
        (i32::MIN, i32::MAX, 1i64 << 40, i64::MIN, i64::MAX, [0.5f64, f64::NEG_INFINITY]);
    let texts = (String::new(), "søster 🚢", vec![Some("a"), None]);
    ((), true, false, integers, texts, Vec::<Option<i64>>::new()).into_value()
}

/// Posts whole numbers and then others, at the edges of what a machine might keep apart, and ends with
/// the zero below zero.
#[export]
pub async fn tests_numbers(reply: Reply) -> Result<f64> {
    for number in [i64::MIN, -0x4000_0001, -0x4000_0000, 0, 0x3fff_ffff, 0x4000_0000, i64::MAX] {
        reply.try_post(number)?;
    }
    for number in [1.0, f64::MAX, f64::MIN_POSITIVE, f64::NEG_INFINITY, f64::NAN] {
        reply.try_post(number)?;
    }
    Ok(-0.0)
}

/// Posts what says little, and whole numbers at the edges of what goes into one integer with a tag; ends
/// with true.
#[export]
pub async fn tests_small(reply: Reply) -> Result<bool> {
    reply.try_post(())?;
    reply.try_post(false)?;
    reply.try_post(true)?;
    for number in [0, 1, 2, 3, -1, -2, -3] {
        reply.try_post(number)?;
    }
    for bits in [16, 48, 49] {
        let edge = 1i64 << bits;
        for number in [edge - 4, edge - 3, -edge, -edge - 1] {
            reply.try_post(number)?;
        }
    }
    Ok(true)
}

/// Typed data of each kind, copied: as many bytes as `bytes`, which count up.
#[export]
pub async fn tests_typed_data(kind: i32, bytes: u32) -> Result<Value> {
    let bytes: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
    Value::typed_data(kind, &bytes)
}

/// Typed data of each kind, lent out.
#[export]
pub async fn tests_lent_data(kind: i32, bytes: u32) -> Result<Value> {
    Value::external(kind, Lent::new(bytes as usize))
}

/// Typed data of each kind, lent out for reading.
#[export]
pub async fn tests_lent_readonly(kind: i32, bytes: u32) -> Result<Value> {
    let mut raw = Value::external(kind, Lent::new(bytes as usize))?.into_raw();
    raw.r#type = c::WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA;
    // SAFETY: as it was given, but for the type, which only says what the receiver may do.
    Ok(unsafe { Value::from_raw(raw) })
}

/// Lends out `count` buffers, one message each, and then ends.
#[export]
pub async fn tests_lend_many(count: u32, bytes: u32, reply: Reply) -> Result<()> {
    for _ in 0..count {
        reply.try_post(Value::external(c::WHARF_DATA_UINT8, Lent::new(bytes as usize))?)?;
    }
    Ok(())
}

/// A send port for a port of the Dart machine's.
#[export]
pub async fn tests_send_port(dart_port: i64) -> Value {
    Value::send_port(dart_port)
}

/// Frees what a pointer of [`tests_pointers`] points to. The VM calls it for one that was never
/// delivered; Dart gives it to a `NativeFinalizer` for one that was.
///
/// # Safety
///
/// `pointer` comes from there, and is used nowhere else any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tests_pointer_drop(_: *mut c_void, pointer: *mut c_void) {
    // SAFETY: as above.
    drop(unsafe { Box::from_raw(pointer.cast::<Lent>()) });
}

/// The same as Dart's `NativeFinalizer` calls it.
///
/// # Safety
///
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tests_pointer_free(pointer: *mut c_void) {
    // SAFETY: as above.
    unsafe { tests_pointer_drop(std::ptr::null_mut(), pointer) };
}

fn pointer(bytes: usize) -> Value {
    let lent = Box::into_raw(Box::new(Lent::new(bytes)));
    // SAFETY: the finalizer takes the box back, on whichever thread.
    unsafe { Value::native_pointer(lent.cast(), bytes, tests_pointer_drop) }
}

/// Hands out `count` pointers to buffers, one message each, and then ends.
#[export]
pub async fn tests_pointers(count: u32, bytes: u32, reply: Reply) -> Result<()> {
    for _ in 0..count {
        reply.try_post(pointer(bytes as usize))?;
    }
    Ok(())
}

/// A list of a pointer to a buffer, lent bytes, and the pointer's address once more.
#[export]
pub async fn tests_pointer_and_data(bytes: u32) -> Result<Value> {
    let pointer = pointer(bytes as usize);
    // SAFETY: made above.
    let address = unsafe { pointer.as_raw().value.as_native_pointer.ptr };
    let data = Value::external(c::WHARF_DATA_UINT8, Lent::new(bytes as usize))?;
    Value::array([pointer, data, Value::int64(address as i64)])
}

/// A capability of the VM's with this number.
#[export]
pub async fn tests_capability(id: i64) -> Value {
    Value::capability(id)
}

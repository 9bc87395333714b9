//! How a value lies in memory: exactly as the Dart VM's `Dart_CObject` does, so that it passes to
//! `Dart_PostCObject` with no conversion. The layout is asserted below, for 64 and 32 bit.

use std::{
    ffi::{c_char, c_void},
    ptr,
};

/// No value.
pub const WHARF_TYPE_NULL: i32 = 0;
/// `as_bool`.
pub const WHARF_TYPE_BOOL: i32 = 1;
/// `as_int32`.
pub const WHARF_TYPE_INT32: i32 = 2;
/// `as_int64`.
pub const WHARF_TYPE_INT64: i32 = 3;
/// `as_double`.
pub const WHARF_TYPE_DOUBLE: i32 = 4;
/// `as_string`: UTF-8, ended by a NUL and with none inside.
pub const WHARF_TYPE_STRING: i32 = 5;
/// `as_array`: pointers to values, none of them NULL.
pub const WHARF_TYPE_ARRAY: i32 = 6;
/// `as_typed_data`: elements that belong to the value.
pub const WHARF_TYPE_TYPED_DATA: i32 = 7;
/// `as_external_typed_data`: elements that belong to a peer, freed by its callback.
pub const WHARF_TYPE_EXTERNAL_TYPED_DATA: i32 = 8;
/// `as_send_port`: a port that can be posted to.
pub const WHARF_TYPE_SEND_PORT: i32 = 9;
/// `as_capability`: an unforgeable number of the Dart VM's.
pub const WHARF_TYPE_CAPABILITY: i32 = 10;
/// `as_native_pointer`: a pointer with a finalizer.
pub const WHARF_TYPE_NATIVE_POINTER: i32 = 11;
/// What the Dart VM could not send; never made by wharf and never accepted.
pub const WHARF_TYPE_UNSUPPORTED: i32 = 12;
/// As `WHARF_TYPE_EXTERNAL_TYPED_DATA`, and the receiver may not write to it.
pub const WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA: i32 = 13;

/// Bytes without an element type.
pub const WHARF_DATA_BYTES: i32 = 0;
/// `int8_t`.
pub const WHARF_DATA_INT8: i32 = 1;
/// `uint8_t`.
pub const WHARF_DATA_UINT8: i32 = 2;
/// `uint8_t`, clamped when Dart writes to it.
pub const WHARF_DATA_UINT8_CLAMPED: i32 = 3;
/// `int16_t`.
pub const WHARF_DATA_INT16: i32 = 4;
/// `uint16_t`.
pub const WHARF_DATA_UINT16: i32 = 5;
/// `int32_t`.
pub const WHARF_DATA_INT32: i32 = 6;
/// `uint32_t`.
pub const WHARF_DATA_UINT32: i32 = 7;
/// `int64_t`.
pub const WHARF_DATA_INT64: i32 = 8;
/// `uint64_t`.
pub const WHARF_DATA_UINT64: i32 = 9;
/// `float`.
pub const WHARF_DATA_FLOAT32: i32 = 10;
/// `double`.
pub const WHARF_DATA_FLOAT64: i32 = 11;
/// Four `int32_t` an element.
pub const WHARF_DATA_INT32X4: i32 = 12;
/// Four `float` an element.
pub const WHARF_DATA_FLOAT32X4: i32 = 13;
/// Two `double` an element.
pub const WHARF_DATA_FLOAT64X2: i32 = 14;

/// Frees what a peer stands for. It is called once, from any thread; the first argument is the
/// Dart VM's business and NULL everywhere else. It does not throw.
pub type wharf_finalizer_t =
    Option<unsafe extern "C" fn(isolate_callback_data: *mut c_void, peer: *mut c_void)>;

/// A port named in a value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_send_port_t {
    /// The port: a `wharf_port_t`, or the Dart VM's number of a port of its own.
    pub id: i64,
    /// The Dart VM's business: the isolate group that made the port. 0 for wharf's ports.
    pub origin_id: i64,
}

/// A capability of the Dart VM's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_capability_t {
    /// Its number.
    pub id: i64,
}

/// Values in a row.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_array_t {
    /// How many.
    pub length: isize,
    /// Where their pointers are. May be NULL where `length` is 0.
    pub values: *mut *mut wharf_value_t,
}

/// Elements of one kind, copied with the value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_typed_data_t {
    /// A `WHARF_DATA_...`.
    pub element: i32,
    /// How many elements.
    pub length: isize,
    /// Where they are. May be NULL where `length` is 0.
    pub values: *const u8,
}

/// Elements of one kind that are not copied.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_external_typed_data_t {
    /// A `WHARF_DATA_...`.
    pub element: i32,
    /// How many elements.
    pub length: isize,
    /// Where they are. May be NULL where `length` is 0.
    pub data: *mut u8,
    /// What the callback is called with.
    pub peer: *mut c_void,
    /// Frees the elements; never NULL in a value that is posted, where no two arrays, nor one twice, point
    /// to the same value of this type.
    pub callback: wharf_finalizer_t,
}

/// A pointer with a finalizer. In the Dart VM it arrives as a number and belongs to whoever receives
/// it: the callback is called only if it is never delivered.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wharf_native_pointer_t {
    /// The pointer, which is what the callback is called with.
    pub ptr: isize,
    /// How many bytes it stands for, for the Dart VM's garbage collector.
    pub size: isize,
    /// Frees what it points to; never NULL in a value that is posted.
    pub callback: wharf_finalizer_t,
}

/// What a value holds; its type says which member.
#[repr(C)]
#[derive(Clone, Copy)]
pub union wharf_payload_t {
    /// `WHARF_TYPE_BOOL`.
    pub as_bool: bool,
    /// `WHARF_TYPE_INT32`.
    pub as_int32: i32,
    /// `WHARF_TYPE_INT64`.
    pub as_int64: i64,
    /// `WHARF_TYPE_DOUBLE`.
    pub as_double: f64,
    /// `WHARF_TYPE_STRING`.
    pub as_string: *const c_char,
    /// `WHARF_TYPE_SEND_PORT`.
    pub as_send_port: wharf_send_port_t,
    /// `WHARF_TYPE_CAPABILITY`.
    pub as_capability: wharf_capability_t,
    /// `WHARF_TYPE_ARRAY`.
    pub as_array: wharf_array_t,
    /// `WHARF_TYPE_TYPED_DATA`.
    pub as_typed_data: wharf_typed_data_t,
    /// `WHARF_TYPE_EXTERNAL_TYPED_DATA` and `WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA`.
    pub as_external_typed_data: wharf_external_typed_data_t,
    /// `WHARF_TYPE_NATIVE_POINTER`.
    pub as_native_pointer: wharf_native_pointer_t,
}

/// A value: laid out as the Dart VM's `Dart_CObject`, to which a pointer to it can be cast.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a union; `Value` shows it")]
pub struct wharf_value_t {
    /// A `WHARF_TYPE_...`.
    pub r#type: i32,
    /// The member that the type names.
    pub value: wharf_payload_t,
}

impl wharf_value_t {
    /// No value.
    pub const NULL: Self = Self::new(WHARF_TYPE_NULL, wharf_payload_t { as_int64: 0 });

    /// A value with every byte of its payload written, so that it can be copied whole.
    pub(crate) const fn new(r#type: i32, payload: wharf_payload_t) -> Self {
        Self { r#type, value: payload }
    }

    /// The payload's bool, whatever byte a host has put there.
    pub(crate) fn truth(&self) -> bool {
        // SAFETY: the first byte of the payload lies inside the value, and a u8 may be any byte.
        unsafe { *(&raw const self.value).cast::<u8>() != 0 }
    }

    pub(crate) const fn array(length: usize, values: *mut *mut wharf_value_t) -> Self {
        Self::new(
            WHARF_TYPE_ARRAY,
            wharf_payload_t { as_array: wharf_array_t { length: length as isize, values } },
        )
    }

    pub(crate) const fn string(string: *const c_char) -> Self {
        Self::new(WHARF_TYPE_STRING, wharf_payload_t { as_string: string })
    }
}

impl Default for wharf_value_t {
    fn default() -> Self {
        Self::NULL
    }
}

/// Bytes of one element of typed data; `None` for a kind that does not exist.
pub(crate) const fn element_size(element: i32) -> Option<usize> {
    Some(match element {
        WHARF_DATA_BYTES | WHARF_DATA_INT8 | WHARF_DATA_UINT8 | WHARF_DATA_UINT8_CLAMPED => 1,
        WHARF_DATA_INT16 | WHARF_DATA_UINT16 => 2,
        WHARF_DATA_INT32 | WHARF_DATA_UINT32 | WHARF_DATA_FLOAT32 => 4,
        WHARF_DATA_INT64 | WHARF_DATA_UINT64 | WHARF_DATA_FLOAT64 => 8,
        WHARF_DATA_INT32X4 | WHARF_DATA_FLOAT32X4 | WHARF_DATA_FLOAT64X2 => 16,
        _ => return None,
    })
}

/// A slice over what a host calls `length` elements at `start`: empty where there are none, so
/// that NULL is fine then.
///
/// # Safety
///
/// Where `length` is above 0, that many elements can be read at `start` for as long as `'a`.
pub(crate) unsafe fn slice_of<'a, T>(start: *const T, length: usize) -> &'a [T] {
    let start = if length == 0 { ptr::dangling() } else { start };
    // SAFETY: by the caller's word, or empty at an aligned address.
    unsafe { std::slice::from_raw_parts(start, length) }
}

// The Dart VM's layout, as its own headers make it on x86-64 and on 32-bit x86.
const _: () = {
    use std::mem::{offset_of, size_of};
    let wide = cfg!(target_pointer_width = "64");
    assert!(size_of::<wharf_value_t>() == if wide { 48 } else { 24 } || cfg!(target_arch = "arm"));
    assert!(
        offset_of!(wharf_value_t, value) == if wide { 8 } else { 4 } || cfg!(target_arch = "arm")
    );
    assert!(offset_of!(wharf_array_t, values) == if wide { 8 } else { 4 });
    assert!(offset_of!(wharf_typed_data_t, length) == if wide { 8 } else { 4 });
    assert!(offset_of!(wharf_typed_data_t, values) == if wide { 16 } else { 8 });
    assert!(offset_of!(wharf_external_typed_data_t, data) == if wide { 16 } else { 8 });
    assert!(offset_of!(wharf_external_typed_data_t, peer) == if wide { 24 } else { 12 });
    assert!(offset_of!(wharf_external_typed_data_t, callback) == if wide { 32 } else { 16 });
};

//! A value that wharf owns: made, looked into, given away, taken back, dropped.

use super::{memory::*, raw::*};
use crate::status::{Error, Result, WHARF_BAD_VALUE};
use std::{
    alloc,
    ffi::{CStr, CString, c_void},
    fmt,
    mem::ManuallyDrop,
    ptr,
};

/// A value for a host: null, a bool, a number, a string, an array, bytes, a port.
///
/// Most are made by [`IntoValue`](super::IntoValue). May be sent between threads: what it points
/// to is its own, and finalizers may be called from any thread.
#[repr(transparent)]
pub struct Value(wharf_value_t);

// SAFETY: a value owns all that it points to, and finalizers are callable from any thread by
// their contract.
unsafe impl Send for Value {}
// SAFETY: nothing is changed through a shared reference.
unsafe impl Sync for Value {}

impl Value {
    /// No value.
    pub const NULL: Self = Self(wharf_value_t::NULL);

    /// A truth value.
    pub const fn bool(value: bool) -> Self {
        // Widened, so that every byte of the payload is written.
        let mut payload = wharf_payload_t { as_int64: 0 };
        payload.as_bool = value;
        Self(wharf_value_t::new(WHARF_TYPE_BOOL, payload))
    }

    /// An integer of 32 bits.
    pub const fn int32(value: i32) -> Self {
        let mut payload = wharf_payload_t { as_int64: 0 };
        payload.as_int32 = value;
        Self(wharf_value_t::new(WHARF_TYPE_INT32, payload))
    }

    /// An integer of 64 bits.
    pub const fn int64(value: i64) -> Self {
        Self(wharf_value_t::new(WHARF_TYPE_INT64, wharf_payload_t { as_int64: value }))
    }

    /// A floating-point number.
    pub const fn double(value: f64) -> Self {
        Self(wharf_value_t::new(WHARF_TYPE_DOUBLE, wharf_payload_t { as_double: value }))
    }

    /// A port that the receiver can post to.
    pub const fn send_port(id: i64) -> Self {
        Self::send_port_of(id, 0)
    }

    pub(super) const fn send_port_of(id: i64, origin_id: i64) -> Self {
        let port = wharf_send_port_t { id, origin_id };
        Self(wharf_value_t::new(WHARF_TYPE_SEND_PORT, wharf_payload_t { as_send_port: port }))
    }

    /// A string.
    ///
    /// # Errors
    ///
    /// One with a NUL inside has no form on the host's side; send bytes instead.
    pub fn string(value: impl Into<String>) -> Result<Self> {
        let string = CString::new(value.into()).map_err(|error| {
            Error::new(
                WHARF_BAD_VALUE,
                format!("a string holds a NUL at byte {}: send it as bytes", error.nul_position()),
            )
        })?;
        Ok(Self(wharf_value_t::string(string.into_raw())))
    }

    /// Values in a row.
    ///
    /// # Errors
    ///
    /// More than an address space holds.
    pub fn array(values: impl IntoIterator<Item = Value>) -> Result<Self> {
        let values: Vec<Value> = values.into_iter().collect();
        Self::array_of(values)
    }

    fn array_of(values: Vec<Value>) -> Result<Self> {
        if values.is_empty() {
            return Ok(Self(wharf_value_t::array(0, ptr::null_mut())));
        }
        let (layout, at) = array_layout(values.len())?;
        // SAFETY: the layout is not empty, for there are values.
        let block = unsafe { alloc::alloc(layout) };
        if block.is_null() {
            // As `Vec` does: the values can't be given back, and dropping them would be wrong.
            alloc::handle_alloc_error(layout);
        }
        let pointers = block.cast::<*mut wharf_value_t>();
        let length = values.len();
        for (index, value) in values.into_iter().enumerate() {
            // SAFETY: `array_layout` made room for `length` pointers and, from `at` on, as many
            // values; both are aligned by their layouts.
            unsafe {
                let place = block.add(at).cast::<wharf_value_t>().add(index);
                place.write(value.into_raw());
                pointers.add(index).write(place);
            }
        }
        Ok(Self(wharf_value_t::array(length, pointers)))
    }

    /// A copy of elements of one kind, a `WHARF_DATA_...`.
    ///
    /// # Errors
    ///
    /// The kind does not exist, the bytes are no whole number of elements, there is no memory.
    pub fn typed_data(element: i32, bytes: &[u8]) -> Result<Self> {
        let length = element_count(element, bytes.len())?;
        let values = copy_bytes(bytes)?;
        let typed = wharf_typed_data_t { element, length, values };
        Ok(Self(wharf_value_t::new(
            WHARF_TYPE_TYPED_DATA,
            wharf_payload_t { as_typed_data: typed },
        )))
    }

    /// Bytes that are not copied: the receiver sees those of `owner`, which is dropped when it
    /// lets go of them.
    ///
    /// # Errors
    ///
    /// The kind does not exist, or the bytes are no whole number of elements.
    pub fn external<T: AsRef<[u8]> + Send + 'static>(element: i32, owner: T) -> Result<Self> {
        let owner = Box::new(owner);
        // Asked once: another call could answer with other bytes.
        let bytes = (*owner).as_ref();
        let length = element_count(element, bytes.len())?;
        let data = bytes.as_ptr().cast_mut();
        // SAFETY: the data live as long as the owner, which is freed by `drop_box` alone.
        Ok(unsafe {
            Self::external_parts(element, length, data, Box::into_raw(owner).cast(), drop_box::<T>)
        })
    }

    /// # Safety
    ///
    /// `data` holds `length` elements until `callback` is called with `peer`, which may happen
    /// once, on any thread.
    pub(super) unsafe fn external_parts(
        element: i32,
        length: isize,
        data: *mut u8,
        peer: *mut c_void,
        callback: unsafe extern "C" fn(*mut c_void, *mut c_void),
    ) -> Self {
        let external =
            wharf_external_typed_data_t { element, length, data, peer, callback: Some(callback) };
        Self(wharf_value_t::new(
            WHARF_TYPE_EXTERNAL_TYPED_DATA,
            wharf_payload_t { as_external_typed_data: external },
        ))
    }

    /// A pointer that stands for `size` bytes. In the Dart VM it arrives as a number, and whoever
    /// receives it there has to see to what it points to, with a `NativeFinalizer` for instance:
    /// `finalizer` is called, with the pointer, only if it is never delivered. (Dart 3.7 counts what
    /// is queued for a receive port as delivered when that is closed by an isolate that goes on; the
    /// package's `WharfPort.close` takes such messages out first.) At a port with a queue, freeing
    /// the message calls it.
    ///
    /// # Safety
    ///
    /// `finalizer` may be called once with `pointer`, on any thread.
    pub unsafe fn native_pointer(
        pointer: *mut c_void,
        size: usize,
        finalizer: unsafe extern "C" fn(isolate_callback_data: *mut c_void, peer: *mut c_void),
    ) -> Self {
        let pointer = wharf_native_pointer_t {
            ptr: pointer.expose_provenance() as isize,
            size: size as isize,
            callback: Some(finalizer),
        };
        Self(wharf_value_t::new(
            WHARF_TYPE_NATIVE_POINTER,
            wharf_payload_t { as_native_pointer: pointer },
        ))
    }

    /// A capability of the Dart VM's: a `Capability` there, equal to others of the same number.
    pub const fn capability(id: i64) -> Self {
        let mut payload = wharf_payload_t { as_int64: 0 };
        payload.as_capability = wharf_capability_t { id };
        Self(wharf_value_t::new(WHARF_TYPE_CAPABILITY, payload))
    }

    /// The value as it lies in memory. It stays owned by `self`.
    pub const fn as_raw(&self) -> &wharf_value_t {
        &self.0
    }

    pub(super) fn as_raw_mut(&mut self) -> &mut wharf_value_t {
        &mut self.0
    }

    /// Gives the value away, as it lies in memory; [`from_raw`](Self::from_raw) takes it back.
    pub fn into_raw(self) -> wharf_value_t {
        ManuallyDrop::new(self).0
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave away.
    ///
    /// # Safety
    ///
    /// `raw` comes from `into_raw` and is used nowhere else any more.
    pub unsafe fn from_raw(raw: wharf_value_t) -> Self {
        Self(raw)
    }

    /// The elements of an array; `None` for every other type.
    pub fn as_array(&self) -> Option<impl ExactSizeIterator<Item = &Value>> {
        if self.0.r#type != WHARF_TYPE_ARRAY {
            return None;
        }
        // SAFETY: the type says which member; an owned array holds `length` pointers to values,
        // and `Value` has the layout of what they point to.
        Some(unsafe {
            let array = self.0.value.as_array;
            slice_of(array.values.cast_const(), array.length as usize)
                .iter()
                .map(|value| &*value.cast::<Value>())
        })
    }

    /// The text of a string; `None` for every other type.
    pub fn as_str(&self) -> Option<&str> {
        if self.0.r#type != WHARF_TYPE_STRING {
            return None;
        }
        // SAFETY: the type says which member; an owned string is NUL-ended UTF-8.
        unsafe {
            Some(std::str::from_utf8_unchecked(CStr::from_ptr(self.0.value.as_string).to_bytes()))
        }
    }

    /// The bytes of typed data and their element, a `WHARF_DATA_...`; `None` for other types.
    pub fn as_bytes(&self) -> Option<(i32, &[u8])> {
        // SAFETY: the type says which member; the lengths of owned values are right.
        unsafe {
            let (element, length, start) = match self.0.r#type {
                WHARF_TYPE_TYPED_DATA => {
                    let data = self.0.value.as_typed_data;
                    (data.element, data.length, data.values)
                }
                WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA => {
                    let data = self.0.value.as_external_typed_data;
                    (data.element, data.length, data.data.cast_const())
                }
                _ => return None,
            };
            Some((element, slice_of(start, length as usize * element_size(element)?)))
        }
    }

    /// Gives bytes without an element type one, `uint8_t`: the Dart VM refuses the others.
    pub(crate) fn name_bytes(&mut self) {
        walk(&mut self.0, &mut |raw| {
            let element = match raw.r#type {
                // SAFETY: the type says which member.
                WHARF_TYPE_TYPED_DATA => unsafe { &mut raw.value.as_typed_data.element },
                WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA => {
                    // SAFETY: as above.
                    unsafe { &mut raw.value.as_external_typed_data.element }
                }
                _ => return,
            };
            if *element == WHARF_DATA_BYTES {
                *element = WHARF_DATA_UINT8;
            }
        });
    }

    /// Forgets all finalizers below, so that dropping this frees the copy alone: what is external
    /// belongs to the caller of the border again.
    pub(crate) fn disarm(&mut self) {
        walk(&mut self.0, &mut |raw| {
            if let Some((_, _, callback)) = finalizer(raw) {
                *callback = None;
            }
        });
    }
}

impl Drop for Value {
    #[inline]
    fn drop(&mut self) {
        if self.0.r#type >= WHARF_TYPE_STRING {
            // SAFETY: the value was made here, is owned by `self`, and is dropped once.
            unsafe { free_tree(&mut self.0) };
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the type says which member.
        unsafe {
            match self.0.r#type {
                WHARF_TYPE_NULL => f.write_str("null"),
                WHARF_TYPE_BOOL => self.0.truth().fmt(f),
                WHARF_TYPE_INT32 => self.0.value.as_int32.fmt(f),
                WHARF_TYPE_INT64 => self.0.value.as_int64.fmt(f),
                WHARF_TYPE_DOUBLE => self.0.value.as_double.fmt(f),
                WHARF_TYPE_SEND_PORT => write!(f, "port {:#x}", self.0.value.as_send_port.id),
                WHARF_TYPE_NATIVE_POINTER => write!(f, "{:#x}", self.0.value.as_native_pointer.ptr),
                other => match (self.as_str(), self.as_bytes(), self.as_array()) {
                    (Some(text), ..) => text.fmt(f),
                    (_, Some((element, bytes)), _) => write!(f, "data {element} {bytes:?}"),
                    (.., Some(values)) => f.debug_list().entries(values).finish(),
                    _ => write!(f, "type {other}"),
                },
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    struct Counted(Vec<u8>, Arc<AtomicUsize>);
    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_add(1, SeqCst);
        }
    }

    fn tree(drops: &Arc<AtomicUsize>) -> Value {
        let external = |bytes| Value::external(0, Counted(bytes, drops.clone())).unwrap();
        let inner = Value::array([external(vec![1, 2]), Value::int64(-3)]).unwrap();
        let text = Value::string("wörter").unwrap();
        let data = Value::typed_data(WHARF_DATA_INT16, &[1, 0, 2, 0]).unwrap();
        Value::array([inner, text, data, external(vec![]), Value::bool(true)]).unwrap()
    }

    #[test]
    fn every_finalizer_of_a_tree_runs_once() {
        let drops = Arc::new(AtomicUsize::new(0));
        let value = tree(&drops);
        assert_eq!(
            format!("{value:?}"),
            r#"[[data 0 [1, 2], -3], "wörter", data 4 [1, 0, 2, 0], data 0 [], true]"#
        );
        // SAFETY: given away and taken back at once.
        let value = unsafe { Value::from_raw(value.into_raw()) };
        assert_eq!(drops.load(SeqCst), 0);
        drop(value);
        assert_eq!(drops.load(SeqCst), 2);
    }

    #[test]
    fn an_owner_that_changes_its_mind_is_asked_once() {
        struct Shrinks(AtomicUsize);
        impl AsRef<[u8]> for Shrinks {
            fn as_ref(&self) -> &[u8] {
                if self.0.fetch_add(1, SeqCst) == 0 { &[1, 2, 3] } else { &[] }
            }
        }
        let value = Value::external(0, Shrinks(AtomicUsize::new(0))).unwrap();
        assert_eq!(value.as_bytes(), Some((0, &[1, 2, 3][..])));
    }

    #[test]
    fn depth_costs_no_stack() {
        let mut value = Value::string("leaf").unwrap();
        for _ in 0..200_000 {
            value = Value::array([value]).unwrap();
        }
        drop(value);
    }

    #[test]
    fn strings_with_nul_and_broken_elements_are_refused() {
        let error = Value::string("a\0b").unwrap_err();
        assert_eq!(error.status(), WHARF_BAD_VALUE);
        assert!(error.message().contains("byte 1"));
        assert!(Value::typed_data(WHARF_DATA_INT16, &[1, 2, 3]).is_err());
        assert!(Value::typed_data(15, &[]).is_err());
    }
}

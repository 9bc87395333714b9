//! A host's value, checked whole and then copied: nothing of it is believed before it was looked
//! at, and nothing is taken unless all of it is sound. What Rust code has made is sound; its size is
//! held to the same limits, so that one side never sends what the other could not.

use super::{Value, WHARF_VALUE_MAX_BYTES, WHARF_VALUE_MAX_COUNT, WHARF_VALUE_MAX_DEPTH, raw::*};
use crate::status::{Error, Result, WHARF_BAD_VALUE};
use std::ffi::CStr;

impl Value {
    /// Checks what `raw` points to against all that can be checked, and copies it, but for
    /// external data, which the copy shares until one of the two is given up
    /// ([`disarm`](Self::disarm)).
    ///
    /// # Errors
    ///
    /// NULL where a value, text or elements should be, an unknown type, a negative length, text
    /// that is no UTF-8, external data without a finalizer or at two places, or more than the limits
    /// allow.
    ///
    /// # Safety
    ///
    /// Pointers that are not NULL point to what the types and lengths say.
    pub(crate) unsafe fn copy_from(raw: *const wharf_value_t) -> Result<Self> {
        // SAFETY: the caller's word.
        if let Some(raw) = unsafe { raw.as_ref() } {
            if (WHARF_TYPE_NULL..WHARF_TYPE_STRING).contains(&raw.r#type) {
                // SAFETY: there is nothing to be checked: a number points nowhere.
                return unsafe { copy(raw, External::Shared) };
            }
        }
        let mut budget = Budget::default();
        // SAFETY: the caller's word is passed on.
        unsafe {
            check(raw, 0, &mut budget)?;
            budget.each_finalized_once()?;
            copy(&*raw, External::Shared)
        }
    }

    /// As [`copy_from`](Self::copy_from), but the bytes of external data are copied, too, and
    /// become typed data.
    ///
    /// # Errors
    ///
    /// As there; a native pointer can't be copied.
    ///
    /// # Safety
    ///
    /// As there.
    pub(crate) unsafe fn copy_whole(raw: *const wharf_value_t) -> Result<Self> {
        let mut budget = Budget::default();
        // SAFETY: the caller's word is passed on.
        unsafe {
            check(raw, 0, &mut budget)?;
            copy(&*raw, External::Copied)
        }
    }

    /// The value, if it may be sent: see the limits on its size.
    ///
    /// # Errors
    ///
    /// Arrays nested too deep, too many values, too many bytes; the value is dropped.
    #[inline]
    pub(crate) fn within_limits(self) -> Result<Self> {
        if self.as_raw().r#type < WHARF_TYPE_STRING { Ok(self) } else { self.measured() }
    }

    fn measured(self) -> Result<Self> {
        let mut budget = Budget::default();
        measure(&self, 0, &mut budget)?;
        Ok(self)
    }
}

/// What becomes of data that have an owner elsewhere.
#[derive(Clone, Copy, PartialEq)]
enum External {
    Shared,
    Copied,
}

struct Budget {
    count: usize,
    bytes: usize,
    /// The values in arrays that have a finalizer.
    finalized: Vec<*const wharf_value_t>,
}

impl Default for Budget {
    fn default() -> Self {
        let (count, bytes) = (WHARF_VALUE_MAX_COUNT, WHARF_VALUE_MAX_BYTES);
        Self { count, bytes, finalized: Vec::new() }
    }
}

impl Budget {
    /// A value that two arrays point to, or one array twice, is copied twice, which a finalizer that is
    /// called once does not bear.
    fn each_finalized_once(&mut self) -> Result<()> {
        let count = self.finalized.len();
        self.finalized.sort_unstable();
        self.finalized.dedup();
        if self.finalized.len() == count {
            return Ok(());
        }
        Err(bad("a value with a finalizer stands at two places, and would be freed twice"))
    }

    fn finalized(&mut self, raw: *const wharf_value_t, depth: usize) {
        if depth > 0 {
            self.finalized.push(raw);
        }
    }

    fn value(&mut self, values: usize) -> Result<()> {
        self.count = self.count.checked_sub(values).ok_or_else(|| {
            bad(format!("more than {WHARF_VALUE_MAX_COUNT} values in one message"))
        })?;
        Ok(())
    }

    fn nest(&self, depth: usize) -> Result<()> {
        if depth == WHARF_VALUE_MAX_DEPTH {
            return Err(bad(format!("arrays nested deeper than {WHARF_VALUE_MAX_DEPTH}")));
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            bad(format!("more than {WHARF_VALUE_MAX_BYTES} bytes in one message"))
        })?;
        Ok(())
    }
}

fn bad(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(WHARF_BAD_VALUE, text)
}

/// # Safety
///
/// As for [`Value::copy_from`].
unsafe fn check(raw: *const wharf_value_t, depth: usize, budget: &mut Budget) -> Result<()> {
    if raw.is_null() {
        return Err(bad("a value is NULL; the null value is one of type WHARF_TYPE_NULL"));
    }
    budget.value(1)?;
    // SAFETY: by the caller's word; the type says which member.
    unsafe {
        let raw = &*raw;
        match raw.r#type {
            WHARF_TYPE_NULL
            | WHARF_TYPE_BOOL
            | WHARF_TYPE_INT32
            | WHARF_TYPE_INT64
            | WHARF_TYPE_DOUBLE
            | WHARF_TYPE_SEND_PORT
            | WHARF_TYPE_CAPABILITY => Ok(()),
            WHARF_TYPE_STRING => {
                let string = raw.value.as_string;
                if string.is_null() {
                    return Err(bad("a string is NULL"));
                }
                let bytes = CStr::from_ptr(string).to_bytes();
                budget.bytes(bytes.len())?;
                match std::str::from_utf8(bytes) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(bad(format!("a string is not UTF-8: {error}"))),
                }
            }
            WHARF_TYPE_ARRAY => {
                let array = raw.value.as_array;
                let length = check_length(array.length, array.values.is_null())?;
                budget.nest(depth)?;
                if length > budget.count {
                    budget.value(length)?;
                }
                for value in slice_of(array.values.cast_const(), length) {
                    check(*value, depth + 1, budget)?;
                }
                Ok(())
            }
            WHARF_TYPE_TYPED_DATA => {
                let data = raw.value.as_typed_data;
                budget.bytes(check_elements(data.element, data.length, data.values.is_null())?)
            }
            WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA => {
                let data = raw.value.as_external_typed_data;
                check_elements(data.element, data.length, data.data.is_null())?;
                budget.finalized(raw, depth);
                check_finalizer(data.callback)
            }
            WHARF_TYPE_NATIVE_POINTER => {
                budget.finalized(raw, depth);
                check_finalizer(raw.value.as_native_pointer.callback)
            }
            other => Err(bad(format!("{other} is no type of value that can be sent"))),
        }
    }
}

/// As [`check`], of a value whose pointers are right.
fn measure(value: &Value, depth: usize, budget: &mut Budget) -> Result<()> {
    budget.value(1)?;
    match value.as_raw().r#type {
        WHARF_TYPE_STRING => budget.bytes(value.as_str().map_or(0, str::len)),
        WHARF_TYPE_TYPED_DATA => budget.bytes(value.as_bytes().map_or(0, |(_, data)| data.len())),
        WHARF_TYPE_ARRAY => {
            budget.nest(depth)?;
            let mut values = value.as_array().into_iter().flatten();
            values.try_for_each(|value| measure(value, depth + 1, budget))
        }
        _ => Ok(()),
    }
}

fn check_length(length: isize, null: bool) -> Result<usize> {
    match usize::try_from(length) {
        Err(_) => Err(bad(format!("a length is {length}"))),
        Ok(1..) if null => Err(bad(format!("{length} elements at NULL"))),
        Ok(length) => Ok(length),
    }
}

fn check_elements(element: i32, length: isize, null: bool) -> Result<usize> {
    let length = check_length(length, null)?;
    element_size(element)
        .ok_or_else(|| bad(format!("no element type has number {element}")))?
        .checked_mul(length)
        .filter(|bytes| isize::try_from(*bytes).is_ok())
        .ok_or_else(|| bad(format!("{length} elements are more than there is memory")))
}

fn check_finalizer(callback: wharf_finalizer_t) -> Result<()> {
    match callback {
        Some(_) => Ok(()),
        None => Err(bad("external data without a finalizer: nobody could free them")),
    }
}

/// # Safety
///
/// `raw` has passed [`check`].
unsafe fn copy(raw: &wharf_value_t, external: External) -> Result<Value> {
    // SAFETY: the type says which member, and all was checked.
    unsafe {
        Ok(match raw.r#type {
            WHARF_TYPE_NULL => Value::NULL,
            WHARF_TYPE_BOOL => Value::bool(raw.truth()),
            WHARF_TYPE_INT32 => Value::int32(raw.value.as_int32),
            WHARF_TYPE_STRING => {
                let text = CStr::from_ptr(raw.value.as_string).to_owned();
                Value::from_raw(wharf_value_t::string(text.into_raw()))
            }
            WHARF_TYPE_ARRAY => {
                let array = raw.value.as_array;
                // Copies already made are disarmed on failure: their owner keeps them.
                let mut copies = Vec::with_capacity(array.length as usize);
                for value in slice_of(array.values.cast_const(), array.length as usize) {
                    match copy(&**value, external) {
                        Ok(value) => copies.push(value),
                        Err(error) => {
                            copies.iter_mut().for_each(Value::disarm);
                            return Err(error);
                        }
                    }
                }
                Value::array(copies)?
            }
            WHARF_TYPE_TYPED_DATA => {
                let data = raw.value.as_typed_data;
                let bytes = data.length as usize * element_size(data.element).unwrap_or(0);
                Value::typed_data(data.element, slice_of(data.values, bytes))?
            }
            WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA
                if external == External::Copied =>
            {
                let data = raw.value.as_external_typed_data;
                let bytes = data.length as usize * element_size(data.element).unwrap_or(0);
                Value::typed_data(data.element, slice_of(data.data.cast_const(), bytes))?
            }
            WHARF_TYPE_NATIVE_POINTER if external == External::Copied => {
                return Err(bad("what a native pointer points to can't be copied"));
            }
            // What is left holds no memory of its own, or is external: shared for now.
            _ => Value::from_raw(*raw),
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::ffi::c_void;

    fn refusal(raw: &wharf_value_t) -> String {
        // SAFETY: the tests build what they say.
        let error = unsafe { Value::copy_from(raw) }.unwrap_err();
        assert_eq!(error.status(), WHARF_BAD_VALUE);
        error.message().to_owned()
    }

    #[test]
    fn hostile_values_are_refused_with_the_reason() {
        assert!(refusal(&wharf_value_t::string(std::ptr::null())).contains("NULL"));
        assert!(refusal(&wharf_value_t::string(c"\xff".as_ptr())).contains("UTF-8"));
        assert!(refusal(&wharf_value_t::new(12, wharf_payload_t { as_int64: 0 })).contains("12"));
        assert!(refusal(&wharf_value_t::array(usize::MAX, std::ptr::null_mut())).contains("-1"));
        assert!(refusal(&wharf_value_t::array(3, std::ptr::null_mut())).contains("at NULL"));
        let mut null = std::ptr::null_mut();
        assert!(refusal(&wharf_value_t::array(1, &mut null)).contains("NULL"));
        let many = wharf_value_t::array(WHARF_VALUE_MAX_COUNT, std::ptr::dangling_mut());
        assert!(refusal(&many).contains("values in one message"));
        let external = wharf_external_typed_data_t {
            element: 0,
            length: 0,
            data: std::ptr::null_mut(),
            peer: std::ptr::null_mut(),
            callback: None,
        };
        let payload = wharf_payload_t { as_external_typed_data: external };
        assert!(refusal(&wharf_value_t::new(8, payload)).contains("finalizer"));
    }

    #[test]
    fn depth_is_limited_at_n_and_n_plus_one() {
        let mut leaf = wharf_value_t::NULL;
        let mut values = Vec::with_capacity(WHARF_VALUE_MAX_DEPTH + 1);
        let mut pointers: Vec<Box<*mut wharf_value_t>> = vec![Box::new(&mut leaf)];
        for depth in 1..=WHARF_VALUE_MAX_DEPTH + 1 {
            let array = wharf_value_t::array(1, &mut **pointers.last_mut().unwrap());
            values.push(Box::new(array));
            let whole = &mut **values.last_mut().unwrap();
            // SAFETY: all nodes are alive.
            let copied = unsafe { Value::copy_from(whole) };
            assert_eq!(copied.is_ok(), depth <= WHARF_VALUE_MAX_DEPTH, "at depth {depth}");
            pointers.push(Box::new(whole));
        }
    }

    #[test]
    fn the_count_is_limited_at_n_and_n_plus_one() {
        let mut leaf = wharf_value_t::NULL;
        for (length, fits) in [(WHARF_VALUE_MAX_COUNT - 1, true), (WHARF_VALUE_MAX_COUNT, false)] {
            let mut pointers = vec![&raw mut leaf; length];
            let array = wharf_value_t::array(length, pointers.as_mut_ptr());
            // SAFETY: the nodes are alive.
            assert_eq!(unsafe { Value::copy_from(&array) }.is_ok(), fits, "{length} in an array");
        }
    }

    #[test]
    fn bytes_are_limited_at_n_and_n_plus_one_over_the_whole_value() {
        const LIMIT: usize = 10;
        for (in_data, fits) in [(LIMIT - 3, true), (LIMIT - 2, false)] {
            let mut text = wharf_value_t::string(c"abc".as_ptr());
            let bytes = vec![0u8; in_data];
            let typed = wharf_typed_data_t {
                element: WHARF_DATA_UINT8,
                length: in_data as isize,
                values: bytes.as_ptr(),
            };
            let payload = wharf_payload_t { as_typed_data: typed };
            let mut data = wharf_value_t::new(WHARF_TYPE_TYPED_DATA, payload);
            let mut both = [&raw mut text, &raw mut data];
            let array = wharf_value_t::array(2, both.as_mut_ptr());
            let mut budget = Budget { count: 3, bytes: LIMIT, finalized: Vec::new() };
            // SAFETY: the nodes are alive.
            assert_eq!(unsafe { check(&array, 0, &mut budget) }.is_ok(), fits);
        }
    }

    #[test]
    fn what_rust_has_made_is_held_to_the_same_limits() {
        let nest = |mut value, depth| {
            for _ in 0..depth {
                value = Value::array([value]).unwrap();
            }
            value
        };
        let may = |value: Value| value.within_limits().map(drop);
        let deep = |depth| may(nest(Value::string("leaf").unwrap(), depth));
        assert!(deep(WHARF_VALUE_MAX_DEPTH).is_ok());
        for depth in [WHARF_VALUE_MAX_DEPTH + 1, 200_000] {
            let error = deep(depth).unwrap_err();
            assert_eq!(error.status(), WHARF_BAD_VALUE);
            assert!(error.message().contains("nested deeper than 64"), "{error}");
        }
        let wide =
            |count| may(Value::array(std::iter::repeat_with(|| Value::NULL).take(count)).unwrap());
        assert!(wide(WHARF_VALUE_MAX_COUNT - 1).is_ok());
        assert!(
            wide(WHARF_VALUE_MAX_COUNT).unwrap_err().message().contains("values in one message")
        );
        for (limit, fits) in [(10, true), (9, false)] {
            let data = Value::typed_data(WHARF_DATA_INT16, &[0; 6]).unwrap();
            let value = Value::array([Value::string("quay").unwrap(), data]).unwrap();
            let mut budget = Budget { count: 3, bytes: limit, finalized: Vec::new() };
            assert_eq!(measure(&value, 0, &mut budget).is_ok(), fits);
        }
    }

    #[test]
    fn elements_beyond_the_address_space_are_refused() {
        let at = |length| {
            let mut data = wharf_typed_data_t {
                element: WHARF_DATA_FLOAT64X2,
                length,
                values: std::ptr::null(),
            };
            data.values = std::ptr::dangling();
            wharf_value_t::new(WHARF_TYPE_TYPED_DATA, wharf_payload_t { as_typed_data: data })
        };
        assert!(refusal(&at(isize::MAX / 16 + 1)).contains("memory"));
        assert!(refusal(&at(isize::MIN)).contains("length"));
        assert!(refusal(&at((WHARF_VALUE_MAX_BYTES / 16 + 1) as isize)).contains("bytes"));
    }

    #[test]
    fn a_disarmed_copy_leaves_external_data_to_their_owner() {
        unsafe extern "C" fn count(_: *mut c_void, peer: *mut c_void) {
            // SAFETY: the peer is the test's counter.
            unsafe { *peer.cast::<u32>() += 1 };
        }
        let mut count_of = 0u32;
        let peer = (&raw mut count_of).cast();
        let external = wharf_external_typed_data_t {
            element: 0,
            length: 0,
            data: std::ptr::null_mut(),
            peer,
            callback: Some(count),
        };
        let raw = wharf_value_t::new(8, wharf_payload_t { as_external_typed_data: external });
        // SAFETY: the node is sound.
        let mut copied = unsafe { Value::copy_from(&raw) }.unwrap();
        copied.disarm();
        drop(copied);
        assert_eq!(count_of, 0);
        // SAFETY: the node is sound.
        drop(unsafe { Value::copy_from(&raw) }.unwrap());
        assert_eq!(count_of, 1);
    }
}

//! Rust types to values and back.

use super::{Bytes, Value, raw::*};
use crate::{
    failure::Failure,
    status::{Error, Result, WHARF_BAD_VALUE},
};
use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// What can be sent to a host.
///
/// | Rust | value |
/// | --- | --- |
/// | `()`, `None` | null |
/// | `bool` | bool |
/// | `i8` to `i32`, `u8`, `u16` | int32 |
/// | `i64`, `u32`, `u64`, `isize`, `usize`, `i128`, `u128` | int64; an error where it does not fit |
/// | `f32`, `f64` | double |
/// | `String`, `&str`, `Box<str>`, `Cow<str>`, `char` | string |
/// | IP and socket addresses | string |
/// | `Vec` and `Box<[_]>` of an integer or float, [`Bytes`] | external typed data, not copied |
/// | `&[_]` of an integer or float | typed data, copied |
/// | other `Vec`, arrays, tuples up to twelve, sets | array |
/// | maps | array of arrays of key and value |
/// | `Result` inside another value | array of true and the value, or of false, the error's code and an array of its texts |
/// | `Duration` | int64: nanoseconds |
/// | `SystemTime` | int64: nanoseconds since 1970, negative before |
/// | `Box<T>`, `Option<T>` | as `T` |
/// | [`SendPort`](crate::SendPort) | send port |
/// | `uuid::Uuid` (feature `uuid`) | string, with hyphens |
/// | `chrono::DateTime` (feature `chrono`) | int64: nanoseconds since 1970 |
/// | `chrono::TimeDelta` | int64: nanoseconds |
/// | `chrono::NaiveDate`, `NaiveTime`, `NaiveDateTime` | string, as in ISO 8601 |
///
/// For a type of your own, say what array its members make:
///
/// ```
/// use wharf_ffi::{IntoValue, Result, Value};
///
/// struct Page { status: u16, body: Vec<u8> }
///
/// impl IntoValue for Page {
///     fn into_value(self) -> Result<Value> {
///         (self.status, self.body).into_value()
///     }
/// }
/// # let value = Page { status: 200, body: vec![1] }.into_value().unwrap();
/// # assert_eq!(format!("{value:?}"), "[200, data 2 [1]]");
/// ```
pub trait IntoValue: Sized {
    /// What a header says of the value, in C: an `enum` that names the parts of an array, say (see
    /// [`c_enum!`](crate::c_enum)). Each library with an exported function that returns the type
    /// carries it in its description.
    const C: &'static str = "";

    /// The same of the errors beside it.
    #[doc(hidden)]
    const ERROR_C: &'static str = "";

    /// The value for the host.
    ///
    /// # Errors
    ///
    /// What does not fit: an integer above 64 bits, a string with a NUL inside.
    fn into_value(self) -> Result<Value>;

    /// What a task that returns this ends with. Only `Result` has anything to say here.
    #[doc(hidden)]
    fn into_outcome(self) -> Result<Value, Failure> {
        self.into_value().map_err(Failure::from)
    }

    /// A whole vector; numbers do better than an array here.
    #[doc(hidden)]
    fn vec_into_value(vec: Vec<Self>) -> Result<Value> {
        Value::array(vec.into_iter().map(Self::into_value).collect::<Result<Vec<_>>>()?)
    }
}

/// What can be made from a value of a host's: the types of [`IntoValue`], where the value holds
/// one that fits.
pub trait FromValue: Sized {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// The value is of another type, or out of range.
    fn from_value(value: Value) -> Result<Self>;

    /// A whole vector.
    #[doc(hidden)]
    fn vec_from_value(value: Value) -> Result<Vec<Self>> {
        elements(value)?.into_iter().map(Self::from_value).collect()
    }
}

pub(super) fn mismatch(wanted: &str, value: &Value) -> Error {
    let mut found = Beginning(String::new(), 40);
    let more = if write!(found, "{value:?}").is_err() { "…" } else { "" };
    Error::new(WHARF_BAD_VALUE, format!("{wanted} was expected, not {}{more}", found.0))
}

/// The first so many characters of what is written, which then fails: a host's value may be huge.
struct Beginning(String, usize);

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            self.1 = self.1.checked_sub(1).ok_or(fmt::Error)?;
            self.0.push(char);
        }
        Ok(())
    }
}

/// Takes an array apart.
pub(super) fn elements(value: Value) -> Result<Vec<Value>> {
    if value.as_raw().r#type != WHARF_TYPE_ARRAY {
        return Err(mismatch("an array", &value));
    }
    // SAFETY: the type says which member; each element is moved out and replaced by null, so that
    // the array, which is dropped here, frees it no more.
    unsafe {
        let array = value.as_raw().value.as_array;
        Ok(slice_of(array.values.cast_const(), array.length as usize)
            .iter()
            .map(|at| Value::from_raw(std::mem::take(&mut **at)))
            .collect())
    }
}

/// The integer in a value of either width.
pub(super) fn integer(value: &Value) -> Result<i64> {
    let raw = value.as_raw();
    // SAFETY: the type says which member.
    unsafe {
        match raw.r#type {
            WHARF_TYPE_INT32 => Ok(i64::from(raw.value.as_int32)),
            WHARF_TYPE_INT64 => Ok(raw.value.as_int64),
            _ => Err(mismatch("an integer", value)),
        }
    }
}

pub(super) fn int64<T: TryInto<i64> + std::fmt::Display + Copy>(value: T) -> Result<Value> {
    value.try_into().map(Value::int64).map_err(|_| {
        Error::new(WHARF_BAD_VALUE, format!("{value} does not fit into 64 bits with a sign"))
    })
}

/// Moves a vector of numbers out as it is.
struct Elements<T>(Vec<T>);

impl<T: Copy + Send> AsRef<[u8]> for Elements<T> {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: only made for integers and floats, which have no padding.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), size_of_val(&*self.0)) }
    }
}

macro_rules! number {
    ($($type:ty, $element:ident, $into:expr, $from:expr;)*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Result<Value> {
                #[allow(clippy::redundant_closure_call, reason = "one macro for all numbers")]
                ($into)(self)
            }

            fn vec_into_value(vec: Vec<Self>) -> Result<Value> {
                Value::external($element, Elements(vec))
            }
        }

        impl IntoValue for &[$type] {
            fn into_value(self) -> Result<Value> {
                // SAFETY: a number has no padding.
                Value::typed_data($element, unsafe {
                    std::slice::from_raw_parts(self.as_ptr().cast(), size_of_val(self))
                })
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                #[allow(clippy::redundant_closure_call, reason = "one macro for all numbers")]
                ($from)(&value)
            }

            fn vec_from_value(value: Value) -> Result<Vec<Self>> {
                match value.as_bytes() {
                    Some(($element, bytes)) => Ok(bytes
                        .chunks_exact(size_of::<$type>())
                        // The pattern above says that there are as many bytes as fit.
                        .map(|chunk| <$type>::from_ne_bytes(chunk.try_into().unwrap()))
                        .collect()),
                    Some(_) => Err(mismatch(concat!("data of ", stringify!($type)), &value)),
                    None => elements(value)?.into_iter().map(Self::from_value).collect(),
                }
            }
        }
    )*};
}

macro_rules! narrow {
    ($type:ty) => {
        |value: &Value| integer(value)?.try_into().map_err(|_| mismatch(stringify!($type), value))
    };
}

fn float(value: &Value) -> Result<f64> {
    let raw = value.as_raw();
    if raw.r#type == WHARF_TYPE_DOUBLE {
        // SAFETY: the type says which member.
        return Ok(unsafe { raw.value.as_double });
    }
    integer(value).map(|value| value as f64).map_err(|_| mismatch("a number", value))
}

number! {
    i8, WHARF_DATA_INT8, |v| Ok(Value::int32(i32::from(v))), narrow!(i8);
    u8, WHARF_DATA_UINT8, |v| Ok(Value::int32(i32::from(v))), narrow!(u8);
    i16, WHARF_DATA_INT16, |v| Ok(Value::int32(i32::from(v))), narrow!(i16);
    u16, WHARF_DATA_UINT16, |v| Ok(Value::int32(i32::from(v))), narrow!(u16);
    i32, WHARF_DATA_INT32, |v| Ok(Value::int32(v)), narrow!(i32);
    u32, WHARF_DATA_UINT32, int64, narrow!(u32);
    i64, WHARF_DATA_INT64, int64, narrow!(i64);
    u64, WHARF_DATA_UINT64, int64, narrow!(u64);
    f32, WHARF_DATA_FLOAT32, |v| Ok(Value::double(f64::from(v))), |v| Ok(float(v)? as f32);
    f64, WHARF_DATA_FLOAT64, |v| Ok(Value::double(v)), float;
}

macro_rules! wide {
    ($($type:ty)*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Result<Value> {
                int64(self)
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                (narrow!($type))(&value)
            }
        }
    )*};
}

wide! { isize usize i128 u128 }

impl IntoValue for Value {
    fn into_value(self) -> Result<Value> {
        Ok(self)
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self> {
        Ok(value)
    }
}

impl IntoValue for () {
    fn into_value(self) -> Result<Value> {
        Ok(Value::NULL)
    }
}

impl FromValue for () {
    fn from_value(value: Value) -> Result<Self> {
        match value.as_raw().r#type {
            WHARF_TYPE_NULL => Ok(()),
            _ => Err(mismatch("null", &value)),
        }
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Result<Value> {
        Ok(Value::bool(self))
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self> {
        match value.as_raw().r#type {
            WHARF_TYPE_BOOL => Ok(value.as_raw().truth()),
            _ => Err(mismatch("a bool", &value)),
        }
    }
}

impl IntoValue for String {
    fn into_value(self) -> Result<Value> {
        Value::string(self)
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Result<Value> {
        Value::string(self)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self> {
        value.as_str().map(str::to_owned).ok_or_else(|| mismatch("a string", &value))
    }
}

impl IntoValue for Box<str> {
    fn into_value(self) -> Result<Value> {
        Value::string(self)
    }
}

impl FromValue for Box<str> {
    fn from_value(value: Value) -> Result<Self> {
        String::from_value(value).map(String::into_boxed_str)
    }
}

impl IntoValue for Cow<'_, str> {
    fn into_value(self) -> Result<Value> {
        Value::string(self)
    }
}

impl IntoValue for char {
    fn into_value(self) -> Result<Value> {
        Value::string(self)
    }
}

impl FromValue for char {
    fn from_value(value: Value) -> Result<Self> {
        let mut chars = value.as_str().unwrap_or_default().chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(mismatch("one character", &value)),
        }
    }
}

impl IntoValue for Bytes {
    fn into_value(self) -> Result<Value> {
        Ok(self.into_inner())
    }
}

impl FromValue for Bytes {
    fn from_value(value: Value) -> Result<Self> {
        Self::of_bytes(value).map_err(|value| mismatch("bytes", &value))
    }
}

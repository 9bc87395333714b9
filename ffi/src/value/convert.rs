//! Rust types to values and back.

use super::{Bytes, Value, raw::*};
use crate::{
    failure::{Failure, IntoFailure},
    status::{Error, Result, WHARF_BAD_VALUE},
};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
    time::{Duration, SystemTime, UNIX_EPOCH},
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
/// | `String`, `&str`, `char`, IP and socket addresses | string |
/// | `Vec` and `Box<[_]>` of an integer or float, [`Bytes`] | external typed data, not copied |
/// | `&[_]` of an integer or float | typed data, copied |
/// | other `Vec`, arrays, tuples | array |
/// | maps | array of arrays of key and value |
/// | `Result` inside another value | array of a bool (true for `Ok`) and the value or error |
/// | `Duration` | int64: nanoseconds |
/// | `SystemTime` | int64: nanoseconds since 1970, negative before |
/// | `Box<T>`, `Option<T>` | as `T` |
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
    let mut found = format!("{value:?}");
    if let Some((end, _)) = found.char_indices().nth(40) {
        found.truncate(end);
        found.push('…');
    }
    Error::new(WHARF_BAD_VALUE, format!("{wanted} was expected, not {found}"))
}

/// Takes an array apart.
fn elements(value: Value) -> Result<Vec<Value>> {
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
fn integer(value: &Value) -> Result<i64> {
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

fn int64<T: TryInto<i64> + std::fmt::Display + Copy>(value: T) -> Result<Value> {
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
        Self::from_value(value).map_err(|value| mismatch("bytes", &value))
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Result<Value> {
        T::vec_into_value(self)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self> {
        T::vec_from_value(value)
    }
}

impl<T: IntoValue, const N: usize> IntoValue for [T; N] {
    fn into_value(self) -> Result<Value> {
        Vec::from(self).into_value()
    }
}

impl<T: FromValue, const N: usize> FromValue for [T; N] {
    fn from_value(value: Value) -> Result<Self> {
        let vec = T::vec_from_value(value)?;
        let found = vec.len();
        vec.try_into().map_err(|_| {
            Error::new(WHARF_BAD_VALUE, format!("{N} elements were expected, not {found}"))
        })
    }
}

impl<T: IntoValue> IntoValue for Box<[T]> {
    fn into_value(self) -> Result<Value> {
        self.into_vec().into_value()
    }
}

impl<T: IntoValue> IntoValue for Box<T> {
    fn into_value(self) -> Result<Value> {
        (*self).into_value()
    }
}

impl<T: FromValue> FromValue for Box<T> {
    fn from_value(value: Value) -> Result<Self> {
        T::from_value(value).map(Box::new)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Result<Value> {
        self.map_or(Ok(Value::NULL), T::into_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value.as_raw().r#type {
            WHARF_TYPE_NULL => Ok(None),
            _ => T::from_value(value).map(Some),
        }
    }
}

impl<T: IntoValue, E: IntoFailure> IntoValue for Result<T, E> {
    fn into_value(self) -> Result<Value> {
        match self {
            Ok(value) => Value::array([Value::bool(true), value.into_value()?]),
            Err(error) => Value::array([Value::bool(false), error.into_failure().into_value()?]),
        }
    }

    fn into_outcome(self) -> Result<Value, Failure> {
        self.map_err(E::into_failure)?.into_value().map_err(Failure::from)
    }
}

impl IntoValue for Duration {
    fn into_value(self) -> Result<Value> {
        int64(self.as_nanos())
    }
}

impl FromValue for Duration {
    fn from_value(value: Value) -> Result<Self> {
        u64::from_value(value).map(Duration::from_nanos)
    }
}

impl IntoValue for SystemTime {
    fn into_value(self) -> Result<Value> {
        match self.duration_since(UNIX_EPOCH) {
            Ok(since) => since.into_value(),
            Err(before) => {
                int64(-i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX))
            }
        }
    }
}

impl FromValue for SystemTime {
    fn from_value(value: Value) -> Result<Self> {
        let nanos = integer(&value)?;
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        let time = if nanos < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        time.ok_or_else(|| mismatch("a time that this system can tell", &value))
    }
}

macro_rules! map {
    ($map:ident, $($of_key:path),* ; $($hasher:ident)?) => {
        impl<K: IntoValue, V: IntoValue $(, $hasher)?> IntoValue for $map<K, V $(, $hasher)?> {
            fn into_value(self) -> Result<Value> {
                let pairs: Result<Vec<_>> = self.into_iter().map(IntoValue::into_value).collect();
                Value::array(pairs?)
            }
        }

        impl<K: FromValue $(+ $of_key)*, V: FromValue $(, $hasher: BuildHasher + Default)?>
            FromValue for $map<K, V $(, $hasher)?>
        {
            fn from_value(value: Value) -> Result<Self> {
                elements(value)?.into_iter().map(<(K, V)>::from_value).collect()
            }
        }
    };
}

map!(HashMap, Eq, Hash; S);
map!(BTreeMap, Ord;);

macro_rules! tuple {
    ($count:literal: $($name:ident)*) => {
        impl<$($name: IntoValue),*> IntoValue for ($($name,)*) {
            fn into_value(self) -> Result<Value> {
                #[allow(non_snake_case, reason = "a type and its value share a name")]
                let ($($name,)*) = self;
                Value::array([$($name.into_value()?),*])
            }
        }

        impl<$($name: FromValue),*> FromValue for ($($name,)*) {
            fn from_value(value: Value) -> Result<Self> {
                let found = elements(value)?;
                let count = found.len();
                if count != $count {
                    let text = format!("{} elements were expected, not {count}", $count);
                    return Err(Error::new(WHARF_BAD_VALUE, text));
                }
                let mut found = found.into_iter();
                // As many as were counted.
                Ok(($($name::from_value(found.next().unwrap())?,)*))
            }
        }
    };
}

tuple!(1: A);
tuple!(2: A B);
tuple!(3: A B C);
tuple!(4: A B C D);
tuple!(5: A B C D E);
tuple!(6: A B C D E F);
tuple!(7: A B C D E F G);
tuple!(8: A B C D E F G H);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn round<T: IntoValue + FromValue + Clone + PartialEq + std::fmt::Debug>(value: T) {
        let there = value.clone().into_value().unwrap();
        assert_eq!(T::from_value(there).unwrap(), value);
    }

    #[test]
    fn what_goes_out_comes_back() {
        round(());
        round(true);
        round(i8::MIN);
        round(u16::MAX);
        round(u32::MAX);
        round(i64::MIN);
        round(usize::MAX >> 1);
        round(1.5f32);
        round(-0.1f64);
        round("ünï".to_owned());
        round('ß');
        round(vec![1u8, 2, 3]);
        round(vec![1.5f64, 2.5]);
        round(Vec::<i32>::new());
        round(vec!["a".to_owned(), "b".to_owned()]);
        round([1i64, 2, 3]);
        round((1i32, "two".to_owned(), 3.0));
        round(Some(5));
        round(None::<i32>);
        round(Box::new(7u8));
        round(Duration::new(3, 14));
        round(UNIX_EPOCH - Duration::from_nanos(5));
        round(SystemTime::now());
        round(BTreeMap::from([(1, "x".to_owned()), (2, "y".to_owned())]));
        round(HashMap::<String, Vec<u8>>::from([("k".to_owned(), vec![9])]));
        round("::1".parse::<std::net::IpAddr>().unwrap());
        round("1.2.3.4:80".parse::<std::net::SocketAddr>().unwrap());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!((i64::MAX as u64 + 1).into_value().is_err());
        assert!(u8::from_value(Value::int32(256)).is_err());
        assert!(u64::from_value(Value::int64(-1)).is_err());
        assert!(String::from_value(Value::NULL).is_err());
        assert!(<(i32, i32)>::from_value((1, 2, 3).into_value().unwrap()).is_err());
        assert!(Vec::<u16>::from_value(vec![1u8].into_value().unwrap()).is_err());
        assert!(char::from_value("ab".into_value().unwrap()).is_err());
    }

    #[test]
    fn a_vector_of_numbers_is_not_copied() {
        let vec = vec![7u64; 100];
        let at = vec.as_ptr();
        let value = vec.into_value().unwrap();
        assert_eq!(value.as_bytes().unwrap().1.as_ptr(), at.cast());
    }
}

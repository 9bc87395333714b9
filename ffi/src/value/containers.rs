//! Rust types that hold others, to values and back.

use super::{FromValue, IntoValue, Value, convert::elements, raw::*};
use crate::{
    failure::{Failure, IntoFailure},
    status::{Error, Result, WHARF_BAD_VALUE},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{BuildHasher, Hash},
};

impl<T: IntoValue> IntoValue for Vec<T> {
    const C: &'static str = T::C;

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

impl<T: FromValue> FromValue for Box<[T]> {
    fn from_value(value: Value) -> Result<Self> {
        T::vec_from_value(value).map(Vec::into_boxed_slice)
    }
}

impl<T: IntoValue> IntoValue for Box<T> {
    const C: &'static str = T::C;

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
    const C: &'static str = T::C;

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
    const C: &'static str = T::C;
    const ERROR_C: &'static str = E::C;

    fn into_value(self) -> Result<Value> {
        match self.map_err(E::into_failure) {
            Ok(value) => (true, value).into_value(),
            Err(failure) => (false, failure.code(), failure).into_value(),
        }
    }

    fn into_outcome(self) -> Result<Value, Failure> {
        self.map_err(E::into_failure)?.into_value().map_err(Failure::from)
    }
}

impl<T: FromValue> FromValue for Result<T, Failure> {
    fn from_value(value: Value) -> Result<Self> {
        let mut parts = elements(value)?.into_iter();
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        match (first.map(bool::from_value), second, third, parts.next()) {
            (Some(Ok(true)), Some(value), None, None) => T::from_value(value).map(Ok),
            (Some(Ok(false)), Some(code), Some(texts), None) => {
                Failure::from_parts(i32::from_value(code)?, Vec::from_value(texts)?).map(Err)
            }
            _ => Err(Error::new(WHARF_BAD_VALUE, "an array that tells a result was expected")),
        }
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

macro_rules! set {
    ($set:ident, $($of:path),* ; $($hasher:ident)?) => {
        impl<T: IntoValue $(, $hasher)?> IntoValue for $set<T $(, $hasher)?> {
            fn into_value(self) -> Result<Value> {
                T::vec_into_value(self.into_iter().collect())
            }
        }

        impl<T: FromValue $(+ $of)* $(, $hasher: BuildHasher + Default)?> FromValue
            for $set<T $(, $hasher)?>
        {
            fn from_value(value: Value) -> Result<Self> {
                Ok(T::vec_from_value(value)?.into_iter().collect())
            }
        }
    };
}

set!(HashSet, Eq, Hash; S);
set!(BTreeSet, Ord;);

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
tuple!(9: A B C D E F G H I);
tuple!(10: A B C D E F G H I J);
tuple!(11: A B C D E F G H I J K);
tuple!(12: A B C D E F G H I J K L);

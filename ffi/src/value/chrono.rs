//! Feature `chrono`: moments and spans as nanoseconds, like those of the standard library; dates and
//! times of day, which name no moment, as strings in the way of ISO 8601.

use super::{
    FromValue, IntoValue, Value,
    convert::{integer, mismatch},
};
use crate::status::{Error, Result, WHARF_BAD_VALUE};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

impl<Z: TimeZone> IntoValue for DateTime<Z> {
    fn into_value(self) -> Result<Value> {
        let nanos = self.timestamp_nanos_opt();
        nanos.map(Value::int64).ok_or_else(|| {
            let text = format!("{:?} is too far from 1970 for nanoseconds", self.naive_utc());
            Error::new(WHARF_BAD_VALUE, text)
        })
    }
}

impl FromValue for DateTime<Utc> {
    fn from_value(value: Value) -> Result<Self> {
        integer(&value).map(Self::from_timestamp_nanos)
    }
}

impl IntoValue for TimeDelta {
    fn into_value(self) -> Result<Value> {
        self.num_nanoseconds().map(Value::int64).ok_or_else(|| {
            Error::new(WHARF_BAD_VALUE, format!("{self} is too long for nanoseconds"))
        })
    }
}

impl FromValue for TimeDelta {
    fn from_value(value: Value) -> Result<Self> {
        integer(&value).map(Self::nanoseconds)
    }
}

macro_rules! as_text {
    ($($type:ty, $format:literal;)*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Result<Value> {
                Value::string(format!($format, self))
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                let parsed = value.as_str().and_then(|text| text.parse().ok());
                parsed.ok_or_else(|| mismatch(stringify!($type), &value))
            }
        }
    )*};
}

// A `NaiveDateTime` reads what its `Debug` writes, with a T in the middle; its `Display` has a blank.
as_text! {
    NaiveDate, "{}";
    NaiveTime, "{}";
    NaiveDateTime, "{:?}";
}

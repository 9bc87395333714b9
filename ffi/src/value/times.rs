//! Times and durations as nanoseconds.

use super::{
    FromValue, IntoValue, Value,
    convert::{int64, integer, mismatch},
};
use crate::status::Result;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

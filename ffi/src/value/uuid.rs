//! Feature `uuid`: identifiers as strings with hyphens.

use super::{FromValue, IntoValue, Value};
use crate::status::{Error, Result, WHARF_BAD_VALUE};
use uuid::Uuid;

impl IntoValue for Uuid {
    fn into_value(self) -> Result<Value> {
        Value::string(self.to_string())
    }
}

impl FromValue for Uuid {
    fn from_value(value: Value) -> Result<Self> {
        let text = String::from_value(value)?;
        Self::parse_str(&text)
            .map_err(|error| Error::new(WHARF_BAD_VALUE, format!("{text:?} is no UUID: {error}")))
    }
}

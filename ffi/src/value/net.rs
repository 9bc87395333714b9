//! Network addresses as strings.

use super::{FromValue, IntoValue, Value};
use crate::status::{Error, Result, WHARF_BAD_VALUE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

macro_rules! as_text {
    ($($type:ty)*) => {$(
        impl IntoValue for $type {
            fn into_value(self) -> Result<Value> {
                Value::string(self.to_string())
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self> {
                let text = String::from_value(value)?;
                text.parse().map_err(|error| {
                    Error::new(WHARF_BAD_VALUE, format!("{text:?} is no address: {error}"))
                })
            }
        }
    )*};
}

as_text! { IpAddr Ipv4Addr Ipv6Addr SocketAddr SocketAddrV4 SocketAddrV6 }

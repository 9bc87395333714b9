//! Conversions there and back, at the limits, and of what does not fit.

use super::{FromValue, IntoValue, SendPort, Value, raw::*};
use crate::{Bytes, Failure};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Debug,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

fn round<T: IntoValue + FromValue + Clone + PartialEq + Debug>(value: T) {
    let there = value.clone().into_value().unwrap();
    assert_eq!(T::from_value(there).unwrap(), value);
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        round(<$type>::MIN);
        round(<$type>::MAX);
        round(0 as $type);
        round(vec![<$type>::MIN, 1, <$type>::MAX]);
        round([<$type>::MAX; 3]);
        round(Vec::<$type>::new());
        round(vec![1 as $type].into_boxed_slice());
    )*};
}

#[test]
fn numbers() {
    integers! { i8 u8 i16 u16 i32 u32 i64 }
    round(u64::MAX >> 1);
    // Typed data hold what one integer with a sign can't.
    round(vec![u64::MAX, 0]);
    round(isize::MAX);
    round(usize::MAX >> 1);
    round(i128::from(i64::MIN));
    round(u128::from(i64::MAX as u64));
    round(vec![1usize, 2]);
    for float in [0.0, -0.0, 1.5, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
        round(float);
        round(float as f32);
    }
    round(vec![1.5f32, -2.5]);
    round(vec![1.5f64, -2.5]);
    assert!(f64::from_value(f64::NAN.into_value().unwrap()).unwrap().is_nan());
    // A host that has no other numbers sends whole ones.
    assert_eq!(f64::from_value(Value::int32(3)).unwrap(), 3.0);
}

#[test]
fn texts_and_addresses() {
    for text in ["", "ünï", "😀", "a\u{7f}\n"] {
        round(text.to_owned());
        round(text.to_owned().into_boxed_str());
        assert_eq!(String::from_value(Cow::Borrowed(text).into_value().unwrap()).unwrap(), text);
        assert_eq!(String::from_value(text.into_value().unwrap()).unwrap(), text);
    }
    round('ß');
    round(char::MAX);
    round(vec!['a', 'b']);
    round(Ipv4Addr::BROADCAST);
    round(Ipv6Addr::LOCALHOST);
    round("::1".parse::<IpAddr>().unwrap());
    round("1.2.3.4:80".parse::<SocketAddr>().unwrap());
    round("[::1]:65535".parse::<SocketAddr>().unwrap());
}

#[test]
fn what_holds_others() {
    round(());
    round(true);
    round(Some(5));
    round(None::<i32>);
    round(Some(String::new()));
    round(Box::new(7u8));
    round(vec![Some(1.5), None]);
    round(vec![vec![1u8, 2], vec![]]);
    round([[1i64, 2], [3, 4]]);
    round(("one",).0.to_owned());
    round((1i32, "two".to_owned(), 3.0));
    round((1u8, 2u8, 3u8, 4u8, 5u8, 6u8, 7u8, 8u8, 9u8, 10u8, 11u8, "twelve".to_owned()));
    round(BTreeMap::from([(1, "x".to_owned()), (2, "y".to_owned())]));
    round(HashMap::<String, Vec<u8>>::from([("k".to_owned(), vec![9])]));
    round(BTreeSet::from([3u16, 1]));
    round(HashSet::<String>::from(["a".to_owned()]));
    round(BTreeMap::<u8, BTreeMap<u8, Option<bool>>>::from([(1, BTreeMap::from([(2, None)]))]));
}

#[test]
fn results_inside_of_others() {
    round(Ok::<_, Failure>(5u8));
    round(Ok::<_, Failure>(()));
    let below = std::io::Error::from_raw_os_error(2);
    round(Err::<u8, _>(Failure::from_error(-3, &below)));
    round(vec![Ok(Some("x".to_owned())), Err(Failure::new(i32::MAX, "why"))]);
    for broken in [
        Value::NULL,
        Value::array([]).unwrap(),
        (true, 1, 2).into_value().unwrap(),
        (false, 1).into_value().unwrap(),
        (false, 1, Vec::<String>::new()).into_value().unwrap(),
        (false, "code", vec!["text"]).into_value().unwrap(),
        (1, 1).into_value().unwrap(),
    ] {
        assert!(Result::<i32, Failure>::from_value(broken).is_err());
    }
}

#[test]
fn times() {
    round(Duration::ZERO);
    round(Duration::new(3, 14));
    round(Duration::from_nanos(i64::MAX as u64));
    assert!(Duration::from_nanos(i64::MAX as u64 + 1).into_value().is_err());
    assert!(Duration::MAX.into_value().is_err());
    assert!(Duration::from_value(Value::int64(-1)).is_err());
    round(UNIX_EPOCH);
    round(UNIX_EPOCH - Duration::from_nanos(5));
    round(SystemTime::now());
    round(UNIX_EPOCH + Duration::from_nanos(i64::MAX as u64));
    assert!((UNIX_EPOCH + Duration::from_secs(1 << 40)).into_value().is_err());
}

#[test]
fn ports() {
    round(SendPort::new(77));
    let foreign = Value::send_port_of(5, 9);
    assert_eq!(SendPort::from_value(foreign).unwrap().id(), 5);
    assert!(SendPort::from_value(Value::int64(5)).is_err());
    assert!(SendPort::new(0).post(1, ()).is_err());
}

#[cfg(feature = "uuid")]
#[test]
fn uuids() {
    let id = uuid::Uuid::from_u128(0x936D_A01F_9ABD_4D9D_80C7_02AF_85C8_22A8);
    round(id);
    assert_eq!(id.into_value().unwrap().as_str(), Some("936da01f-9abd-4d9d-80c7-02af85c822a8"));
    assert!(uuid::Uuid::from_value("936da01f".into_value().unwrap()).is_err());
    assert!(uuid::Uuid::from_value(Value::NULL).is_err());
}

#[cfg(feature = "chrono")]
#[test]
fn chronos() {
    use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
    for nanos in [0, -1, 1_700_000_000_123_456_789, i64::MAX, i64::MIN] {
        round(DateTime::from_timestamp_nanos(nanos));
    }
    assert!(DateTime::<Utc>::MAX_UTC.into_value().is_err());
    let system: SystemTime = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    let same = DateTime::<Utc>::from_value(system.into_value().unwrap()).unwrap();
    assert_eq!(same.timestamp_nanos_opt(), Some(1_700_000_000_123_456_789));
    round(TimeDelta::nanoseconds(-5));
    assert!(TimeDelta::MAX.into_value().is_err());
    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    round(date);
    round(NaiveDate::MIN);
    round(NaiveTime::from_hms_nano_opt(23, 59, 59, 7).unwrap());
    round(date.and_hms_milli_opt(1, 2, 3, 4).unwrap());
    assert_eq!(date.into_value().unwrap().as_str(), Some("2024-02-29"));
    assert!(NaiveDate::from_value("2024-02-30".into_value().unwrap()).is_err());
    assert!(DateTime::<Utc>::from_value("now".into_value().unwrap()).is_err());
}

#[test]
fn what_does_not_fit_is_an_error() {
    assert!((i64::MAX as u64 + 1).into_value().is_err());
    assert!((i128::from(i64::MIN) - 1).into_value().is_err());
    assert!(u8::from_value(Value::int32(256)).is_err());
    assert!(i8::from_value(Value::int32(-129)).is_err());
    assert!(i32::from_value(Value::int64(i64::from(i32::MAX) + 1)).is_err());
    assert!(u64::from_value(Value::int64(-1)).is_err());
    assert!(i64::from_value(Value::double(1.0)).is_err());
    assert!(bool::from_value(Value::int32(1)).is_err());
    assert!(String::from_value(Value::NULL).is_err());
    assert!(<()>::from_value(Value::bool(false)).is_err());
    assert!(<(i32, i32)>::from_value((1, 2, 3).into_value().unwrap()).is_err());
    assert!(<[u8; 2]>::from_value(vec![1u8].into_value().unwrap()).is_err());
    assert!(Vec::<u16>::from_value(vec![1u8].into_value().unwrap()).is_err());
    assert!(char::from_value("ab".into_value().unwrap()).is_err());
    assert!(char::from_value("".into_value().unwrap()).is_err());
    assert!(Bytes::from_value(vec![1u16].into_value().unwrap()).is_err());
    assert!(BTreeMap::<u8, u8>::from_value(vec![1u8].into_value().unwrap()).is_err());
    assert!("a\0b".into_value().is_err());
    assert!('\0'.into_value().is_err());
    assert!(vec![Some("a\0b")].into_value().is_err());
}

/// What a host may send is refused by what it is, and with a text that stays short.
#[test]
fn a_mismatch_shows_the_beginning_of_what_came() {
    let long = Value::string("é".repeat(10_000)).unwrap();
    let text = i32::from_value(long).unwrap_err().message().to_owned();
    assert!(text.starts_with("an integer was expected, not \"é") && text.len() < 200, "{text}");
    let wide = Value::array((0..100_000).map(Value::int32)).unwrap();
    assert!(bool::from_value(wide).unwrap_err().message().len() < 200);
}

#[test]
fn a_vector_of_numbers_is_not_copied() {
    fn stays<T: IntoValue>(vec: Vec<T>, element: i32) {
        let at = vec.as_ptr();
        let value = vec.into_value().unwrap();
        assert_eq!(value.as_raw().r#type, WHARF_TYPE_EXTERNAL_TYPED_DATA);
        let (kind, bytes) = value.as_bytes().unwrap();
        assert_eq!((kind, bytes.as_ptr()), (element, at.cast()));
    }
    stays(vec![7u8; 100], WHARF_DATA_UINT8);
    stays(vec![7i8; 100], WHARF_DATA_INT8);
    stays(vec![7u16; 100], WHARF_DATA_UINT16);
    stays(vec![7i16; 100], WHARF_DATA_INT16);
    stays(vec![7u32; 100], WHARF_DATA_UINT32);
    stays(vec![7i32; 100], WHARF_DATA_INT32);
    stays(vec![7u64; 100], WHARF_DATA_UINT64);
    stays(vec![7i64; 100], WHARF_DATA_INT64);
    stays(vec![7f32; 100], WHARF_DATA_FLOAT32);
    stays(vec![7f64; 100], WHARF_DATA_FLOAT64);
    // A slice can't be given away.
    let slice: &[u16] = &[1, 2];
    assert_eq!(slice.into_value().unwrap().as_raw().r#type, WHARF_TYPE_TYPED_DATA);
    assert_eq!(Bytes::from(vec![1, 2]).len(), 2);
}

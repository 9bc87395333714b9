//! The short forms of messages, for a receiver that knows them: [`WHARF_DART_COMPACT`](super::WHARF_DART_COMPACT).
//!
//! An integer that the VM can hold in a pointer's place is all there is to its message: nothing is
//! written, allocated or read. So what says little goes as one integer:
//!
//! ```text
//! bits 63..14  0 null, 1 false, 2 true, n + 3 a whole number from 0 on, n one below 0
//! bits 13..1   tag
//! bit  0       kind: data or ok
//! ```
//!
//! A pointer's place has 31 bits on 32-bit machines and wherever the VM compresses its pointers, so that a
//! tag of 13 bits leaves numbers from -65,536 to 65,532; else it has 63. A longer integer the VM sends by
//! itself as it would any number, which costs no more than the typed data would.

use super::post::{self, Post};
use crate::{message::*, value::raw::*};

const KIND_BITS: u32 = 1;
const TAG_BITS: u32 = 13;
const VALUE_AT: u32 = KIND_BITS + TAG_BITS;

/// What stands for null; false and true follow. Numbers from 0 on stand [`ABOVE`] higher.
const NOTHING: i64 = 0;
const FALSE: i64 = 1;
const ABOVE: i64 = 3;

/// Posts a message in the shortest form that it goes into: one integer; the typed data
/// `[tag, kind, value]`, in elements of 64 bits of the number's own kind; the list. False: the port is
/// gone.
pub(super) fn post(post: Post, port: i64, message: Message) -> bool {
    // Where every whole number up to it is a double.
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    let Message { tag, kind, code, ref value, .. } = message;
    if code != 0 {
        return post::enveloped(post, port, message);
    }
    let raw = value.as_raw();
    if let Some(word) = word(tag, kind, raw) {
        if let Some(posted) = post::as_integer(post, port, word) {
            return posted;
        }
    }
    match (post::integer(raw), double(raw)) {
        (Some(number), _) => {
            elements(post, port, WHARF_DATA_INT64, &[tag as i64, kind.into(), number])
        }
        (_, Some(number)) if tag <= EXACT => {
            elements(post, port, WHARF_DATA_FLOAT64, &[tag as f64, kind.into(), number])
        }
        _ => post::enveloped(post, port, message),
    }
}

/// The integer that says all of it, if there is one.
fn word(tag: u64, kind: i32, raw: &wharf_value_t) -> Option<i64> {
    let said = match raw.r#type {
        WHARF_TYPE_NULL => NOTHING,
        // SAFETY: the type says which member.
        WHARF_TYPE_BOOL => FALSE + i64::from(unsafe { raw.value.as_bool }),
        _ => match post::integer(raw)? {
            number @ ..0 => number,
            number => number.checked_add(ABOVE)?,
        },
    };
    let kind = match kind {
        WHARF_KIND_DATA => 0,
        WHARF_KIND_OK => 1,
        _ => return None,
    };
    let is_short = tag < 1 << TAG_BITS && said << VALUE_AT >> VALUE_AT == said;
    is_short.then_some(said << VALUE_AT | (tag as i64) << KIND_BITS | kind)
}

fn elements<T>(post: Post, port: i64, element: i32, elements: &[T; 3]) -> bool {
    let values = elements.as_ptr().cast();
    let data = wharf_typed_data_t { element, length: elements.len() as isize, values };
    let payload = wharf_payload_t { as_typed_data: data };
    post::call(post, port, &mut wharf_value_t::new(WHARF_TYPE_TYPED_DATA, payload))
}

fn double(raw: &wharf_value_t) -> Option<f64> {
    match raw.r#type {
        // SAFETY: the type says which member.
        WHARF_TYPE_DOUBLE => Some(unsafe { raw.value.as_double }),
        _ => None,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::value::Value;

    const LAST_TAG: u64 = (1 << TAG_BITS) - 1;
    const HIGHEST: i64 = (1 << (63 - VALUE_AT)) - 1 - ABOVE;
    const LOWEST: i64 = -1 << (63 - VALUE_AT);

    /// What the receiver makes of it; numbers as they are, null and the truth values by their names.
    fn read(word: i64) -> (u64, i32, String) {
        let said = match word >> VALUE_AT {
            NOTHING => "null".to_owned(),
            FALSE => "false".to_owned(),
            2 => "true".to_owned(),
            number @ ..0 => number.to_string(),
            number => (number - ABOVE).to_string(),
        };
        (word as u64 >> KIND_BITS & LAST_TAG, word as i32 & 1, said)
    }

    fn of(tag: u64, kind: i32, value: &Value) -> Option<i64> {
        word(tag, kind, value.as_raw())
    }

    #[test]
    fn one_integer_says_tag_kind_and_value() {
        for number in [0, 1, -1, 2, 65_532, -65_536, HIGHEST, LOWEST] {
            for (tag, kind) in [(0, 0), (0, 1), (1, 0), (LAST_TAG, 1)] {
                let word = of(tag, kind, &Value::int64(number)).unwrap();
                assert_eq!(read(word), (tag, kind, number.to_string()));
            }
        }
        assert_eq!(read(of(5, 1, &Value::NULL).unwrap()), (5, 1, "null".to_owned()));
        for value in [false, true] {
            let word = of(5, 0, &Value::bool(value)).unwrap();
            assert_eq!(read(word), (5, 0, value.to_string()));
        }
    }

    #[test]
    fn the_numbers_that_go_into_31_bits_are_as_many_as_is_said() {
        let fits = |number| i32::try_from(of(LAST_TAG, 1, &Value::int64(number)).unwrap() << 1);
        assert!([65_532, -65_536].iter().all(|number| fits(*number).is_ok()));
        assert!([65_533, -65_537].iter().all(|number| fits(*number).is_err()));
    }

    #[test]
    fn what_does_not_go_into_one_integer_is_left() {
        for number in [HIGHEST + 1, LOWEST - 1, i64::MAX, i64::MIN] {
            assert_eq!(of(0, 1, &Value::int64(number)), None);
        }
        assert_eq!(of(LAST_TAG + 1, 1, &Value::int64(0)), None);
        assert_eq!(of(0, 1, &Value::double(1.0)), None);
        for kind in [WHARF_KIND_CONTROL, WHARF_KIND_CANCELLED, WHARF_KIND_SHUT_DOWN] {
            assert_eq!(of(0, kind, &Value::NULL), None);
        }
    }
}

//! Numbers of queries and documents, compared exactly.

use serde_json::Value;
use std::cmp::Ordering;

/// A number as it was written: whole numbers are not rounded to floating ones.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// Without fraction and exponent.
    Whole(i128),
    /// Finite.
    Floating(f64),
}

impl Number {
    /// Reads decimal text.
    pub fn parse(text: &str) -> Option<Self> {
        // Rust also reads "inf" and "nan".
        if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
            return None;
        }
        let whole = text.parse().map(Self::Whole);
        whole.ok().or_else(|| Some(Self::Floating(text.parse().ok().filter(|f: &f64| f.is_finite())?)))
    }

    /// A value of a document: a number, or text that is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                whole.map(Self::Whole).or_else(|| number.as_f64().map(Self::Floating))
            }
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// What a field of whole numbers keeps of it: the fraction is cut off.
    #[allow(clippy::cast_possible_truncation, reason = "saturates, which compares as it should")]
    pub fn whole(self) -> Self {
        match self {
            Self::Floating(f) => Self::Whole(f.trunc() as i128),
            whole => whole,
        }
    }

    /// Smaller, equal or greater.
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Floating(a), Self::Floating(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Whole(a), Self::Floating(b)) => whole_to_floating(a, b),
            (Self::Floating(a), Self::Whole(b)) => whole_to_floating(b, a).reverse(),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates, which compares as it should")]
fn whole_to_floating(a: i128, b: f64) -> Ordering {
    let fraction = if b.fract() > 0.0 {
        Ordering::Less
    } else if b.fract() < 0.0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    };
    a.cmp(&(b.trunc() as i128)).then(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_exact() {
        let table = [
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("12", "12.0", Ordering::Equal),
            ("-1", "-1.5", Ordering::Greater),
            ("1", "1.5", Ordering::Less),
            ("1e3", "1000", Ordering::Equal),
            ("18446744073709551615", "1e300", Ordering::Less),
        ];
        for (a, b, expected) in table {
            let (x, y) = (Number::parse(a).unwrap(), Number::parse(b).unwrap());
            assert_eq!(x.compare(y), expected, "{a} {b}");
            assert_eq!(y.compare(x), expected.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "nan", "inf", "infinity", "1e999", "0x10", "1 2", "1,5", "e", "."] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }
}

//! `Range` and `x-ms-range`: which bytes of a blob a request asks for.

use std::ops::Range;

/// What a range header asks for, before the blob's length is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    All,
    /// `bytes=first-last`, both inclusive.
    Between(u64, u64),
    /// `bytes=first-`.
    From(u64),
    /// `bytes=-count`: the last bytes.
    Last(u64),
}

/// The range cannot be served: the answer is 416 `InvalidRange`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsatisfiable;

/// Why a range header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Wanted {
    /// Reads a header's value. Several ranges in one header are not supported by the storage service either.
    ///
    /// # Errors
    /// [`Malformed`] when it is no single byte range.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let (unit, range) = value.trim().split_once('=').ok_or(Malformed)?;
        let (first, last) = range.split_once('-').ok_or(Malformed)?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return Err(Malformed);
        }
        match (first.trim(), last.trim()) {
            ("", count) => number(count).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => match (number(first)?, number(last)?) {
                (first, last) if first <= last => Ok(Self::Between(first, last)),
                _ => Err(Malformed),
            },
        }
    }

    /// The bytes of a blob of `length` bytes; none when the answer is the whole blob with status 200.
    ///
    /// # Errors
    /// [`Unsatisfiable`] when no byte of the blob lies in the range.
    pub fn of(self, length: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
        let range = match self {
            Self::All => return Ok(None),
            Self::Between(first, last) => first..last.saturating_add(1).min(length),
            Self::From(first) => first..length,
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        if range.start < range.end { Ok(Some(range)) } else { Err(Unsatisfiable) }
    }
}

fn number(text: &str) -> Result<u64, Malformed> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Malformed);
    }
    text.parse().map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, length: u64, expected: &Result<Range<u64>, Unsatisfiable>) {
        let wanted = Wanted::parse(header).unwrap();
        assert_eq!(&wanted.of(length).map(Option::unwrap_or_default), expected, "{header} of {length}");
    }

    #[test]
    fn ranges() {
        check("bytes=0-9", 100, &Ok(0..10));
        check("bytes=0-33554431", 100, &Ok(0..100));
        check("Bytes=90-", 100, &Ok(90..100));
        check("bytes=-10", 100, &Ok(90..100));
        check("bytes=-500", 100, &Ok(0..100));
        check("bytes=100-", 100, &Err(Unsatisfiable));
        check("bytes=-0", 100, &Err(Unsatisfiable));
        check("bytes=0-33554431", 0, &Err(Unsatisfiable));
        check("bytes=5-18446744073709551615", 100, &Ok(5..100));
        assert_eq!(Wanted::All.of(0), Ok(None));
    }

    #[test]
    fn what_is_no_range() {
        for header in
            ["", "bytes", "bytes=", "bytes=a-b", "bytes=9-1", "bytes=1-2,4-5", "lines=1-2", "bytes=+1-2"]
        {
            assert_eq!(Wanted::parse(header), Err(Malformed), "{header}");
        }
    }
}

//! Date mathematics as rules write it: `now-9m`, `now-7d/d`, `2026-11-21T00:00:00Z||+1h`; and plain spans of time: `5m`.
//!
//! Units: `s` `m` `h` (or `H`) `d` `w` `M` `y`. Rounding (`/d`) goes down to the beginning of the unit in UTC, a week beginning
//! on Monday. Everything is counted in whole milliseconds, like the times of documents.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Unit as Calendar, Zoned, ZonedRound};
use std::fmt;

/// Longest text that is looked at, in bytes.
const TEXT_LIMIT: usize = 128;
/// Most shifts and roundings of one expression.
const STEPS_LIMIT: usize = 16;
/// Most digits of one number.
const DIGITS_LIMIT: usize = 9;

/// Why a date expression or a span of time means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateMathError {
    /// Nothing stands there.
    #[error("it is empty; write for example now-9m")]
    Empty,
    /// Longer than anybody needs.
    #[error("it is longer than {TEXT_LIMIT} bytes or has more than {STEPS_LIMIT} steps")]
    TooLong,
    /// It begins neither with `now` nor with a date followed by `||`.
    #[error("'{0}' is no point in time: it begins with now, or with a date followed by ||, as in now-9m")]
    Anchor(String),
    /// Something else than `+`, `-` or `/` follows.
    #[error("'{0}' does not continue a date expression: +, - or / is expected, as in now-9m/d")]
    Operator(String),
    /// A number is missing or too long.
    #[error("'{0}' has no number of at most {DIGITS_LIMIT} digits")]
    Number(String),
    /// A unit is missing or unknown.
    #[error("'{0}' is no unit of time: s, m, h, d, w, M (months) and y are")]
    Unit(String),
    /// A span of no length.
    #[error("it must be longer than nothing")]
    Zero,
    /// The result lies outside of the calendar.
    #[error("'{0}' lies outside of the calendar")]
    OutOfRange(String),
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `M`
    Month,
    /// `y`
    Year,
}

impl Unit {
    /// The unit of a letter.
    pub fn parse(letter: char) -> Option<Self> {
        Some(match letter {
            's' => Self::Second,
            'm' => Self::Minute,
            'h' | 'H' => Self::Hour,
            'd' => Self::Day,
            'w' => Self::Week,
            'M' => Self::Month,
            'y' => Self::Year,
            _ => return None,
        })
    }

    fn span(self, count: i64) -> Option<Span> {
        let span = Span::new();
        match self {
            Self::Second => span.try_seconds(count),
            Self::Minute => span.try_minutes(count),
            Self::Hour => span.try_hours(count),
            Self::Day => span.try_days(count),
            Self::Week => span.try_weeks(count),
            Self::Month => span.try_months(count),
            Self::Year => span.try_years(count),
        }
        .ok()
    }

    /// Its length in seconds; none for months and years.
    fn seconds(self) -> Option<i64> {
        Some(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Month | Self::Year => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    Now,
    At(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Shift(i64, Unit),
    Floor(Unit),
}

/// A point in time, relative to a `now` that is given when it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateMath {
    text: String,
    anchor: Anchor,
    steps: Vec<Step>,
}

impl DateMath {
    /// `now`.
    pub fn now() -> Self {
        Self { text: "now".into(), anchor: Anchor::Now, steps: Vec::new() }
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// Says which part of the text means nothing.
    pub fn parse(text: &str) -> Result<Self, DateMathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DateMathError::Empty);
        }
        if text.len() > TEXT_LIMIT {
            return Err(DateMathError::TooLong);
        }
        let wrong_anchor = || DateMathError::Anchor(text.to_owned());
        let (anchor, mut rest) = if let Some(rest) = text.strip_prefix("now") {
            (Anchor::Now, rest)
        } else {
            let (date, rest) = text.split_once("||").unwrap_or((text, ""));
            (Anchor::At(absolute(date).ok_or_else(wrong_anchor)?), rest)
        };
        let mut steps = Vec::new();
        while let Some(operator) = rest.chars().next() {
            if steps.len() == STEPS_LIMIT {
                return Err(DateMathError::TooLong);
            }
            let body = rest.get(operator.len_utf8()..).unwrap_or_default();
            let (step, after) = match operator {
                '+' | '-' => {
                    let (count, after) = number(body);
                    // `now-d` is one day, as in Elasticsearch.
                    let count = if count.is_empty() { Some(1) } else { small(count) };
                    let count = count.ok_or_else(|| DateMathError::Number(rest.to_owned()))?;
                    let (unit, after) = unit(after)?;
                    (Step::Shift(if operator == '-' { -count } else { count }, unit), after)
                }
                '/' => {
                    let (unit, after) = unit(body)?;
                    (Step::Floor(unit), after)
                }
                _ => return Err(DateMathError::Operator(rest.to_owned())),
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), anchor, steps })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The point in time when it is `now`, in whole milliseconds.
    ///
    /// # Errors
    /// When the result lies outside of the calendar.
    pub fn resolve(&self, now: Timestamp) -> Result<Timestamp, DateMathError> {
        let out = || DateMathError::OutOfRange(self.text.clone());
        let start = match self.anchor {
            Anchor::Now => now,
            Anchor::At(at) => at,
        };
        let mut at = start.to_zoned(TimeZone::UTC);
        for step in &self.steps {
            at = match *step {
                Step::Shift(count, unit) => {
                    unit.span(count).and_then(|span| at.checked_add(span).ok()).ok_or_else(out)?
                }
                Step::Floor(unit) => floor(&at, unit).ok_or_else(out)?,
            };
        }
        Ok(whole_milliseconds(at.timestamp()))
    }
}

impl fmt::Display for DateMath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `at` without what is finer than a millisecond: the grain in which documents carry their times.
pub fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_nanosecond().div_euclid(1_000_000).try_into().unwrap_or(i64::MAX))
        .unwrap_or(at)
}

/// The letters of a number at the beginning, and what follows.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn small(digits: &str) -> Option<i64> {
    (digits.len() <= DIGITS_LIMIT).then(|| digits.parse().ok()).flatten()
}

fn unit(text: &str) -> Result<(Unit, &str), DateMathError> {
    let mut letters = text.chars();
    let unit = letters.next().and_then(Unit::parse).ok_or_else(|| {
        DateMathError::Unit(text.chars().take_while(|c| !"+-/".contains(*c)).take(12).collect())
    })?;
    Ok((unit, letters.as_str()))
}

fn absolute(date: &str) -> Option<Timestamp> {
    let date = date.trim();
    date.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = date.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

fn floor(at: &Zoned, unit: Unit) -> Option<Zoned> {
    let down = |calendar| at.round(ZonedRound::new().smallest(calendar).mode(jiff::RoundMode::Floor)).ok();
    let day = || at.start_of_day().ok();
    match unit {
        Unit::Second => down(Calendar::Second),
        Unit::Minute => down(Calendar::Minute),
        Unit::Hour => down(Calendar::Hour),
        Unit::Day => day(),
        Unit::Week => {
            let days = i64::from(at.weekday().since(Weekday::Monday));
            day()?.checked_sub(Span::new().try_days(days).ok()?).ok()
        }
        Unit::Month => at.first_of_month().ok()?.start_of_day().ok(),
        Unit::Year => at.first_of_year().ok()?.start_of_day().ok(),
    }
}

/// A span of time: `5m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    count: i64,
    unit: Unit,
}

impl Interval {
    /// `count` of `unit`.
    ///
    /// # Errors
    /// When it is nothing, more than nine digits, or in months or years, whose length varies.
    pub fn new(count: i64, unit: Unit) -> Result<Self, DateMathError> {
        if count <= 0 {
            return Err(DateMathError::Zero);
        }
        if count >= 10_i64.pow(u32::try_from(DIGITS_LIMIT).unwrap_or(9)) {
            return Err(DateMathError::Number(count.to_string()));
        }
        if unit.seconds().is_none() {
            return Err(DateMathError::Unit("M or y".into()));
        }
        Ok(Self { count, unit })
    }

    /// Reads a span.
    ///
    /// # Errors
    /// Says which part of the text means nothing.
    pub fn parse(text: &str) -> Result<Self, DateMathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DateMathError::Empty);
        }
        let (digits, rest) = number(text);
        let count = small(digits).ok_or_else(|| DateMathError::Number(text.chars().take(24).collect()))?;
        let (unit, rest) = unit(rest)?;
        if !rest.is_empty() {
            return Err(DateMathError::Operator(rest.chars().take(24).collect()));
        }
        Self::new(count, unit)
    }

    /// Its length.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.count.saturating_mul(self.unit.seconds().unwrap_or(1)))
    }

    /// How many of the unit.
    pub fn count(self) -> i64 {
        self.count
    }

    /// The unit's letter.
    pub fn letter(self) -> char {
        match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
            Unit::Week => 'w',
            Unit::Month => 'M',
            Unit::Year => 'y',
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<String, String> {
        let now = "2026-11-21T10:20:30.123456Z".parse().unwrap();
        DateMath::parse(text).and_then(|m| m.resolve(now)).map(|t| t.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn expressions() {
        let table = [
            ("now", "2026-11-21T10:20:30.123Z"),
            (" now-9m ", "2026-11-21T10:11:30.123Z"),
            ("now-7d", "2026-11-14T10:20:30.123Z"),
            ("now-2w", "2026-11-07T10:20:30.123Z"),
            ("now-30s", "2026-11-21T10:20:00.123Z"),
            ("now-1H", "2026-11-21T09:20:30.123Z"),
            ("now-d", "2026-11-20T10:20:30.123Z"),
            ("now-9M", "2026-02-21T10:20:30.123Z"),
            ("now-1y+1d", "2025-11-22T10:20:30.123Z"),
            ("now/s", "2026-11-21T10:20:30Z"),
            ("now/m", "2026-11-21T10:20:00Z"),
            ("now/h", "2026-11-21T10:00:00Z"),
            ("now/d", "2026-11-21T00:00:00Z"),
            ("now/w", "2026-11-16T00:00:00Z"),
            ("now/M", "2026-11-01T00:00:00Z"),
            ("now/y", "2026-01-01T00:00:00Z"),
            ("now-1d/d+2h", "2026-11-20T02:00:00Z"),
            ("2026-01-31T00:00:00Z||+1M", "2026-02-28T00:00:00Z"),
            ("2026-01-31||/M", "2026-01-01T00:00:00Z"),
            ("2026-01-31T01:02:03.456Z", "2026-01-31T01:02:03.456Z"),
        ];
        for (text, at) in table {
            assert_eq!(resolved(text).as_deref(), Ok(at), "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_named() {
        let table = [
            ("", "is empty"),
            ("   ", "is empty"),
            ("yesterday", "'yesterday' is no point in time"),
            ("now-", "'' is no unit"),
            ("now-9", "'' is no unit"),
            ("now-9x", "'x' is no unit"),
            ("now-9min", "'in' does not continue"),
            ("now 9m", "' 9m' does not continue"),
            ("now-9999999999m", "no number of at most 9 digits"),
            ("now-999999999y", "outside of the calendar"),
            ("now/", "'' is no unit"),
            ("now/9", "'9' is no unit"),
        ];
        for (text, part) in table {
            let error = resolved(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert_eq!(DateMath::parse(&"now".repeat(99)), Err(DateMathError::TooLong));
        assert_eq!(DateMath::parse(&format!("now{}", "/d".repeat(17))), Err(DateMathError::TooLong));
    }

    #[test]
    fn spans() {
        for (text, seconds) in [("5m", 300), ("1h", 3600), ("7d", 604_800), ("30s", 30), ("2w", 1_209_600)] {
            let span = Interval::parse(text).unwrap();
            assert_eq!(span.duration().as_secs(), seconds, "{text}");
            assert_eq!(span.to_string(), text);
        }
        for text in ["", "0m", "m", "5", "5x", "-5m", "1M", "1y", "5m5m", "9999999999s"] {
            assert!(Interval::parse(text).is_err(), "{text}");
        }
    }
}

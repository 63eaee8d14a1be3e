//! Dates of queries and documents, in milliseconds since 1970, UTC: Elasticsearch's `strict_date_optional_time||epoch_millis`
//! and its date math.
//!
//! ```text
//! moment = "now" { step } | date [ "||" { step } ]
//! step   = ( "+" | "-" ) [ number ] unit | "/" unit          unit = y M w d h H m s
//! date   = YYYY [ -MM [ -DD [ "T" hh [ :mm [ :ss [ .fraction ] ] ] [ Z | ±hh[:]mm | ±hh ] ] ] ] | milliseconds
//! ```
//! A date that leaves parts out, and a moment that is rounded, is a stretch of time: which end counts hangs on the operator
//! (`> 2026-11-21` begins with the 22nd, `<= 2026-11-21` ends with the 21st).

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ToSpan, Unit, tz::TimeZone};
use serde_json::Value;

/// Steps of date math in one moment, at most.
const STEP_LIMIT: usize = 16;

/// First and last millisecond of what a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first millisecond.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

/// A point in time as a query names it.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// Known from the text alone.
    Fixed(Stretch),
    /// `now` and what is done to it.
    Now(Vec<Step>),
}

/// One step of date math.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Later, or earlier when negative.
    Add(i64, Scale),
    /// To the begin of a unit, or to its end.
    Round(Scale),
}

/// The units of date math.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they say it")]
pub enum Scale {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

impl Moment {
    /// Reads a moment.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(math) = text.strip_prefix("now") {
            return Some(Self::Now(steps(math)?));
        }
        let Some((date, math)) = text.split_once("||") else { return stretch(text).map(Self::Fixed) };
        let steps = steps(math)?;
        let from = civil(stretch(date)?.first)?;
        Some(Self::Fixed(Stretch { first: walk(from, &steps, false)?, last: walk(from, &steps, true)? }))
    }

    /// What it means at a time; none when the text needs a time and there is none.
    pub fn at(&self, now: Option<Timestamp>) -> Option<Stretch> {
        match self {
            Self::Fixed(stretch) => Some(*stretch),
            Self::Now(steps) => {
                let now = civil(milliseconds_of(now?)?)?;
                Some(Stretch { first: walk(now, steps, false)?, last: walk(now, steps, true)? })
            }
        }
    }
}

/// The date in a document: text or milliseconds; its first millisecond.
pub fn milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => stretch(text).map(|stretch| stretch.first),
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds beyond an i64 are no date")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|f| f as i64)),
        _ => None,
    }
}

fn milliseconds_of(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond().div_euclid(1_000_000)).ok()
}

fn civil(milliseconds: i64) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_millisecond(milliseconds).ok()?))
}

fn of_civil(at: DateTime) -> Option<i64> {
    milliseconds_of(TimeZone::UTC.to_timestamp(at).ok()?)
}

fn steps(mut text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while let Some(operator) = text.chars().next() {
        text = text.get(1..)?;
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = text.split_at_checked(digits)?;
        let count = if number.is_empty() { 1 } else { number.parse().ok()? };
        let scale = match rest.chars().next()? {
            'y' => Scale::Year,
            'M' => Scale::Month,
            'w' => Scale::Week,
            'd' => Scale::Day,
            'h' | 'H' => Scale::Hour,
            'm' => Scale::Minute,
            's' => Scale::Second,
            _ => return None,
        };
        text = rest.get(1..)?;
        steps.push(match operator {
            '+' => Step::Add(count, scale),
            '-' => Step::Add(-count, scale),
            '/' if number.is_empty() || count == 1 => Step::Round(scale),
            _ => return None,
        });
        if steps.len() > STEP_LIMIT {
            return None;
        }
    }
    Some(steps)
}

fn walk(from: DateTime, steps: &[Step], to_the_end: bool) -> Option<i64> {
    let mut at = from;
    for step in steps {
        at = match *step {
            Step::Add(count, scale) => at.checked_add(span(count, scale)?).ok()?,
            Step::Round(scale) => {
                let begin = begin(at, scale)?;
                if to_the_end { at_end(begin, scale)? } else { begin }
            }
        };
    }
    of_civil(at)
}

fn span(count: i64, scale: Scale) -> Option<Span> {
    let span = Span::new();
    match scale {
        Scale::Year => span.try_years(count),
        Scale::Month => span.try_months(count),
        Scale::Week => span.try_weeks(count),
        Scale::Day => span.try_days(count),
        Scale::Hour => span.try_hours(count),
        Scale::Minute => span.try_minutes(count),
        Scale::Second => span.try_seconds(count),
    }
    .ok()
}

fn begin(at: DateTime, scale: Scale) -> Option<DateTime> {
    let date = at.date();
    let midnight = |date: jiff::civil::Date| date.to_datetime(jiff::civil::Time::midnight());
    Some(match scale {
        Scale::Year => midnight(date.first_of_year()),
        Scale::Month => midnight(date.first_of_month()),
        Scale::Week => {
            let days = i64::from(date.weekday().to_monday_zero_offset());
            midnight(date.checked_sub(days.days()).ok()?)
        }
        Scale::Day => midnight(date),
        Scale::Hour => truncated(at, Unit::Hour)?,
        Scale::Minute => truncated(at, Unit::Minute)?,
        Scale::Second => truncated(at, Unit::Second)?,
    })
}

fn truncated(at: DateTime, unit: Unit) -> Option<DateTime> {
    at.round(jiff::civil::DateTimeRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).ok()
}

fn at_end(begin: DateTime, scale: Scale) -> Option<DateTime> {
    begin.checked_add(span(1, scale)?).ok()?.checked_sub(1.millisecond()).ok()
}

/// The digits at the begin of a text, exactly so many.
fn digits(text: &mut &str, count: usize) -> Option<i16> {
    let (number, rest) = text.split_at_checked(count)?;
    *text = rest;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

fn eat(text: &mut &str, prefix: char) -> bool {
    let rest = text.strip_prefix(prefix);
    *text = rest.unwrap_or(text);
    rest.is_some()
}

/// A date without math.
fn stretch(text: &str) -> Option<Stretch> {
    date(text).or_else(|| {
        // Four digits are a year, any other number milliseconds.
        let number = text.strip_prefix('-').unwrap_or(text);
        let whole = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let at = whole.then(|| text.parse().ok()).flatten()?;
        Some(Stretch { first: at, last: at })
    })
}

fn date(text: &str) -> Option<Stretch> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let (mut month, mut day, mut time, mut nanoseconds, mut offset) = (1, 1, [0_i8; 3], 0, 0);
    let mut precision = Some(Scale::Year);
    if eat(&mut rest, '-') {
        month = i8::try_from(digits(&mut rest, 2)?).ok()?;
        precision = Some(Scale::Month);
        if eat(&mut rest, '-') {
            day = i8::try_from(digits(&mut rest, 2)?).ok()?;
            precision = Some(Scale::Day);
            if eat(&mut rest, 'T') && !rest.is_empty() {
                for (n, (part, scale)) in
                    time.iter_mut().zip([Scale::Hour, Scale::Minute, Scale::Second]).enumerate()
                {
                    if n > 0 && !eat(&mut rest, ':') {
                        break;
                    }
                    *part = i8::try_from(digits(&mut rest, 2)?).ok()?;
                    precision = Some(scale);
                }
                if precision == Some(Scale::Second) && (eat(&mut rest, '.') || eat(&mut rest, ',')) {
                    nanoseconds = fraction(&mut rest)?;
                    precision = None;
                }
                offset = zone(&mut rest)?;
            }
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let [hour, minute, second] = time;
    let begin = DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()?;
    let end = precision.map_or(Some(begin), |scale| at_end(begin, scale))?;
    let utc = |at: DateTime| Some(of_civil(at)? - offset * 60_000);
    Some(Stretch { first: utc(begin)?, last: utc(end)? })
}

/// Nanoseconds of one to nine digits.
fn fraction(text: &mut &str) -> Option<i32> {
    let count = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (found, rest) = text.split_at_checked(count)?;
    *text = rest;
    let scale = 9_u32.checked_sub(u32::try_from(count).ok()?).filter(|_| count > 0)?;
    found.parse::<i32>().ok()?.checked_mul(10_i32.pow(scale))
}

/// Minutes east of UTC; none written is UTC.
fn zone(text: &mut &str) -> Option<i64> {
    if text.is_empty() || eat(text, 'Z') {
        return Some(0);
    }
    let sign = if eat(text, '+') {
        1
    } else if eat(text, '-') {
        -1
    } else {
        return None;
    };
    let hours = digits(text, 2)?;
    let colon = eat(text, ':');
    let minutes = if text.is_empty() && !colon { 0 } else { digits(text, 2)? };
    (hours <= 18 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Option<(String, String)> {
        let now: Timestamp = "2026-11-21T10:20:30.123456789Z".parse().unwrap();
        let stretch = Moment::parse(text)?.at(Some(now))?;
        let shown = |at| Timestamp::from_millisecond(at).unwrap().to_string();
        Some((shown(stretch.first), shown(stretch.last)))
    }

    #[test]
    fn dates_and_date_math() {
        let table = [
            ("2026", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59.999Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999Z"),
            ("2026-11-21T", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999Z"),
            ("2026-11-21T10", "2026-11-21T10:00:00Z", "2026-11-21T10:59:59.999Z"),
            ("2026-11-21T10:05Z", "2026-11-21T10:05:00Z", "2026-11-21T10:05:59.999Z"),
            ("2026-11-21T10:05:07+02:00", "2026-11-21T08:05:07Z", "2026-11-21T08:05:07.999Z"),
            ("2026-11-21T10:05:07.1234567-0130", "2026-11-21T11:35:07.123Z", "2026-11-21T11:35:07.123Z"),
            ("2026-11-21T10:05:07,5+01", "2026-11-21T09:05:07.5Z", "2026-11-21T09:05:07.5Z"),
            ("1763719200000", "2025-11-21T10:00:00Z", "2025-11-21T10:00:00Z"),
            ("-1", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("now", "2026-11-21T10:20:30.123Z", "2026-11-21T10:20:30.123Z"),
            ("now-30d", "2026-10-22T10:20:30.123Z", "2026-10-22T10:20:30.123Z"),
            ("now-h", "2026-11-21T09:20:30.123Z", "2026-11-21T09:20:30.123Z"),
            ("now/d", "2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999Z"),
            ("now-1M/M", "2026-10-01T00:00:00Z", "2026-10-31T23:59:59.999Z"),
            ("now/w", "2026-11-16T00:00:00Z", "2026-11-22T23:59:59.999Z"),
            ("now/y", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59.999Z"),
            ("now/h+5m", "2026-11-21T10:05:00Z", "2026-11-21T11:04:59.999Z"),
            ("now/m", "2026-11-21T10:20:00Z", "2026-11-21T10:20:59.999Z"),
            ("now/s", "2026-11-21T10:20:30Z", "2026-11-21T10:20:30.999Z"),
            ("2026-01-31||+1M", "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("2026-11-21||/M", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999Z"),
        ];
        for (text, first, last) in table {
            assert_eq!(ends(text), Some((first.to_owned(), last.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        let table = [
            "",
            "today",
            "now-",
            "now-1x",
            "now 1d",
            "now/2d",
            "now-99999999999999999999d",
            "now-9999999y",
            "2026-13",
            "2026-02-30",
            "2026-1-1",
            "2026-11-21 10:00",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00.1234567890Z",
            "2026-11-21T25",
            "2026-11-21T10:00+01:",
            "2026-11-21T10:00+99:00",
            "21.11.2026",
            "9999999999999999999",
            "2026-11-21|+1d",
        ];
        for text in table {
            assert_eq!(ends(text), None, "{text}");
        }
        assert_eq!(Moment::parse("now-1d").unwrap().at(None), None);
        assert!(Moment::parse(&format!("now{}", "-1d".repeat(17))).is_none());
    }
}

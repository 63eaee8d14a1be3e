//! Dates: ISO 8601 durations and .NET's format strings.

use super::arguments::{integer, text};
use super::unexpected;
use crate::filter;
use crate::template::evaluate::{Outcome, Scope};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde_json::Value;

/// Longest format, bytes.
const FORMAT_LIMIT: usize = 200;
/// How dates are written when no format is given.
const ISO: &str = "yyyy-MM-ddTHH:mm:ssZ";

/// A date as templates write it, also as `utcNow()` gives it. Without an offset UTC is meant.
fn read(text: &str) -> Result<Zoned, String> {
    let text = text.trim();
    let compact = || {
        let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
    };
    let time = filter::time(text).or_else(compact).ok_or("its argument 1 is not a date.")?;
    Ok(time.to_zoned(TimeZone::UTC))
}

pub(super) fn add(v: &[Value]) -> Result<Value, String> {
    let base = read(text(v, 0)?)?;
    // Spans have a friendly form, too, which Azure does not know.
    let duration = text(v, 1)?.trim();
    let is_iso = duration.trim_start_matches(['-', '+']).starts_with('P');
    let span = duration.parse::<Span>().ok().filter(|_| is_iso);
    let span = span.ok_or("its argument 2 is not an ISO 8601 duration.")?;
    let sum = base.checked_add(span).map_err(|_| "the result is out of range.")?;
    let format = if v.len() > 2 { text(v, 2)? } else { ISO };
    Ok(write(&sum, format)?.into())
}

pub(super) fn from_epoch(v: &[Value]) -> Result<Value, String> {
    let time = Timestamp::from_second(integer(v, 0)?).map_err(|_| "its argument is out of range.")?;
    Ok(write(&time.to_zoned(TimeZone::UTC), ISO)?.into())
}

pub(super) fn to_epoch(v: &[Value]) -> Result<Value, String> {
    Ok(read(text(v, 0)?)?.timestamp().as_second().into())
}

pub(super) fn utc_now(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    if scope.guids.is_none() {
        return Err(unexpected(name));
    }
    let format = if v.is_empty() { "yyyyMMddTHHmmssZ" } else { text(v, 0)? };
    Ok(write(&scope.surroundings.utc_now.to_zoned(TimeZone::UTC), format)?.into())
}

/// A date in one of .NET's format strings, standard (one letter) or custom.
fn write(time: &Zoned, format: &str) -> Result<String, String> {
    if format.len() > FORMAT_LIMIT {
        return Err("the format is too long.".into());
    }
    let custom = match format {
        "d" => "M/d/yyyy",
        "D" => "dddd, MMMM d, yyyy",
        "f" => "dddd, MMMM d, yyyy h:mm tt",
        "F" => "dddd, MMMM d, yyyy h:mm:ss tt",
        "g" => "M/d/yyyy h:mm tt",
        "G" => "M/d/yyyy h:mm:ss tt",
        "M" | "m" => "MMMM d",
        "O" | "o" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
        "R" | "r" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "t" => "h:mm tt",
        "T" => "h:mm:ss tt",
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "U" => "dddd, MMMM d, yyyy h:mm:ss tt",
        "Y" | "y" => "MMMM yyyy",
        one if one.chars().count() < 2 => return Err("the format is not known.".into()),
        custom => custom,
    };
    let mut out = String::new();
    let mut rest = custom.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => loop {
                match rest.next() {
                    Some(end) if end == c => break,
                    Some(inside) => out.push(inside),
                    None => return Err("a quote in the format is not closed.".into()),
                }
            },
            '\\' => out.extend(rest.next()),
            '%' => {}
            'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' => {
                let mut width = 1;
                while rest.next_if_eq(&c).is_some() {
                    width += 1;
                }
                out.push_str(&field(time, c, width));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

fn field(time: &Zoned, letter: char, width: usize) -> String {
    let padded = |number: i64| format!("{number:0width$}", width = width.min(2));
    let named = |pattern: &str| time.strftime(pattern).to_string();
    let twelve = |hour: i8| if hour % 12 == 0 { 12 } else { hour % 12 };
    match (letter, width) {
        ('y', 1 | 2) => padded(i64::from(time.year() % 100)),
        ('y', _) => format!("{:0width$}", time.year()),
        ('M', 3) => named("%b"),
        ('M', 4..) => named("%B"),
        ('M', _) => padded(time.month().into()),
        ('d', 3) => named("%a"),
        ('d', 4..) => named("%A"),
        ('d', _) => padded(time.day().into()),
        ('H', _) => padded(time.hour().into()),
        ('h', _) => padded(twelve(time.hour()).into()),
        ('m', _) => padded(time.minute().into()),
        ('s', _) => padded(time.second().into()),
        ('f', _) => fraction(time, width),
        ('F', _) => fraction(time, width).trim_end_matches('0').into(),
        ('t', _) => (if time.hour() < 12 { "AM" } else { "PM" }).get(..width.min(2)).unwrap_or("").into(),
        ('z', 1) => "+0".into(),
        ('z', 2) => "+00".into(),
        ('z', _) => "+00:00".into(),
        _ => "Z".into(),
    }
}

fn fraction(time: &Zoned, width: usize) -> String {
    let digits = format!("{:09}", time.subsec_nanosecond());
    digits.get(..width.min(7)).unwrap_or_default().into()
}

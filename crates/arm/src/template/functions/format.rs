//! `format`: .NET's composite format strings, as far as templates use them.

use super::arguments::{at, number_of, shown, text};
use serde_json::Value;

/// Widest field, characters.
const WIDTH_LIMIT: usize = 1000;
/// Longest result, bytes.
const RESULT_LIMIT: usize = 4 << 20;

pub(super) fn format(v: &[Value]) -> Result<Value, String> {
    let mut rest = text(v, 0)?;
    let mut out = String::new();
    loop {
        let Some(at) = rest.find(['{', '}']) else {
            out.push_str(rest);
            return Ok(out.into());
        };
        let (before, behind) = rest.split_at_checked(at).ok_or("the format is not valid.")?;
        out.push_str(before);
        if let Some(after) = behind.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = behind.strip_prefix("}}") {
            out.push('}');
            rest = after;
        } else {
            let (inside, after) = behind
                .strip_prefix('{')
                .and_then(|b| b.split_once('}'))
                .ok_or("a brace of the format has no partner.")?;
            out.push_str(&item(v, inside)?);
            rest = after;
        }
        if out.len() > RESULT_LIMIT {
            return Err("its result is too long.".into());
        }
    }
}

/// `index[,alignment][:format]`.
fn item(v: &[Value], inside: &str) -> Result<String, String> {
    let (head, style) = inside.split_once(':').unwrap_or((inside, ""));
    let (index, width) = head.split_once(',').unwrap_or((head, "0"));
    let index: usize = index.trim().parse().map_err(|_| "a field of the format has no index.")?;
    let value = v.get(index.saturating_add(1)).ok_or("a field of the format has no argument.")?;
    let width: i64 = width.trim().parse().map_err(|_| "a field of the format has a bad width.")?;
    let shown = if style.is_empty() { shown(value) } else { styled(at(v, index + 1), style)? };
    let wide = usize::try_from(width.unsigned_abs()).ok().filter(|w| *w <= WIDTH_LIMIT);
    let wide = wide.ok_or("a field of the format is too wide.")?;
    Ok(if width < 0 { format!("{shown:<wide$}") } else { format!("{shown:>wide$}") })
}

/// Texts have no format of their own and ignore it, as in .NET.
fn styled(value: &Value, style: &str) -> Result<String, String> {
    let Some(number) = number_of(value) else {
        return match value {
            Value::Number(_) => fixed(value, style),
            _ => Ok(shown(value)),
        };
    };
    let sign = if number < 0 { "-" } else { "" };
    let digits = number.unsigned_abs().to_string();
    if style.bytes().all(|b| b == b'0') && style.len() <= WIDTH_LIMIT {
        return Ok(format!("{sign}{digits:0>width$}", width = style.len()));
    }
    let (letter, precision) = style.split_at_checked(1).ok_or_else(unknown)?;
    let precision = match precision {
        "" => None,
        text => Some(text.parse::<usize>().ok().filter(|p| *p <= 100).ok_or_else(unknown)?),
    };
    let zeros = |places: usize| if places == 0 { String::new() } else { format!(".{:0<places$}", "") };
    Ok(match letter {
        "D" | "d" => format!("{sign}{digits:0>width$}", width = precision.unwrap_or(0)),
        "X" => format!("{number:0width$X}", width = precision.unwrap_or(0)),
        "x" => format!("{number:0width$x}", width = precision.unwrap_or(0)),
        "F" | "f" => format!("{sign}{digits}{}", zeros(precision.unwrap_or(2))),
        "N" | "n" => format!("{sign}{}{}", grouped(&digits), zeros(precision.unwrap_or(2))),
        "G" | "g" => format!("{sign}{digits}"),
        _ => return Err(unknown()),
    })
}

fn unknown() -> String {
    "a field of the format has a style that is not supported.".into()
}

/// A number with a fraction.
fn fixed(value: &Value, style: &str) -> Result<String, String> {
    let number = value.as_f64().ok_or_else(unknown)?;
    match style.split_at_checked(1) {
        Some(("F" | "f", "")) => Ok(format!("{number:.2}")),
        Some(("F" | "f", places)) => {
            let places = places.parse::<usize>().ok().filter(|p| *p <= 100).ok_or_else(unknown)?;
            Ok(format!("{number:.places$}"))
        }
        _ => Err(unknown()),
    }
}

/// Digits in threes.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (n, c) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

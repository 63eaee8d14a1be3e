//! Functions of texts.

use super::arguments::{array, at, count, integer, shown, text, wrong};
use serde_json::Value;

/// Longest text that a function pads to, characters.
const PAD_LIMIT: usize = 64 * 1024;
/// Most delimiters of one `split`.
const DELIMITERS_LIMIT: usize = 100;
/// Longest result of a replacement, bytes.
const RESULT_LIMIT: usize = 4 << 20;

pub(super) fn string(v: &[Value]) -> Result<Value, String> {
    Ok(shown(at(v, 0)).into())
}

pub(super) fn to_lower(v: &[Value]) -> Result<Value, String> {
    Ok(text(v, 0)?.to_lowercase().into())
}

pub(super) fn to_upper(v: &[Value]) -> Result<Value, String> {
    Ok(text(v, 0)?.to_uppercase().into())
}

pub(super) fn trim(v: &[Value]) -> Result<Value, String> {
    Ok(text(v, 0)?.trim().into())
}

pub(super) fn starts_with(v: &[Value]) -> Result<Value, String> {
    Ok(text(v, 0)?.to_lowercase().starts_with(&text(v, 1)?.to_lowercase()).into())
}

pub(super) fn ends_with(v: &[Value]) -> Result<Value, String> {
    Ok(text(v, 0)?.to_lowercase().ends_with(&text(v, 1)?.to_lowercase()).into())
}

pub(super) fn replace(v: &[Value]) -> Result<Value, String> {
    let (source, old, new) = (text(v, 0)?, text(v, 1)?, text(v, 2)?);
    if old.is_empty() {
        return Err("its argument 2 must not be empty.".into());
    }
    let found = source.matches(old).count();
    if found.saturating_mul(new.len()).saturating_add(source.len()) > RESULT_LIMIT {
        return Err("its result is too long.".into());
    }
    Ok(source.replace(old, new).into())
}

pub(super) fn split(v: &[Value]) -> Result<Value, String> {
    let source = text(v, 0)?;
    let delimiters: Vec<&str> = match at(v, 1) {
        Value::String(one) => vec![one],
        Value::Array(several) => several
            .iter()
            .map(|d| d.as_str().ok_or_else(|| wrong(v, 1, "Array of String")))
            .collect::<Result<_, _>>()?,
        _ => return Err(wrong(v, 1, "String, Array")),
    };
    if delimiters.len() > DELIMITERS_LIMIT {
        return Err("its argument 2 has too many items.".into());
    }
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        // Of those at one place the first of the list, as .NET does it.
        match delimiters.iter().find(|d| !d.is_empty() && rest.starts_with(**d)) {
            Some(delimiter) => {
                parts.push(source.get(start..at).unwrap_or_default().into());
                at += delimiter.len();
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    parts.push(source.get(start..).unwrap_or_default().into());
    Ok(Value::Array(parts))
}

pub(super) fn join(v: &[Value]) -> Result<Value, String> {
    let items: Vec<String> = array(v, 0)?.iter().map(shown).collect();
    let delimiter = text(v, 1)?;
    if items.len().saturating_mul(delimiter.len()) > RESULT_LIMIT {
        return Err("its result is too long.".into());
    }
    Ok(items.join(delimiter).into())
}

pub(super) fn substring(v: &[Value]) -> Result<Value, String> {
    let (source, start) = (text(v, 0)?, count(v, 1)?);
    let total = source.chars().count();
    let length = if v.len() > 2 { count(v, 2)? } else { total.saturating_sub(start) };
    if start.checked_add(length).is_none_or(|end| end > total) {
        return Err("the index and length parameters must refer to a location within the string.".to_owned());
    }
    Ok(source.chars().skip(start).take(length).collect::<String>().into())
}

pub(super) fn pad_left(v: &[Value]) -> Result<Value, String> {
    let source = match at(v, 0) {
        Value::String(text) => text.clone(),
        _ => integer(v, 0).map_err(|_| wrong(v, 0, "String, Integer"))?.to_string(),
    };
    let total = count(v, 1)?;
    if total > PAD_LIMIT {
        return Err("its argument 2 is too large.".into());
    }
    let mut filling = if v.len() > 2 { text(v, 2)? } else { " " }.chars();
    let (Some(filler), None) = (filling.next(), filling.next()) else {
        return Err("its argument 3 must be one character.".into());
    };
    let mut padded: String =
        std::iter::repeat_n(filler, total.saturating_sub(source.chars().count())).collect();
    padded.push_str(&source);
    Ok(padded.into())
}

//! Pages of a list: `{"value": […], "nextLink": "…"}`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::error::ArmError;
use crate::query::Query;

/// What must be encoded in a value of a query that is built from decoded text.
const VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'&')
    .add(b'+')
    .add(b'%')
    .add(b'=')
    .add(b'\'');

/// A page; without `next_link` it is the last one.
pub fn page(value: Vec<Value>, next_link: Option<String>) -> Value {
    let mut page = Map::from_iter([("value".to_owned(), Value::Array(value))]);
    if let Some(link) = next_link {
        page.insert("nextLink".into(), Value::String(link));
    }
    Value::Object(page)
}

/// The absolute URL of the next page: the same path and query, with `$skiptoken` for `cursor`.
pub fn next_link(base: &str, path: &str, query: &Query, cursor: &str) -> String {
    let mut link = format!("{}{path}?", base.trim_end_matches('/'));
    for (key, value) in query.pairs().filter(|(k, _)| !k.eq_ignore_ascii_case("$skiptoken")) {
        link.push_str(&format!("{}={}&", utf8_percent_encode(key, VALUE), utf8_percent_encode(value, VALUE)));
    }
    link + "$skiptoken=" + &URL_SAFE_NO_PAD.encode(cursor)
}

/// The cursor that [`next_link`] was given; 400 when the token is none of ours.
pub fn cursor(query: &Query) -> Result<Option<String>, ArmError> {
    let Some(token) = query.skip_token() else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some)
        .ok_or_else(|| ArmError::invalid_parameter("$skiptoken", "it is not one that this server gave out."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_link() {
        let query = Query::parse("api-version=2015-04-01&$filter=a+eq+'b%26c'&$skiptoken=old").unwrap();
        let link = next_link("https://localhost:1/", "/subscriptions/s/x", &query, "12/é");
        let (path, again) = link.split_once('?').unwrap();
        assert_eq!(path, "https://localhost:1/subscriptions/s/x");
        let again = Query::parse(again).unwrap();
        assert_eq!(again.filter(), query.filter());
        assert_eq!(cursor(&again).unwrap().as_deref(), Some("12/é"));
        assert!(cursor(&Query::parse("$skiptoken=!").unwrap()).is_err());
        assert_eq!(cursor(&Query::default()).unwrap(), None);
    }
}

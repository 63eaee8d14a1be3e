//! A request's query: keys in any case, values decoded (contract section 1).

use crate::error::ArmError;
use percent_encoding::percent_decode_str;

/// Longest query that is read, bytes.
pub const QUERY_LIMIT: usize = 16 * 1024;

/// Most entries that one page of a list holds, and what `$top` is cut to.
pub const PAGE_LIMIT: usize = 1000;

/// The decoded key-value pairs of a query, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what stands behind `?`. Bytes that are no UTF-8 become U+FFFD, so that they can match nothing.
    pub fn parse(text: &str) -> Result<Self, ArmError> {
        if text.len() > QUERY_LIMIT {
            let reason = format!("it is longer than {QUERY_LIMIT} bytes");
            return Err(ArmError::invalid_parameter("query", &reason));
        }
        let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Ok(Self { pairs: pairs.collect() })
    }

    /// The value of the first `key`, compared in any case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str())
    }

    /// Every pair, in its order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// `$filter`, when it is there and not blank.
    pub fn filter(&self) -> Option<&str> {
        self.get("$filter").map(str::trim).filter(|f| !f.is_empty())
    }

    /// Whether `$expand` names `what` (a comma-separated list, in any case).
    pub fn expands(&self, what: &str) -> bool {
        self.get("$expand").is_some_and(|list| list.split(',').any(|e| e.trim().eq_ignore_ascii_case(what)))
    }

    /// `$select` as a list of names; none when it is absent.
    pub fn select(&self) -> Option<Vec<&str>> {
        let list = self.get("$select")?;
        Some(list.split(',').map(str::trim).filter(|n| !n.is_empty()).collect())
    }

    /// `$top`: at least 1; what is above [`PAGE_LIMIT`] is cut to it.
    pub fn top(&self) -> Result<Option<usize>, ArmError> {
        self.number("$top")
            .map(|top| top.map(|n: u64| usize::try_from(n).unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT)))
            .and_then(|top| match top {
                Some(0) => Err(ArmError::invalid_parameter("$top", "it must be at least 1.")),
                other => Ok(other),
            })
    }

    /// `$skiptoken`: where the next page starts; what is in it is the list's own business.
    pub fn skip_token(&self) -> Option<&str> {
        self.get("$skiptoken")
    }

    /// A parameter that is a whole number.
    pub fn number(&self, key: &str) -> Result<Option<u64>, ArmError> {
        let Some(text) = self.get(key) else { return Ok(None) };
        text.trim()
            .parse()
            .map(Some)
            .map_err(|_| ArmError::invalid_parameter(key, "it must be a whole number that is not negative."))
    }

    /// A parameter that is `true` or `false`, in any case; absent is false.
    pub fn flag(&self, key: &str) -> Result<bool, ArmError> {
        match self.get(key).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => Err(ArmError::invalid_parameter(key, "it must be 'true' or 'false'.")),
        }
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_match_in_any_case_and_values_are_decoded() {
        let query =
            Query::parse("API-Version=2024-07-01&$Filter=name%20eq+'a'&$expand=instanceView,UserData&flag")
                .unwrap();
        assert_eq!(query.get("api-version"), Some("2024-07-01"));
        assert_eq!(query.filter(), Some("name eq 'a'"));
        assert!(query.expands("instanceview"));
        assert!(query.expands("userData"));
        assert!(query.flag("flag").unwrap());
        assert!(!query.flag("other").unwrap());
    }

    #[test]
    fn numbers_are_checked() {
        let top = |text: &str| Query::parse(text).unwrap().top().map_err(|e| e.code);
        assert_eq!(top(""), Ok(None));
        assert_eq!(top("$top=7"), Ok(Some(7)));
        assert_eq!(top("$top=99999999999"), Ok(Some(PAGE_LIMIT)));
        assert_eq!(top("$top=0"), Err("InvalidParameter".into()));
        assert_eq!(top("$top=-1"), Err("InvalidParameter".into()));
        assert!(Query::parse(&"a".repeat(QUERY_LIMIT + 1)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let query = Query::parse(&text).unwrap();
            let _ = (query.top(), query.filter(), query.select(), query.skip_token());
        }
    }
}

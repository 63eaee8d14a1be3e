//! `api-version`: a date, perhaps a preview. Which dates an operation takes is said in [`crate::provider::check_api_version`].

use crate::error::ArmError;
use crate::query::Query;
use std::fmt;
use std::str::FromStr;

/// An api-version; ordered by its date, a preview before the release of the same day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    date: jiff::civil::Date,
    release: bool,
    text: String,
}

impl ApiVersion {
    /// The version of a request: 400 when it is missing or no date.
    pub fn required(query: &Query) -> Result<Self, ArmError> {
        match query.get("api-version").map(str::trim) {
            None | Some("") => Err(ArmError::missing_api_version()),
            Some(text) => text.parse(),
        }
    }

    /// The version as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its day.
    pub fn date(&self) -> jiff::civil::Date {
        self.date
    }

    /// Whether this version is `date` (`YYYY-MM-DD`) or later; a preview counts as its date.
    pub fn since(&self, date: &str) -> bool {
        date.parse().is_ok_and(|date: jiff::civil::Date| self.date >= date)
    }
}

impl FromStr for ApiVersion {
    type Err = ArmError;

    fn from_str(text: &str) -> Result<Self, ArmError> {
        let invalid = || ArmError::invalid_api_version(&text.chars().take(64).collect::<String>());
        let (date, rest) = text.split_at_checked(10).ok_or_else(invalid)?;
        let shape = date
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        if !shape || !(rest.is_empty() || rest.eq_ignore_ascii_case("-preview")) {
            return Err(invalid());
        }
        let date = date.parse().map_err(|_| invalid())?;
        Ok(Self { date, release: rest.is_empty(), text: text.into() })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_date_is_read() {
        for text in ["2015-04-01", "2026-11-01", "2022-05-01-preview", "2022-05-01-PREVIEW", "2099-12-31"] {
            assert_eq!(text.parse::<ApiVersion>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "latest",
            "2024-13-01",
            "2024-02-30",
            "2024-7-1",
            "2024-07-01-beta",
            "2024-07-01x",
            "20240701",
            "+024-07-01",
            "é024-07-0",
        ] {
            assert_eq!(text.parse::<ApiVersion>().unwrap_err().code, "InvalidApiVersionParameter", "{text}");
        }
    }

    #[test]
    fn missing_and_blank_are_the_same() {
        let code = |q: &str| ApiVersion::required(&Query::parse(q).unwrap()).unwrap_err().code;
        assert_eq!(code("x=1"), "MissingApiVersionParameter");
        assert_eq!(code("api-version="), "MissingApiVersionParameter");
        assert_eq!(code("api-version=x"), "InvalidApiVersionParameter");
    }

    #[test]
    fn versions_are_ordered() {
        let version = |t: &str| t.parse::<ApiVersion>().unwrap();
        assert!(version("2020-06-01-preview") < version("2020-06-01"));
        assert!(version("2020-06-01").since("2020-06-01"));
        assert!(!version("2019-12-01").since("2020-06-01"));
    }
}

//! Lists of containers and of blobs, a page at a time, in the storage service's XML.

use super::error::{StorageError, escape};
use hardline_arm::query::Query;
use std::fmt::Write as _;

/// Most entries in a page, and what is taken when a client says nothing.
const MOST: usize = 5000;

/// What a client asks to see of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Names begin with this.
    pub prefix: String,
    /// Names that have this behind the prefix are shown as one. Empty: each by itself.
    pub delimiter: String,
    /// The first name of the page; empty for the first page.
    pub marker: String,
    /// Entries, at most.
    pub most: usize,
}

impl Asked {
    /// Reads `prefix`, `delimiter`, `marker` and `maxresults`.
    ///
    /// # Errors
    /// 400 for a number that is none, or out of bounds.
    pub fn of(query: &Query) -> Result<Self, StorageError> {
        let text = |name: &str| query.get(name).unwrap_or("").to_owned();
        let most = match query.get("maxresults").map(str::trim).filter(|text| !text.is_empty()) {
            None => MOST,
            Some(text) => match text.parse() {
                Ok(1..) => text.parse().unwrap_or(MOST).min(MOST),
                Ok(0usize) => return Err(StorageError::out_of_range()),
                Err(_) => return Err(StorageError::unsupported_query()),
            },
        };
        Ok(Self { prefix: text("prefix"), delimiter: text("delimiter"), marker: text("marker"), most })
    }
}

/// An entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<T> {
    /// A container or a blob.
    One(String, T),
    /// Everything whose name begins so.
    Prefix(String),
}

impl<T> Entry<T> {
    fn name(&self) -> &str {
        match self {
            Self::One(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// The page of a list, and the marker of the next one; none when it is the last.
pub fn page<T>(asked: &Asked, all: impl IntoIterator<Item = (String, T)>) -> (Vec<Entry<T>>, Option<String>) {
    let mut sorted: Vec<_> = all.into_iter().filter(|(name, _)| name.starts_with(&asked.prefix)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut entries: Vec<Entry<T>> = Vec::new();
    for (name, one) in sorted {
        let behind = name.get(asked.prefix.len()..).unwrap_or("");
        let cut = Some(&asked.delimiter)
            .filter(|d| !d.is_empty())
            .and_then(|d| Some(behind.find(d.as_str())? + d.len()));
        let entry = match cut.and_then(|cut| name.get(..asked.prefix.len() + cut)) {
            Some(prefix) => Entry::Prefix(prefix.to_owned()),
            None => Entry::One(name, one),
        };
        if entry.name() < asked.marker.as_str()
            || entries.last().is_some_and(|last| last.name() == entry.name())
        {
            continue;
        }
        if entries.len() == asked.most {
            return (entries, Some(entry.name().to_owned()));
        }
        entries.push(entry);
    }
    (entries, None)
}

/// Properties as elements: name and text.
pub type Properties = Vec<(&'static str, String)>;

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'a> {
    /// The containers of an account.
    Containers,
    /// The blobs of this container.
    Blobs(&'a str),
}

/// The answer's body.
pub fn xml(
    listed: Listed<'_>,
    endpoint: &str,
    asked: &Asked,
    entries: &[Entry<Properties>],
    next: Option<&str>,
) -> String {
    let (all, one) = match listed {
        Listed::Containers => ("Containers", "Container"),
        Listed::Blobs(_) => ("Blobs", "Blob"),
    };
    let mut text = String::from("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    let container = match listed {
        Listed::Containers => String::new(),
        Listed::Blobs(name) => format!(" ContainerName=\"{}\"", escape(name)),
    };
    let _ = write!(text, "<EnumerationResults ServiceEndpoint=\"{}\"{container}>", escape(endpoint));
    for (name, value) in
        [("Prefix", &asked.prefix), ("Marker", &asked.marker), ("Delimiter", &asked.delimiter)]
    {
        if !value.is_empty() {
            element(&mut text, name, value);
        }
    }
    element(&mut text, "MaxResults", &asked.most.to_string());
    let _ = write!(text, "<{all}>");
    for entry in entries {
        match entry {
            Entry::One(name, properties) => {
                let _ = write!(text, "<{one}>");
                element(&mut text, "Name", name);
                text.push_str("<Properties>");
                for (name, value) in properties {
                    element(&mut text, name, value);
                }
                let _ = write!(text, "</Properties></{one}>");
            }
            Entry::Prefix(name) => {
                text.push_str("<BlobPrefix>");
                element(&mut text, "Name", name);
                text.push_str("</BlobPrefix>");
            }
        }
    }
    let _ = write!(text, "</{all}>");
    element(&mut text, "NextMarker", next.unwrap_or(""));
    text.push_str("</EnumerationResults>");
    text
}

fn element(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "<{name}>{}</{name}>", escape(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &Asked) -> (Vec<String>, Option<String>) {
        let all = ["b/2", "a", "b/1", "b-x", "c/d/e", "ü"].map(|name| (name.to_owned(), ()));
        let (entries, next) = page(asked, all);
        let shown = entries.iter().map(|entry| match entry {
            Entry::One(name, ()) => name.clone(),
            Entry::Prefix(name) => format!("{name}*"),
        });
        (shown.collect(), next)
    }

    #[track_caller]
    fn check(
        prefix: &str,
        delimiter: &str,
        marker: &str,
        most: usize,
        expected: &[&str],
        next: Option<&str>,
    ) {
        let asked = Asked { prefix: prefix.into(), delimiter: delimiter.into(), marker: marker.into(), most };
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(names(&asked), (expected, next.map(Into::into)));
    }

    #[test]
    fn pages() {
        check("", "", "", 9, &["a", "b-x", "b/1", "b/2", "c/d/e", "ü"], None);
        check("", "", "", 2, &["a", "b-x"], Some("b/1"));
        check("", "", "b/1", 2, &["b/1", "b/2"], Some("c/d/e"));
        check("b", "", "", 9, &["b-x", "b/1", "b/2"], None);
        check("", "/", "", 9, &["a", "b-x", "b/*", "c/*", "ü"], None);
        check("", "/", "", 2, &["a", "b-x"], Some("b/"));
        check("", "/", "b/", 9, &["b/*", "c/*", "ü"], None);
        check("c/", "/", "", 9, &["c/d/*"], None);
        check("ü", "x", "", 9, &["ü"], None);
        check("z", "/", "", 9, &[], None);
    }

    #[test]
    fn bounds() {
        let asked =
            |query: &str| Asked::of(&Query::parse(query).unwrap()).map(|a| a.most).map_err(|e| e.code);
        assert_eq!(asked(""), Ok(5000));
        assert_eq!(asked("maxresults=7"), Ok(7));
        assert_eq!(asked("maxresults=99999"), Ok(5000));
        assert_eq!(asked("maxresults=0"), Err("OutOfRangeQueryParameterValue"));
        for bad in ["-1", "x", "1e3", "99999999999999999999999"] {
            assert_eq!(asked(&format!("maxresults={bad}")), Err("InvalidQueryParameterValue"));
        }
    }

    #[test]
    fn the_body() {
        let asked = Asked { prefix: "a&".into(), most: 5, ..Asked::default() };
        let entries = [
            Entry::One("a&b".to_owned(), vec![("Content-Length", "3".to_owned())]),
            Entry::Prefix("a&/".into()),
        ];
        insta::assert_snapshot!(
            xml(Listed::Blobs("c"), "https://x/", &asked, &entries, Some("n")).trim_start_matches('\u{feff}'),
            @r#"<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://x/" ContainerName="c"><Prefix>a&amp;</Prefix><MaxResults>5</MaxResults><Blobs><Blob><Name>a&amp;b</Name><Properties><Content-Length>3</Content-Length></Properties></Blob><BlobPrefix><Name>a&amp;/</Name></BlobPrefix></Blobs><NextMarker>n</NextMarker></EnumerationResults>"#
        );
    }
}

//! A lenient reader of JSON, as Azure's deployments take it (contract sections 9 and 14.2).
//!
//! `az deployment` pastes the user's file into a body whose key `template` is unquoted, so beside JSON this takes `//` and
//! `/* */` comments, keys without quotes, strings in single quotes, raw line breaks in strings, and a comma behind the last
//! item. A key that stands twice is an error: with two readers that choose differently it would hide what is deployed.

use super::position::{Position, shown};
use serde_json::{Map, Number, Value};
use std::str::Chars;

/// Longest text that is read, bytes: Azure's limit of a template.
pub const TEXT_LIMIT: usize = 4 << 20;
/// Deepest nesting of arrays and objects.
pub const DEPTH_LIMIT: usize = 64;
/// Most values of one document.
pub const VALUES_LIMIT: usize = 200_000;

/// What was read, and where each value of it began.
#[derive(Clone)]
pub struct Document {
    /// The content.
    pub value: Value,
    places: Place,
}

/// Where a value began, and the values inside it, in the order of the content.
#[derive(Clone)]
struct Place {
    position: Position,
    inner: Vec<Place>,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} Line {}, position {}.", .position.line, .position.column)]
pub struct JsonError {
    /// One sentence.
    pub problem: String,
    /// Where.
    pub position: Position,
}

impl Document {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let mut reader = Reader { chars: text.chars(), position: Position::START, values: 0 };
        if text.len() > TEXT_LIMIT {
            return reader.fail(format!("The content is longer than {TEXT_LIMIT} bytes."));
        }
        reader.blank()?;
        let (value, places) = reader.value(0)?;
        reader.blank()?;
        match reader.peek() {
            None => Ok(Self { value, places }),
            Some(c) => reader.fail(format!("Unexpected character '{}' after the end.", shown(c))),
        }
    }

    /// Reads bytes, which must be UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(_) => {
                Err(JsonError { problem: "The content is not UTF-8.".into(), position: Position::START })
            }
        }
    }

    /// A document of a value that came from elsewhere; everything in it stands at the start.
    pub fn of(value: Value) -> Self {
        Self { value, places: Place { position: Position::START, inner: Vec::new() } }
    }

    /// Where the value at a JSON pointer began; of what is not there, where the nearest value around it began.
    pub fn position(&self, pointer: &str) -> Position {
        let (mut value, mut place) = (&self.value, &self.places);
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let found = match value {
                Value::Object(map) => map.iter().enumerate().find(|(_, (key, _))| **key == part),
                _ => None,
            };
            let next = match (value, found) {
                (Value::Array(items), _) => part.parse::<usize>().ok().and_then(|n| Some((n, items.get(n)?))),
                (_, Some((n, (_, inner)))) => Some((n, inner)),
                _ => None,
            };
            match next.and_then(|(n, inner)| Some((inner, place.inner.get(n)?))) {
                Some(inside) => (value, place) = inside,
                None => break,
            }
        }
        place.position
    }
}

impl std::fmt::Debug for Document {
    /// Without the content: parameters may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

struct Reader<'a> {
    chars: Chars<'a>,
    position: Position,
    values: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.position = Position { line: self.position.line + 1, column: 1 };
        } else {
            self.position.column += 1;
        }
        Some(c)
    }

    fn fail<T>(&self, problem: String) -> Result<T, JsonError> {
        Err(JsonError { problem, position: self.position })
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, JsonError> {
        match self.peek() {
            Some(c) => self.fail(format!("Unexpected character '{}', expected {wanted}.", shown(c))),
            None => self.fail(format!("Unexpected end, expected {wanted}.")),
        }
    }

    /// Skips white space, byte order marks (pasted files begin with one) and comments.
    fn blank(&mut self) -> Result<(), JsonError> {
        loop {
            let rest = self.chars.as_str();
            if rest.starts_with("//") {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.next();
                }
            } else if rest.starts_with("/*") {
                let Some(length) = rest.get(2..).and_then(|inside| inside.find("*/")) else {
                    return self.fail("A comment is not closed.".into());
                };
                let end = rest.len() - length - 4;
                while self.chars.as_str().len() > end {
                    self.next();
                }
            } else if rest.starts_with(|c: char| c.is_whitespace() || c == '\u{feff}') {
                self.next();
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<(Value, Place), JsonError> {
        self.values += 1;
        if self.values > VALUES_LIMIT {
            return self.fail(format!("The content has more than {VALUES_LIMIT} values."));
        }
        if depth > DEPTH_LIMIT {
            return self.fail(format!("The content is nested deeper than {DEPTH_LIMIT} levels."));
        }
        let position = self.position;
        let mut inner = Vec::new();
        let value = match self.peek() {
            Some('{') => self.object(depth, &mut inner)?,
            Some('[') => self.array(depth, &mut inner)?,
            Some(quote @ ('"' | '\'')) => Value::String(self.string(quote)?),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => match self.word().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                word => {
                    let problem = format!("'{word}' is neither a value nor in quotes.");
                    return Err(JsonError { problem, position });
                }
            },
            _ => return self.unexpected("a value"),
        };
        Ok((value, Place { position, inner }))
    }

    fn object(&mut self, depth: usize, places: &mut Vec<Place>) -> Result<Value, JsonError> {
        let mut map = Map::new();
        self.next();
        loop {
            self.blank()?;
            let position = self.position;
            let key = match self.peek() {
                Some('}') => break,
                Some(quote @ ('"' | '\'')) => self.string(quote)?,
                Some(c) if c.is_ascii_alphabetic() || c == '_' || c == '$' => self.word(),
                _ => return self.unexpected("a property's name or '}'"),
            };
            if map.contains_key(&key) {
                let shown: String = key.chars().take(80).collect();
                let problem = format!("The property '{shown}' stands twice in one object.");
                return Err(JsonError { problem, position });
            }
            self.blank()?;
            if self.peek() != Some(':') {
                return self.unexpected("':'");
            }
            self.next();
            self.blank()?;
            let (value, place) = self.value(depth + 1)?;
            map.insert(key, value);
            places.push(place);
            self.blank()?;
            match self.peek() {
                Some(',') => self.next(),
                Some('}') => break,
                _ => return self.unexpected("',' or '}'"),
            };
        }
        self.next();
        Ok(Value::Object(map))
    }

    fn array(&mut self, depth: usize, places: &mut Vec<Place>) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.next();
        loop {
            self.blank()?;
            if self.peek() == Some(']') {
                break;
            }
            let (value, place) = self.value(depth + 1)?;
            items.push(value);
            places.push(place);
            self.blank()?;
            match self.peek() {
                Some(',') => self.next(),
                Some(']') => break,
                _ => return self.unexpected("',' or ']'"),
            };
        }
        self.next();
        Ok(Value::Array(items))
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || "_$-".contains(*c)) {
            word.push(c);
            self.next();
        }
        word
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.position;
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            text.push(c);
            self.next();
        }
        let number = match serde_json::from_str::<Number>(&text) {
            // Its fast reading of fractions may be off by the last bit.
            Ok(number) if number.is_f64() => text.parse().ok().and_then(Number::from_f64),
            other => other.ok(),
        };
        number.map(Value::Number).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            JsonError { problem: format!("'{shown}' is not a number."), position: start }
        })
    }

    fn string(&mut self, quote: char) -> Result<String, JsonError> {
        let start = self.position;
        let mut text = String::new();
        self.next();
        loop {
            let position = self.position;
            match self.next() {
                None => {
                    let problem = "A string is not closed.".into();
                    return Err(JsonError { problem, position: start });
                }
                Some(c) if c == quote => return Ok(text),
                Some('\\') => match self.escape() {
                    Some(c) => text.push(c),
                    None => {
                        return Err(JsonError { problem: "A bad escape in a string.".into(), position });
                    }
                },
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\'' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hex()?;
                if !(0xd800..0xdc00).contains(&high) {
                    // A low half alone is no character.
                    return char::from_u32(high);
                }
                let pair = self.next() == Some('\\') && self.next() == Some('u');
                let low = self.hex().filter(|low| pair && (0xdc00..0xe000).contains(low))?;
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for _ in 0..4 {
            code = code * 16 + self.next()?.to_digit(16)?;
        }
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        Document::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).value
    }

    #[test]
    fn the_clis_body() {
        let body = "{\"properties\": {\"parameters\": {}, \"mode\": \"Incremental\", template:\u{feff}{\r\n  // a comment\r\n  \"resources\": [ /* none\n yet */ ],\n  \"a\": \"two\nlines\",\n}}}";
        assert_eq!(
            read(body),
            json!({"properties": {"parameters": {}, "mode": "Incremental", "template": {"resources": [], "a": "two\nlines"}}})
        );
    }

    #[test]
    fn json_and_more() {
        for (text, value) in [
            ("null", json!(null)),
            (" [1, -2.5, 1e3, true,] ", json!([1, -2.5, 1e3, true])),
            ("{'a b': 'it\\'s', $ref: 1, _x-1: {}}", json!({"a b": "it's", "$ref": 1, "_x-1": {}})),
            (r#""\u00e9\ud83d\ude00\n\/""#, json!("é😀\n/")),
            ("9223372036854775807", json!(i64::MAX)),
            ("8.888888888888889e77", json!(8.888_888_888_888_889e77)),
            ("\"http://x // no comment\"", json!("http://x // no comment")),
            ("/**/1//", json!(1)),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_document() {
        for (text, error) in [
            ("", "Unexpected end, expected a value. Line 1, position 1."),
            ("{\"a\": 1,\n \"a\": 2}", "The property 'a' stands twice in one object. Line 2, position 2."),
            ("{\"a\" 1}", "Unexpected character '1', expected ':'. Line 1, position 6."),
            ("[1 2]", "Unexpected character '2', expected ',' or ']'. Line 1, position 4."),
            ("[,]", "Unexpected character ',', expected a value. Line 1, position 2."),
            ("{a: NaN}", "'NaN' is neither a value nor in quotes. Line 1, position 5."),
            ("[1e999]", "'1e999' is not a number. Line 1, position 2."),
            ("[0x1F]", "'0x1F' is not a number. Line 1, position 2."),
            ("\"abc", "A string is not closed. Line 1, position 1."),
            (r#""\ud83d""#, "A bad escape in a string. Line 1, position 2."),
            (r#""\q""#, "A bad escape in a string. Line 1, position 2."),
            ("/* a", "A comment is not closed. Line 1, position 1."),
            ("{} x", "Unexpected character 'x' after the end. Line 1, position 4."),
        ] {
            assert_eq!(Document::parse(text).unwrap_err().to_string(), error, "{text}");
        }
        assert!(Document::parse_bytes(b"\"\xff\"").is_err());
    }

    #[test]
    fn limits_hold() {
        let deep = "[".repeat(100_000);
        assert!(Document::parse(&deep).unwrap_err().problem.contains("deeper"));
        let many = format!("[{}]", "1,".repeat(VALUES_LIMIT));
        assert!(Document::parse(&many).unwrap_err().problem.contains("values"));
        let long = " ".repeat(TEXT_LIMIT + 1);
        assert!(Document::parse(&long).unwrap_err().problem.contains("longer"));
    }

    #[test]
    fn every_value_has_its_place() {
        let document = Document::parse("{\n  a: [1, {\"b/c\": 2}],\n  e: 'é', z: 3}").unwrap();
        for (pointer, line, column) in
            [("", 1, 1), ("/a", 2, 6), ("/a/0", 2, 7), ("/a/1/b~1c", 2, 18), ("/a/9", 2, 6), ("/none", 1, 1)]
        {
            assert_eq!(document.position(pointer), Position { line, column }, "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = Document::parse(&text);
        }

        #[test]
        fn strict_json_reads_the_same(text in "[ -~é\n]{0,40}", number in any::<i64>()) {
            let value = json!({"k": [text.clone(), number, {"n": null}], text: true});
            prop_assert_eq!(read(&value.to_string()), value.clone());
            prop_assert_eq!(read(&serde_json::to_string_pretty(&value).unwrap()), value);
        }
    }
}

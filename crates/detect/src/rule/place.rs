//! Where something stands in a rule file, and what is wrong or remarkable there.

use std::fmt;
use std::ops::Range;

/// Line and column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The position of the byte `at` of `text`.
    pub fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Something to say about a place in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Remark {
    /// The key, dotted from the rule's own table: `threshold.value`; empty for the whole rule.
    pub key: String,
    /// Where it stands; none when the text cannot say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Where it ends: the first character that does not belong to it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Position>,
    /// The same place in bytes of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Range<usize>>,
    /// One sentence.
    pub message: String,
}

impl Remark {
    /// A remark about a place of `text`, or about the whole of it.
    pub fn new(
        key: impl Into<String>,
        text: &str,
        span: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> Self {
        let position = |at: usize| Position::of(text, at);
        Self {
            key: key.into(),
            position: span.as_ref().map(|span| position(span.start)),
            end: span.as_ref().map(|span| position(span.end)),
            span,
            message: message.into(),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let text = "eins\nzwölf = 1\n";
        for (at, line, column) in [(0, 1, 1), (4, 1, 5), (5, 2, 1), (9, 2, 4), (999, 3, 1)] {
            assert_eq!(Position::of(text, at), Position { line, column }, "{at}");
        }
    }
}

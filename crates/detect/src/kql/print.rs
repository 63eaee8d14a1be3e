//! A query as text that reads as the same query: unquoted where it was unquoted, parentheses where a list stands inside
//! another. Escapes may make it longer than what was read, near the limit longer than what may be read.

use super::syntax::{Clause, Literal, Name, Tree};
use super::token::{is_space, is_special, is_trimmed};
use super::wildcard::Wildcard;
use std::fmt::{self, Display, Formatter, Write as _};

impl<T: Display> Display for Tree<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (items, joint) = match self {
            Self::One(one) => return one.fmt(f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                return operand(inner, f);
            }
            Self::All(items) => (items, " and "),
            Self::Any(items) => (items, " or "),
        };
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                f.write_str(joint)?;
            }
            match item {
                Self::Not(_) => item.fmt(f)?,
                item => operand(item, f)?,
            }
        }
        Ok(())
    }
}

fn operand<T: Display>(tree: &Tree<T>, f: &mut Formatter<'_>) -> fmt::Result {
    match tree {
        Tree::One(one) => one.fmt(f),
        tree => write!(f, "({tree})"),
    }
}

impl Display for Clause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is { field, value: Tree::One(value) } => write!(f, "{field}: {value}"),
            Self::Is { field, value } => write!(f, "{field}: ({value})"),
            Self::Range { field, order, bound } => write!(f, "{field} {} {bound}", order.as_str()),
            Self::Nested { field, inside } => {
                bare(field, f)?;
                write!(f, ": {{ {inside} }}")
            }
            Self::Anywhere(value) => value.fmt(f),
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => bare(name, f),
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Text { text, quoted: true } => quoted(text, f),
            Self::Text { text, quoted: false } => bare(text, f),
            Self::Wildcard(pattern) => pattern.fmt(f),
        }
    }
}

impl Display for Wildcard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, piece) in self.pieces().enumerate() {
            if n > 0 {
                f.write_char('*')?;
            }
            unquoted(piece, f)?;
        }
        Ok(())
    }
}

fn quoted(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            '\n' => f.write_str("\\n")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// Unquoted, unless its ends would be trimmed.
fn bare(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    if text.is_empty() || text.starts_with(is_trimmed) || text.ends_with(is_trimmed) {
        return quoted(text, f);
    }
    unquoted(text, f)
}

/// A character that could begin a keyword, here or with what is printed behind, is escaped by its number.
fn unquoted(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let mut spaced = false;
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        let keyword = |word: &str| {
            let found = rest.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
            found
                && rest
                    .get(word.len()..)
                    .is_some_and(|behind| behind.is_empty() || behind.starts_with(is_space))
        };
        match c {
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            // "\not" would be a keyword.
            '\n' if rest.get(1..3).is_some_and(|behind| behind.eq_ignore_ascii_case("ot")) => {
                f.write_str("\\u000a")?;
            }
            '\n' => f.write_str("\\n")?,
            c if is_special(c) => write!(f, "\\{c}")?,
            c if keyword("not") || (spaced && (keyword("and") || keyword("or"))) => {
                write!(f, "\\u{:04x}", u32::from(c))?;
            }
            c => f.write_char(c)?,
        }
        spaced = is_space(c);
    }
    Ok(())
}

//! Expressions of the template language: the text between the brackets of `"[concat('a', parameters('b').c[0])]"`.
//!
//! ```text
//! expression = primary { "." name | "[" expression "]" }
//! primary    = string | number | name [ "." name ] "(" [ expression { "," expression } ] ")"
//! string     = "'" { any character but "'" | "''" } "'"
//! ```
//! What follows a primary is kept as a flat list, so that only calls and indexes nest; their depth is limited.

use super::position::shown;
use std::fmt;

/// Longest expression, bytes: Azure's limit.
pub const LENGTH_LIMIT: usize = 24_576;
/// Deepest nesting of calls and indexes.
pub const DEPTH_LIMIT: usize = 32;

/// What a string of a template stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// Itself; of `[[…]` the first bracket is gone.
    Literal(&'a str),
    /// The text between the brackets is an expression.
    Expression(&'a str),
}

/// Tells literals from expressions. A string that begins with a bracket and does not end with one is a literal.
pub fn classify(text: &str) -> Text<'_> {
    match text.strip_prefix('[').and_then(|rest| Some((rest, rest.strip_suffix(']')?))) {
        Some((rest, inside)) if inside.starts_with('[') => Text::Literal(rest),
        Some((_, inside)) => Text::Expression(inside),
        None => Text::Literal(text),
    }
}

/// An expression. Compared without its place.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What it is.
    pub kind: Kind,
    /// The byte of the text at which it begins.
    pub start: usize,
    /// The byte behind its end.
    pub end: usize,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `'text'`.
    Text(String),
    /// `-12`.
    Integer(i64),
    /// `namespace.name(arguments)`; the namespace is there for a template's own functions.
    Call {
        /// Of a template's own function.
        namespace: Option<String>,
        /// As it came.
        name: String,
        /// In order.
        arguments: Vec<Expression>,
    },
    /// `base.name[index]…`.
    Access {
        /// A call or a string.
        base: Box<Expression>,
        /// In order.
        steps: Vec<Step>,
    },
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.name`.
    Property(String),
    /// `[expression]`.
    Index(Expression),
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unable to parse language expression '{text}': {problem} at position {at}.")]
pub struct ExpressionError {
    /// The expression, shortened.
    pub text: String,
    /// What is wrong there.
    pub problem: String,
    /// Which character of the expression, from 0, the bracket not counted; as Azure counts.
    pub at: usize,
}

/// Reads the text between the brackets.
pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
    let mut parser = Parser { text, at: 0 };
    if text.len() > LENGTH_LIMIT {
        return parser.fail(format!("it is longer than {LENGTH_LIMIT} bytes"));
    }
    let expression = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => parser.unexpected("the end of the expression"),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start().len();
        self.at += blank;
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn fail<T>(&self, problem: String) -> Result<T, ExpressionError> {
        let mut text: String = self.text.chars().take(200).collect();
        if text.len() < self.text.len() {
            text.push('…');
        }
        let at = self.text.get(..self.at).map_or(0, |before| before.chars().count());
        Err(ExpressionError { text, problem, at })
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Result<T, ExpressionError> {
        match self.peek() {
            Some(c) => self.fail(format!("expected {wanted} and found '{}'", shown(c))),
            None => self.fail(format!("expected {wanted} and found its end")),
        }
    }

    fn name(&mut self) -> Result<String, ExpressionError> {
        match self.peek() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' || c == '$' => {
                let rest = self.rest();
                let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
                let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default().to_owned();
                self.at += end;
                Ok(name)
            }
            _ => self.unexpected("a name"),
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        if depth > DEPTH_LIMIT {
            return self.fail(format!("it is nested deeper than {DEPTH_LIMIT} levels"));
        }
        let first = self.peek();
        let start = self.at;
        let kind = match first {
            Some('\'') => Kind::Text(self.string()?),
            Some(c) if c == '-' || c.is_ascii_digit() => Kind::Integer(self.integer()?),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.call(depth)?,
            _ => return self.unexpected("a function, a string or a number"),
        };
        let base = Expression { kind, start, end: self.at };
        let mut steps = Vec::new();
        loop {
            let end = self.at;
            if self.take('.') {
                steps.push(Step::Property(self.name()?));
            } else if self.take('[') {
                steps.push(Step::Index(self.expression(depth + 1)?));
                if !self.take(']') {
                    return self.unexpected("']'");
                }
            } else if steps.is_empty() {
                return Ok(base);
            } else {
                return Ok(Expression { kind: Kind::Access { base: Box::new(base), steps }, start, end });
            }
        }
    }

    fn call(&mut self, depth: usize) -> Result<Kind, ExpressionError> {
        let mut name = self.name()?;
        let mut namespace = None;
        if self.take('.') {
            namespace = Some(std::mem::replace(&mut name, self.name()?));
        }
        if !self.take('(') {
            return self.unexpected("'('");
        }
        let mut arguments = Vec::new();
        if !self.take(')') {
            loop {
                arguments.push(self.expression(depth + 1)?);
                if self.take(')') {
                    break;
                }
                if !self.take(',') {
                    return self.unexpected("',' or ')'");
                }
            }
        }
        Ok(Kind::Call { namespace, name, arguments })
    }

    fn string(&mut self) -> Result<String, ExpressionError> {
        let mut text = String::new();
        let mut rest = self.rest().get(1..).unwrap_or_default();
        loop {
            let Some((before, after)) = rest.split_once('\'') else {
                return self.fail("a string is not closed".into());
            };
            text.push_str(before);
            match after.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    rest = more;
                }
                None => {
                    self.at = self.text.len() - after.len();
                    return Ok(text);
                }
            }
        }
    }

    fn integer(&mut self) -> Result<i64, ExpressionError> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let sign = rest.len() - digits.len();
        let end = sign + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        match rest.get(..end).and_then(|number| number.parse().ok()) {
            Some(number) => {
                self.at += end;
                Ok(number)
            }
            None => self.fail("a number is not an integer of 64 bits".into()),
        }
    }
}

impl fmt::Display for Expression {
    /// The expression as text that parses to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Kind::Integer(number) => write!(f, "{number}"),
            Kind::Call { namespace, name, arguments } => {
                if let Some(namespace) = namespace {
                    write!(f, "{namespace}.")?;
                }
                write!(f, "{name}(")?;
                for (n, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if n > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Kind::Access { base, steps } => {
                write!(f, "{base}")?;
                steps.iter().try_for_each(|step| match step {
                    Step::Property(name) => write!(f, ".{name}"),
                    Step::Index(index) => write!(f, "[{index}]"),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_and_expressions() {
        for (text, meant) in [
            ("abc", Text::Literal("abc")),
            ("", Text::Literal("")),
            ("[", Text::Literal("[")),
            ("[test] value", Text::Literal("[test] value")),
            ("[[test value]", Text::Literal("[test value]")),
            ("[[]", Text::Literal("[]")),
            ("[]", Text::Expression("")),
            ("[a()]", Text::Expression("a()")),
        ] {
            assert_eq!(classify(text), meant, "{text}");
        }
    }

    #[test]
    fn expressions_print_as_they_were_read() {
        for text in [
            "concat('it''s', parameters('b').c[0]['d'].e)",
            "contoso.unique('x', -12)",
            "f(g(h()), [0])[1]".replace("[0]", "i()[0]").as_str(),
            "''",
            "9223372036854775807",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("  f ( 'a' ,\n 1 ) . b [ 'c' ] ").unwrap().to_string(), "f('a', 1).b['c']");
    }

    #[test]
    fn places() {
        let parsed = parse("concat( 'a', f().b )").unwrap();
        let Kind::Call { arguments, .. } = &parsed.kind else { panic!("a call") };
        assert_eq!((parsed.start, parsed.end), (0, 20));
        assert_eq!((arguments[0].start, arguments[0].end), (8, 11));
        assert_eq!((arguments[1].start, arguments[1].end), (13, 18));
    }

    #[test]
    fn what_is_no_expression() {
        for (text, problem) in [
            ("", "expected a function, a string or a number and found its end at position 0"),
            ("a", "expected '(' and found its end at position 1"),
            ("a(", "expected a function, a string or a number and found its end at position 2"),
            ("a('b'", "expected ',' or ')' and found its end at position 5"),
            ("a('b)", "a string is not closed at position 2"),
            ("a(),", "expected the end of the expression and found ',' at position 3"),
            ("a(,)", "expected a function, a string or a number and found ',' at position 2"),
            ("a().", "expected a name and found its end at position 4"),
            ("a()[0", "expected ']' and found its end at position 5"),
            ("a.b.c()", "expected '(' and found '.' at position 3"),
            ("1.5", "expected a name and found '5' at position 2"),
            ("99999999999999999999", "a number is not an integer of 64 bits at position 0"),
            ("-", "a number is not an integer of 64 bits at position 0"),
            ("é()", "expected a function, a string or a number and found 'é' at position 0"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("Unable to parse language expression '{text}': {problem}."));
        }
    }

    #[test]
    fn limits_hold() {
        let deep = format!("{}1{}", "f(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).unwrap_err().problem.contains("deeper"));
        let index = format!("{}1{}", "f()[".repeat(3000), "]".repeat(3000));
        assert!(parse(&index).unwrap_err().problem.contains("deeper"));
        assert!(parse(&"1".repeat(LENGTH_LIMIT + 1)).unwrap_err().problem.contains("longer"));
        let wide = format!("f(){}", ".a".repeat(12_000));
        assert_eq!(parse(&wide).unwrap().to_string(), wide);
    }

    proptest! {
        #[test]
        fn what_is_read_prints_as_the_same(text in "[a-c()\\[\\]., '0-9-]{0,40}") {
            if let Ok(expression) = parse(&text) {
                prop_assert_eq!(parse(&expression.to_string()).unwrap(), expression);
            }
        }

        #[test]
        fn any_string_is_a_literal(text in "\\PC{0,40}") {
            let quoted = format!("'{}'", text.replace('\'', "''"));
            prop_assert_eq!(parse(&quoted).unwrap().kind, Kind::Text(text));
        }
    }
}

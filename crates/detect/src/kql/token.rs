//! The words of a query.
//!
//! ```text
//! special  = \ ( ) : < > " * { }
//! space    = blank, tab, CR, LF, U+00A0
//! and, or  = any case, space on both sides, behind an operand
//! not      = any case, space behind it, anywhere outside quotes - also inside a word
//! quoted   = " { any but " and \ | \t \r \n \" \\ \uXXXX | \ any other: both stand for themselves } "
//! unquoted = { any but special | * | \t \r \n \uXXXX | \ special | \and \or \not }, spaces inside included,
//!            up to a special character or a keyword; trimmed
//! ```
//! Whether `and` is a keyword hangs on what came before it: `a: and b` is about the value "and b", as in Kibana.

use super::Problem;
use super::syntax::{Literal, Order};
use super::wildcard::Wildcard;
use std::ops::Range;

/// What the parser reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `{`.
    OpenBrace,
    /// `}`.
    CloseBrace,
    /// `:`.
    Colon,
    /// `<`, `<=`, `>`, `>=`.
    Order(Order),
    /// A value, or the name of a field.
    Word(Literal),
    /// `and`.
    And,
    /// `or`.
    Or,
    /// `not`.
    Not,
    /// Nothing comes any more.
    End,
}

/// A place in the text.
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Whether an operand may begin here; `and` and `or` are keywords where none may.
    operand: bool,
    /// What was wrong with words so far.
    pub problems: Vec<Problem>,
}

/// White space of the language.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{a0}')
}

/// What is cut off both ends of an unquoted value: the white space of JavaScript.
pub fn is_trimmed(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// What ends an unquoted value.
pub fn is_special(c: char) -> bool {
    matches!(c, '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}')
}

impl<'a> Lexer<'a> {
    /// At the beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, operand: true, problems: Vec::new() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let there = self.rest().starts_with(prefix);
        if there {
            self.at += prefix.len();
        }
        there
    }

    /// Where the spaces end that begin at a place.
    fn behind_spaces(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + (rest.len() - rest.trim_start_matches(is_space).len())
    }

    /// Whether a word, in any case, stands at a place with a space behind it.
    fn is_keyword(&self, from: usize, word: &str) -> bool {
        let end = from + word.len();
        self.text.get(from..end).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && self.text.get(end..).is_some_and(|rest| rest.starts_with(is_space))
    }

    /// The next word and where it stands.
    pub fn next(&mut self) -> (Token, Range<usize>) {
        let before = self.at;
        self.at = self.behind_spaces(before);
        let start = self.at;
        let token = self.token(start > before);
        self.operand = !matches!(token, Token::Word(_) | Token::Close | Token::CloseBrace);
        let end = match token {
            Token::Word(Literal::Text { quoted: false, .. } | Literal::Wildcard(_)) => {
                let raw = self.text.get(start..self.at).unwrap_or_default();
                start + raw.trim_end_matches(is_space).len()
            }
            _ => self.at,
        };
        (token, start..end)
    }

    fn token(&mut self, spaced: bool) -> Token {
        let Some(c) = self.peek() else { return Token::End };
        let single = match c {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '{' => Some(Token::OpenBrace),
            '}' => Some(Token::CloseBrace),
            ':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = single {
            self.at += 1;
            return token;
        }
        for order in [Order::AtMost, Order::Below, Order::AtLeast, Order::Above] {
            if self.eat(order.as_str()) {
                return Token::Order(order);
            }
        }
        let keywords =
            [("and", Token::And, !self.operand && spaced), ("or", Token::Or, !self.operand && spaced)];
        for (word, token, possible) in keywords.into_iter().chain([("not", Token::Not, true)]) {
            if possible && self.is_keyword(self.at, word) {
                self.at += word.len();
                return token;
            }
        }
        Token::Word(if c == '"' { self.quoted() } else { self.unquoted() })
    }

    fn quoted(&mut self) -> Literal {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                let message = "the quote that opens here is not closed: end the text with a \"";
                self.problems.push(Problem { span: start..self.at, message: message.to_owned() });
                break;
            };
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' if self.eat("t") => text.push('\t'),
                '\\' if self.eat("r") => text.push('\r'),
                '\\' if self.eat("n") => text.push('\n'),
                '\\' if self.eat("\"") => text.push('"'),
                '\\' if self.eat("\\") => text.push('\\'),
                '\\' => match self.unicode() {
                    Some(c) => text.push(c),
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Literal::Text { text, quoted: true }
    }

    fn unquoted(&mut self) -> Literal {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if is_space(c) {
                // A run of spaces is read once, however long it is.
                let end = self.behind_spaces(self.at);
                if ["and", "or"].iter().any(|word| self.is_keyword(end, word)) {
                    break;
                }
                text.push_str(self.text.get(self.at..end).unwrap_or_default());
                self.at = end;
                continue;
            }
            if self.is_keyword(self.at, "not") || (is_special(c) && c != '*' && c != '\\') {
                break;
            }
            self.at += c.len_utf8();
            match c {
                '*' => pieces.push(std::mem::take(&mut text)),
                '\\' => self.escape(&mut text),
                c => text.push(c),
            }
        }
        if pieces.is_empty() {
            let text = text.trim_matches(is_trimmed);
            return match text {
                "null" => Literal::Null,
                "true" => Literal::Boolean(true),
                "false" => Literal::Boolean(false),
                // Only escaped white space: the empty text, which has a form of its own.
                "" => Literal::Text { text: String::new(), quoted: true },
                text => Literal::Text { text: text.to_owned(), quoted: false },
            };
        }
        pieces.push(text.trim_end_matches(is_trimmed).to_owned());
        if let Some(first) = pieces.first_mut() {
            *first = first.trim_start_matches(is_trimmed).to_owned();
        }
        Wildcard::of_pieces(pieces).map_or(Literal::Null, Literal::Wildcard)
    }

    /// Behind the backslash of an unquoted value.
    fn escape(&mut self, text: &mut String) {
        let start = self.at - 1;
        for word in ["and", "or", "not"] {
            let end = self.at + word.len();
            let Some(found) = self.text.get(self.at..end) else { continue };
            // "\nothing" begins with a line break; "\not" does not.
            let alone = self.text.get(end..).and_then(|rest| rest.chars().next());
            let whole = word != "not" || alone.is_none_or(|c| is_space(c) || is_special(c));
            if found.eq_ignore_ascii_case(word) && whole {
                text.push_str(found);
                self.at = end;
                return;
            }
        }
        match self.peek() {
            Some(c) if is_special(c) => text.push(c),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            found => {
                match self.unicode() {
                    Some(c) => text.push(c),
                    None => {
                        let shown: String = found.into_iter().collect();
                        let end = self.at + found.map_or(0, char::len_utf8);
                        let message = format!("'\\{shown}' is no escape: a backslash is written '\\\\'");
                        self.problems.push(Problem { span: start..end, message });
                        text.push('\\');
                    }
                }
                return;
            }
        }
        self.at += 1;
    }

    /// `uXXXX` behind a backslash; two of them for what needs a surrogate pair.
    fn unicode(&mut self) -> Option<char> {
        let start = self.at - 1;
        let first = self.code_unit(self.at)?;
        self.at += 5;
        let behind = self.rest().starts_with('\\').then(|| self.code_unit(self.at + 1)).flatten();
        let units = [Some(first), behind];
        let c = match char::from_u32(u32::from(first)) {
            Some(c) => Some(c),
            None => char::decode_utf16(units.into_iter().flatten()).next().and_then(Result::ok),
        };
        match c {
            Some(c) if c.len_utf16() == 2 => self.at += 6,
            Some(_) => {}
            None => {
                let message = "half of a surrogate pair is no character: write both halves, '\\uD83D\\uDE00'";
                self.problems.push(Problem { span: start..self.at, message: message.to_owned() });
            }
        }
        Some(c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn code_unit(&self, from: usize) -> Option<u16> {
        let digits = self.text.get(from..from + 5)?.strip_prefix('u')?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    }
}

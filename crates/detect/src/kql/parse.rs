//! Words to a tree.
//!
//! ```text
//! query  = [ or ]
//! or     = and { "or" and }            the same rules hold for the values in the
//! and    = unary { "and" unary }       parentheses behind a field, with a value
//! unary  = [ "not" ] one               where a clause stands
//! one    = "(" or ")" | clause
//! clause = name ":" "{" or "}" | name ":" "(" values ")" | name ":" value
//!        | name ( "<" | "<=" | ">" | ">=" ) value | value
//! ```
//! After a problem the parser goes on at the next `and`, `or` or closing bracket, so that one text tells several.
//! Work and stack are limited: by the text's length, the depth of brackets, and the number of values.

use super::Problem;
use super::advice::Advisor;
use super::syntax::{Clause, Literal, Name, Order, Tree};
use super::token::{Lexer, Token};
use std::ops::Range;

/// Longest query, bytes.
pub const LENGTH_LIMIT: usize = 128 * 1024;
/// Deepest nesting of brackets.
pub const DEPTH_LIMIT: usize = 64;
/// Most values and most names in one query.
pub const VALUE_LIMIT: usize = 8_192;
/// Longest name of a field, bytes without escapes; with the names of the braces around it.
pub const NAME_LIMIT: usize = 1_024;
/// Problems that are told of one text.
const PROBLEM_LIMIT: usize = 20;

/// What came out.
pub struct Parsed {
    /// What the text says; what is wrong in it left out.
    pub tree: Tree<Clause>,
    /// In order of their places. Without any, the tree is the query.
    pub problems: Vec<Problem>,
    /// What is right but can hardly be meant.
    pub warnings: Vec<Problem>,
}

/// Reads a whole query.
pub fn parse(text: &str) -> Parsed {
    if text.len() > LENGTH_LIMIT {
        let span = text.floor_char_boundary(LENGTH_LIMIT)..text.len();
        let message = format!(
            "the query has {} bytes, more than {LENGTH_LIMIT}: split it, or use an exception list",
            text.len()
        );
        let problems = vec![Problem { span, message }];
        return Parsed { tree: Tree::All(Vec::new()), problems, warnings: Vec::new() };
    }
    let mut lexer = Lexer::new(text);
    let ahead = lexer.next();
    let end = text.len();
    let mut parser =
        Parser { text, end, lexer, ahead, problems: Vec::new(), advisor: Advisor::default(), values: 0 };
    let tree = parser.query();
    let mut problems = parser.problems;
    problems.append(&mut parser.lexer.problems);
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    problems.truncate(PROBLEM_LIMIT);
    Parsed { tree, problems, warnings: parser.advisor.warnings }
}

struct Parser<'a> {
    text: &'a str,
    /// Where the text ends for the parser: before its end once a limit is hit.
    end: usize,
    lexer: Lexer<'a>,
    ahead: (Token, Range<usize>),
    problems: Vec<Problem>,
    advisor: Advisor,
    values: usize,
}

/// Reads one operand that is no parenthesis and no `not`.
type Leaf<'a, T> = fn(&mut Parser<'a>, usize) -> Option<T>;

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token {
        &self.ahead.0
    }

    fn take(&mut self) -> (Token, Range<usize>) {
        if self.ahead.0 == Token::End {
            return self.ahead.clone();
        }
        let next = self.lexer.next();
        std::mem::replace(&mut self.ahead, next)
    }

    fn tell(&mut self, span: Range<usize>, message: impl Into<String>) {
        if self.end == self.text.len() && self.problems.len() < PROBLEM_LIMIT {
            self.problems.push(Problem { span, message: message.into() });
        }
    }

    /// A limit was hit: one problem more, and nothing is read any more.
    fn stop(&mut self, span: Range<usize>, message: String) {
        self.tell(span.clone(), message);
        self.end = span.start.min(self.text.len().saturating_sub(1));
        self.ahead = (Token::End, span);
    }

    fn query(&mut self) -> Tree<Clause> {
        if *self.peek() == Token::End {
            return Tree::All(Vec::new());
        }
        loop {
            let tree = self.any(0, Self::clause);
            match self.take() {
                (Token::End, _) => return tree,
                (token, span) => {
                    self.tell(
                        span,
                        format!("{} closes nothing: remove it, or open it before", shown(&token)),
                    );
                    if *self.peek() == Token::End {
                        return tree;
                    }
                    self.settle();
                    if matches!(self.peek(), Token::And | Token::Or) {
                        self.take();
                    } else if *self.peek() == Token::End {
                        return tree;
                    }
                }
            }
        }
    }

    fn any<T>(&mut self, depth: usize, leaf: Leaf<'a, T>) -> Tree<T> {
        let first = self.all(depth, leaf);
        if *self.peek() != Token::Or {
            return first;
        }
        let mut items = vec![first];
        while *self.peek() == Token::Or {
            self.take();
            items.push(self.all(depth, leaf));
        }
        Tree::Any(items)
    }

    fn all<T>(&mut self, depth: usize, leaf: Leaf<'a, T>) -> Tree<T> {
        let first = self.unary(depth, leaf);
        if *self.peek() != Token::And {
            return first;
        }
        let mut items = vec![first];
        while *self.peek() == Token::And {
            self.take();
            items.push(self.unary(depth, leaf));
        }
        Tree::All(items)
    }

    fn unary<T>(&mut self, depth: usize, leaf: Leaf<'a, T>) -> Tree<T> {
        let negated = *self.peek() == Token::Not;
        if negated {
            self.take();
            while *self.peek() == Token::Not {
                let (_, span) = self.take();
                self.tell(span, "a second 'not' needs parentheses: 'not (not …)'; or remove both");
            }
        }
        let tree = self.one(depth, leaf);
        self.settle();
        if negated { Tree::Not(Box::new(tree)) } else { tree }
    }

    fn one<T>(&mut self, depth: usize, leaf: Leaf<'a, T>) -> Tree<T> {
        let nothing = Tree::All(Vec::new());
        if *self.peek() != Token::Open {
            return leaf(self, depth).map_or(nothing, Tree::One);
        }
        let (_, open) = self.take();
        if !self.may_nest(depth, &open) {
            return nothing;
        }
        let tree = self.any(depth + 1, leaf);
        self.close(open, &Token::Close);
        tree
    }

    fn may_nest(&mut self, depth: usize, open: &Range<usize>) -> bool {
        let may = depth < DEPTH_LIMIT;
        if !may {
            let message = format!("brackets nest deeper than {DEPTH_LIMIT}: write the query flatter");
            self.stop(open.clone(), message);
        }
        may
    }

    /// Reads the bracket that closes another, and what stands wrongly before it.
    fn close(&mut self, open: Range<usize>, closing: &Token) {
        loop {
            if self.peek() == closing {
                self.take();
                return;
            }
            let (token, span) = self.take();
            if token == Token::End {
                // Who is told that something is missing at the end would be told twice.
                if self.problems.last().is_some_and(|problem| problem.span.start == self.text.len()) {
                    return;
                }
                let opening = self.text.get(open.clone()).unwrap_or_default();
                return self.tell(open, format!("'{opening}' is not closed: {} is missing", shown(closing)));
            }
            self.tell(span, format!("found {}, expected {}", shown(&token), shown(closing)));
            if *self.peek() == Token::End {
                // It was meant to close this one.
                return;
            }
            self.settle();
            while matches!(self.peek(), Token::And | Token::Or) {
                self.take();
                self.settle();
            }
        }
    }

    /// Behind an operand: tells what does not belong there and goes on to what does.
    fn settle(&mut self) {
        let belongs = |token: &Token| {
            matches!(token, Token::And | Token::Or | Token::Close | Token::CloseBrace | Token::End)
        };
        if belongs(self.peek()) {
            return;
        }
        let (token, span) = self.take();
        let message = self.misplaced(&token, &span);
        self.tell(span, message);
        let mut open = usize::from(matches!(token, Token::Open | Token::OpenBrace));
        while open > 0 || !belongs(self.peek()) {
            match self.take().0 {
                Token::Open | Token::OpenBrace => open += 1,
                Token::Close | Token::CloseBrace => open -= 1,
                Token::End => return,
                _ => {}
            }
        }
    }

    fn misplaced(&self, token: &Token, span: &Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or_default();
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let keyword = ["and", "or", "not"].into_iter().find(|keyword| word.eq_ignore_ascii_case(keyword));
        match (token, keyword) {
            (Token::Open | Token::Word(_), Some(keyword)) => {
                format!("'{keyword}' needs a space behind it: '{keyword} {}…'", self.text.get(span.start..=span.start).unwrap_or_default())
            }
            (Token::Not, _) => {
                "'not' belongs behind 'and' or 'or', or before the field; inside a value it is written in quotes or '\\not'"
                    .to_owned()
            }
            (Token::Colon, _) => {
                "found ':' behind a value: a value with ':' is written in quotes or with '\\:'".to_owned()
            }
            (Token::Order(order), _) => format!(
                "found '{0}' behind a value: a value with '{0}' is written in quotes",
                order.as_str()
            ),
            (Token::Word(_), _) => {
                let found = self.text.get(span.clone()).unwrap_or_default();
                match ["and", "or"].into_iter().find(|k| starts_with_word(found, k)) {
                    Some(keyword) => format!("'{keyword}' needs a space on both sides"),
                    None => "expected 'and' or 'or' before this: a value with spaces and quotes is written in one pair of quotes".to_owned(),
                }
            }
            (Token::OpenBrace, _) => "found '{', which comes behind 'field:'; as a part of a value it is written '\\{'".to_owned(),
            (token, _) => format!("found {}, expected 'and', 'or' or the end", shown(token)),
        }
    }

    /// `name: …`, `name > …` or a value alone.
    fn clause(&mut self, depth: usize) -> Option<Clause> {
        let word = match self.peek() {
            Token::Word(_) => {
                let (token, span) = self.take();
                self.count(&span)?;
                match token {
                    Token::Word(word) => Some((word, span)),
                    _ => None,
                }
            }
            Token::Colon | Token::Order(_) => {
                let span = self.ahead.1.clone();
                self.tell(span, format!("expected the name of a field before {}", shown(self.peek())));
                None
            }
            _ => {
                self.operand_missing("a field, a value or '('");
                return None;
            }
        };
        match self.peek().clone() {
            Token::Colon => {
                self.take();
                let (name, span) = self.name(word)?;
                if *self.peek() == Token::OpenBrace {
                    self.nested(name, span, depth)
                } else {
                    self.is(name, depth)
                }
            }
            Token::Order(order) => {
                self.take();
                let (name, _) = self.name(word)?;
                self.range(name, order)
            }
            _ => word.map(|(value, span)| {
                self.advisor.anywhere(&value, span);
                Clause::Anywhere(value)
            }),
        }
    }

    /// The name of a field; where it is missing, one that keeps the parser going.
    fn name(&mut self, word: Option<(Literal, Range<usize>)>) -> Option<(Name, Range<usize>)> {
        let Some((word, span)) = word else { return Some((Name::Exact(String::new()), 0..0)) };
        let name = match word {
            Literal::Null => Name::Exact("null".to_owned()),
            Literal::Boolean(truth) => Name::Exact(truth.to_string()),
            Literal::Text { text, .. } => Name::Exact(text),
            Literal::Wildcard(pattern) => Name::Pattern(pattern),
        };
        let length = match &name {
            Name::Exact(name) => name.len(),
            Name::Pattern(pattern) => pattern.pieces().map(|piece| piece.len() + 1).sum(),
        };
        if length > NAME_LIMIT {
            self.stop(span, format!("the name of a field is longer than {NAME_LIMIT} bytes"));
            return None;
        }
        Some((name, span))
    }

    fn nested(&mut self, name: Name, span: Range<usize>, depth: usize) -> Option<Clause> {
        let (_, open) = self.take();
        if !self.may_nest(depth, &open) {
            return None;
        }
        let field = match name {
            Name::Exact(field) => field,
            Name::Pattern(_) => {
                let message = "expected one field before '{': a name with '*' does not lead to objects";
                self.tell(span.clone(), message);
                String::new()
            }
        };
        if !self.advisor.enter(&field) {
            self.stop(
                span,
                format!("the names of nested fields are together longer than {NAME_LIMIT} bytes"),
            );
            return None;
        }
        let inside = Box::new(self.any(depth + 1, Self::clause));
        self.advisor.leave();
        self.close(open, &Token::CloseBrace);
        Some(Clause::Nested { field, inside })
    }

    fn is(&mut self, field: Name, depth: usize) -> Option<Clause> {
        if *self.peek() == Token::Not {
            let (_, span) = self.take();
            self.tell(
                span,
                "'not' does not stand before a value: write 'not field: value' or 'field: (not value)'",
            );
            while *self.peek() == Token::Not {
                self.take();
            }
        }
        self.advisor.about(&field, None);
        if *self.peek() == Token::Open {
            let value = self.one(depth, Self::value);
            return Some(Clause::Is { field, value });
        }
        let value = Tree::One(self.value(depth)?);
        Some(Clause::Is { field, value })
    }

    fn range(&mut self, field: Name, order: Order) -> Option<Clause> {
        self.advisor.about(&field, Some(order));
        let span = self.ahead.1.clone();
        match self.peek() {
            Token::Word(Literal::Wildcard(_)) => {
                self.take();
                self.tell(span, format!("'{}' compares with one value, without '*'", order.as_str()));
                None
            }
            Token::Word(_) => {
                let bound = self.value(0)?;
                Some(Clause::Range { field, order, bound })
            }
            _ => {
                self.operand_missing(&format!("the value behind '{}'", order.as_str()));
                None
            }
        }
    }

    fn value(&mut self, _depth: usize) -> Option<Literal> {
        if !matches!(self.peek(), Token::Word(_)) {
            self.operand_missing("a value");
            return None;
        }
        let (token, span) = self.take();
        self.count(&span)?;
        let Token::Word(value) = token else { return None };
        self.advisor.value(&value, span);
        Some(value)
    }

    fn count(&mut self, span: &Range<usize>) -> Option<()> {
        self.values += 1;
        if self.values > VALUE_LIMIT {
            let message = format!(
                "the query has more than {VALUE_LIMIT} names and values: split it, or use an exception list"
            );
            self.stop(span.clone(), message);
            return None;
        }
        Some(())
    }

    fn operand_missing(&mut self, expected: &str) {
        let (token, span) = self.ahead.clone();
        let message = match token {
            Token::End => format!("the query ends where {expected} is expected"),
            token => format!("found {}, expected {expected}", shown(&token)),
        };
        self.tell(span, message);
        match self.peek() {
            Token::Close | Token::CloseBrace | Token::End => {}
            // What is skipped is told once.
            _ => {
                let told = self.problems.len();
                self.settle();
                self.problems.truncate(told);
            }
        }
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
        && text.get(word.len()..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn shown(token: &Token) -> String {
    match token {
        Token::Open => "'('".to_owned(),
        Token::Close => "')'".to_owned(),
        Token::OpenBrace => "'{'".to_owned(),
        Token::CloseBrace => "'}'".to_owned(),
        Token::Colon => "':'".to_owned(),
        Token::Order(order) => format!("'{}'", order.as_str()),
        Token::Word(_) => "a value".to_owned(),
        Token::And => "'and'".to_owned(),
        Token::Or => "'or'".to_owned(),
        Token::Not => "'not'".to_owned(),
        Token::End => "the end".to_owned(),
    }
}

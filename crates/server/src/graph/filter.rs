//! `$filter` as Graph's clients write it (contract section 7), against the documents themselves.
//!
//! ```text
//! servicePrincipalNames/any(c:c eq 'NAME')
//! userPrincipalName eq 'ann@example.org' or startswith(displayName,'Ann')
//! ```
//! Texts are compared in any case, as Graph does. What is not understood is refused: a filter that is passed over would show
//! too much.

use hardline_arm::error::ArmError;
use http::StatusCode;
use serde_json::Value;

/// Longest filter that is read, bytes.
const LIMIT: usize = 4096;
/// Deepest nesting of parentheses and `not`.
const DEPTH: usize = 16;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `name eq value`.
    Equal(String, Value),
    /// `startswith(name,'prefix')`.
    Prefix(String, String),
    /// `name/any(x:x eq 'value')`.
    Any(String, String),
    /// `not condition`, and `ne`.
    Not(Box<Filter>),
    /// Joined by `and`.
    All(Vec<Filter>),
    /// Joined by `or`, or `name in ('a','b')`.
    Either(Vec<Filter>),
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, ArmError> {
        if text.len() > LIMIT {
            return Err(refused(&format!("it is longer than {LIMIT} bytes")));
        }
        let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable(), depth: 0 };
        let filter = reader.either()?;
        match reader.tokens.next() {
            None => Ok(filter),
            Some(more) => Err(refused(&format!("nothing is expected at '{}'", more.show()))),
        }
    }

    /// Whether a document meets the condition; an error when it names what documents of this kind do not have.
    pub fn matches(&self, document: &Value) -> Result<bool, ArmError> {
        let property = |name: &str| {
            let object = document.as_object();
            let found = object.and_then(|map| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
            found.map(|(_, value)| value).ok_or_else(|| refused(&format!("there is no property '{name}'")))
        };
        Ok(match self {
            Self::Equal(name, value) => same(property(name)?, value),
            Self::Prefix(name, prefix) => {
                let text = property(name)?.as_str().unwrap_or("").to_lowercase();
                text.starts_with(&prefix.to_lowercase())
            }
            Self::Any(name, value) => {
                let value = Value::from(value.as_str());
                property(name)?.as_array().is_some_and(|list| list.iter().any(|entry| same(entry, &value)))
            }
            Self::Not(inner) => !inner.matches(document)?,
            Self::All(parts) => {
                // Every part is looked at: a bad one is refused, whatever the others say.
                parts.iter().try_fold(true, |all, part| Ok::<_, ArmError>(part.matches(document)? && all))?
            }
            Self::Either(parts) => {
                parts.iter().try_fold(false, |any, part| Ok::<_, ArmError>(part.matches(document)? || any))?
            }
        })
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => left.to_lowercase() == right.to_lowercase(),
        _ => left == right,
    }
}

fn refused(reason: &str) -> ArmError {
    let text = format!("Invalid filter clause: {reason}.");
    ArmError::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", text)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

impl Token {
    fn show(&self) -> String {
        let text = match self {
            Self::Word(text) | Self::Text(text) => text.clone(),
            Self::Mark(mark) => mark.to_string(),
        };
        text.chars().take(80).collect()
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ArmError> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' | ')' | ',' | ':' => found.push(Token::Mark(c)),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        // Two quotes stand for one.
                        Some('\'') if rest.next_if_eq(&'\'').is_some() => value.push('\''),
                        Some('\'') => break,
                        Some(c) => value.push(c),
                        None => return Err(refused("a quote is not closed")),
                    }
                }
                found.push(Token::Text(value));
            }
            c if part_of_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| part_of_word(*c)) {
                    word.push(c);
                }
                found.push(Token::Word(word));
            }
            other => {
                return Err(refused(&format!("the character '{}' is not expected", other.escape_default())));
            }
        }
    }
    Ok(found)
}

fn part_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | '-' | '.' | '@')
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Reader {
    fn either(&mut self) -> Result<Filter, ArmError> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Filter::Either))
    }

    fn all(&mut self) -> Result<Filter, ArmError> {
        let mut parts = vec![self.condition()?];
        while self.takes_word("and") {
            parts.push(self.condition()?);
        }
        Ok(single(parts, Filter::All))
    }

    fn condition(&mut self) -> Result<Filter, ArmError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(refused("it is nested too deeply"));
        }
        let filter = self.inner_condition()?;
        self.depth -= 1;
        Ok(filter)
    }

    fn inner_condition(&mut self) -> Result<Filter, ArmError> {
        if self.takes_mark('(') {
            let inner = self.either()?;
            self.mark(')')?;
            return Ok(inner);
        }
        if self.takes_word("not") {
            return Ok(Filter::Not(Box::new(self.condition()?)));
        }
        let name = self.word()?;
        if self.takes_mark('(') {
            return self.call(&name);
        }
        let operator = self.word()?;
        match operator.to_ascii_lowercase().as_str() {
            "eq" => Ok(Filter::Equal(name, self.value()?)),
            "ne" => Ok(Filter::Not(Box::new(Filter::Equal(name, self.value()?)))),
            "in" => {
                self.mark('(')?;
                let mut parts = vec![Filter::Equal(name.clone(), self.value()?)];
                while self.takes_mark(',') {
                    parts.push(Filter::Equal(name.clone(), self.value()?));
                }
                self.mark(')')?;
                Ok(single(parts, Filter::Either))
            }
            _ => Err(refused(&format!("the operator '{operator}' is not supported"))),
        }
    }

    /// What stands behind `name(`.
    fn call(&mut self, name: &str) -> Result<Filter, ArmError> {
        if name.eq_ignore_ascii_case("startswith") {
            let property = self.word()?;
            self.mark(',')?;
            let prefix = self.text()?;
            self.mark(')')?;
            return Ok(Filter::Prefix(property, prefix));
        }
        let Some((list, "any")) = name.rsplit_once('/') else {
            return Err(refused(&format!("the function '{name}' is not supported")));
        };
        let variable = self.word()?;
        self.mark(':')?;
        let (again, operator) = (self.word()?, self.word()?);
        if again != variable || !operator.eq_ignore_ascii_case("eq") {
            return Err(refused("'any' compares its own variable with 'eq'"));
        }
        let value = self.text()?;
        self.mark(')')?;
        Ok(Filter::Any(list.to_owned(), value))
    }

    fn value(&mut self) -> Result<Value, ArmError> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Value::from(text)),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                "null" => Ok(Value::Null),
                _ => Ok(Value::from(word)),
            },
            other => Err(unexpected("a value", other.as_ref())),
        }
    }

    fn text(&mut self) -> Result<String, ArmError> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(text),
            other => Err(unexpected("a text in quotes", other.as_ref())),
        }
    }

    fn word(&mut self) -> Result<String, ArmError> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(unexpected("a name", other.as_ref())),
        }
    }

    fn mark(&mut self, mark: char) -> Result<(), ArmError> {
        if self.takes_mark(mark) {
            return Ok(());
        }
        Err(unexpected(&format!("'{mark}'"), self.tokens.peek()))
    }

    fn takes_mark(&mut self, mark: char) -> bool {
        self.tokens.next_if_eq(&Token::Mark(mark)).is_some()
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|t| matches!(t, Token::Word(w) if w.eq_ignore_ascii_case(word))).is_some()
    }
}

fn single(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn unexpected(wanted: &str, found: Option<&Token>) -> ArmError {
    let found = found.map_or_else(|| "the end".to_owned(), |token| format!("'{}'", token.show()));
    refused(&format!("{wanted} is expected, not {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &str, expected: bool) {
        let document = json!({
            "id": "11111111-1111-4111-8111-111111111111",
            "displayName": "Ann O'Hara",
            "mail": null,
            "accountEnabled": true,
            "servicePrincipalNames": ["app-1", "https://app"],
        });
        assert_eq!(Filter::parse(filter).unwrap().matches(&document).unwrap(), expected, "{filter}");
    }

    #[test]
    fn what_clients_send() {
        check("servicePrincipalNames/any(c:c eq 'APP-1')", true);
        check("servicePrincipalNames/any(c:c eq 'app')", false);
        check("displayName eq 'ann o''hara'", true);
        check("startswith(displayName,'ANN')", true);
        check("startsWith(displayName, 'Bob')", false);
        check("id eq '2' or displayname eq 'Ann O''Hara' and accountEnabled eq true", true);
        check("(id eq '2' or accountEnabled eq true) and mail ne null", false);
        check("not (mail eq null)", false);
        check("id in ('2', '11111111-1111-4111-8111-111111111111')", true);
        check("id eq 11111111-1111-4111-8111-111111111111", true);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for filter in [
            "",
            "displayName",
            "displayName eq",
            "displayName like 'a'",
            "displayName eq 'a",
            "displayName eq 'a' displayName eq 'b'",
            "endswith(displayName,'a')",
            "names/all(c:c eq 'a')",
            "names/any(c:d eq 'a')",
            "(displayName eq 'a'",
            "displayName eq 'a';",
            &"(".repeat(100),
            &"a".repeat(LIMIT + 1),
        ] {
            let error = Filter::parse(filter).unwrap_err();
            assert_eq!(error.code, "Request_UnsupportedQuery", "{filter}");
        }
        let unknown = Filter::parse("id eq 'x' and shoeSize eq '44'").unwrap();
        assert!(unknown.matches(&json!({ "id": "y" })).is_err());
    }

    #[test]
    fn every_beginning_of_a_filter_is_read_without_panic() {
        let whole = "(not names/any(c:c eq 'a''b') or startswith(é,'x')) and id in ('1','2') and x ne null";
        assert!(Filter::parse(whole).is_ok());
        for (end, _) in whole.char_indices() {
            let _ = Filter::parse(whole.get(..end).unwrap());
            let _ = Filter::parse(whole.get(end..).unwrap());
        }
    }
}

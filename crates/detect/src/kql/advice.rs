//! Clauses that are well formed and can hardly be meant: what the field's kind can never hold, and keywords that were read
//! as a part of a value.

use super::Problem;
use super::date::Moment;
use super::network::Network;
use super::number::Number;
use super::parse::NAME_LIMIT;
use super::syntax::{Literal, Name, Order};
use crate::fields::{self, Kind};
use std::ops::Range;

/// Warnings that are told of one text.
const WARNING_LIMIT: usize = 20;

/// Looks over the parser's shoulder: which field the values belong to, and where the parser is.
#[derive(Default)]
pub struct Advisor {
    /// Fields of the braces around.
    around: Vec<String>,
    /// The field of the values that come; none for a pattern of names.
    field: Option<(String, Kind)>,
    order: Option<Order>,
    /// What was found.
    pub warnings: Vec<Problem>,
}

impl Advisor {
    /// `field: {`. Whether all names around are of a length that may be.
    pub fn enter(&mut self, field: &str) -> bool {
        self.around.push(field.to_owned());
        self.around.iter().map(|name| name.len() + 1).sum::<usize>() <= NAME_LIMIT
    }

    /// `}`.
    pub fn leave(&mut self) {
        self.around.pop();
    }

    /// The values that come are about a field.
    pub fn about(&mut self, field: &Name, order: Option<Order>) {
        self.order = order;
        self.field = match field {
            Name::Exact(name) => {
                let name = self
                    .around
                    .iter()
                    .map(String::as_str)
                    .chain([name.as_str()])
                    .collect::<Vec<_>>()
                    .join(".");
                let kind = fields::kind(&name);
                Some((name, kind))
            }
            Name::Pattern(_) => None,
        };
    }

    /// A value of the field.
    pub fn value(&mut self, value: &Literal, span: Range<usize>) {
        if let Some(message) =
            self.field.as_ref().and_then(|(name, kind)| against(name, *kind, self.order, value))
        {
            self.warn(span.clone(), message);
        }
        self.swallowed(value, span);
    }

    /// A value without a field.
    pub fn anywhere(&mut self, value: &Literal, span: Range<usize>) {
        self.swallowed(value, span);
    }

    fn swallowed(&mut self, value: &Literal, span: Range<usize>) {
        let Literal::Text { text, quoted: false } = value else { return };
        let lower = text.to_ascii_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        let keyword = |word: &&&str| ["and", "or", "not"].contains(*word);
        let found = words.first().filter(keyword).or_else(|| words.last().filter(keyword));
        if let Some(word) = found {
            let message =
                format!("'{word}' is read as a part of the value: it stands at its edge, without an operand");
            self.warn(span, message);
        }
    }

    fn warn(&mut self, span: Range<usize>, message: String) {
        if self.warnings.len() < WARNING_LIMIT {
            self.warnings.push(Problem { span, message });
        }
    }
}

/// Why a value is never found in a field of a kind.
fn against(name: &str, kind: Kind, order: Option<Order>, value: &Literal) -> Option<String> {
    let text = match value {
        Literal::Null => {
            return Some(format!("no field holds null: 'not {name}: *' finds documents without it"));
        }
        Literal::Wildcard(pattern) if pattern.is_star() => return None,
        Literal::Wildcard(_) => {
            let mend = match kind {
                Kind::Ip => "name a network, as 10.0.0.0/8",
                Kind::Long | Kind::Float | Kind::Date => "compare with '<', '<=', '>' or '>='",
                Kind::Boolean => "write true or false",
                _ => return None,
            };
            return Some(format!("{name} holds {}, where no '*' applies: {mend}", kind.plural()));
        }
        Literal::Boolean(truth) => truth.to_string(),
        Literal::Text { text, .. } => text.clone(),
    };
    let (fits, mend) = match kind {
        Kind::Long | Kind::Float => (Number::parse(&text).is_some(), "write a number"),
        Kind::Ip => {
            let network = Network::parse(&text);
            let one = network.is_some_and(|n| n.is_one());
            (
                network.is_some() && (order.is_none() || one),
                "write an address or, without '<' and '>', a network",
            )
        }
        Kind::Date => {
            (Moment::parse(&text).is_some(), "write 2026-11-21, \"2026-11-21T10:00:00Z\" or now-7d")
        }
        Kind::Boolean => {
            (order.is_none() && matches!(text.as_str(), "true" | "false" | ""), "write true or false")
        }
        _ => return None,
    };
    (!fits).then(|| format!("{name} holds {}: this is never found; {mend}", kind.plural()))
}

//! What a query says, before it is made fast: the tree that the parser builds and [`Display`](std::fmt::Display) prints.

use super::wildcard::Wildcard;

/// Operands joined by `or`, `and` and `not`: of clauses, and of the values in the parentheses behind a field.
///
/// Operands of one level are one list; parentheses keep a list inside a list. `All` of nothing is the empty query, which
/// means every document.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<T> {
    /// `a and b`.
    All(Vec<Tree<T>>),
    /// `a or b`.
    Any(Vec<Tree<T>>),
    /// `not a`.
    Not(Box<Tree<T>>),
    /// One of them.
    One(T),
}

/// One statement about a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Clause {
    /// `field: value`, `field: (a or b)`.
    Is {
        /// Which fields.
        field: Name,
        /// What one of their values is.
        value: Tree<Literal>,
    },
    /// `field > value`.
    Range {
        /// Which fields.
        field: Name,
        /// Which side.
        order: Order,
        /// The bound; never a wildcard.
        bound: Literal,
    },
    /// `field: { a: b and c: d }`: one object has all of it.
    Nested {
        /// Where the objects are.
        field: String,
        /// About one object; its names begin there.
        inside: Box<Tree<Clause>>,
    },
    /// A value without a field: any field may hold it.
    Anywhere(Literal),
}

/// Which fields a clause is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// This one.
    Exact(String),
    /// All whose whole dotted name matches.
    Pattern(Wildcard),
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `null`, unquoted.
    Null,
    /// `true` or `false`, unquoted.
    Boolean(bool),
    /// Text, escapes resolved.
    Text {
        /// It.
        text: String,
        /// Whether it stood in quotes: in text fields its words must follow each other.
        quoted: bool,
    },
    /// Unquoted with an unescaped `*`.
    Wildcard(Wildcard),
}

/// The operators of ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}

impl Order {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether a value that compares so with the bound is inside.
    pub fn allows(self, found: std::cmp::Ordering) -> bool {
        match self {
            Self::Below => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::Above => found.is_gt(),
            Self::AtLeast => found.is_ge(),
        }
    }
}

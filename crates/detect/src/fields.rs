//! What kind of value a field holds. A query's text is compared by it.

/// The kinds of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole text, case-sensitive.
    Keyword,
}

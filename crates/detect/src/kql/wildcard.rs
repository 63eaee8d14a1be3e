//! Patterns with `*`: any run of characters, also none, also with `/` and line breaks. Everything else, `?` too, stands for
//! itself. The whole text must match.

/// What stands between the stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    /// What comes before the first star.
    first: String,
    /// What comes between stars; empty between two neighbours.
    middle: Vec<String>,
    /// What comes behind the last star.
    last: String,
}

impl Wildcard {
    /// `first*last`.
    pub fn new(first: impl Into<String>, last: impl Into<String>) -> Self {
        Self { first: first.into(), middle: Vec::new(), last: last.into() }
    }

    /// The pattern of pieces with a star between each two; none when there is no star.
    pub fn of_pieces(pieces: Vec<String>) -> Option<Self> {
        let mut pieces = pieces.into_iter();
        let first = pieces.next()?;
        let last = pieces.next_back()?;
        Some(Self { first, middle: pieces.collect(), last })
    }

    /// The pieces, one more than there are stars.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        let middle = self.middle.iter().map(String::as_str);
        std::iter::once(self.first.as_str()).chain(middle).chain(std::iter::once(self.last.as_str()))
    }

    /// Whether it is a single star, which asks for existence.
    pub fn is_star(&self) -> bool {
        self.first.is_empty() && self.middle.is_empty() && self.last.is_empty()
    }

    /// Whether the whole text matches. Each piece is sought once, from where the one before it ended: the time grows with
    /// the text's length, however many stars there are.
    pub fn matches(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(self.first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(self.last.as_str()) else { return false };
        for piece in &self.middle {
            match rest.find(piece.as_str()).and_then(|at| rest.get(at + piece.len()..)) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        true
    }

    /// The same in lower case.
    pub fn to_lowercase(&self) -> Self {
        Self {
            first: self.first.to_lowercase(),
            middle: self.middle.iter().map(|piece| piece.to_lowercase()).collect(),
            last: self.last.to_lowercase(),
        }
    }

    /// What white space separates: patterns, and texts without a star.
    pub fn words(&self) -> Vec<Result<Self, String>> {
        let mut words = Vec::new();
        let mut word = vec![String::new()];
        let mut stars = 0;
        let mut end = |word: &mut Vec<String>, stars: &mut usize| {
            let pieces = std::mem::replace(word, vec![String::new()]);
            match std::mem::take(stars) {
                0 => words.extend(pieces.into_iter().next().filter(|text| !text.is_empty()).map(Err)),
                _ => words.extend(Self::of_pieces(pieces).map(Ok)),
            }
        };
        for (n, piece) in self.pieces().enumerate() {
            if n > 0 {
                word.push(String::new());
                stars += 1;
            }
            for c in piece.chars() {
                match (c.is_whitespace(), word.last_mut()) {
                    (false, Some(text)) => text.push(c),
                    _ => end(&mut word, &mut stars),
                }
            }
        }
        end(&mut word, &mut stars);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Wildcard {
        Wildcard::of_pieces(text.split('*').map(str::to_owned).collect()).unwrap()
    }

    #[test]
    fn the_whole_text_matches() {
        let table = [
            ("*", "", true),
            ("*", "a/b\nc", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("ab*ba", "aba", false),
            ("*b*", "abc", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "acb", false),
            ("a*bc*c", "abc", false),
            ("a**b", "ab", true),
            ("a?c*", "abcd", false),
            ("a?c*", "a?cd", true),
            ("*.ß*", "a.ßb", true),
            ("A*", "ab", false),
            ("M/*/X/ACTION", "M/NET/W/X/ACTION", true),
        ];
        for (wildcard, text, expected) in table {
            assert_eq!(pattern(wildcard).matches(text), expected, "{wildcard} {text}");
        }
    }

    #[test]
    fn many_stars_take_linear_time() {
        let wildcard = pattern(&format!("{}b", "*a".repeat(5_000)));
        assert!(!wildcard.matches(&"a".repeat(100_000)));
        assert!(wildcard.matches(&format!("{}b", "a".repeat(5_000))));
    }

    #[test]
    fn words_are_what_white_space_separates() {
        assert_eq!(pattern("foo  b*r x").words(), [Err("foo".into()), Ok(pattern("b*r")), Err("x".into())]);
        assert_eq!(pattern(" *").words(), [Ok(pattern("*"))]);
    }
}

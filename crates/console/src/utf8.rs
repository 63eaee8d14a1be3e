//! Bytes of a serial line as text, cut only on the borders of characters.
//!
//! A chunk may end in the middle of a character; the rest comes with the next one. The decoder keeps at most three bytes
//! and never fails: what cannot become a character is replaced by U+FFFD, as many times as
//! [`String::from_utf8_lossy`] would on the whole stream.

/// An incremental UTF-8 decoder. Its output does not depend on how the input was cut into chunks (tested).
#[derive(Clone, Debug, Default)]
pub struct Utf8Decoder {
    /// The beginning of a character whose rest has not come yet; 0 to 3 bytes are used.
    pending: Vec<u8>,
}

impl Utf8Decoder {
    /// A decoder at the border of a character.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of `chunk`, with what the last chunk left over in front and without an unfinished character at the end.
    pub fn push(&mut self, chunk: &[u8]) -> String {
        let mut text = String::with_capacity(chunk.len() + self.pending.len());
        let joined;
        let mut rest = if self.pending.is_empty() {
            chunk
        } else {
            self.pending.extend_from_slice(chunk);
            joined = std::mem::take(&mut self.pending);
            joined.as_slice()
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(bad) = error.error_len() else {
                        self.pending = after.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = after.get(bad..).unwrap_or_default();
                }
            }
        }
    }

    /// The bytes of the character whose rest has not come yet.
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Ends the stream: an unfinished character becomes U+FFFD. The decoder is then at a border again.
    pub fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.pending).is_empty() { "" } else { "\u{FFFD}" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut decoder = Utf8Decoder::new();
        let mut text: String = chunks.into_iter().map(|c| decoder.push(c)).collect();
        text.push_str(decoder.finish());
        text
    }

    #[test]
    fn a_character_over_three_chunks() {
        let mut decoder = Utf8Decoder::new();
        assert_eq!(decoder.push(b"a\xe2"), "a");
        assert_eq!(decoder.push(b"\x82"), "");
        assert_eq!(decoder.push(b"\xacb"), "€b");
        assert_eq!(decoder.finish(), "");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        assert_eq!(decode([b"a\xffb".as_slice()]), "a\u{FFFD}b");
        assert_eq!(decode([b"\xf0\x9f".as_slice(), b"x".as_slice()]), "\u{FFFD}x");
        assert_eq!(decode([b"\xf0\x9f".as_slice()]), "\u{FFFD}");
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..9) {
            prop_assert_eq!(decode(bytes.chunks(size)), String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn text_survives_any_cut(text in "\\PC{0,80}", size in 1usize..9) {
            prop_assert_eq!(decode(text.as_bytes().chunks(size)), text);
        }
    }
}

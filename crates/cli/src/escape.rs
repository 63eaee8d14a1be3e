//! Guest output made harmless for a terminal: text, line ends and colours pass, every other escape sequence does not
//! (they move the cursor, set titles, write the clipboard, make the terminal answer).

/// The filter; sequences may be cut anywhere between two calls.
#[derive(Debug, Default)]
pub struct Filter {
    state: State,
    held: Vec<u8>,
}

/// ```text
///   Text --ESC--> Escape --[--> Csi --final--> Text      (kept when the final byte is 'm')
///                   |
///                   +--] P X ^ _--> Words --BEL or ESC \--> Text    (dropped)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Csi,
    Words,
    WordsEscape,
    /// After 0xC2: a C1 control in UTF-8 may follow.
    C2,
}

/// A colour sequence longer than this is none.
const CSI_LIMIT: usize = 64;

impl Filter {
    /// What of `bytes` may reach a terminal.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.step(byte, &mut out);
        }
        out
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Words, 0x07) | (State::WordsEscape, b'\\') => State::Text,
            (State::Words, 0x1b) => State::WordsEscape,
            (State::Words, _) => State::Words,
            (_, 0x1b) => {
                self.held.clear();
                State::Escape
            }
            (State::WordsEscape, _) | (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::Words,
            (State::Escape, b'[') => State::Csi,
            (State::Escape, b' '..=b'/') => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Csi, b'm') => {
                if self.held.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':')) {
                    out.extend_from_slice(b"\x1b[");
                    out.append(&mut self.held);
                    out.push(b'm');
                }
                State::Text
            }
            (State::Csi, b'@'..=b'~') => State::Text,
            (State::Csi, b' '..=b'?') if self.held.len() < CSI_LIMIT => {
                self.held.push(byte);
                State::Csi
            }
            (State::Csi, _) => State::Text,
            (State::Text | State::C2, 0xc2) => State::C2,
            (State::C2, 0x80..=0x9f) => State::Text,
            (State::C2, _) => {
                out.push(0xc2);
                Self::text(byte, out);
                State::Text
            }
            (State::Text, _) => {
                Self::text(byte, out);
                State::Text
            }
        };
    }

    fn text(byte: u8, out: &mut Vec<u8>) {
        if byte >= b' ' && byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t') {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn check(input: &[u8], output: &[u8]) {
        assert_eq!(Filter::default().pass(input), output, "{input:?}");
        let mut cut = Filter::default();
        let bytes: Vec<u8> = input.iter().flat_map(|b| cut.pass(&[*b])).collect();
        assert_eq!(bytes, output, "{input:?}, byte by byte");
    }

    #[test]
    fn what_passes() {
        check(b"[  0.1] hello\r\n\tx", b"[  0.1] hello\r\n\tx");
        check(b"\x1b[1;32m OK \x1b[0m", b"\x1b[1;32m OK \x1b[0m");
        check("grün".as_bytes(), "grün".as_bytes());
        check("\u{a9}".as_bytes(), "\u{a9}".as_bytes());
    }

    #[test]
    fn what_does_not() {
        check(b"a\x1b[2Jb\x1b[6nc\x1b[?1049hd", b"abcd");
        check(b"a\x1b]52;c;ZXZpbA==\x07b\x1b]0;title\x1b\\c", b"abc");
        check(b"a\x1bPq#0\x1b\\b\x1bcc\x1b(Bd", b"abcd");
        check(b"a\x08\x07\x7fb\x1b[>1mc", b"abc");
        check("a\u{9b}31mb".as_bytes(), b"a31mb");
    }
}

//! A port's output as plain lines, for search and rules: escape sequences gone, overwritten text as it was last seen.
//!
//! Only what happens within a line is followed (carriage return, backspace, erase, moves to the side). A program that
//! paints a screen gives one line for each stretch of text between its cursor jumps.

use crate::offset::Offset;
use crate::utf8::Utf8Decoder;
use avt::Parser;
use avt::parser::{ElScope, Function};

/// A line is cut here, characters.
const WIDTH: usize = 4096;

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLine {
    /// Address of the first byte that may have contributed to it.
    pub start: Offset,
    /// Its text, without blanks at the end.
    pub text: String,
}

/// Cuts output into lines.
pub struct Lines {
    utf8: Utf8Decoder,
    parser: Parser,
    line: Vec<char>,
    column: usize,
    start: Offset,
    at: Offset,
}

impl Lines {
    /// The next byte has the address `at`.
    pub fn new(at: Offset) -> Self {
        Self { utf8: Utf8Decoder::new(), parser: Parser::new(), line: Vec::new(), column: 0, start: at, at }
    }

    /// Takes output, cut anywhere; every finished line is handed to `emit`. Empty lines are left out.
    pub fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(TextLine)) {
        // A line feed is one byte wherever it stands in UTF-8, so pieces between them have exact addresses.
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.at = self.at.plus(piece.len() as u64);
            for ch in self.utf8.push(piece).chars() {
                if let Some(function) = self.parser.feed(ch) {
                    self.take(&function, &mut emit);
                }
            }
        }
    }

    /// The unfinished line, as it stands (a prompt).
    pub fn open(&self) -> String {
        self.line.iter().collect::<String>().trim_end().to_owned()
    }

    fn take(&mut self, function: &Function, emit: &mut impl FnMut(TextLine)) {
        let step = |n: u16| usize::from(n.max(1));
        match *function {
            Function::Print(ch) => {
                if self.column >= WIDTH {
                    self.end_line(emit);
                }
                while self.line.len() < self.column {
                    self.line.push(' ');
                }
                match self.line.get_mut(self.column) {
                    Some(cell) => *cell = ch,
                    None => self.line.push(ch),
                }
                self.column += 1;
            }
            Function::Cr => self.column = 0,
            Function::Bs => self.column = self.column.saturating_sub(1),
            Function::Cub(n) => self.column = self.column.saturating_sub(step(n)),
            Function::Cuf(n) => self.column = (self.column + step(n)).min(WIDTH - 1),
            Function::Cha(n) => self.column = (step(n) - 1).min(WIDTH - 1),
            Function::Ht => self.column = ((self.column / 8 + 1) * 8).min(WIDTH - 1),
            Function::El(ElScope::ToRight) => self.line.truncate(self.column),
            Function::El(ElScope::All) => self.line.clear(),
            Function::Lf
            | Function::Nel
            | Function::Ri
            | Function::Cup(..)
            | Function::Cuu(_)
            | Function::Cud(_)
            | Function::Cnl(_)
            | Function::Cpl(_)
            | Function::Vpa(_)
            | Function::Ed(_)
            | Function::Ris => self.end_line(emit),
            _ => {}
        }
    }

    fn end_line(&mut self, emit: &mut impl FnMut(TextLine)) {
        let text = self.open();
        if !text.is_empty() {
            emit(TextLine { start: self.start, text });
        }
        self.line.clear();
        self.column = 0;
        self.start = self.at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(output: &str, expected: &[&str]) {
        for size in [1, 3, 1000] {
            let mut lines = Lines::new(Offset::ZERO);
            let mut got = Vec::new();
            for chunk in output.as_bytes().chunks(size) {
                lines.feed(chunk, |line| got.push(line.text));
            }
            got.extend(Some(lines.open()).filter(|l| !l.is_empty()));
            assert_eq!(got, expected, "in chunks of {size}");
        }
    }

    #[test]
    fn lines_without_escapes() {
        check("a\r\n\r\nb\r\n", &["a", "b"]);
        check("\x1b[1;32mok\x1b[0m done\r\nlogin: ", &["ok done", "login:"]);
        check("10%\r50%\r100%\r\n", &["100%"]);
        check("passwx\x08d\r\n", &["passwd"]);
        check("long text\r\x1b[Kshort\r\n", &["short"]);
        check("\x1b]0;title\x07é€\r\n", &["é€"]);
        check("a\x1b[5;1Hb\x1b[2Jc", &["a", "b", "c"]);
    }

    #[test]
    fn addresses_of_lines() {
        let mut lines = Lines::new(Offset(100));
        let mut got = Vec::new();
        lines.feed("é\r\nsecond\r\n".as_bytes(), |line| got.push((line.start.0, line.text)));
        assert_eq!(got, [(100, "é".to_owned()), (104, "second".to_owned())]);
    }

    proptest! {
        #[test]
        fn hostile_output_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            let mut lines = Lines::new(Offset::ZERO);
            lines.feed(&bytes, |line| assert!(line.text.chars().count() <= WIDTH && !line.text.contains('\x1b')));
        }
    }
}

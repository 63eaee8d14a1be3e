//! The terminal on the other end of a serial line, as it stands now.
//!
//! ```text
//!   bytes ─> Utf8Decoder ─> Parser ─> functions (bounded) ─> avt::Terminal
//!             up to 3 bytes   `pending`: what an unfinished           cells, cursor, modes, history
//!             wait             sequence consists of
//! ```
//!
//! [`Screen::snapshot`] gives bytes that bring an empty terminal into exactly this state, unfinished sequence and
//! unfinished character included, so that output can go on from there at any byte.
//!
//! One state has no such bytes: origin mode (`CSI ? 6 h`) with the cursor outside the scroll margins, which only a restored
//! cursor can reach. There the snapshot comes without origin mode. No full-screen library uses that mode.
//!
//! Guest output is hostile. Two things are not taken as avt would: a repeat (`REP`) counts at most one row, because 65,535
//! characters for eight bytes would buy hours of processor time; a control sequence over 4 KiB is cancelled.

use crate::utf8::Utf8Decoder;
use avt::parser::{Function, State};
use avt::{Color, Line, Parser, Pen, Terminal};
use std::fmt::Write as _;

/// Longest unfinished control sequence that is kept, bytes. avt keeps 1 KiB of an OSC text.
const PENDING_LIMIT: usize = 4 << 10;
/// Rows that scrolled off the top and are still part of a snapshot.
const HISTORY: usize = 500;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// What a serial line is taken for when nobody said otherwise.
    pub const DEFAULT: Self = Self { cols: 80, rows: 24 };

    /// This size, brought into what a screen may have: 10 to 400 columns, 2 to 200 rows.
    pub fn bounded(self) -> Self {
        Self { cols: self.cols.clamp(10, 400), rows: self.rows.clamp(2, 200) }
    }
}

/// Terminal state of one port.
pub struct Screen {
    terminal: Terminal,
    parser: Parser,
    /// The characters of the unfinished control sequence, if the parser is inside one.
    pending: String,
    utf8: Utf8Decoder,
    size: Size,
}

impl Screen {
    /// An empty terminal; `size` is bounded.
    pub fn new(size: Size) -> Self {
        let size = size.bounded();
        Self {
            terminal: terminal(size),
            parser: Parser::new(),
            pending: String::new(),
            utf8: Utf8Decoder::new(),
            size,
        }
    }

    /// A terminal that has been brought into the state of a snapshot.
    pub fn restore(size: Size, snapshot: &[u8]) -> Self {
        let mut screen = Self::new(size);
        screen.feed(snapshot);
        screen
    }

    /// Takes output, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        let text = self.utf8.push(bytes);
        let Self { terminal, parser, pending, size, .. } = self;
        terminal.execute(text.chars().filter_map(|ch| step(parser, pending, ch, *size)));
    }

    /// Bytes are missing here: an unfinished sequence will not be finished.
    pub fn skip_gap(&mut self) {
        self.utf8 = Utf8Decoder::new();
        self.feed(b"\x18");
    }

    /// Changes the dimensions (bounded). The guest is not told: a UART cannot.
    pub fn resize(&mut self, size: Size) {
        let size = size.bounded();
        if size != self.size {
            self.terminal.resize(usize::from(size.cols), usize::from(size.rows));
            self.size = size;
        }
    }

    /// The present dimensions.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Bytes that rebuild this state in an empty terminal of the same size, history first.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = self.history();
        out.push_str(&self.terminal.dump());
        out.push_str(&self.pending);
        let mut out = out.into_bytes();
        out.extend_from_slice(self.utf8.pending());
        out
    }

    /// The visible rows, without attributes and without blanks at their ends.
    pub fn text(&self) -> Vec<String> {
        self.terminal.screen().visible_lines().map(|line| line.text().trim_end().to_owned()).collect()
    }

    /// Cursor: column and row from 0. None when hidden.
    pub fn cursor(&self) -> Option<(usize, usize)> {
        self.terminal.cursor().position()
    }

    /// The rows above the screen, and what scrolls them all out of sight, leaving an empty screen.
    fn history(&self) -> String {
        let mut out = String::new();
        let all = self.terminal.primary_screen().all_lines().count();
        let above = all.saturating_sub(usize::from(self.size.rows));
        if above == 0 {
            return out;
        }
        for (i, line) in self.terminal.primary_screen().all_lines().take(above).enumerate() {
            let last = i + 1 == above;
            write_line(&mut out, line);
            if last || !line.is_wrapped() {
                out.push_str("\x1b[m\r\n");
            }
        }
        let _ = write!(out, "\x1b[m\x1b[{};1H", self.size.rows);
        for _ in 0..above.min(usize::from(self.size.rows) - 1) {
            out.push('\n');
        }
        out.push_str("\x1b[H");
        out
    }
}

fn terminal(size: Size) -> Terminal {
    let (cols, rows) = (usize::from(size.cols), usize::from(size.rows));
    // avt refuses only zero, which a bounded size never has; the second call cannot be reached.
    Terminal::with_scrollback(cols, rows, Some(HISTORY)).unwrap_or_else(|_| terminal(Size::DEFAULT))
}

/// One character through the parser. Keeps `pending` such that feeding it to a fresh parser gives the same state and
/// executes nothing.
fn step(parser: &mut Parser, pending: &mut String, ch: char, size: Size) -> Option<Function> {
    if pending.len() >= PENDING_LIMIT {
        let payload = ch >= ' ' && !('\u{80}'..='\u{9f}').contains(&ch);
        match parser.state {
            State::OscString | State::SosPmApcString | State::DcsPassthrough | State::DcsIgnore
                if payload =>
            {
                return None;
            }
            State::OscString
            | State::SosPmApcString
            | State::DcsPassthrough
            | State::DcsIgnore
            | State::Ground => {}
            _ => {
                parser.feed('\x18');
                pending.clear();
            }
        }
    }
    let function = parser.feed(ch);
    if parser.state == State::Ground {
        pending.clear();
    } else if matches!(ch, '\x1b' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}') {
        // These begin a sequence wherever they stand.
        pending.clear();
        pending.push(ch);
    } else if function.is_none() {
        // A control character inside a sequence is executed at once and leaves the sequence as it was.
        pending.push(ch);
    }
    match function {
        Some(Function::Rep(n)) => Some(Function::Rep(n.min(size.cols))),
        other => other,
    }
}

fn write_line(out: &mut String, line: &Line) {
    let cells = line.cells();
    let blank = |cell: &&avt::Cell| cell.char() == ' ' && cell.width() == 1 && cell.pen().is_default();
    let used = if line.is_wrapped() {
        cells.len()
    } else {
        cells.len() - cells.iter().rev().take_while(blank).count()
    };
    let mut pen: Option<&Pen> = None;
    for cell in cells.iter().take(used).filter(|cell| cell.width() > 0) {
        if pen != Some(cell.pen()) && (pen.is_some() || !cell.pen().is_default()) {
            write_pen(out, cell.pen());
        }
        pen = Some(cell.pen());
        out.push(cell.char());
    }
    if pen.is_some_and(|pen| !pen.is_default()) {
        out.push_str("\x1b[m");
    }
}

fn write_pen(out: &mut String, pen: &Pen) {
    out.push_str("\x1b[0");
    let flags = [
        (pen.is_bold(), 1),
        (pen.is_faint(), 2),
        (pen.is_italic(), 3),
        (pen.is_underline(), 4),
        (pen.is_blink(), 5),
        (pen.is_inverse(), 7),
        (pen.is_strikethrough(), 9),
    ];
    for (_, code) in flags.iter().filter(|(set, _)| *set) {
        let _ = write!(out, ";{code}");
    }
    for (color, base) in [(pen.foreground(), 30u16), (pen.background(), 40)] {
        let _ = match color {
            None => Ok(()),
            Some(Color::Indexed(c)) if c < 8 => write!(out, ";{}", base + u16::from(c)),
            Some(Color::Indexed(c)) if c < 16 => write!(out, ";{}", base + 52 + u16::from(c)),
            Some(Color::Indexed(c)) => write!(out, ";{};5;{c}", base + 8),
            Some(Color::RGB(c)) => write!(out, ";{};2;{};{};{}", base + 8, c.r, c.g, c.b),
        };
    }
    out.push('m');
}

#[cfg(test)]
mod tests;

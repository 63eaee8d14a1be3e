//! The numbered 80-byte lines that fake guests print, and the check that every one of them arrived once and in order.

/// Length of a line, bytes, with its CR LF.
pub const LINE: usize = 80;

const TEMPLATE: &[u8; LINE] =
    b"c00000 000000000000 abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdef\r\n";

/// Appends line `sequence` of console `console` to `out`. Fast, so that a flood measures the reader and not this.
pub fn push(out: &mut Vec<u8>, console: usize, sequence: u64) {
    let start = out.len();
    out.extend_from_slice(TEMPLATE);
    let (console, mut sequence) = (console as u64, sequence);
    let mut number = console;
    for at in (start + 1..start + 6).rev() {
        if let Some(digit) = out.get_mut(at) {
            *digit = b'0' + (number % 10) as u8;
        }
        number /= 10;
    }
    for at in (start + 7..start + 19).rev() {
        if sequence == 0 {
            break;
        }
        if let Some(digit) = out.get_mut(at) {
            *digit = b'0' + (sequence % 10) as u8;
        }
        sequence /= 10;
    }
}

/// What a stream of lines turned out to hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Check {
    /// Whole lines seen.
    pub lines: u64,
    /// Numbers that were skipped.
    pub lost: u64,
    /// Numbers seen again or out of order.
    pub repeated: u64,
    /// Lines that are none of ours, or torn.
    pub damaged: u64,
    /// The number after the last one seen.
    pub next: u64,
}

/// Checks a stream piece by piece.
#[derive(Debug, Default)]
pub struct Checker {
    partial: Vec<u8>,
    first: bool,
    check: Check,
}

impl Checker {
    /// A checker that expects `next` as the first number.
    pub fn from(next: u64) -> Self {
        Self { partial: Vec::new(), first: true, check: Check { next, ..Check::default() } }
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.partial.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole);
                whole.clear();
                self.partial = whole;
            }
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > 1 << 20 {
            self.partial.clear();
            self.check.damaged += 1;
        }
    }

    fn line(&mut self, line: &[u8]) {
        // What stands before the first line (a snapshot, a greeting) is not the guest's.
        let line = if self.first && line.len() > LINE { line.split_at(line.len() - LINE).1 } else { line };
        let number = (line.len() == LINE && line.first() == Some(&b'c'))
            .then(|| line.get(7..19))
            .flatten()
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| d.parse::<u64>().ok());
        match number {
            None if self.first => {}
            None => self.check.damaged += 1,
            Some(n) => {
                self.first = false;
                self.check.lines += 1;
                if n > self.check.next {
                    self.check.lost += n - self.check.next;
                } else if n < self.check.next {
                    self.check.repeated += 1;
                }
                self.check.next = self.check.next.max(n + 1);
            }
        }
    }

    /// What was seen so far.
    pub fn check(&self) -> Check {
        self.check
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_counted() {
        let mut stream = Vec::new();
        for n in [0, 1, 3, 3, 4] {
            push(&mut stream, 7, n);
        }
        stream.extend_from_slice(b"torn\r\n");
        let mut checker = Checker::from(0);
        for piece in stream.chunks(7) {
            checker.feed(piece);
        }
        let c = checker.check();
        assert_eq!((c.lines, c.lost, c.repeated, c.damaged, c.next), (5, 1, 1, 1, 5));
    }
}

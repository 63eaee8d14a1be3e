//! Numbers out of test runners' closing lines.

use crate::runner::plain;
use std::ops::AddAssign;

/// Tests of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, timed out or could not be run.
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Sums every closing line in `log`: nextest's, `cargo test`'s, vitest's, node's, pytest's, and the plain 'N passed, N failed'.
/// nextest shows the whole output of a test that failed, with closing lines of its own: beside its summary nothing counts.
pub fn read(log: &str) -> Counts {
    let lines: Vec<String> = log.lines().map(plain).collect();
    let summed = lines.iter().any(|l| is_nextest(l));
    let closing = lines.iter().filter(|l| if summed { is_nextest(l) } else { is_closing(l) });
    closing.map(|l| of_line(l)).fold(Counts::default(), |mut sum, counts| {
        sum += counts;
        sum
    })
}

fn is_nextest(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("Summary [") && line.contains("run:")
}

fn is_closing(line: &str) -> bool {
    let line = line.trim();
    let cargo = line.starts_with("test result:");
    let vitest = line.starts_with("Tests ") && line.ends_with(')');
    let number = line.starts_with(|c: char| c.is_ascii_digit());
    let bare = number && line.contains(" passed, ");
    let pytest = number && line.contains(" in ") && line.ends_with(['s', ')']);
    let counted = [" passed", " failed", " error"].iter().any(|word| line.contains(word));
    cargo || vitest || bare || (pytest && counted) || node(line).is_some()
}

/// node's test runner: `ℹ pass 12` and `ℹ fail 1` on lines of their own (`#` in place of the sign for machines).
fn node(line: &str) -> Option<Counts> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["ℹ" | "#", "pass", number] => Some(Counts { passed: number.parse().ok()?, failed: 0 }),
        ["ℹ" | "#", "fail" | "cancelled", number] => {
            Some(Counts { passed: 0, failed: number.parse().ok()? })
        }
        _ => None,
    }
}

/// `12 passed`, `1 failed`, `1 timed out`, `1 exec failed`: the number before each word.
fn of_line(line: &str) -> Counts {
    if let Some(counts) = node(line) {
        return counts;
    }
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut counts = Counts::default();
    for pair in words.windows(2) {
        if let [number, word] = pair
            && let Ok(number) = number.parse::<u64>()
        {
            match *word {
                "passed" => counts.passed += number,
                "failed" | "timed" | "exec" | "error" | "errors" => counts.failed += number,
                _ => {}
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::{Counts, read};

    fn check(log: &str, passed: u64, failed: u64) {
        assert_eq!(read(log), Counts { passed, failed }, "{log}");
    }

    #[test]
    fn closing_lines() {
        check("     Summary [   0.034s] 41 tests run: 40 passed (1 slow), 1 failed, 2 skipped", 40, 1);
        check("\u{1b}[32m     Summary\u{1b}[0m [ 1s] 4/9 tests run: 2 passed, 1 failed, 1 timed out", 2, 2);
        let failed = "test result: FAILED. 0 passed; 1 failed\n";
        check(
            &format!("{failed}     Summary [   1.0s] 2 tests run: 1 passed, 1 failed, 0 skipped\n{failed}"),
            1,
            1,
        );
        check("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n", 3, 0);
        check(" Test Files  1 passed (1)\n      Tests  1 failed | 11 passed (12)\n", 11, 1);
        check("7 passed, 0 failed\n", 7, 0);
        check("ℹ tests 12\nℹ pass 11\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0\n", 11, 1);
        check("12 passed in 61.2s (0:01:01)\n", 12, 0);
        check("1 failed, 2 passed, 1 error in 3.20s\n", 2, 2);
        check("PASS 3 passed tests of something", 0, 0);
    }
}

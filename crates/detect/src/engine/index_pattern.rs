//! Whether a rule's index patterns mean the index of a document.

/// Whether one of `patterns` covers `index`; all indices are covered when there are none. `-pattern` takes away what stood
/// before it, `cluster:pattern` means another cluster. A backing index (`.ds-logs-x-default-2026.11.21-000001`) is covered
/// when its data stream is.
pub fn covers(patterns: &[String], index: &str) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let stream = data_stream(index);
    let mut covered = false;
    for pattern in patterns.iter().flat_map(|patterns| patterns.split(',')).map(str::trim) {
        let (takes, pattern) = match pattern.strip_prefix('-') {
            Some(pattern) => (false, pattern),
            None => (true, pattern),
        };
        if matches(pattern, index) || stream.is_some_and(|stream| matches(pattern, stream)) {
            covered = takes;
        }
    }
    covered
}

/// The data stream of a backing index.
fn data_stream(index: &str) -> Option<&str> {
    let name = index.strip_prefix(".ds-")?;
    let (name, generation) = name.rsplit_once('-')?;
    let (name, date) = name.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (digits(generation) && digits(date)).then_some(name)
}

/// `*` is any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    wildcard(pattern, text, false)
}

/// Whether a text has a form: `*` is any run of characters and, where `one` says so, `?` is any single one.
pub(super) fn wildcard(pattern: &str, text: &str, one: bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when a literal part does not fit: behind the last star, one character further in the text.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if Some(c) == text.get(t) || (one && *c == '?') => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        const INDEX: &str = ".ds-logs-azure.activitylogs-default-2026.11.21-000001";
        let table: &[(&[&str], &str, bool)] = &[
            (&[], INDEX, true),
            (&["logs-azure.activitylogs-*"], INDEX, true),
            (&["logs-azure.activitylogs-*"], "logs-azure.activitylogs-default", true),
            (&["filebeat-*", "logs-azure*"], INDEX, true),
            (&["filebeat-*,logs-azure*"], INDEX, true),
            (&["filebeat-*"], INDEX, false),
            (&["logs-azure.signinlogs-*"], INDEX, false),
            (&["logs-*", "-logs-azure.activitylogs-*"], INDEX, false),
            (&["-logs-*", "logs-*"], INDEX, true),
            (&["other:logs-*"], INDEX, false),
            (&["*"], INDEX, true),
            (&["logs-*-default"], INDEX, true),
            (&[""], INDEX, false),
        ];
        for (patterns, index, expected) in table {
            let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
            assert_eq!(covers(&patterns, index), *expected, "{patterns:?} {index}");
        }
    }

    #[test]
    fn wildcards() {
        let table = [
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("ü?", "üö", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(wildcard(pattern, text, true), expected, "{pattern} {text}");
        }
        assert!(!wildcard("a?c", "abc", false), "a question mark is itself outside of exceptions");
        // Many stars cost no more than the product of the lengths.
        assert!(!wildcard(&"*a".repeat(200), &"a".repeat(199), true));
    }
}

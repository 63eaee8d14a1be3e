//! The words of a text field, near to Elasticsearch's standard analyzer: letters, digits and `_` in a row, in lower case; `.`,
//! `:` and the apostrophe hold letters together, `.`, `,` and `;` digits; a Han or Hiragana character is a word.

/// The words, in order.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        if is_alone(c) {
            end(&mut word, &mut words);
            words.push(c.to_string());
        } else if is_part(c) || (!word.is_empty() && (is_mark(c) || holds(before, c, next))) {
            word.extend(c.to_lowercase());
        } else {
            end(&mut word, &mut words);
        }
        before = Some(c).filter(|c| !is_alone(*c));
    }
    end(&mut word, &mut words);
    words
}

fn end(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Characters that are drawn onto the one before.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

fn is_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{309f}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

fn holds(before: Option<char>, c: char, next: Option<char>) -> bool {
    let both = |test: fn(char) -> bool| {
        before.is_some_and(test) && next.is_some_and(|next| test(next) && !is_alone(next))
    };
    match c {
        '.' | '\'' | '\u{2019}' => both(char::is_alphabetic) || both(char::is_numeric),
        ':' => both(char::is_alphabetic),
        ',' | ';' => both(char::is_numeric),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_words() {
        let table: [(&str, &[&str]); 9] = [
            ("Failed to START the VM-1.", &["failed", "to", "start", "the", "vm", "1"]),
            ("Microsoft.Compute/virtualMachines", &["microsoft.compute", "virtualmachines"]),
            ("it's 3.14, not 1,000; snake_case", &["it's", "3.14", "not", "1,000", "snake_case"]),
            ("a:b c: d 1:2", &["a:b", "c", "d", "1", "2"]),
            ("v1.a x.2", &["v1", "a", "x", "2"]),
            ("e\u{301}t\u{e9}", &["e\u{301}t\u{e9}"]),
            ("\u{6771}\u{4eac}a", &["\u{6771}", "\u{4eac}", "a"]),
            ("...", &[]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}

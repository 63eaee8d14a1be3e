//! A second reading of the language, for comparison only: the grammar as it is specified, rule by rule over characters, with
//! back-tracking, each rule answering at once for the document; no words, no tree, nothing prepared, nothing fast.

use serde_json::Value;

/// Kinds of the few fields that the comparison uses.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Keyword,
    Long,
    Ip,
    Date,
    Text,
    Boolean,
}

fn kind(name: &str, value: &Value) -> Kind {
    match name {
        "source.as.number" => Kind::Long,
        "source.ip" => Kind::Ip,
        "@timestamp" => Kind::Date,
        "message" => Kind::Text,
        "event.action" | "event.outcome" | "tags" => Kind::Keyword,
        _ if value.is_number() => Kind::Long,
        _ if value.is_boolean() => Kind::Boolean,
        _ => Kind::Keyword,
    }
}

/// Where a rule ended, and what it says about the document.
type Answer = Option<(usize, bool)>;

/// A value: pieces between stars, and whether it was quoted.
#[derive(Clone)]
struct Word {
    pieces: Vec<String>,
    quoted: bool,
}

impl Word {
    fn is_star(&self) -> bool {
        self.pieces == ["", ""]
    }

    fn is_wild(&self) -> bool {
        self.pieces.len() > 1
    }
}

struct Reader<'a> {
    text: &'a [char],
    document: &'a Value,
    prefix: String,
}

/// What the query says about the document; none when the text is no query.
pub fn ask(text: &str, document: &Value) -> Option<bool> {
    let text: Vec<char> = text.chars().collect();
    let reader = Reader { text: &text, document, prefix: String::new() };
    let start = reader.spaces(0);
    if start == text.len() {
        return Some(true);
    }
    let (end, answer) = reader.or(start)?;
    (reader.spaces(end) == text.len()).then_some(answer)
}

impl Reader<'_> {
    fn at(&self, p: usize) -> Option<char> {
        self.text.get(p).copied()
    }

    fn space(&self, p: usize) -> bool {
        self.at(p).is_some_and(|c| " \t\r\n\u{a0}".contains(c))
    }

    fn spaces(&self, mut p: usize) -> usize {
        while self.space(p) {
            p += 1;
        }
        p
    }

    fn letters(&self, p: usize, word: &str) -> Option<usize> {
        let end = p + word.len();
        let found: String = self.text.get(p..end)?.iter().collect();
        (found.to_lowercase() == word && found.is_ascii()).then_some(end)
    }

    /// Space+ word Space+.
    fn joint(&self, p: usize, word: &str) -> Option<usize> {
        let end = self.letters(Some(self.spaces(p)).filter(|q| *q > p)?, word)?;
        self.space(end).then(|| self.spaces(end))
    }

    fn negation(&self, p: usize) -> Option<usize> {
        let end = self.letters(p, "not")?;
        self.space(end).then(|| self.spaces(end))
    }

    fn or(&self, p: usize) -> Answer {
        let (mut p, mut answer) = self.and(p)?;
        while let Some((q, other)) = self.joint(p, "or").and_then(|q| self.and(q)) {
            (p, answer) = (q, answer || other);
        }
        Some((p, answer))
    }

    fn and(&self, p: usize) -> Answer {
        let (mut p, mut answer) = self.not(p)?;
        while let Some((q, other)) = self.joint(p, "and").and_then(|q| self.not(q)) {
            (p, answer) = (q, answer && other);
        }
        Some((p, answer))
    }

    fn not(&self, p: usize) -> Answer {
        match self.negation(p) {
            Some(q) => self.one(q).map(|(end, answer)| (end, !answer)),
            None => self.one(p),
        }
    }

    fn one(&self, p: usize) -> Answer {
        if self.at(p) == Some('(') {
            let (end, answer) = self.or(self.spaces(p + 1))?;
            let end = self.spaces(end);
            return (self.at(end) == Some(')')).then_some((end + 1, answer));
        }
        self.nested(p).or_else(|| self.range(p)).or_else(|| self.is(p)).or_else(|| self.anywhere(p))
    }

    fn nested(&self, p: usize) -> Answer {
        let (field, p) = self.word(p)?;
        let p = self.spaces(p);
        let p = self.spaces((self.at(p) == Some(':')).then_some(p + 1)?);
        let p = self.spaces((self.at(p) == Some('{')).then_some(p + 1)?);
        if field.is_wild() {
            return None;
        }
        let mut found = Vec::new();
        objects(self.document, "", &field.pieces[0], &mut found);
        let inside = |document: &Value| {
            let prefix = format!("{}{}.", self.prefix, field.pieces[0]);
            Reader { text: self.text, document, prefix }.or(p)
        };
        let (end, _) = inside(&Value::Null)?;
        let end = self.spaces(end);
        let answer = found.into_iter().any(|object| inside(object).is_some_and(|(_, answer)| answer));
        (self.at(end) == Some('}')).then_some((end + 1, answer))
    }

    fn range(&self, p: usize) -> Answer {
        let (field, p) = self.word(p)?;
        let p = self.spaces(p);
        let sign = self.at(p).filter(|c| "<>".contains(*c))?;
        let equal = self.at(p + 1) == Some('=');
        let (bound, p) = self.word(self.spaces(p + 1 + usize::from(equal)))?;
        if bound.is_wild() {
            return None;
        }
        let order = |found: std::cmp::Ordering| {
            (found.is_eq() && equal) || (if sign == '<' { found.is_lt() } else { found.is_gt() })
        };
        let bound = &bound;
        let text = &bound.pieces[0];
        if !bound.quoted && text == "null" {
            return Some((p, false));
        }
        let answer = self.values(&field).into_iter().any(|(name, value)| match kind(&name, &value) {
            Kind::Boolean => false,
            Kind::Keyword => order(shown(&value).as_str().cmp(text)),
            Kind::Long => {
                number(&shown(&value)).zip(number(text)).is_some_and(|(a, b)| order(a.total_cmp(&b)))
            }
            Kind::Ip => address(&shown(&value)).zip(address(text)).is_some_and(|(a, b)| order(a.cmp(&b))),
            Kind::Date => {
                begin(&value).zip(days(text)).is_some_and(|(at, (first, last))| match (sign, equal) {
                    ('<', false) => at < first,
                    ('<', true) => at <= last,
                    (_, false) => at > last,
                    (_, true) => at >= first,
                })
            }
            Kind::Text => split(&shown(&value)).iter().any(|word| order(word.as_str().cmp(text))),
        });
        Some((p, answer))
    }

    fn is(&self, p: usize) -> Answer {
        let (field, p) = self.word(p)?;
        let p = self.spaces(p);
        self.value(&field, self.spaces((self.at(p) == Some(':')).then_some(p + 1)?))
    }

    /// A value behind a field, or some in parentheses.
    fn value(&self, field: &Word, p: usize) -> Answer {
        if self.at(p) != Some('(') {
            let (value, p) = self.word(p)?;
            return Some((p, self.has(field, &value)));
        }
        let (end, answer) = self.values_or(field, self.spaces(p + 1))?;
        let end = self.spaces(end);
        (self.at(end) == Some(')')).then_some((end + 1, answer))
    }

    fn values_or(&self, field: &Word, p: usize) -> Answer {
        let (mut p, mut answer) = self.values_and(field, p)?;
        while let Some((q, other)) = self.joint(p, "or").and_then(|q| self.values_and(field, q)) {
            (p, answer) = (q, answer || other);
        }
        Some((p, answer))
    }

    fn values_and(&self, field: &Word, p: usize) -> Answer {
        let not = |p| match self.negation(p) {
            Some(q) => self.value(field, q).map(|(end, answer)| (end, !answer)),
            None => self.value(field, p),
        };
        let (mut p, mut answer) = not(p)?;
        while let Some((q, other)) = self.joint(p, "and").and_then(not) {
            (p, answer) = (q, answer && other);
        }
        Some((p, answer))
    }

    fn anywhere(&self, p: usize) -> Answer {
        let (value, p) = self.word(p)?;
        if value.is_star() {
            return Some((p, true));
        }
        let parts = if value.is_wild() { parts(&value) } else { vec![value] };
        let all = Word { pieces: vec![String::new(), String::new()], quoted: false };
        Some((p, parts.iter().any(|part| self.has(&all, part))))
    }

    fn has(&self, field: &Word, value: &Word) -> bool {
        if value.is_star() {
            if field.is_star() {
                return true;
            }
            let below = format!("{}.", field.pieces[0]);
            let inside = |name: &str| !field.is_wild() && name.starts_with(&below);
            return leaves(self.document).iter().any(|(name, _)| same(&field.pieces, name) || inside(name));
        }
        if !value.quoted && value.pieces == ["null"] {
            return false;
        }
        self.values(field).iter().any(|(name, found)| is(name, found, value))
    }

    fn values(&self, field: &Word) -> Vec<(String, Value)> {
        let leaves = leaves(self.document).into_iter().filter(|(name, _)| same(&field.pieces, name));
        leaves.map(|(name, value)| (format!("{}{name}", self.prefix), value)).collect()
    }

    fn word(&self, p: usize) -> Option<(Word, usize)> {
        if self.at(p) == Some('"') { self.quoted(p + 1) } else { self.unquoted(p) }
    }

    fn quoted(&self, mut p: usize) -> Option<(Word, usize)> {
        let mut text = String::new();
        loop {
            let c = self.at(p)?;
            let (taken, c) = match (c, self.at(p + 1)) {
                ('"', _) => return Some((Word { pieces: vec![text], quoted: true }, p + 1)),
                ('\\', Some('t')) => (2, '\t'),
                ('\\', Some('r')) => (2, '\r'),
                ('\\', Some('n')) => (2, '\n'),
                ('\\', Some(c @ ('"' | '\\'))) => (2, c),
                ('\\', Some('u')) => self.code(p + 2).map_or((1, '\\'), |c| (6, c)),
                (c, _) => (1, c),
            };
            text.push(c);
            p += taken;
        }
    }

    fn code(&self, p: usize) -> Option<char> {
        let digits: String = self.text.get(p..p + 4)?.iter().collect();
        let hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        hex.then(|| char::from_u32(u32::from_str_radix(&digits, 16).ok()?)).flatten()
    }

    fn unquoted(&self, start: usize) -> Option<(Word, usize)> {
        let mut p = start;
        // A star is kept apart from a star that was escaped.
        let mut found: Vec<Option<char>> = Vec::new();
        while let Some(c) = self.at(p) {
            if self.joint(p, "and").is_some() || self.joint(p, "or").is_some() || self.negation(p).is_some() {
                break;
            }
            match c {
                '\\' => {
                    let (taken, text) = self.escape(p + 1)?;
                    found.extend(text.chars().map(Some));
                    p += taken;
                }
                '*' => found.push(None),
                c if "():<>\"{}".contains(c) => break,
                c => found.push(Some(c)),
            }
            p += 1;
        }
        if p == start {
            return None;
        }
        let blank =
            |c: &Option<char>| c.is_some_and(|c| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}');
        while found.first().is_some_and(blank) {
            found.remove(0);
        }
        while found.last().is_some_and(blank) {
            found.pop();
        }
        let pieces: Vec<String> =
            found.split(Option::is_none).map(|piece| piece.iter().flatten().collect()).collect();
        let quoted = pieces == [""];
        Some((Word { pieces, quoted }, p))
    }

    /// Behind a backslash: how many characters it takes, and for what they stand.
    fn escape(&self, p: usize) -> Option<(usize, String)> {
        for word in ["and", "or", "not"] {
            let Some(end) = self.letters(p, word) else { continue };
            let apart = self.at(end).is_none_or(|c| self.space(end) || "\\():<>\"*{}".contains(c));
            if word != "not" || apart {
                return Some((word.len(), self.text[p..end].iter().collect()));
            }
        }
        let (taken, c) = match self.at(p)? {
            't' => (1, '\t'),
            'r' => (1, '\r'),
            'n' => (1, '\n'),
            'u' => (5, self.code(p + 1)?),
            c if "\\():<>\"*{}".contains(c) => (1, c),
            _ => return None,
        };
        Some((taken, c.to_string()))
    }
}

/// What white space separates in a pattern.
fn parts(word: &Word) -> Vec<Word> {
    let mut parts = vec![vec![String::new()]];
    for (n, piece) in word.pieces.iter().enumerate() {
        if n > 0 {
            parts.last_mut().unwrap().push(String::new());
        }
        for c in piece.chars() {
            if c.is_whitespace() {
                parts.push(vec![String::new()]);
            } else {
                parts.last_mut().unwrap().last_mut().unwrap().push(c);
            }
        }
    }
    parts.retain(|pieces| *pieces != [""]);
    parts.into_iter().map(|pieces| Word { pieces, quoted: false }).collect()
}

/// Whether a pattern is a text: tries every length for every star.
fn same(pieces: &[String], text: &str) -> bool {
    let [first, rest @ ..] = pieces else { return text.is_empty() };
    let Some(behind) = text.strip_prefix(first.as_str()) else { return false };
    if rest.is_empty() {
        return behind.is_empty();
    }
    behind.char_indices().map(|(at, _)| at).chain([behind.len()]).any(|at| same(rest, &behind[at..]))
}

fn is(name: &str, found: &Value, sought: &Word) -> bool {
    let text = shown(found);
    match kind(name, found) {
        Kind::Keyword => same(&sought.pieces, &text),
        Kind::Text => {
            let words = split(&text);
            if sought.is_wild() {
                parts(sought).iter().any(|part| {
                    let pieces: Vec<_> = part.pieces.iter().map(|piece| piece.to_lowercase()).collect();
                    let plain = split(&pieces[0]);
                    words
                        .iter()
                        .any(|word| if part.is_wild() { same(&pieces, word) } else { plain.contains(word) })
                })
            } else {
                let sought_words = split(&sought.pieces[0]);
                if sought.quoted {
                    !sought_words.is_empty()
                        && (0..words.len()).any(|n| words[n..].starts_with(&sought_words))
                } else {
                    sought_words.iter().any(|word| words.contains(word))
                }
            }
        }
        _ if sought.is_wild() => false,
        Kind::Boolean => sought.pieces[0] == text || (sought.pieces[0].is_empty() && text == "false"),
        Kind::Long => number(&text).zip(number(&sought.pieces[0])).is_some_and(|(a, b)| a == b),
        Kind::Date => {
            begin(found).zip(days(&sought.pieces[0])).is_some_and(|(at, (a, b))| a <= at && at <= b)
        }
        Kind::Ip => {
            let (network, length) = match sought.pieces[0].split_once('/') {
                Some((network, length)) => (network.to_owned(), length.parse().unwrap_or(99)),
                None => (sought.pieces[0].clone(), 32),
            };
            let bits = |n: u32| format!("{n:032b}");
            address(&text)
                .zip(address(&network))
                .is_some_and(|(a, b)| length <= 32 && bits(a)[..length] == bits(b)[..length])
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite() && !text.contains(char::is_alphabetic))
}

fn address(text: &str) -> Option<u32> {
    text.parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

/// First and last millisecond of a day, a year, or of what is milliseconds: other dates do not come.
fn days(text: &str) -> Option<(i64, i64)> {
    let millisecond = |day: &str| {
        let at: jiff::Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
        Some(at.as_millisecond())
    };
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match text.len() {
        10 if !digits => Some((millisecond(text)?, millisecond(text)? + 86_399_999)),
        4 if digits => {
            let next: u32 = text.parse::<u32>().ok()? + 1;
            Some((millisecond(&format!("{text}-01-01"))?, millisecond(&format!("{next:04}-01-01"))? - 1))
        }
        _ if digits => Some((text.parse().ok()?, text.parse().ok()?)),
        _ => None,
    }
}

fn begin(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(days).map(|(first, _)| first))
}

fn split(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.').map(|word| word.trim_matches('.'));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn leaves(value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, member)| {
                let below = leaves(member).into_iter();
                below.map(move |(name, leaf)| {
                    (if name.is_empty() { key.clone() } else { format!("{key}.{name}") }, leaf)
                })
            })
            .collect(),
        leaf => vec![(String::new(), leaf.clone())],
    }
}

fn objects<'a>(value: &'a Value, name: &str, sought: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| objects(item, name, sought, found)),
        Value::Object(members) => {
            if name == sought && !name.is_empty() {
                found.push(value);
            }
            for (key, member) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                objects(member, &name, sought, found);
            }
        }
        _ => {}
    }
}

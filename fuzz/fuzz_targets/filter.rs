//! Any text as a `$filter`: read or refused in ARM's own words; what is read says the same when it is written again, also
//! with every value in quotes and with another condition behind it.
#![no_main]
use hardline_arm::filter::{FILTER_LIMIT, Op, Term, parse, time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = time(text);
    let terms = match parse(text) {
        Ok(terms) => terms,
        Err(refused) => return assert_eq!(refused.code, "InvalidFilterInQueryString"),
    };
    assert!(!terms.is_empty() && text.len() <= FILTER_LIMIT);
    let written = terms.iter().map(write).collect::<Vec<_>>().join(" and ");
    // Quotes and whole words need more room than the bare text had.
    if written.len() + " and atScope()".len() <= FILTER_LIMIT {
        assert_eq!(parse(&written).expect("our own"), terms);
        let more = parse(&format!("{written} and atScope()")).expect("our own and one more");
        assert_eq!(more[..terms.len()], terms[..]);
        assert_eq!(more.len(), terms.len() + 1);
    }
});

fn write(term: &Term) -> String {
    match term {
        Term::Compare { name, op, value } => {
            let op = match op {
                Op::Eq => "eq",
                Op::Ne => "NE",
                Op::Ge => "Ge",
                Op::Gt => "gt",
                Op::Le => "le",
                Op::Lt => "lt",
            };
            format!("{name} {op} {}", quoted(value))
        }
        Term::Call { name, argument: None } => format!("{name}()"),
        Term::Call { name, argument: Some(argument) } => format!("{name}({})", quoted(argument)),
        Term::Text { function, name, value } => format!("{function}({}, {name})", quoted(value)),
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

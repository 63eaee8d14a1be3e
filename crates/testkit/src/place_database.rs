//! A database of addresses in MaxMind's format (MMDB 2.0), written for a test: an IPv4 tree of 24-bit records, a section of
//! data, the description of itself.

use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::path::Path;

/// Writes a database in which each network (address, length of its prefix) has a record; numbers are written as 16 bits if they
/// fit, else as 32, fractions as doubles.
pub fn write(file: &Path, kind: &str, networks: &[((Ipv4Addr, u8), Value)]) {
    let mut nodes: Vec<[Option<Next>; 2]> = vec![[None, None]];
    let mut data = Vec::new();
    for ((address, length), record) in networks {
        let offset = data.len();
        encode(record, 2, &mut data);
        let bits = u32::from(*address);
        let mut node = 0;
        for depth in 0..*length {
            let side = usize::from(bits >> (31 - depth) & 1 == 1);
            if depth + 1 == *length {
                nodes[node][side] = Some(Next::Data(offset));
            } else if let Some(Next::Node(next)) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([None, None]);
                let next = nodes.len() - 1;
                nodes[node][side] = Some(Next::Node(next));
                node = next;
            }
        }
    }
    let count = nodes.len();
    let mut bytes = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            None => count,
            Some(Next::Node(next)) => *next,
            Some(Next::Data(offset)) => count + 16 + offset,
        };
        bytes.extend_from_slice(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let description = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "database_type": kind,
        "description": { "en": "test" }, "ip_version": 4, "languages": ["en"], "node_count": count, "record_size": 24,
    });
    encode(&description, 4, &mut bytes);
    std::fs::write(file, bytes).unwrap();
}

#[derive(Clone, Copy)]
enum Next {
    Node(usize),
    Data(usize),
}

/// A value as the format has it: a byte with type and size, the content. Numbers have `narrow` bytes if they fit, else four.
fn encode(value: &Value, narrow: usize, out: &mut Vec<u8>) {
    let head = |kind: u8, size: usize, out: &mut Vec<u8>| {
        let short = u8::try_from(size.min(29)).unwrap();
        if kind < 8 {
            out.push(kind << 5 | short)
        } else {
            out.extend_from_slice(&[short, kind - 7])
        }
        if size >= 29 {
            out.push(u8::try_from(size - 29).expect("longer values need more bytes for their size"));
        }
    };
    match value {
        Value::String(text) => {
            head(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Number(number) if number.is_u64() => {
            let number = u32::try_from(number.as_u64().unwrap()).unwrap();
            match u16::try_from(number) {
                Ok(number) if narrow == 2 => {
                    head(5, 2, out);
                    out.extend_from_slice(&number.to_be_bytes());
                }
                _ => {
                    head(6, 4, out);
                    out.extend_from_slice(&number.to_be_bytes());
                }
            }
        }
        Value::Number(number) => {
            head(3, 8, out);
            out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
        }
        Value::Object(members) => {
            head(7, members.len(), out);
            for (name, member) in members {
                encode(&Value::String(name.clone()), narrow, out);
                match (name.as_str(), member.as_u64()) {
                    // Of the description readers want these in 16 bits, and this in 64.
                    (
                        "binary_format_major_version"
                        | "binary_format_minor_version"
                        | "ip_version"
                        | "record_size",
                        Some(number),
                    ) => {
                        head(5, 2, out);
                        out.extend_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
                    }
                    ("build_epoch", Some(number)) => {
                        head(9, 8, out);
                        out.extend_from_slice(&number.to_be_bytes());
                    }
                    _ => encode(member, narrow, out),
                }
            }
        }
        Value::Array(items) => {
            head(11, items.len(), out);
            items.iter().for_each(|item| encode(item, narrow, out));
        }
        Value::Bool(_) | Value::Null => panic!("no test needs it"),
    }
}

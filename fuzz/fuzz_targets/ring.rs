//! Any sequence of writes and reads: what a ring gives is what was written at that address, and it never holds too much.
#![no_main]
use hardline_console::offset::Offset;
use hardline_console::ring::{Missing, Ring};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, Vec<(Vec<u8>, bool, u16, u16)>)| {
    let (limit, steps) = input;
    let mut ring = Ring::new(Offset(0), usize::from(limit));
    let mut all = Vec::new();
    for (bytes, shared, at, max) in steps {
        let longest = bytes.len();
        all.extend_from_slice(&bytes);
        if shared {
            ring.push_shared(bytes.into());
        } else {
            ring.push(&bytes);
        }
        assert_eq!(ring.end(), Offset(all.len() as u64));
        assert!(ring.len() <= usize::from(limit).max(1) + longest.max(8 << 10));
        match ring.read(Offset(u64::from(at)), usize::from(max)) {
            Ok(got) => {
                assert!(!got.is_empty());
                assert_eq!(got, all[usize::from(at)..usize::from(at) + got.len()]);
            }
            Err(Missing::NotYet) => assert!(usize::from(at) >= all.len()),
            Err(Missing::FellOut(gap)) => assert_eq!(gap.end(), ring.start()),
        }
    }
});

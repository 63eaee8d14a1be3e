//! Any request with any `Authorization`: never accepted without the key, never a panic. The text's lines are the header, the
//! path, the query, and then headers, `name:value`.
#![no_main]
use hardline_arm::sas::AccountKey;
use hardline_arm::shared_key::{SharedKey, SignedRequest, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Ok(header) = SharedKey::parse(lines.next().unwrap_or("")) else { return };
    let (path, query) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let request = SignedRequest { method: "GET", account: &header.account, path, query, headers: &headers };
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    assert!(
        verify(&header, &request, &[AccountKey::new(vec![7; 64]), AccountKey::new(vec![8; 64])], now)
            .is_err()
    );
});

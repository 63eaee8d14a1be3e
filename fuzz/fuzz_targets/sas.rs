//! Any query on a blob: never accepted without the key, never a panic.
#![no_main]
use hardline_arm::query::Query;
use hardline_arm::sas::{AccountKey, Sas, SasPermission, SasRequest, SasToken, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text) else { return };
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    if let Ok(sas) = Sas::parse(&query) {
        for (container, blob) in [("", None), ("c", None), ("c", Some("b"))] {
            let request = SasRequest {
                account: "acct",
                container,
                blob,
                permission: SasPermission::List,
                address: None,
                https: false,
            };
            assert!(
                sas.verify(&request, &[AccountKey::new(vec![7; 64]), AccountKey::new(vec![8; 64])], now)
                    .is_err()
            );
        }
    }
    let Ok(token) = SasToken::parse(&query) else { return };
    let _ = token.window();
    assert_eq!(
        SasToken::parse(&Query::parse(&token.to_query()).expect("our own query"))
            .expect("our own token")
            .to_query(),
        token.to_query()
    );
    let request = SasRequest {
        account: "hardlinemanaged",
        container: "bootdiagnostics-demo-1",
        blob: Some("demo.1.serialconsole.log"),
        permission: SasPermission::Read,
        address: None,
        https: true,
    };
    assert!(verify(&token, &request, &[AccountKey::new(vec![7; 64])], now).is_err());
});

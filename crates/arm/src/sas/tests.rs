//! Signing, verifying, and every way in which a token is refused.

use super::*;
use crate::query::Query;
use proptest::prelude::*;
use std::net::IpAddr;

fn key() -> AccountKey {
    AccountKey::new((0..64).collect())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn token() -> String {
    sign_blob_read(&key(), "acct", "logs", "vm.log", at("2026-11-21T10:00:00Z"), at("2026-11-21T12:00:00Z"))
}

const REQUEST: SasRequest<'static> = SasRequest {
    account: "acct",
    container: "logs",
    blob: Some("vm.log"),
    permission: SasPermission::Read,
    address: None,
    https: true,
};

fn ask(query: &str, request: &SasRequest<'_>, now: &str) -> Result<(), SasError> {
    let token = SasToken::parse(&Query::parse(query).unwrap())?;
    verify(&token, request, &[AccountKey::new(vec![1]), key()], at(now)).map(|_| ())
}

#[test]
fn a_good_token_is_taken_and_its_text_is_the_known_one() {
    assert_eq!(ask(&token(), &REQUEST, "2026-11-21T11:00:00Z"), Ok(()));
    insta::assert_snapshot!(token(), @"sv=2022-11-02&sr=b&sp=r&st=2026-11-21T10%3A00%3A00Z&se=2026-11-21T12%3A00%3A00Z&spr=https&sig=3BWtPk2%2BnJfRwVjbHFeFxU9VN5%2Bskf%2BxVMH2Q%2Fr3LVc%3D");
}

#[test]
fn a_signature_made_elsewhere_is_taken() {
    // Computed with Python's hmac over the sixteen lines of azure-storage-blob's service SAS.
    let query = "sp=r&st=2026-11-21T10:00:00Z&se=2026-11-21T12:00:00Z&spr=https&sv=2022-11-02&sr=c&sig=PiOp%2FSdx%2BdSuB5usb6EFa2wZaL8wy4Ibq0YB07boGlM%3D";
    assert_eq!(ask(query, &REQUEST, "2026-11-21T11:00:00Z"), Ok(()));
    let container = SasRequest { blob: None, ..REQUEST };
    assert_eq!(ask(query, &container, "2026-11-21T11:00:00Z"), Err(SasError::Permission));
}

#[test]
fn the_holder_is_signed() {
    let grant = ReadGrant {
        account: "acct",
        container: "logs",
        blob: "vm.log",
        start: at("2026-11-21T10:00:00Z"),
        expiry: at("2026-11-21T12:00:00Z"),
        issued_to: "ann",
        correlation: "c-1",
    };
    let query = sign_read(&key(), &grant);
    let now = "2026-11-21T11:00:00Z";
    assert_eq!(ask(&query, &REQUEST, now), Ok(()));
    assert_eq!(SasToken::parse(&Query::parse(&query).unwrap()).unwrap().issued_to, "ann");
    for bad in [
        query.replace("saoid=ann", "saoid=bob"),
        query.replace("&saoid=ann", ""),
        query.replace("scid=c-1", "scid=c-2"),
        format!("{}&saoid=ann", token()),
    ] {
        assert_eq!(ask(&bad, &REQUEST, now), Err(SasError::Signature), "{bad}");
    }
}

#[test]
fn times() {
    let time = |now: &str| ask(&token(), &REQUEST, now).map_err(|e| e.code());
    assert_eq!(time("2026-11-21T09:59:59Z"), Err("AuthenticationFailed"));
    assert_eq!(time("2026-11-21T10:00:00Z"), Ok(()));
    assert_eq!(time("2026-11-21T11:59:59.999Z"), Ok(()));
    assert_eq!(time("2026-11-21T12:00:00Z"), Err("AuthenticationFailed"));
    let detail = ask(&token(), &REQUEST, "2026-11-21T12:00:00Z").unwrap_err().detail().unwrap();
    assert_eq!(
        detail,
        "Signature not valid in the specified time frame: Start [2026-11-21T10:00:00Z] - Expiry [2026-11-21T12:00:00Z] - Current [2026-11-21T12:00:00Z]"
    );
}

#[test]
fn every_other_request_is_refused() {
    let now = "2026-11-21T11:00:00Z";
    for other in [
        SasRequest { account: "acct2", ..REQUEST },
        SasRequest { container: "logs2", ..REQUEST },
        SasRequest { blob: Some("other.log"), ..REQUEST },
        SasRequest { blob: None, ..REQUEST },
    ] {
        assert_eq!(ask(&token(), &other, now), Err(SasError::Signature), "{other:?}");
    }
    assert_eq!(
        ask(&token(), &SasRequest { permission: SasPermission::Write, ..REQUEST }, now),
        Err(SasError::Permission)
    );
    assert_eq!(ask(&token(), &SasRequest { https: false, ..REQUEST }, now), Err(SasError::Protocol));
}

/// Signs the given fields properly, to reach the checks behind the signature.
fn signed(fields: impl FnOnce(&mut SasToken)) -> String {
    let mut token = SasToken {
        permissions: "r".into(),
        expiry: "2026-11-21T12:00:00Z".into(),
        version: SERVICE_VERSION.into(),
        ..SasToken::default()
    };
    fields(&mut token);
    token.signature = key().sign(&token.string_to_sign("acct", "logs", Some("vm.log")));
    token.to_query()
}

#[test]
fn addresses() {
    let now = "2026-11-21T11:00:00Z";
    let from = |sip: &str, client: &str| {
        let request = SasRequest { address: Some(client.parse().unwrap()), ..REQUEST };
        ask(&signed(|t| t.address = sip.into()), &request, now)
    };
    assert_eq!(from("10.0.0.1", "10.0.0.1"), Ok(()));
    assert_eq!(from("10.0.0.1-10.0.0.9", "::ffff:10.0.0.5"), Ok(()));
    assert_eq!(from("10.0.0.1-10.0.0.9", "10.0.0.10"), Err(SasError::Address));
    assert_eq!(from("10.0.0.1", "::1"), Err(SasError::Address));
    assert_eq!(from("here", "::1"), Err(SasError::Malformed("sip")));
}

#[test]
fn shapes() {
    let now = "2026-11-21T11:00:00Z";
    let good = token();
    for (query, error) in [
        (String::new(), SasError::Missing),
        (good.replace("sr=b", "sr=x"), SasError::Malformed("sr")),
        (good.replace("sp=r", "sp="), SasError::Malformed("sp")),
        (good.replace("sp=r", "sp=rw"), SasError::Signature),
        (good.replace("sv=2022-11-02", "sv=2015-04-05"), SasError::Malformed("sv")),
        (good.replace("se=2026", "se=x2026"), SasError::Malformed("se")),
        (good.replace("st=2026", "st=x2026"), SasError::Malformed("st")),
        (format!("{good}&sp=rw"), SasError::Malformed("sp")),
        (format!("{good}&si=policy"), SasError::Policy),
        (format!("{good}&skoid=1"), SasError::Malformed("skoid")),
        (format!("{good}&rscd=attachment"), SasError::Signature),
        (good.replace("sig=", "sig=!"), SasError::Signature),
    ] {
        assert_eq!(ask(&query, &REQUEST, now), Err(error), "{query}");
    }
    assert_eq!(ask(&signed(|t| t.expiry = "2026-11-22".into()), &REQUEST, now), Ok(()));
    assert_eq!(ask(&signed(|t| t.expiry = "2026-11-21T11:01Z".into()), &REQUEST, now), Ok(()));
}

#[test]
fn secrets_are_not_printed() {
    let token = SasToken::parse(&Query::parse(&token()).unwrap()).unwrap();
    assert!(!format!("{token:?} {:?}", key()).contains(&token.signature));
}

/// What azure-storage-blob 12.29 made with the key of this file.
mod made_by_the_python_library {
    use super::*;

    const NOW: &str = "2026-11-21T11:00:00Z";
    const SERVICE: SasRequest<'static> =
        SasRequest { container: "", blob: None, permission: SasPermission::List, ..REQUEST };
    const CONTAINER: SasRequest<'static> = SasRequest { container: "logs", ..SERVICE };
    const FROM: SasRequest<'static> =
        SasRequest { address: Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1))), ..REQUEST };

    /// Which key fits.
    fn ask(query: &str, request: &SasRequest<'_>, now: &str) -> Result<usize, SasError> {
        let sas = Sas::parse(&Query::parse(query).unwrap())?;
        let keys = [AccountKey::new(vec![1]), key()];
        sas.verify(request, &keys, at(now)).map(|verified| verified.key)
    }

    const BLOB: &str = "st=2026-11-21T10%3A00%3A00Z&se=2026-11-21T12%3A00%3A00Z&sp=r&spr=https&sv=2026-04-06&sr=b&sig=/IvQaamd2trrhNYiPI9WOkDeUsYU1NSDZhDiKp0WW/k%3D";
    const EVERYTHING: &str = "st=2026-11-21T10%3A00%3A00Z&se=2026-11-21T12%3A00%3A00Z&sp=r&sip=10.0.0.1-10.0.0.9&sv=2026-04-06&sr=b&rscc=no-cache&rscd=attachment%3B%20filename%3Dx&rsce=gzip&rscl=en&rsct=text/plain%3B%20charset%3Dutf-8&ses=scope1&sig=pWtXmyQLZhf7BYlgcOsNI%2BIwq00hxh62w09fPy7Hn2E%3D";
    const LIST: &str = "se=2026-11-21T12%3A00%3A00Z&sp=rl&sv=2026-04-06&sr=c&sig=l4p67xsh2SSSTyMCJoJRklx038s519wVapcNbk2/X3c%3D";
    const POLICY: &str = "sv=2026-04-06&si=pol&sr=c&sig=r0ChjjGOU%2Bi2mM0M0id6OAxrpaKomCeGmcrhWMBhjro%3D";
    const ACCOUNT: &str = "st=2026-11-21T10%3A00%3A00Z&se=2026-11-21T12%3A00%3A00Z&sp=rl&sip=10.0.0.1&spr=https&sv=2026-04-06&ss=b&srt=sco&sig=Gv7cdXZIU5vUUr/xPg5u4rkD3Dl1POU%2BrTRzaT9CdMM%3D";
    const OBJECTS: &str = "se=2026-11-21T12%3A00%3A00Z&sp=rl&sv=2026-04-06&ss=bq&srt=o&ses=scope1&sig=mAbGnRtGTjpABW81zXXq1qxrCc6tD5I/vLYcXgT/q6A%3D";
    const MINUTES: &str = "se=2026-11-21T12%3A00Z&sp=rwdlacup&sv=2026-04-06&ss=b&srt=sco&sig=wfY1P1jJ%2B4ug7PO2CZJyUAl4bTBSh5E1BzjAXHX9MGo%3D";

    #[test]
    fn is_taken() {
        assert_eq!(ask(BLOB, &REQUEST, NOW), Ok(1));
        let named = SasRequest { blob: Some("a b/ü+&.log"), ..FROM };
        assert_eq!(ask(EVERYTHING, &named, NOW), Ok(1));
        assert_eq!(ask(LIST, &CONTAINER, NOW), Ok(1));
        assert_eq!(ask(LIST, &REQUEST, NOW), Ok(1));
        for request in [&SERVICE, &CONTAINER, &REQUEST] {
            assert_eq!(ask(ACCOUNT, &SasRequest { address: FROM.address, ..*request }, NOW), Ok(1));
            assert_eq!(ask(MINUTES, request, NOW), Ok(1));
        }
        assert_eq!(ask(OBJECTS, &REQUEST, NOW), Ok(1));
    }

    #[test]
    fn and_refused_for_what_it_is_not_for() {
        assert_eq!(ask(POLICY, &CONTAINER, NOW), Err(SasError::Policy));
        assert_eq!(ask(BLOB, &CONTAINER, NOW), Err(SasError::Signature));
        assert_eq!(ask(LIST, &SERVICE, NOW), Err(SasError::Signature));
        assert_eq!(ask(LIST, &SasRequest { container: "other", ..CONTAINER }, NOW), Err(SasError::Signature));
        let properties = SasRequest { permission: SasPermission::Read, ..CONTAINER };
        assert_eq!(ask(LIST, &properties, NOW), Err(SasError::Permission));
        assert_eq!(ask(OBJECTS, &SERVICE, NOW), Err(SasError::Resource));
        assert_eq!(ask(OBJECTS, &CONTAINER, NOW), Err(SasError::Resource));
        assert_eq!(ask(ACCOUNT, &REQUEST, NOW), Err(SasError::Address));
        assert_eq!(ask(ACCOUNT, &SasRequest { https: false, ..FROM }, NOW), Err(SasError::Protocol));
        let write = SasRequest { permission: SasPermission::Write, ..FROM };
        assert_eq!(ask(ACCOUNT, &write, NOW), Err(SasError::Permission));
        assert_eq!(ask(ACCOUNT, &SasRequest { account: "acct2", ..FROM }, NOW), Err(SasError::Signature));
        for late in ["2026-11-21T09:59:59Z", "2026-11-21T12:00:00Z"] {
            assert!(matches!(ask(ACCOUNT, &FROM, late), Err(SasError::Time { .. })), "{late}");
        }
    }

    #[test]
    fn and_every_field_of_it_is_signed() {
        let mut changed = 0;
        for (query, request) in [
            (EVERYTHING, SasRequest { blob: Some("a b/ü+&.log"), ..REQUEST }),
            (LIST, CONTAINER),
            (ACCOUNT, FROM),
            (OBJECTS, REQUEST),
        ] {
            let request = SasRequest { address: FROM.address, ..request };
            assert_eq!(ask(query, &request, NOW), Ok(1), "{query}");
            for field in query.split('&').map(|pair| pair.split_once('=').unwrap()) {
                let (name, value) = field;
                let other = match name {
                    "st" | "se" => value.replace("2026", "2025"),
                    "sip" => value.replacen('1', "2", 1),
                    "sv" => "2026-04-07".into(),
                    "sp" => format!("{value}w"),
                    "sr" => {
                        if value == "b" {
                            "c".into()
                        } else {
                            "b".into()
                        }
                    }
                    "ss" => {
                        if value == "b" {
                            "bq".into()
                        } else {
                            "b".into()
                        }
                    }
                    "srt" => {
                        if value == "o" {
                            "so".into()
                        } else {
                            "o".into()
                        }
                    }
                    "spr" => "https,http".into(),
                    "sig" => value.replacen(|c: char| c.is_ascii_lowercase(), "Z", 1),
                    _ => format!("{value}x"),
                };
                let bad = query.replace(&format!("{name}={value}"), &format!("{name}={other}"));
                assert_ne!(bad, query);
                assert_eq!(ask(&bad, &request, NOW), Err(SasError::Signature), "{bad}");
                changed += 1;
            }
        }
        assert_eq!(changed, 13 + 5 + 9 + 7);
    }

    #[test]
    fn and_its_shape_is_checked() {
        for (from, to, field) in [
            ("ss=b", "ss=", "ss"),
            ("ss=b", "ss=x", "ss"),
            ("srt=sco", "srt=z", "srt"),
            ("&srt=sco", "", "srt"),
            ("sp=rl", "sp=R", "sp"),
            ("spr=https", "spr=http", "spr"),
            ("sv=2026-04-06", "sv=2012-02-12", "sv"),
            ("sv=2026-04-06", "sv=now", "sv"),
            ("se=2026", "se=x2026", "se"),
            ("st=2026", "st=x2026", "st"),
            ("sip=10.0.0.1", "sip=10.0.0.1&sip=10.0.0.1", "sip"),
        ] {
            let bad = ACCOUNT.replace(from, to);
            assert_eq!(ask(&bad, &FROM, NOW), Err(SasError::Malformed(field)), "{bad}");
        }
        assert_eq!(ask(ACCOUNT.split("&sig").next().unwrap(), &FROM, NOW), Err(SasError::Missing));
        let sas = Sas::parse(&Query::parse(ACCOUNT).unwrap()).unwrap();
        assert!(!format!("{sas:?}").contains("Gv7cd"));
    }
}

proptest! {
    #[test]
    fn one_flipped_character_breaks_it(place in 0usize..400, with in "[a-zA-Z0-9+/=%&.:-]") {
        let good = token();
        let place = place % good.len();
        let mut bytes = good.clone().into_bytes();
        bytes[place] = with.as_bytes()[0];
        let bad = String::from_utf8(bytes).unwrap();
        let same = Query::parse(&bad).unwrap() == Query::parse(&good).unwrap();
        // Base64 ignores nothing, but the key of a pair may change its case without meaning.
        let only_case = bad.eq_ignore_ascii_case(&good);
        prop_assume!(!same && !only_case);
        prop_assert!(ask(&bad, &REQUEST, "2026-11-21T11:00:00Z").is_err(), "{}", bad);
    }

    #[test]
    fn hostile_queries_do_not_panic(text in "\\PC{0,200}") {
        let _ = ask(&text, &REQUEST, "2026-11-21T11:00:00Z");
        let _ = ask(&format!("sig=x&sr=b&{text}"), &REQUEST, "2026-11-21T11:00:00Z");
        let _ = Sas::parse(&Query::parse(&format!("sig=x&ss=b&srt=sco&sv=2026-04-06&{text}")).unwrap());
    }

    #[test]
    fn what_is_signed_verifies(container in "[a-z0-9-]{3,20}", blob in "[ -~]{1,40}") {
        let query = sign_blob_read(&key(), "acct", &container, &blob, at("2026-11-21T10:00:00Z"), at("2026-11-21T12:00:00Z"));
        let request = SasRequest { container: &container, blob: Some(&blob), ..REQUEST };
        prop_assert_eq!(ask(&query, &request, "2026-11-21T11:00:00Z"), Ok(()));
    }
}

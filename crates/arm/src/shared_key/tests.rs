//! Signatures that azure-storage-blob 12.29 made, and every way in which one is refused.

use super::*;
use proptest::prelude::*;

const DATE: &str = "Sat, 21 Nov 2026 11:00:00 GMT";
const VERSION: (&str, &str) = ("x-ms-version", "2026-04-06");

fn keys() -> [AccountKey; 2] {
    [AccountKey::new(vec![1; 64]), AccountKey::new((0..64).collect())]
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ask(signature: &str, request: &SignedRequest<'_>) -> Result<usize, SharedKeyError> {
    let header = SharedKey::parse(&format!("SharedKey acct:{signature}")).unwrap();
    verify(&header, request, &keys(), at("2026-11-21T11:00:00Z")).map(|verified| verified.key)
}

const DOWNLOAD: SignedRequest<'static> = SignedRequest {
    method: "GET",
    account: "acct",
    path: "/acct/logs/a%20b/%C3%BC.log",
    query: "",
    headers: &[
        ("host", "localhost:8443"),
        ("x-ms-version", "2026-04-06"),
        ("x-ms-range", "bytes=0-33554431"),
        ("x-ms-return-client-request-id", "true"),
        ("x-ms-client-request-id", "c-1"),
        ("x-ms-date", DATE),
        ("content-length", "0"),
        ("date", "ignored beside x-ms-date"),
        ("accept", "application/xml"),
    ],
};
const DOWNLOAD_SIGNATURE: &str = "SmxcaVNIYXHpmpXEJD/6+urBR50167ed4iiKS5diftU=";

#[test]
fn what_the_python_library_signs() {
    assert_eq!(ask(DOWNLOAD_SIGNATURE, &DOWNLOAD), Ok(1));
    let list = SignedRequest {
        path: "/logs",
        query: "restype=container&comp=list&prefix=a%20b%2Bc&maxresults=5000&delimiter=%2F",
        headers: &[("x-ms-date", DATE), VERSION],
        ..DOWNLOAD
    };
    assert_eq!(ask("OH64TnA4uwBC8eUpbYW1ckdnHQ0IxjNFQKhzEclyElU=", &list), Ok(1));
    let containers = SignedRequest { path: "/", query: "comp=list&include=", ..list };
    assert_eq!(ask("N4xBqp+qi/JyVSE2OY8+OJMCJT9jg+RM6yTO8jVYD30=", &containers), Ok(1));
    let head = SignedRequest {
        method: "HEAD",
        path: "/logs/x",
        query: "",
        headers: &[
            ("x-ms-date", DATE),
            VERSION,
            ("if-match", "\"0x1\""),
            ("x-ms-meta-a-b", "1"),
            ("x-ms-meta-aa", "2"),
            ("x-ms-meta-ab", "3"),
        ],
        ..DOWNLOAD
    };
    assert_eq!(ask("06+EZZifBXzwfm05FLiYQWA3eo1UWYRsPZcEa2L+tH8=", &head), Ok(1));
}

#[test]
fn the_text() {
    let request = SignedRequest { query: "b=2&A=%20y&a=x&flag", ..DOWNLOAD };
    assert_eq!(
        request.string_to_sign(words),
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-client-request-id:c-1\nx-ms-date:Sat, 21 Nov 2026 11:00:00 GMT\nx-ms-range:bytes=0-33554431\nx-ms-return-client-request-id:true\nx-ms-version:2026-04-06\n/acct/acct/logs/a%20b/%C3%BC.log\na: y,x\nb:2\nflag:"
    );
}

#[test]
fn headers_are_sorted_by_either_rule() {
    let request = SignedRequest {
        headers: &[("x-ms-meta-a-b", "1"), ("x-ms-meta-aa", "2"), ("x-ms-date", DATE)],
        ..DOWNLOAD
    };
    let [_, key] = keys();
    for order in [words, |a: &str, b: &str| a.cmp(b)] {
        assert_eq!(ask(&key.sign(&request.string_to_sign(order)), &request), Ok(1));
    }
    assert_ne!(request.string_to_sign(words), request.string_to_sign(|a, b| a.cmp(b)));
    assert_eq!(words("x-ms-range", "x-ms-range-get-content-md5"), Ordering::Less);
    assert_eq!(words("x-ms-a1", "x-ms-aa"), Ordering::Less);
}

#[test]
fn every_other_request_is_refused() {
    let with = |name: &'static str, value: &'static str| {
        let mut headers = DOWNLOAD.headers.to_vec();
        headers.retain(|(n, _)| *n != name);
        headers.push((name, value));
        headers
    };
    for changed in [
        SignedRequest { method: "PUT", ..DOWNLOAD },
        SignedRequest { path: "/logs/a%20b/%C3%BC.log", ..DOWNLOAD },
        SignedRequest { path: "/acct/logs/a%20b/%C3%BD.log", ..DOWNLOAD },
        SignedRequest { path: "/acct/logs/a b/%C3%BC.log", ..DOWNLOAD },
        SignedRequest { query: "comp=list", ..DOWNLOAD },
    ] {
        assert_eq!(ask(DOWNLOAD_SIGNATURE, &changed), Err(SharedKeyError::Signature), "{changed:?}");
    }
    for (name, value) in [
        ("x-ms-range", "bytes=1-33554431"),
        ("x-ms-version", "2026-04-07"),
        ("x-ms-date", "Sat, 21 Nov 2026 11:00:01 GMT"),
        ("x-ms-lease-id", "new"),
        ("range", "bytes=0-1"),
        ("if-none-match", "*"),
        ("content-length", "3"),
        ("content-type", "text/plain"),
    ] {
        let headers = with(name, value);
        let changed = SignedRequest { headers: &headers, ..DOWNLOAD };
        assert_eq!(ask(DOWNLOAD_SIGNATURE, &changed), Err(SharedKeyError::Signature), "{name}");
    }
    assert_eq!(
        ask("SmxcaVNIYXHpmpXEJD/6+urBR50167ed4iiKS5diftV=", &DOWNLOAD),
        Err(SharedKeyError::Signature)
    );
    assert_eq!(ask("no-base64", &DOWNLOAD), Err(SharedKeyError::Signature));
    // Signed by another account's key, or for another account.
    let other = SharedKey::parse(&format!("SharedKey acct2:{DOWNLOAD_SIGNATURE}")).unwrap();
    let now = at("2026-11-21T11:00:00Z");
    assert_eq!(verify(&other, &DOWNLOAD, &keys(), now), Err(SharedKeyError::Account));
    let good = SharedKey::parse(&format!("SharedKey acct:{DOWNLOAD_SIGNATURE}")).unwrap();
    assert_eq!(verify(&good, &DOWNLOAD, &keys()[..1], now), Err(SharedKeyError::Signature));
    assert_eq!(verify(&good, &DOWNLOAD, &[], now), Err(SharedKeyError::Signature));
}

#[test]
fn a_quarter_of_an_hour() {
    let header = SharedKey::parse(&format!("SharedKey acct:{DOWNLOAD_SIGNATURE}")).unwrap();
    let ask =
        |now: &str| verify(&header, &DOWNLOAD, &keys(), at(now)).map(|v| v.key).map_err(|e| e.to_string());
    assert_eq!(ask("2026-11-21T10:45:00Z"), Ok(1));
    assert_eq!(ask("2026-11-21T11:15:00Z"), Ok(1));
    for late in ["2026-11-21T10:44:59Z", "2026-11-21T11:15:01Z"] {
        assert!(ask(late).unwrap_err().contains("'Sat, 21 Nov 2026 11:00:00 GMT'"));
    }
    let [_, key] = keys();
    for date in ["", "yesterday", "2026-11-21T11:00:00Z"] {
        let headers = [("x-ms-date", date)];
        let request = SignedRequest { headers: &headers, ..DOWNLOAD };
        let signature = key.sign(&request.string_to_sign(words));
        assert_eq!(super::tests::ask(&signature, &request), Err(SharedKeyError::NoDate), "{date}");
    }
    let request = SignedRequest { headers: &[("date", DATE)], ..DOWNLOAD };
    assert_eq!(super::tests::ask(&key.sign(&request.string_to_sign(words)), &request), Ok(1));
}

#[test]
fn shapes() {
    for bad in [
        "",
        "SharedKey",
        "SharedKey ",
        "SharedKey acct",
        "SharedKey :c2ln",
        "SharedKey acct:",
        "SharedKeyLite acct:c2ln",
        "Bearer x:y",
        "SharedKey a b:c2ln",
    ] {
        assert_eq!(SharedKey::parse(bad), Err(SharedKeyError::Format), "{bad}");
    }
    let good = SharedKey::parse("sharedkey  acct:c2ln").unwrap();
    assert_eq!(good.account, "acct");
    assert!(!format!("{good:?}").contains("c2ln"));
}

proptest! {
    #[test]
    fn hostile_requests_do_not_panic(header in "\\PC{0,80}", path in "\\PC{0,40}", query in "\\PC{0,80}", name in "x-ms-[a-z0-9_.-]{0,10}", value in "\\PC{0,20}") {
        let headers = [(name.as_str(), value.as_str()), ("x-ms-date", DATE)];
        let request = SignedRequest { path: &path, query: &query, headers: &headers, ..DOWNLOAD };
        let _ = request.string_to_sign(words);
        if let Ok(header) = SharedKey::parse(&header) {
            prop_assert!(verify(&header, &request, &keys(), at("2026-11-21T11:00:00Z")).is_err());
        }
    }

    #[test]
    fn the_order_of_headers_is_one(a in "[a-z0-9_-]{0,6}", b in "[a-z0-9_-]{0,6}", c in "[a-z0-9_-]{0,6}") {
        prop_assert_eq!(words(&a, &b), words(&b, &a).reverse());
        if words(&a, &b) == Ordering::Less && words(&b, &c) == Ordering::Less {
            prop_assert_eq!(words(&a, &c), Ordering::Less);
        }
    }
}

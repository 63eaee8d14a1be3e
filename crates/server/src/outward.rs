//! Whom the server asks for somebody: only addresses that its operator named, each by the beginning of an address. Asking for
//! somebody is reaching into the operator's network for them.

use reqwest::Url;

/// Whether an address lies below one of the operator's: the same scheme, host and port, and a path below theirs.
pub(crate) fn named(beginnings: &[String], url: &Url) -> bool {
    let below = |named: Url| {
        let folder = named.path().ends_with('/') || named.path() == url.path();
        folder && url.path().starts_with(named.path()) && place(url).is_some() && place(url) == place(&named)
    };
    url.username().is_empty()
        && url.password().is_none()
        && beginnings.iter().filter_map(|beginning| Url::parse(beginning).ok()).any(below)
}

/// Scheme, host and port.
fn place(url: &Url) -> Option<(&str, &str, Option<u16>)> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some((url.scheme(), host, url.port_or_known_default()))
}

/// An address as it may be shown: its query may be a SAS, its beginning a password.
pub(crate) fn plain(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or("");
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let (host, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{tail}").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_a_source() {
        let sources = [
            "https://t.test/arm/".to_owned(),
            "http://127.0.0.1:81/one.json".to_owned(),
            "syslog+tls://s.test:6514".to_owned(),
            "nonsense".to_owned(),
        ];
        let ask = |text: &str| Url::parse(text).is_ok_and(|url| named(&sources, &url));
        for good in [
            "https://t.test/arm/a.json",
            "https://T.test:443/arm/b/c.json?sig=x",
            "http://127.0.0.1:81/one.json",
            "syslog+tls://s.test:6514",
        ] {
            assert!(ask(good), "{good}");
        }
        for bad in [
            "https://t.test/arm",
            "https://t.test/arm/../secret",
            "https://t.test/arm/%2e%2e/secret",
            "https://t.test/armed/a.json",
            "http://t.test/arm/a.json",
            "https://t.test:444/arm/a.json",
            "https://t.test.evil.test/arm/a.json",
            "https://t.test@evil.test/arm/a.json",
            "https://user@t.test/arm/a.json",
            "http://127.0.0.1:81/one.json/two",
            "file:///etc/passwd",
            "syslog+tls://s.test:6515",
            "syslog+tls://u.test:6514",
            "data:,x",
        ] {
            assert!(!ask(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_is_no_secret() {
        assert_eq!(plain("https://user:pw@h/a/b.json?sig=s3cret#x"), "https://h/a/b.json");
        assert_eq!(plain("nonsense"), "://nonsense");
    }
}

//! Addresses of accounts: `https://{account}.blob.core.{host}` and `https://{host}/{account}`.
//!
//! Both are always served. Given out is the first one where clients can use it, which takes a name in the DNS for every account
//! and a certificate for those names: the server's own certificate says whether there are such names (`*.blob.core.{host}`). An
//! address or `localhost` has none, and the SDKs expect the account in the path there (contract section 3.4).

use crate::state::State;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::ServerName;
use std::net::IpAddr;

/// What stands between an account's name and the server's.
const MARK: &str = ".blob.core.";

/// First segments of paths that lead elsewhere: no account has such a name.
const RESERVED: [&str; 17] = [
    super::ACCOUNT,
    "adfs",
    "common",
    "console",
    "consumers",
    "graph",
    "healthz",
    "localhost",
    "metadata",
    "oauth2",
    "organizations",
    "portal",
    "providers",
    "subscriptions",
    "tenants",
    "operations",
    "discovery",
];

/// Whether no account may have this name, because a path of this server has it.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether a path's first segment could be an account's name.
pub fn may_be_account(segment: &str) -> bool {
    (3..=24).contains(&segment.len())
        && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && !is_reserved(segment)
}

/// The account that the host of `https://host:port` names; none when it names the server itself.
pub fn of_host(base_url: &str) -> Option<&str> {
    let (_, host) = base_url.split_once("://")?;
    let (account, _) = host.split_once(MARK)?;
    may_be_account(account).then_some(account)
}

/// The account that a machine's `storageUri` names: in its host, or else first in its path. Empty and strange ones name none.
pub fn of_uri(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let account = match host.split_once(".blob.") {
        Some((account, _)) => account,
        None => path.split(['/', '?']).next().unwrap_or(""),
    };
    may_be_account(account).then_some(account)
}

/// The blob endpoint of an account for clients that reach the server at `base_url`; ends with a slash.
pub fn endpoint(state: &State, base_url: &str, account: &str) -> String {
    let base = base_url.trim_end_matches('/');
    match base.split_once("://") {
        Some(("https", host)) if has_names(state, host) => format!("https://{account}{MARK}{host}/"),
        _ => format!("{base}/{account}/"),
    }
}

/// Whether the server's certificate is for names below `blob.core.{host}`, too.
fn has_names(state: &State, host: &str) -> bool {
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    if local || host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return false;
    }
    let Some(certificate) = state.config.tls.chain.first() else { return false };
    let Ok(name) = ServerName::try_from(format!("any{MARK}{host}")) else { return false };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (base, account) in [
            ("https://acct.blob.core.example.org:8443", Some("acct")),
            ("https://acct.blob.core.example.org", Some("acct")),
            ("https://acct.blob.core.localhost:1", Some("acct")),
            ("https://example.org", None),
            ("https://a-b.blob.core.example.org", None),
            ("https://x.acct.blob.core.example.org", None),
            ("https://subscriptions.blob.core.example.org", None),
            ("https://.blob.core.example.org", None),
            ("", None),
        ] {
            assert_eq!(of_host(base), account, "{base}");
        }
    }

    #[test]
    fn uris() {
        for (uri, account) in [
            ("https://acct.blob.core.windows.net/", Some("acct")),
            ("https://localhost:8443/acct/", Some("acct")),
            ("https://localhost:8443/acct", Some("acct")),
            ("https://127.0.0.1/acct?x", Some("acct")),
            ("https://localhost:8443/", None),
            ("https://localhost", None),
            ("https://localhost/hardlinemanaged/", None),
            ("acct", None),
            ("https://Acct.blob.core.x/", None),
            ("https://localhost/../acct/", None),
        ] {
            assert_eq!(of_uri(uri), account, "{uri}");
        }
    }
}

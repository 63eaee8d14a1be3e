//! The demo's own certificate authority, and the server certificate that it signs; both stay in the data directory.

use super::files::{write_private, write_public};
use crate::clock;
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;
/// The authority's life, days.
const CA_DAYS: u64 = 3650;
/// The server certificate's life, days; browsers and Apple's clients refuse more than about a year.
const SERVER_DAYS: u64 = 365;
/// A server certificate with fewer days left is made anew.
const RENEW_DAYS: u64 = 30;

/// What the server shows, and what clients have to trust.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's PEM file.
    pub ca_file: PathBuf,
    /// The server's certificate, then the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// The server's key.
    pub key: PrivateKeyDer<'static>,
}

/// What the present server certificate was made for; it says whether it still serves.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Made {
    names: Vec<String>,
    not_after: u64,
}

impl Certificates {
    /// Reads what is in `dir`; makes what is missing, near its end, or made for other names.
    pub fn open(dir: &Path, names: &[String]) -> anyhow::Result<Self> {
        let (ca_file, ca_key_file) = (dir.join("ca.pem"), dir.join("ca.key"));
        let now = clock::now();
        if !(ca_file.is_file() && ca_key_file.is_file()) {
            let key = KeyPair::generate()?;
            // The key first: a key without a certificate is made anew, the other way round nothing would be signed.
            write_private(&ca_key_file, key.serialize_pem().as_bytes())?;
            write_public(&ca_file, authority(now).self_signed(&key)?.pem().as_bytes())?;
        }
        let ca_pem = read(&ca_file)?;
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, KeyPair::from_pem(&read(&ca_key_file)?)?)
            .with_context(|| format!("{} is damaged", ca_file.display()))?;

        let (file, key_file, made_file) =
            (dir.join("server.pem"), dir.join("server.key"), dir.join("server.json"));
        let made: Option<Made> = std::fs::read(&made_file).ok().and_then(|m| serde_json::from_slice(&m).ok());
        let serves = |m: Made| m.names == names && m.not_after > now + RENEW_DAYS * DAY;
        if !(made.is_some_and(serves) && file.is_file() && key_file.is_file()) {
            let made = Made { names: names.to_vec(), not_after: now + SERVER_DAYS * DAY };
            let key = KeyPair::generate()?;
            let certificate = server(names, now)?.signed_by(&key, &issuer)?;
            let _ = std::fs::remove_file(&made_file);
            write_private(&key_file, key.serialize_pem().as_bytes())?;
            write_public(&file, certificate.pem().as_bytes())?;
            write_public(&made_file, &serde_json::to_vec(&made)?)?;
        }
        Self::read(&file, &key_file, &ca_file)
    }

    fn read(file: &Path, key_file: &Path, ca_file: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            ca_file: ca_file.to_owned(),
            chain: [file, ca_file].into_iter().map(certificate).collect::<Result<_, _>>()?,
            key: private_key(key_file)?,
        })
    }
}

/// The first certificate in a PEM file.
pub fn certificate(file: &Path) -> anyhow::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(file).with_context(|| format!("{} holds no certificate", file.display()))
}

/// Every certificate in a PEM file.
pub fn chain(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).and_then(|certificates| certificates.collect());
    certificates.with_context(|| format!("{} holds no certificates", file.display()))
}

/// The private key in a PEM file.
pub fn private_key(file: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file).with_context(|| format!("{} holds no private key", file.display()))
}

/// The text of a PEM file.
pub fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn authority(now: u64) -> CertificateParams {
    let mut params = valid(CertificateParams::default(), now, CA_DAYS);
    params.distinguished_name.push(DnType::CommonName, "Hardline dev authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(names: &[String], now: u64) -> anyhow::Result<CertificateParams> {
    let mut params = valid(CertificateParams::new(names)?, now, SERVER_DAYS);
    params.distinguished_name.push(DnType::CommonName, "Hardline dev server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Valid from a day ago: clocks differ. The name is left for the caller.
pub fn valid(mut params: CertificateParams, now: u64, days: u64) -> CertificateParams {
    let at = |seconds: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = at(now.saturating_sub(DAY));
    params.not_after = at(now + days * DAY);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls_pki_types::{ServerName, UnixTime};
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    fn verify(certificates: &Certificates, name: &str) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate(&certificates.ca_file).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(clock::now()));
        verifier.verify_server_cert(&certificates.chain[0], &[], &name, &[], now).is_ok()
    }

    #[test]
    fn made_once_and_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
        let first = Certificates::open(dir.path(), &names).unwrap();
        for name in &names {
            assert!(verify(&first, name), "{name}");
        }
        assert!(!verify(&first, "example.org"));
        for key in ["ca.key", "server.key"] {
            let mode = std::fs::metadata(dir.path().join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
        let again = Certificates::open(dir.path(), &names).unwrap();
        assert_eq!(first.chain, again.chain);

        let others = ["localhost".to_owned(), "example.org".to_owned()];
        let renewed = Certificates::open(dir.path(), &others).unwrap();
        assert_ne!(first.chain[0], renewed.chain[0]);
        assert_eq!(first.chain[1], renewed.chain[1], "the authority stays");
        assert!(verify(&renewed, "example.org"));
    }

    #[test]
    fn renewed_before_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned()];
        let first = Certificates::open(dir.path(), &names).unwrap();
        let soon = Made { names: names.to_vec(), not_after: clock::now() + (RENEW_DAYS - 1) * DAY };
        std::fs::write(dir.path().join("server.json"), serde_json::to_vec(&soon).unwrap()).unwrap();
        assert_ne!(Certificates::open(dir.path(), &names).unwrap().chain[0], first.chain[0]);
    }
}

//! A certificate authority for tests: listeners' and hosts' certificates.

use crate::fake_host::Dialling;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;

/// The authority.
pub struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Identity {
    /// The certificate, then the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority.
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Hardline test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = params.self_signed(&key).unwrap();
        Self { certificate: signed.der().clone(), pem: signed.pem(), issuer: Issuer::new(params, key) }
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The same as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    fn issue(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose) -> Identity {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![purpose];
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![signed.der().clone(), self.certificate()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }

    /// A listener's certificate for these names and addresses.
    pub fn listener(&self, names: &[&str]) -> Identity {
        self.issue(names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The certificate of a host: its id is its name.
    pub fn host(&self, host_id: &str) -> Identity {
        self.issue(&[host_id], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// How a host reaches the agent listener at `address` (whose certificate is for `localhost`) with a certificate that
    /// was issued for `host_id`; none: without a certificate.
    pub fn dialling(&self, address: SocketAddr, host_id: Option<&str>) -> Dialling {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let tls = match host_id.map(|id| self.host(id)) {
            Some(identity) => config.with_client_auth_cert(identity.chain, identity.key).unwrap(),
            None => config.with_no_client_auth(),
        };
        Dialling { address, server_name: "localhost".into(), tls: Arc::new(tls) }
    }
}

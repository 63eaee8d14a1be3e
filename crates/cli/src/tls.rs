//! Whom the client trusts: the system's authorities (SSL_CERT_FILE, where set) and the named PEM files.

use crate::error::Error;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::sync::Arc;

/// A TLS configuration for HTTP and WebSocket alike.
pub fn config(files: &[PathBuf]) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    for file in files {
        let bad = |reason: String| Error::File { path: file.clone(), source: std::io::Error::other(reason) };
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| bad(e.to_string()))? {
            let certificate = certificate.map_err(|e| bad(e.to_string()))?;
            roots.add(certificate).map_err(|e| bad(e.to_string()))?;
        }
    }
    // Some of the system's may be of kinds that are not understood here: that is no reason to stop.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Usage(e.to_string()))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

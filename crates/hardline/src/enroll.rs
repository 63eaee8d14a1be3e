//! `hardline server enroll`: the identity of one host, signed by the agents' authority.
//!
//! ```text
//!   agents-ca.key ── signs ──> OUT/agent.pem (its one DNS name is the host's id) ┐
//!   agents-ca.pem <── trusts ── hardline server                                  ├─ copied to the host as its agent's `dir`
//!                               OUT/agent.key, OUT/host-id ──────────────────────┘
//! ```
//!
//! The authority's key is needed here only; a server needs its certificate. So both may live on a machine of their own.

use crate::clock;
use crate::dev::{private_dir, read_pem, valid, write_private, write_public};
use anyhow::{Context as _, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The authority's life, days.
const AUTHORITY_DAYS: u64 = 3650;
/// A host's certificate's life, days; `enroll --host-id` gives a new one in time.
const HOST_DAYS: u64 = 730;

/// `hardline server enroll`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The certificate (PEM) of the authority for agents, the server's `agents.authority`; made when it is not there
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// The authority's key (PEM); made together with the certificate
    #[arg(long, value_name = "FILE")]
    authority_key: PathBuf,
    /// The folder for the host's identity: what its agent's `dir` begins with
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The id of a host that has one, for a new certificate; default: a new host
    #[arg(long, value_name = "UUID")]
    host_id: Option<Uuid>,
}

/// Makes the identity, and the authority when there is none.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let issuer = authority(&args.authority, &args.authority_key)?;
    let (certificate, key, id_file) =
        (args.out.join("agent.pem"), args.out.join("agent.key"), args.out.join("host-id"));
    let host_id = args.host_id.unwrap_or_else(Uuid::new_v4);
    let there = std::fs::read_to_string(&id_file).unwrap_or_default();
    let there = there.trim();
    if !there.is_empty() && there != host_id.to_string() {
        bail!(
            "{} holds the identity of host {there}: choose another --out, or --host-id {there} for a new certificate",
            args.out.display()
        );
    }
    private_dir(&args.out)?;
    let own = KeyPair::generate()?;
    let signed = host(host_id, clock::now())?.signed_by(&own, &issuer)?;
    write_private(&key, own.serialize_pem().as_bytes())?;
    write_public(&certificate, signed.pem().as_bytes())?;
    write_private(&id_file, host_id.to_string().as_bytes())?;
    println!("{host_id}");
    eprintln!(
        "host {host_id} is enrolled for {HOST_DAYS} days: copy {} to the host; in the agent's configuration it is \
         dir, {} certificate and {} key",
        args.out.display(),
        certificate.display(),
        key.display()
    );
    Ok(())
}

/// The authority, made when neither file is there.
fn authority(file: &Path, key_file: &Path) -> anyhow::Result<Issuer<'static, KeyPair>> {
    if !file.exists() && !key_file.exists() {
        let key = KeyPair::generate()?;
        let mut params = valid(CertificateParams::default(), clock::now(), AUTHORITY_DAYS);
        params.distinguished_name.push(DnType::CommonName, "Hardline authority for agents");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // The key first: were only it there, nothing would have been signed yet.
        write_private(key_file, key.serialize_pem().as_bytes())?;
        write_public(file, params.self_signed(&key)?.pem().as_bytes())?;
        eprintln!("made the authority {}; its key is {}: keep it safe", file.display(), key_file.display());
    }
    let key = KeyPair::from_pem(&read_pem(key_file)?)
        .with_context(|| format!("{} holds no private key", key_file.display()))?;
    Issuer::from_ca_cert_pem(&read_pem(file)?, key)
        .with_context(|| format!("{} is no authority's certificate", file.display()))
}

fn host(host_id: Uuid, now: u64) -> anyhow::Result<CertificateParams> {
    let mut params = valid(CertificateParams::new(vec![host_id.to_string()])?, now, HOST_DAYS);
    params.distinguished_name.push(DnType::CommonName, host_id.to_string());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn args(dir: &Path, out: &str, host_id: Option<Uuid>) -> Args {
        let (authority, authority_key) = (dir.join("ca.pem"), dir.join("ca.key"));
        Args { authority, authority_key, out: dir.join(out), host_id }
    }

    #[test]
    fn a_host_keeps_its_id_and_gets_new_certificates() {
        let dir = tempfile::tempdir().unwrap();
        run(&args(dir.path(), "a", None)).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let (id, certificate, ca) = (read("a/host-id"), read("a/agent.pem"), read("ca.pem"));
        for key in ["ca.key", "a/agent.key"] {
            let mode = std::fs::metadata(dir.path().join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
        let refusal = run(&args(dir.path(), "a", None)).unwrap_err().to_string();
        assert!(refusal.contains(&id), "{refusal}");
        assert_eq!(read("a/agent.pem"), certificate);

        run(&args(dir.path(), "a", Some(id.parse().unwrap()))).unwrap();
        assert_ne!(read("a/agent.pem"), certificate);
        assert_eq!((read("a/host-id"), read("ca.pem")), (id, ca));
    }

    #[test]
    fn half_an_authority_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.key"), "key").unwrap();
        let refusal = run(&args(dir.path(), "a", None)).unwrap_err().to_string();
        assert!(refusal.contains("ca.key holds no private key"), "{refusal}");
        assert!(!dir.path().join("ca.pem").exists());
    }
}

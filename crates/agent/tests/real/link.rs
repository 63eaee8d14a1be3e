//! The agent dials its server over mutual TLS and dials again.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use hardline_agent::{
    Agent,
    link::{self, LinkConfig},
};
use hardline_agent_api::{connect_channel, v1};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::support::{config, soon};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// PEM files `NAME.pem` and `NAME.key` in `dir`.
fn issue(authority: &Authority, dns: &str, dir: &Path, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![dns.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

fn acceptor(clients: &Authority, dir: &Path, name: &str) -> TlsAcceptor {
    use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clients.pem().as_bytes()).unwrap()).unwrap();
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_file(dir.join(format!("{name}.pem"))).unwrap()],
            PrivateKeyDer::from_pem_file(dir.join(format!("{name}.key"))).unwrap(),
        )
        .unwrap();
    tls.alpn_protocols = vec![link::ALPN.to_vec()];
    TlsAcceptor::from(Arc::new(tls))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_dials_proves_itself_serves_and_dials_again() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(config(&dir.path().join("agent"))).await.unwrap();
    let (ours, strangers) = (authority(), authority());
    issue(&ours, "control.example", dir.path(), "server");
    issue(&strangers, "control.example", dir.path(), "impostor");
    issue(&ours, agent.host_id(), dir.path(), "host");
    std::fs::write(dir.path().join("ca.pem"), ours.pem()).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = LinkConfig {
        server: listener.local_addr().unwrap().to_string(),
        server_name: "control.example".into(),
        tls: link::client_tls(
            &dir.path().join("ca.pem"),
            &dir.path().join("host.pem"),
            &dir.path().join("host.key"),
        )
        .unwrap(),
    };
    let cancel = CancellationToken::new();
    let running = tokio::spawn(link::run(agent.clone(), link, cancel.clone()));

    // Somebody else at the server's address: the agent does not serve him.
    let (stream, _) = soon("a dial", listener.accept()).await.unwrap();
    assert!(soon("a handshake", acceptor(&ours, dir.path(), "impostor").accept(stream)).await.is_err());

    for _ in 0..2 {
        let (stream, _) = soon("a dial", listener.accept()).await.unwrap();
        let stream = soon("a handshake", acceptor(&ours, dir.path(), "server").accept(stream)).await.unwrap();
        assert!(stream.get_ref().1.peer_certificates().is_some());
        let only = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
        let connector = tower::service_fn(move |_: http::Uri| {
            let stream = only.lock().unwrap().take();
            std::future::ready(stream.ok_or_else(|| std::io::Error::other("taken")))
        });
        let endpoint = tonic::transport::Endpoint::from_static("http://agent.invalid");
        let mut client = connect_channel(endpoint.connect_with_connector(connector).await.unwrap());
        let host = soon("an answer", client.describe(v1::DescribeRequest {})).await.unwrap().into_inner();
        assert_eq!((host.host_id.as_str(), host.name.as_str()), (agent.host_id(), "test-host"));
        let mut observed = client.observe(v1::ObserveRequest {}).await.unwrap().into_inner();
        let told = soon("an observation", observed.message()).await.unwrap().unwrap();
        assert_eq!(told.what, Some(v1::observation::What::Synced(true)));
    }
    cancel.cancel();
    soon("the link's end", running).await.unwrap().unwrap();

    let absent = dir.path().join("absent.pem");
    let error = link::client_tls(&absent, &absent, &absent).unwrap_err();
    assert!(error.to_string().contains("absent.pem"));
}

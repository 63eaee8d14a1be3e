//! An outside identity provider on a port that the system chose: OpenID Connect over TLS, with keys of its own. A test plays
//! the person's browser.

use crate::authority::Authority;
use bytes::Bytes;
use hardline_server::auth::SigningKey;
use hardline_server::config::Federation;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Our client id there.
pub const CLIENT_ID: &str = "hardline at example";
/// Our secret there.
pub const CLIENT_SECRET: &str = "s3cret: & more";

/// The provider; it ends when it is dropped.
pub struct IdentityProvider {
    issuer: String,
    authority: Authority,
    inner: Arc<Inner>,
    stop: DropGuard,
}

struct Inner {
    issuer: String,
    state: Mutex<State>,
}

struct State {
    key: SigningKey,
    /// Codes that were given out: (challenge, redirect URI, claims).
    codes: HashMap<String, (String, String, Value)>,
    asked: BTreeMap<String, usize>,
    description: Value,
}

impl IdentityProvider {
    /// Starts one.
    pub async fn start() -> Self {
        let authority = Authority::new();
        let identity = authority.listener(&["localhost"]);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let state = State {
            key: new_key(),
            codes: HashMap::new(),
            asked: BTreeMap::new(),
            description: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }),
        };
        let inner = Arc::new(Inner { issuer: issuer.clone(), state: Mutex::new(state) });
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), inner.clone(), stop.clone()));
        Self { issuer, authority, inner, stop: stop.drop_guard() }
    }

    /// How a server is told of it.
    pub fn configuration(&self) -> Federation {
        Federation {
            name: "Example ID".into(),
            issuer: self.issuer.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: CLIENT_SECRET.into(),
            authority: Some(self.authority.certificate()),
            user_claim: "preferred_username".into(),
            create_users: false,
        }
    }

    /// A person signs in at `address`, where a server has sent the browser; where the browser goes then. `change` has the last
    /// word on the claims.
    pub fn sign_in(&self, address: &str, user: &str, change: impl FnOnce(&mut Value)) -> String {
        let asked =
            pairs(address.strip_prefix(&format!("{}/authorize?", self.issuer)).expect("our own address"));
        assert_eq!((asked["client_id"].as_str(), asked["response_type"].as_str()), (CLIENT_ID, "code"));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut claims = json!({
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "248289761001",
            "exp": 4_102_444_800_i64,
            "nonce": asked["nonce"],
            "preferred_username": user,
            "name": "Ann Example",
        });
        change(&mut claims);
        let redirect_uri = asked["redirect_uri"].clone();
        let mut state = self.inner.state.lock().unwrap();
        let code = format!("code{}", state.codes.len());
        state.codes.insert(code.clone(), (asked["code_challenge"].clone(), redirect_uri.clone(), claims));
        format!("{redirect_uri}?code={code}&state={}", asked["state"])
    }

    /// From now on it signs with another key, and shows only that.
    pub fn rotate(&self) {
        self.inner.state.lock().unwrap().key = new_key();
    }

    /// Changes what it says about itself.
    pub fn describe(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.inner.state.lock().unwrap().description);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.inner.state.lock().unwrap().asked.get(path).copied().unwrap_or(0)
    }

    /// Nobody answers any more.
    pub fn stop(self) {
        drop(self.stop);
    }
}

fn new_key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap()
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, inner: Arc<Inner>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = stop.cancelled() => return,
        };
        let (tls, inner, stop) = (tls.clone(), inner.clone(), stop.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request| {
                let inner = inner.clone();
                async move { Ok::<_, Infallible>(inner.answer(request).await) }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let authorization = request.headers().get("authorization").cloned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut state = self.state.lock().unwrap();
        *state.asked.entry(path.clone()).or_default() += 1;
        let (status, document) = match path.as_str() {
            "/.well-known/openid-configuration" => (StatusCode::OK, state.description.clone()),
            "/keys" => (StatusCode::OK, json!({ "keys": [{ "kty": "new" }, state.key.jwk()] })),
            "/token" => {
                let form = pairs(std::str::from_utf8(&body).unwrap());
                // RFC 6749, section 2.3.1.
                let known = "Basic aGFyZGxpbmUlMjBhdCUyMGV4YW1wbGU6czNjcmV0JTNBJTIwJTI2JTIwbW9yZQ==";
                let proved = authorization.is_some_and(|a| a == known);
                match state.codes.remove(&form["code"]).filter(|_| proved) {
                    Some((challenge, redirect_uri, claims))
                        if redirect_uri == form["redirect_uri"]
                            && challenge_of(&form["code_verifier"]) == challenge =>
                    {
                        let token = state.key.sign(&claims).unwrap();
                        (
                            StatusCode::OK,
                            json!({ "token_type": "Bearer", "access_token": "x", "id_token": token }),
                        )
                    }
                    _ => (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })),
                }
            }
            other => panic!("{} was asked for {other}", self.issuer),
        };
        let mut answer = Response::new(Full::new(Bytes::from(document.to_string())));
        *answer.status_mut() = status;
        answer
    }
}

fn challenge_of(verifier: &str) -> String {
    hardline_server::auth::challenge_of(verifier)
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let query = hardline_arm::query::Query::parse(text).unwrap();
    query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

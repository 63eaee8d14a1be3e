//! The portal's files, embedded in the binary.
//!
//! Everything is served with a strict content security policy: scripts and connections only to this server, no inline
//! script, no framing.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../web/dist/"]
#[allow_missing = true]
struct Files;

/// Fluent UI and xterm.js set styles from script, which needs `'unsafe-inline'` for styles (not for scripts).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; \
     font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Hardline</title>\
     <h1>The portal is not in this binary</h1><p>Build it with <code>cargo xtask demo</code>, or <code>npm ci &amp;&amp; npm run \
     build</code> in <code>web/</code>, and build the server again. The API works without it.</p></html>";

/// Answers what is below `/portal/`; `path` is what stands behind it, still percent-encoded.
pub(super) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    if let Some(file) = Files::get(path).filter(|_| !path.is_empty()) {
        // The build puts a hash of the content into the names under assets/.
        return send(file, headers, path.starts_with("assets/"));
    }
    // A path of the application, unless it looks like a file. A virtual machine's name may look like one.
    if !path.starts_with("vms/") && path.rsplit('/').next().is_some_and(|last| last.contains('.')) {
        return empty(StatusCode::NOT_FOUND);
    }
    match Files::get("index.html") {
        Some(page) => send(page, headers, false),
        None => {
            let mut answer = Response::new(Body::from(NOT_BUILT));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            answer.headers_mut().insert(header::CONTENT_TYPE, html);
            secure(answer)
        }
    }
}

/// `/` leads to the portal.
pub(super) fn redirect() -> Response {
    let mut answer = empty(StatusCode::TEMPORARY_REDIRECT);
    answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/portal/"));
    answer
}

fn send(file: EmbeddedFile, request: &HeaderMap, forever: bool) -> Response {
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    if request.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == etag.as_bytes()) {
        return empty(StatusCode::NOT_MODIFIED);
    }
    let mut kind = file.metadata.mimetype().to_owned();
    if kind.starts_with("text/") {
        kind.push_str("; charset=utf-8");
    }
    let mut answer = Response::new(Body::from(file.data.into_owned()));
    let caching = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    for (name, value) in [(header::CONTENT_TYPE, kind), (header::ETAG, etag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    secure(answer)
}

fn empty(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    secure(answer)
}

fn secure(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    answer
}

//! The blob endpoint: boot-diagnostics logs and screenshots behind a SAS, with the storage service's own errors.
//!
//! ```text
//!   path ──> SAS (signature, time, scope, permission) ──> machine ──> rows ──> range ──> activity event ──> bytes
//! ```
//!
//! Nothing is looked up before the signature holds. A log is an append blob of its stored segments ([`layout`]).

pub mod content;
pub mod error;
pub mod layout;
pub mod managed;
pub mod range;

use crate::auth::{Allowed, CallerKind, allow_sas};
use crate::clock::from_micros;
use crate::pipeline::Cx;
use crate::record::{self, Outcome};
use crate::reply::{Payload, StreamResponse};
use crate::serial::target::Target;
use content::Content;
use error::StorageError;
use hardline_arm::activity::Deed;
use hardline_arm::error::ArmError;
use hardline_arm::operation::OperationId;
use hardline_arm::resource_id::ArmPath;
use hardline_arm::sas::{self, SasError, SasPermission, SasRequest, SasToken, Verified};
use hardline_store::StoreError;
use hardline_store::db::principals;
use http::{HeaderName, Method, StatusCode, header};
use managed::Blob;
use range::Wanted;

/// The first path segment that leads here.
pub const ACCOUNT: &str = "hardlinemanaged";

const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");
const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");
const SERVER: HeaderName = HeaderName::from_static("server");

/// `GET` or `HEAD /{account}/{container}/{blob}`; other methods come here too. Errors are the storage service's XML.
pub async fn serve(cx: &Cx, account: &str, container: &str, blob: &str) -> StreamResponse {
    let response = match answer(cx, account, container, blob).await {
        Ok(response) => response,
        Err(error) => refusal(cx, &error),
    };
    response.with_header(VERSION, sas::SERVICE_VERSION).with_header(SERVER, "Hardline-Blob/1.0")
}

fn refusal(cx: &Cx, error: &StorageError) -> StreamResponse {
    let head = cx.facts.method == Method::HEAD;
    let body = if head { String::new() } else { error.xml(&cx.request.to_string(), cx.now) };
    let mut response =
        StreamResponse::bytes(error.status, "application/xml", body).with_header(ERROR_CODE, error.code);
    if let Some(length) = error.length {
        response = response.with_header(header::CONTENT_RANGE, &format!("bytes */{length}"));
    }
    response
}

fn broken(error: impl std::error::Error + 'static) -> StorageError {
    tracing::error!(error = &error as &dyn std::error::Error, "the blob endpoint failed");
    StorageError::internal()
}

async fn answer(cx: &Cx, account: &str, container: &str, blob: &str) -> Result<StreamResponse, StorageError> {
    let operation = match cx.facts.method {
        Method::GET => OperationId::BlobGet,
        Method::HEAD => OperationId::BlobHead,
        _ => return Err(StorageError::unsupported_verb()),
    };
    if container.is_empty() || blob.is_empty() {
        return Err(StorageError::invalid_uri());
    }
    let token = SasToken::parse(&cx.query)?;
    let request = SasRequest {
        account,
        container,
        blob: Some(blob),
        permission: SasPermission::Read,
        address: Some(cx.facts.client),
        https: cx.facts.base_url.starts_with("https:"),
    };
    let key = managed::key(&cx.state).await.map_err(broken)?;
    let verified = sas::verify(&token, &request, std::slice::from_ref(&key), cx.now)?;
    let vm_id = managed::vm_id_of(container).ok_or_else(StorageError::blob_not_found)?;
    let found = Target::by_vm_id(&cx.state, vm_id).await.map_err(broken)?;
    let target = found.ok_or_else(StorageError::blob_not_found)?;
    let deed = deed(cx, operation, &target, &token, &verified).await.map_err(broken)?.with("blob", blob);
    match read(cx, &target, container, blob).await {
        Ok((response, content, range)) => {
            let shown = format!("{}-{}", range.start, range.end);
            note(cx, &deed.with("bytes", shown), Ok(response.status)).await?;
            Ok(body(cx, response, content, range))
        }
        Err(error) => {
            note(cx, &deed, Err(&error)).await?;
            Err(error)
        }
    }
}

/// The deed of a blob's reader: whoever the SAS was issued to, or its bearer when it names nobody.
async fn deed(
    cx: &Cx,
    operation: OperationId,
    target: &Target,
    token: &SasToken,
    verified: &Verified,
) -> Result<Deed, StoreError> {
    let path = ArmPath { id: target.id.clone(), tail: None };
    let allowed: Allowed = allow_sas(cx, hardline_arm::operations::get(operation), path, verified);
    debug_assert_eq!(allowed.caller.kind, CallerKind::Sas);
    let mut deed = record::deed_allowed(cx, &allowed);
    if !token.issued_to.is_empty() {
        let known = principals::get(&cx.state.store, &token.issued_to).await?;
        let person = known
            .filter(|principal| principal.kind.eq_ignore_ascii_case("user"))
            .map(|principal| principal.name);
        deed.caller = person.unwrap_or_else(|| token.issued_to.clone());
        deed = deed.with("sasIssuedTo", token.issued_to.as_str());
    }
    if !token.correlation.is_empty() {
        deed = deed.with("sasCorrelationId", token.correlation.as_str());
    }
    Ok(deed.with("sasExpiry", verified.expiry.to_string()))
}

/// Writes start and end of a read. A read that cannot be recorded is not answered.
async fn note(cx: &Cx, deed: &Deed, result: Result<StatusCode, &StorageError>) -> Result<(), StorageError> {
    let outcome = match result {
        Ok(status) => Outcome::Succeeded(status),
        Err(error) => Outcome::Failed(ArmError::new(error.status, error.code, error.message)),
    };
    let written = async {
        let mut tx = cx.state.store.begin().await?;
        record::start(&mut tx, deed, cx.now).await?;
        record::end(&mut tx, deed, cx.state.clock.now(), &outcome).await?;
        tx.commit().await
    };
    written.await.map_err(broken)
}

type Found = (StreamResponse, Content, std::ops::Range<u64>);

/// Finds the blob and the range; the response lacks its body only.
async fn read(cx: &Cx, target: &Target, container: &str, name: &str) -> Result<Found, StorageError> {
    let named = |blob: Blob| name == blob.name(&target.name, &target.vm_id);
    if container != managed::container(&target.name, &target.vm_id) {
        return Err(StorageError::blob_not_found());
    }
    let (content, kind, content_type) = if named(Blob::Log) {
        let log = content::log(&cx.state, &target.vm_id, 0).await.map_err(broken)?;
        (log, "AppendBlob", "text/plain; charset=utf-8")
    } else if named(Blob::Screenshot) {
        let picture = content::screenshot(&cx.state, &target.vm_id).await.map_err(broken)?;
        (picture.ok_or_else(StorageError::blob_not_found)?, "BlockBlob", "image/bmp")
    } else {
        return Err(StorageError::blob_not_found());
    };
    let etag = content.etag();
    let matches = |list: &str| list.split(',').any(|tag| matches!(tag.trim(), t if t == etag || t == "*"));
    if cx.facts.if_match.as_deref().is_some_and(|list| !matches(list)) {
        return Err(StorageError::condition_not_met());
    }
    let length = content.length();
    let mut status = StatusCode::OK;
    let mut range = 0..length;
    if cx.facts.if_none_match.as_deref().is_some_and(matches) {
        (status, range) = (StatusCode::NOT_MODIFIED, 0..0);
    } else if let Some(header) = &cx.facts.range {
        // Like the storage service: what is no byte range is not looked at.
        let wanted = Wanted::parse(header).unwrap_or(Wanted::All);
        if let Some(part) = wanted.of(length).map_err(|_| StorageError::invalid_range(length))? {
            (status, range) = (StatusCode::PARTIAL_CONTENT, part);
        }
    }
    let modified = from_micros(content.time()).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut response = StreamResponse::bytes(status, content_type, "")
        .with_header(header::ACCEPT_RANGES, "bytes")
        .with_header(header::ETAG, &etag)
        .with_header(header::LAST_MODIFIED, &modified)
        .with_header(BLOB_TYPE, kind);
    if status != StatusCode::NOT_MODIFIED {
        response = response.with_header(header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        response = response.with_header(header::CONTENT_RANGE, &shown);
    }
    Ok((response, content, range))
}

fn body(
    cx: &Cx,
    mut response: StreamResponse,
    content: Content,
    range: std::ops::Range<u64>,
) -> StreamResponse {
    if cx.facts.method == Method::GET && !range.is_empty() {
        response.body = content.read(&cx.state.objects, range);
    } else {
        response.body = Payload::Bytes(bytes::Bytes::new());
    }
    response
}

impl From<SasError> for StorageError {
    fn from(error: SasError) -> Self {
        let detail = error.detail().map(|text| ("AuthenticationErrorDetail", text));
        Self {
            status: error.status(),
            code: error.code(),
            message: error.message(),
            details: detail.into_iter().collect(),
            length: None,
        }
    }
}

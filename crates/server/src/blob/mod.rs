//! The blob endpoint: boot-diagnostics logs and screenshots, in the system's own storage account behind a SAS and in other
//! accounts behind their keys too, with the storage service's own errors.
//!
//! ```text
//!   address ──> account ──> door (firewall, signature, time, scope, permission) ──> machine ──> rows ──> range
//!                                                                       ──> activity event ──> bytes
//! ```
//!
//! Nothing in an account is looked up before the signature holds. A log is an append blob of its stored segments
//! ([`layout`]). An account holds the blobs of the machines whose boot diagnostics name it, and nothing else: there is no
//! writing.

pub mod address;
mod containers;
pub mod content;
mod door;
pub mod error;
pub mod layout;
mod list;
pub mod managed;
pub mod range;
mod refusals;
mod request;

pub use refusals::Refusals;
pub use request::BlobRequest;

use crate::auth::{self, Allowed, allow_key, allow_sas};
use crate::pipeline::Cx;
use crate::providers::compute::refresh_boot_diagnostics;
use crate::providers::storage::Account;
use crate::record::{self, Outcome};
use crate::reply::{Payload, StreamResponse};
use crate::serial::target::Target;
use content::Content;
use door::{Behind, Entry};
use error::StorageError;
use hardline_arm::activity::Deed;
use hardline_arm::error::ArmError;
use hardline_arm::operation::OperationId;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_arm::sas::{self, Sas};
use hardline_store::StoreError;
use hardline_store::db::principals;
use http::request::Parts;
use http::{HeaderName, Method, StatusCode, header};
use managed::Blob;
use range::Wanted as WantedRange;
use request::Wanted;

/// The first path segment that leads to the account that the system owns.
pub const ACCOUNT: &str = "hardlinemanaged";

/// Characters of a refused path that are recorded, at most.
const SHOWN: usize = 256;
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const VERSION: HeaderName = HeaderName::from_static("x-ms-version");
const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");
const SERVER: HeaderName = HeaderName::from_static("server");

/// Whether a path leads to a storage account: one of that name is there, or the request is signed as only the storage
/// service's are.
///
/// # Errors
/// When the store fails.
pub async fn leads_here(cx: &Cx, parts: &Parts) -> Result<bool, ArmError> {
    let Some(account) = BlobRequest::candidate(parts.uri.path()) else { return Ok(false) };
    Ok(BlobRequest::is_signed(parts, &cx.query) || Account::by_name(&cx.state, account).await?.is_some())
}

/// Answers a request; methods that change something come here too. Errors are the storage service's XML.
pub async fn serve(cx: &Cx, request: &BlobRequest) -> StreamResponse {
    let response = match answer(cx, request).await {
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

async fn answer(cx: &Cx, request: &BlobRequest) -> Result<StreamResponse, StorageError> {
    let wanted = request.wanted(cx)?;
    let behind = Behind::find(cx, &request.account).await?;
    // The system's account has names that clients are given, and lists none.
    if matches!(behind, Some(Behind::Managed)) && wanted != Wanted::Blob {
        return Err(StorageError::invalid_uri());
    }
    let entry = match door::enter(cx, request, wanted, behind.as_ref()).await {
        Ok(entry) => entry,
        Err(refused) => {
            if let Some(account) = behind.as_ref().and_then(Behind::account) {
                note_refusal(cx, &account.id(), account.name(), &refused).await;
            }
            return Err(refused);
        }
    };
    let Some(behind) = behind else { return Err(StorageError::internal()) };
    match (wanted, &behind) {
        (Wanted::Blob, _) => blob(cx, request, &behind, &entry).await,
        (Wanted::Containers, Behind::Account(account)) => containers::list(cx, account).await,
        (Wanted::Container, Behind::Account(account)) => containers::properties(cx, account, request).await,
        (Wanted::Blobs, Behind::Account(account)) => containers::blobs(cx, account, request).await,
        (_, Behind::Managed) => Err(StorageError::invalid_uri()),
    }
}

/// A blob, or its properties.
async fn blob(
    cx: &Cx,
    request: &BlobRequest,
    behind: &Behind,
    entry: &Entry,
) -> Result<StreamResponse, StorageError> {
    let operation = match cx.facts.method {
        Method::HEAD => OperationId::BlobHead,
        _ => OperationId::BlobGet,
    };
    let found = containers::machine(cx, behind, &request.container).await?;
    let target = found.ok_or_else(StorageError::blob_not_found)?;
    let deed = deed(cx, operation, &target, entry).await.map_err(broken)?.with("blob", request.blob.as_str());
    let deed = match behind.account() {
        Some(account) => deed.with("storageAccount", account.name()),
        None => deed,
    };
    // Who has an address has asked for fresh blobs with it; whoever comes with a key asks now. Not in the middle of a download.
    let first = cx.facts.range.as_deref().is_none_or(|range| range.trim_start().starts_with("bytes=0-"));
    if behind.account().is_some() && first {
        refresh_boot_diagnostics(cx, &target).await;
    }
    match read(cx, &target, &request.container, &request.blob).await {
        Ok((response, content, range)) => {
            let shown = format!("{}-{}", range.start, range.end);
            note(cx, &deed.with("bytes", shown), Ok(response.status)).await?;
            Ok(body(cx, overridden(response, entry), content, range))
        }
        Err(error) => {
            note(cx, &deed, Err(&error)).await?;
            Err(error)
        }
    }
}

/// The headers that a SAS asks for. `rsct` and `rsce` are not heeded: what a guest printed stays what it is, never a page of
/// this server.
fn overridden(mut response: StreamResponse, entry: &Entry) -> StreamResponse {
    let Entry::Sas(sas, _) = entry else { return response };
    let Sas::Service(token) = sas.as_ref() else { return response };
    let [cache_control, disposition, ..] = &token.response_headers;
    for (name, value) in [(header::CACHE_CONTROL, cache_control), (header::CONTENT_DISPOSITION, disposition)]
    {
        if !value.is_empty() {
            response = response.with_header(name, value);
        }
    }
    response
}

/// The deed of a blob's reader: whoever the SAS was issued to, or its bearer when it names nobody, or whoever has the
/// account's key.
async fn deed(cx: &Cx, operation: OperationId, target: &Target, entry: &Entry) -> Result<Deed, StoreError> {
    const KEYS: [&str; 2] = ["key1", "key2"];
    let key = |index: usize| KEYS.get(index).copied().unwrap_or("");
    let path = ArmPath { id: target.id.clone(), tail: None };
    let row = hardline_arm::operations::get(operation);
    let (sas, verified) = match entry {
        Entry::Sas(sas, verified) => (sas, verified),
        Entry::Key(verified) => {
            let allowed: Allowed = allow_key(cx, row, path, verified);
            return Ok(record::deed_allowed(cx, &allowed).with("accountKey", key(verified.key)));
        }
    };
    let allowed = allow_sas(cx, row, path, verified);
    let mut deed = record::deed_allowed(cx, &allowed);
    if let Sas::Service(token) = sas.as_ref() {
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
    }
    Ok(deed.with("sasExpiry", verified.expiry.to_string()).with("accountKey", key(verified.key)))
}

/// Writes that somebody was refused at an account's door, unless it was written often enough. The refusal itself does not wait
/// for it to succeed.
async fn note_refusal(cx: &Cx, account: &ResourceId, name: &str, refused: &StorageError) {
    // Who comes without any signature is lost, not at work.
    if refused.status != StatusCode::FORBIDDEN {
        return;
    }
    let Some(missed) = cx.state.refusals.take(name, cx.facts.client, cx.now) else { return };
    let row = hardline_arm::operations::get(OperationId::ContainerRead);
    let path = ArmPath { id: account.clone(), tail: None };
    let shown: String = cx.facts.path.chars().take(SHOWN).collect();
    let mut deed = record::deed(cx, row, &path, &auth::stranger(cx)).with("refusedPath", shown);
    if missed > 0 {
        deed = deed.with("refusalsNotRecorded", missed.to_string());
    }
    let _ = note(cx, &deed, Err(refused)).await;
}

/// Writes start and end of a read. A read that cannot be recorded is not answered.
async fn note(cx: &Cx, deed: &Deed, result: Result<StatusCode, &StorageError>) -> Result<(), StorageError> {
    let outcome = match result {
        Ok(status) => Outcome::Succeeded(status),
        Err(error) => Outcome::Failed(ArmError::new(error.status, error.code, error.message)),
    };
    let written = async {
        let mut tx = cx.state.store.begin().await?;
        record::start(&cx.state, &mut tx, deed, cx.now).await?;
        record::end(&cx.state, &mut tx, deed, cx.state.clock.now(), &outcome).await?;
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
    let (content, blob) = if named(Blob::Log) {
        (content::log(&cx.state, &target.vm_id, 0).await.map_err(broken)?, Blob::Log)
    } else if named(Blob::Screenshot) {
        let picture = content::screenshot(&cx.state, &target.vm_id).await.map_err(broken)?;
        (picture.ok_or_else(StorageError::blob_not_found)?, Blob::Screenshot)
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
        let wanted = WantedRange::parse(header).unwrap_or(WantedRange::All);
        if let Some(part) = wanted.of(length).map_err(|_| StorageError::invalid_range(length))? {
            (status, range) = (StatusCode::PARTIAL_CONTENT, part);
        }
    }
    let mut response = StreamResponse::bytes(status, blob.content_type(), "")
        .with_header(header::ACCEPT_RANGES, "bytes")
        .with_header(header::ETAG, &etag)
        .with_header(header::LAST_MODIFIED, &containers::http_date(content.time()))
        .with_header(BLOB_TYPE, blob.blob_type());
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

//! Containers of an account: one for each machine whose boot diagnostics name the account.

use super::door::Behind;
use super::error::StorageError;
use super::list::{self, Asked, Listed, Properties};
use super::managed::{self, Blob};
use super::request::BlobRequest;
use super::{address, broken, content};
use crate::clock::from_micros;
use crate::pipeline::Cx;
use crate::providers::compute::refresh_boot_diagnostics;
use crate::providers::storage::Account;
use crate::reply::StreamResponse;
use crate::serial::target::Target;
use hardline_arm::models::scale_set::INSTANCE_TYPE;
use hardline_arm::models::vm::{BootDiagnostics, Machine, TYPE};
use hardline_store::db::resources::{self, ResourceFilter};
use hardline_store::db::vms;
use http::{HeaderName, Method, StatusCode, header};

/// Machines looked at in one go.
const PAGE: i64 = 1000;
const LEASE_STATE: HeaderName = HeaderName::from_static("x-ms-lease-state");
const LEASE_STATUS: HeaderName = HeaderName::from_static("x-ms-lease-status");

/// The machine whose blobs are in a container of this account; none when there is no such container.
pub(super) async fn machine(
    cx: &Cx,
    behind: &Behind,
    container: &str,
) -> Result<Option<Target>, StorageError> {
    let Some(vm_id) = managed::vm_id_of(container) else { return Ok(None) };
    let found = Target::by_vm_id(&cx.state, vm_id).await.map_err(broken)?;
    Ok(found.filter(|target| match behind.account() {
        None => true,
        Some(account) => {
            let subscription = target.id.subscription().unwrap_or("");
            subscription.eq_ignore_ascii_case(account.subscription())
                && goes_to(&target.machine.boot_diagnostics, account.name())
                && container == managed::container(&target.name, &target.vm_id)
        }
    }))
}

fn goes_to(setting: &BootDiagnostics, account: &str) -> bool {
    matches!(setting, BootDiagnostics::Custom(uri) if address::of_uri(uri) == Some(account))
}

/// `?comp=list`: the containers of an account.
pub(super) async fn list(cx: &Cx, account: &Account) -> Result<StreamResponse, StorageError> {
    let asked = Asked::of(&cx.query)?;
    let mut all: Vec<(String, Properties)> = Vec::new();
    for kind in [TYPE, INSTANCE_TYPE] {
        all.extend(containers(cx, account, kind).await?);
    }
    let (entries, next) = list::page(&asked, all);
    let endpoint = address::endpoint(&cx.state, &cx.facts.base_url, account.name());
    let body = list::xml(Listed::Containers, &endpoint, &asked, &entries, next.as_deref());
    Ok(listing(cx, body))
}

/// Those of the machines of a type.
async fn containers(
    cx: &Cx,
    account: &Account,
    kind: &str,
) -> Result<Vec<(String, Properties)>, StorageError> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let filter = ResourceFilter {
            subscription: account.subscription(),
            group: None,
            resource_type: Some(kind),
            after: after.as_deref(),
        };
        let rows = resources::list(&cx.state.store, &filter, PAGE).await.map_err(broken)?;
        let last = (rows.len() as i64) < PAGE;
        after = rows.last().map(|row| row.id.to_ascii_lowercase());
        for row in rows {
            let Ok(document) = serde_json::from_str(&row.body) else { continue };
            let Ok(machine) = Machine::read(&row.name, &document) else { continue };
            if !goes_to(&machine.boot_diagnostics, account.name()) {
                continue;
            }
            let key = row.id.to_ascii_lowercase();
            // Deleted since the page was read.
            let Some(vm) = vms::by_resource(&cx.state.store, &key).await.map_err(broken)? else { continue };
            all.push((managed::container(&row.name, &vm.vm_id), container_properties(row.updated)));
        }
        if last {
            return Ok(all);
        }
    }
}

/// `?restype=container`: a container's properties.
pub(super) async fn properties(
    cx: &Cx,
    account: &Account,
    request: &BlobRequest,
) -> Result<StreamResponse, StorageError> {
    let target = own(cx, account, request).await?;
    let resource = resources::get(&cx.state.store, &target.id.key()).await.map_err(broken)?;
    let updated = resource.ok_or_else(StorageError::container_not_found)?.updated;
    Ok(StreamResponse::bytes(StatusCode::OK, "application/xml", "")
        .with_header(header::ETAG, &etag(updated))
        .with_header(header::LAST_MODIFIED, &http_date(updated))
        .with_header(LEASE_STATE, "available")
        .with_header(LEASE_STATUS, "unlocked"))
}

/// `?restype=container&comp=list`: the blobs of a container.
pub(super) async fn blobs(
    cx: &Cx,
    account: &Account,
    request: &BlobRequest,
) -> Result<StreamResponse, StorageError> {
    let asked = Asked::of(&cx.query)?;
    let target = own(cx, account, request).await?;
    refresh_boot_diagnostics(cx, &target).await;
    let log = content::log(&cx.state, &target.vm_id, 0).await.map_err(broken)?;
    let picture = content::screenshot(&cx.state, &target.vm_id).await.map_err(broken)?;
    let mut all = Vec::new();
    for (blob, content) in [(Blob::Log, Some(log)), (Blob::Screenshot, picture)] {
        let Some(content) = content else { continue };
        let properties = vec![
            ("Last-Modified", http_date(content.time())),
            ("Etag", content.etag().trim_matches('"').to_owned()),
            ("Content-Length", content.length().to_string()),
            ("Content-Type", blob.content_type().to_owned()),
            ("BlobType", blob.blob_type().to_owned()),
            ("LeaseStatus", "unlocked".to_owned()),
            ("LeaseState", "available".to_owned()),
        ];
        all.push((blob.name(&target.name, &target.vm_id), properties));
    }
    let (entries, next) = list::page(&asked, all);
    let endpoint = address::endpoint(&cx.state, &cx.facts.base_url, account.name());
    let body = list::xml(Listed::Blobs(&request.container), &endpoint, &asked, &entries, next.as_deref());
    Ok(listing(cx, body))
}

async fn own(cx: &Cx, account: &Account, request: &BlobRequest) -> Result<Target, StorageError> {
    let behind = Behind::Account(Box::new(account.clone()));
    machine(cx, &behind, &request.container).await?.ok_or_else(StorageError::container_not_found)
}

fn listing(cx: &Cx, body: String) -> StreamResponse {
    let body = if cx.facts.method == Method::HEAD { String::new() } else { body };
    StreamResponse::bytes(StatusCode::OK, "application/xml", body)
}

fn container_properties(updated: i64) -> Properties {
    vec![
        ("Last-Modified", http_date(updated)),
        ("Etag", etag(updated)),
        ("LeaseStatus", "unlocked".to_owned()),
        ("LeaseState", "available".to_owned()),
        ("HasImmutabilityPolicy", "false".to_owned()),
        ("HasLegalHold", "false".to_owned()),
    ]
}

fn etag(updated: i64) -> String {
    format!("\"0x{updated:X}\"")
}

/// A time, microseconds, as HTTP writes it.
pub(super) fn http_date(time: i64) -> String {
    from_micros(time).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

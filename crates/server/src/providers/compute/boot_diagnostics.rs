//! retrieveBootDiagnosticsData: where the serial log and the screenshot can be read for a while.

use crate::auth::Allowed;
use crate::blob::content::keep_screenshot;
use crate::blob::managed::{Blob, Issue, signed_url};
use crate::clock::micros;
use crate::hosts::vm_line;
use crate::pipeline::{Cx, Recorded};
use crate::providers::storage;
use crate::reply::ArmResponse;
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_agent_api::v1::ImageFormat;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::{BootDiagnostics, Machine, VmError};
use hardline_arm::provider::MANAGED_STORAGE;
use hardline_arm::resource_id::ResourceId;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long the host gets to bring log and screenshot up to date. After that the last stored ones count.
const REFRESH: Duration = Duration::from_secs(3);
/// The parameter of the query, and its bounds in minutes.
const EXPIRATION: &str = "sasUriExpirationTimeInMinutes";
const MINUTES: RangeInclusive<u64> = 1..=1440;
const DEFAULT_MINUTES: u64 = 120;

/// `POST …/virtualMachines/{vm}/retrieveBootDiagnosticsData`
pub async fn vm_retrieve_boot_diagnostics_data(
    cx: &Cx,
    allowed: &Allowed,
    _body: &Bytes,
) -> Result<Recorded, ArmError> {
    let minutes = match cx.query.number(EXPIRATION)? {
        None => DEFAULT_MINUTES,
        Some(minutes) if MINUTES.contains(&minutes) => minutes,
        Some(_) => {
            return Err(ArmError::invalid_parameter(EXPIRATION, "it must be between 1 and 1440 minutes."));
        }
    };
    let target = Target::find(cx, &allowed.path.id).await?;
    target.check_diagnostics()?;
    let destination = storage::destination(cx, &target.id, &target.machine.boot_diagnostics).await?;
    refresh(cx, &target).await;
    let correlation = cx.correlation.to_string();
    let lifetime = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0));
    let issue = Issue {
        start: cx.now,
        expiry: cx.now.checked_add(lifetime).map_err(ArmError::internal)?,
        caller: &allowed.caller.oid,
        correlation: &correlation,
    };
    let url = |blob| signed_url(&destination, &target, blob, &issue);
    let change = cx.begin(allowed).await?;
    let body = json!({ "consoleScreenshotBlobUri": url(Blob::Screenshot), "serialConsoleLogBlobUri": url(Blob::Log) });
    change.commit(ArmResponse::ok(body)).await
}

/// An account that boot diagnostics shall go to must be one that takes them. `id` is the machine's, or its scale set's.
pub(super) async fn check_account(cx: &Cx, id: &ResourceId, machine: &Machine) -> Result<(), ArmError> {
    match &machine.boot_diagnostics {
        BootDiagnostics::Custom(uri) => storage::uri_account(&cx.state, id, uri).await.map(|_| ()),
        BootDiagnostics::Disabled | BootDiagnostics::Managed => Ok(()),
    }
}

/// Whoever speaks a version from before managed storage cannot ask for it: boot diagnostics need a `storageUri` there
/// (contract 3.1). `profile` is the machine's part of a body: its `properties`, or the model of a scale set's instances.
pub(super) fn check_managed(cx: &Cx, profile: Option<&Value>) -> Result<(), ArmError> {
    let old = cx.api_version.as_ref().is_some_and(|version| !version.since(MANAGED_STORAGE));
    let asked = profile.and_then(|profile| profile.pointer("/diagnosticsProfile/bootDiagnostics"));
    let member = |name: &str| asked.and_then(|asked| asked.get(name));
    let on = member("enabled").and_then(Value::as_bool) == Some(true);
    let account = member("storageUri").and_then(Value::as_str).is_some_and(|uri| !uri.is_empty());
    if old && on && !account { Err(VmError::missing("storageUri").into()) } else { Ok(()) }
}

/// Has the host seal the log and show the display, and stores both. Never fails: a host that is away or a machine that is
/// off has nothing newer than what is stored.
pub async fn refresh(cx: &Cx, target: &Target) {
    let Ok(line) = vm_line(&cx.state, &target.vm_id).await else { return };
    let log = async {
        match line.seal(0).await {
            Ok(end) => cx.state.serial.stored(&cx.state, &target.vm_id, 0, end).await,
            Err(error) => tracing::debug!(vm = %target.vm_id, %error, "the log could not be sealed"),
        }
    };
    let screen = async {
        match line.screenshot(ImageFormat::Bmp).await {
            Ok(picture) => {
                let time = micros(cx.state.clock.now());
                let kept = keep_screenshot(&cx.state, &target.vm_id, time, picture.image).await;
                if let Err(error) = kept {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a screenshot could not be stored"
                    );
                }
            }
            Err(error) => tracing::debug!(vm = %target.vm_id, %error, "there is no new screenshot"),
        }
    };
    if tokio::time::timeout(REFRESH, async { tokio::join!(log, screen) }).await.is_err() {
        tracing::info!(vm = %target.vm_id, "the host was too slow to bring boot diagnostics up to date");
    }
}

//! Accounts to which machines' boot diagnostics go (contract sections 3.1, 4.2, 10).
//!
//! What a guest prints is kept in one place whatever its machine's document says. An account is a door to it: its keys open what
//! the machines that name it have printed, and its firewall is asked before a console is opened.

use super::Account;
use crate::blob::{address, managed};
use crate::pipeline::{Cx, store_error};
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::BootDiagnostics;
use hardline_arm::resource_id::ResourceId;
use hardline_arm::sas::AccountKey;
use http::StatusCode;

/// What a console is refused with where the account's firewall refuses the client.
pub const FORBIDDEN: &str =
    "A \"Forbidden\" response was encountered when accessing this VM's boot diagnostic storage account.";

/// Where a machine's boot diagnostics are, and the key that signs addresses there.
#[derive(Debug)]
pub struct Destination {
    /// The account's name.
    pub account: String,
    /// The blob endpoint, with a slash at its end.
    pub endpoint: String,
    /// The account's first key.
    pub key: AccountKey,
}

/// Where the boot diagnostics of a machine are read. `machine` is its id.
///
/// # Errors
/// 409 when its account is not there.
pub async fn destination(
    cx: &Cx,
    machine: &ResourceId,
    setting: &BootDiagnostics,
) -> Result<Destination, ArmError> {
    let BootDiagnostics::Custom(uri) = setting else {
        let key = managed::key(&cx.state).await.map_err(store_error)?;
        let endpoint = format!("{}/{}/", cx.facts.base_url.trim_end_matches('/'), crate::blob::ACCOUNT);
        return Ok(Destination { account: crate::blob::ACCOUNT.into(), endpoint, key });
    };
    let account = named(&cx.state, machine, uri).await?;
    let [key, _] = account.keys();
    let endpoint = address::endpoint(&cx.state, &cx.facts.base_url, account.name());
    Ok(Destination { account: account.name().into(), endpoint, key })
}

/// The account that a machine's `storageUri` names, for a machine that is about to have it: it is there, in the machine's
/// subscription, and of a SKU and kind that takes boot diagnostics.
///
/// # Errors
/// Contract section 10's, word by word.
pub async fn uri_account(state: &State, machine: &ResourceId, uri: &str) -> Result<Account, ArmError> {
    if !uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        let text = format!("The storage URI '{}' must be the https address of a blob endpoint.", shown(uri));
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidParameter", text)
            .with_target("diagnosticsProfile.bootDiagnostics.storageUri"));
    }
    let account = named(state, machine, uri).await?;
    match account.diagnostics_refusal() {
        Some(refusal) => Err(refusal),
        None => Ok(account),
    }
}

/// Refuses a console of a machine whose boot diagnostics go to an account that whoever is at the other end may not reach: what
/// the console shows is what the account holds.
///
/// # Errors
/// 403 when the account's firewall refuses the client, or the account is gone; 409 for a hierarchical namespace.
pub async fn check_firewall(
    cx: &Cx,
    machine: &ResourceId,
    setting: &BootDiagnostics,
) -> Result<(), ArmError> {
    let BootDiagnostics::Custom(uri) = setting else { return Ok(()) };
    let forbidden = || ArmError::new(StatusCode::FORBIDDEN, "Forbidden", FORBIDDEN);
    let account = named(&cx.state, machine, uri).await.map_err(|error| match error.status {
        StatusCode::CONFLICT => forbidden(),
        _ => error,
    })?;
    if account.hierarchical() {
        let text = "Specified feature is not yet supported for hierarchical namespace accounts.";
        return Err(ArmError::conflict(text));
    }
    if account.network_rules().allow(cx.facts.client) { Ok(()) } else { Err(forbidden()) }
}

/// An account is found by its name: which of the server's names stands before or behind it does not matter. It must be in the
/// machine's subscription.
async fn named(state: &State, machine: &ResourceId, uri: &str) -> Result<Account, ArmError> {
    let name = address::of_uri(uri).unwrap_or("");
    let found = Account::by_name(state, name).await?;
    let mine = machine.subscription().unwrap_or("");
    found.filter(|account| account.subscription().eq_ignore_ascii_case(mine)).ok_or_else(|| {
        let name = if name.is_empty() { shown(uri) } else { shown(name) };
        let text = format!(
            "Storage account {name} not found. Ensure storage account is not deleted and belongs to the same Azure location as the VM."
        );
        ArmError::new(StatusCode::CONFLICT, "StorageAccountNotFound", text)
    })
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

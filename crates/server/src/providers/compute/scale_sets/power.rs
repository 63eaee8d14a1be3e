//! Start, power off, restart, deallocate and upgrade, for the instances that are named or for all.

use super::scale::upgrade;
use super::scale_set::find;
use crate::auth::Allowed;
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Change, Cx, Recorded};
use crate::providers::compute::power::{Wish, announce, runs};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::{Asked, Mode, same_model};
use http::StatusCode;

/// `POST …/{set}/start`
pub async fn scale_set_start(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, body, Wish::START).await
}

/// `POST …/{set}/powerOff`, with `skipShutdown=true` at once.
pub async fn scale_set_power_off(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, body, Wish::power_off(cx)?).await
}

/// `POST …/{set}/deallocate`
pub async fn scale_set_deallocate(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, body, Wish::deallocate(cx)?).await
}

/// `POST …/{set}/restart`. Of all instances, those that run.
pub async fn scale_set_restart(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    ask(cx, allowed, body, Wish::RESTART).await
}

async fn ask(cx: &Cx, allowed: &Allowed, body: &Bytes, wish: Wish) -> Result<Recorded, ArmError> {
    let asked = Asked::parse(body, false)?;
    let all = asked == Asked::All;
    let mut set = find(cx, &allowed.path.id).await?;
    let mut chosen = set.choose(asked)?;
    if all && wish.kind == Wish::RESTART.kind {
        chosen.retain(runs);
    }
    for member in &chosen {
        wish.check(member)?;
    }
    let mut begun = cx.begin(allowed).await?;
    let mut awaits = Vec::with_capacity(chosen.len());
    for member in chosen {
        awaits.push(wish.write(cx, &mut begun, member).await?);
    }
    finish(cx, allowed, begun, wish.kind, awaits).await
}

/// `POST …/{set}/manualupgrade` with `instanceIds`: these get the set's present model.
pub async fn scale_set_manual_upgrade(
    cx: &Cx,
    allowed: &Allowed,
    body: &Bytes,
) -> Result<Recorded, ArmError> {
    let asked = Asked::parse(body, true)?;
    let mut set = find(cx, &allowed.path.id).await?;
    if set.model.mode == Mode::Flexible {
        return Err(ArmError::operation_not_allowed(
            "Operation 'manualUpgrade' is not allowed on a Flexible scale set: its instances are virtual machines, which are changed one by one.",
        ));
    }
    let mut chosen = set.choose(asked)?;
    if let Some(pattern) = set.pattern() {
        chosen.retain(|member| !same_model(&pattern, &member.document));
    }
    let mut begun = cx.begin(allowed).await?;
    let mut awaits = Vec::new();
    for member in chosen {
        awaits.extend(upgrade(cx, &mut begun, &set, member).await?);
    }
    finish(cx, allowed, begun, "manualUpgrade", awaits).await
}

async fn finish(
    cx: &Cx,
    allowed: &Allowed,
    begun: Change<'_>,
    kind: &'static str,
    awaits: Vec<Awaits>,
) -> Result<Recorded, ArmError> {
    if awaits.is_empty() {
        return begun.commit(ArmResponse::empty(StatusCode::OK)).await;
    }
    let recorded = begun.accept(Pending::action(kind, allowed.path.id.clone(), awaits)).await?;
    announce(cx);
    Ok(recorded)
}

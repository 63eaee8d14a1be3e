//! Signing in on one machine with the browser of another (RFC 8628): the device authorization endpoint, the grant at the
//! token endpoint, and what a signed-in person asks and answers in between.

use super::device_codes::{DeviceRequest, INTERVAL, LIFETIME, Poll};
use super::sign_in::{Form, TokenError, audience, field, person, sign_in};
use super::{Caller, CallerKind, Principal, PrincipalKind};
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use hardline_arm::error::ArmError;
use hardline_store::db::principals;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// `grant_type` of a poll.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Under this name the sign-in limit counts new codes; no principal can have it.
const BEGINNER: &str = "\u{0}device code";

/// Answers `POST /adfs/oauth2/devicecode`.
pub async fn device_authorization(cx: &Cx, form: &Form) -> ArmResponse {
    match begin(cx, form) {
        Ok(body) => ArmResponse::ok(body),
        Err(refused) => refused.answer(),
    }
}

fn begin(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let client = field(form, "client_id")?;
    let audience = audience(cx, form)?;
    let auth = &cx.state.auth;
    auth.limit.take(BEGINNER, cx.facts.client, cx.now).map_err(TokenError::too_many)?;
    let expires = cx.now.checked_add(SignedDuration::from_secs(LIFETIME)).unwrap_or(cx.now);
    let request = DeviceRequest {
        client: client.to_owned(),
        audience,
        address: cx.facts.client.to_canonical().to_string(),
        asked: cx.now,
        expires,
    };
    let codes =
        auth.devices.begin(cx.state.random.as_ref(), request).ok_or_else(|| TokenError::too_many(60))?;
    let page = format!("{}/portal/device", cx.facts.base_url);
    Ok(json!({
        "device_code": codes.device,
        "user_code": codes.user,
        "verification_uri": page,
        "expires_in": LIFETIME,
        "interval": INTERVAL,
        "message": format!(
            "To sign in, use a web browser to open the page {page} and enter the code {} to authenticate.",
            codes.user
        ),
    }))
}

/// The grant: a client asks whether a person has answered.
pub(super) async fn grant(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let client = field(form, "client_id")?;
    let code = field(form, "device_code")?;
    let (oid, request) = match cx.state.auth.devices.poll(code, client, cx.now) {
        Poll::Approved(oid, request) => (oid, request),
        Poll::Waiting => {
            return Err(TokenError::bad("authorization_pending", 70016, "Nobody has entered the code yet."));
        }
        Poll::TooOften => {
            let text = format!("Ask again after {INTERVAL} seconds, not sooner.");
            return Err(TokenError::bad("slow_down", 70016, text));
        }
        Poll::Refused => {
            return Err(TokenError::bad("access_denied", 65004, "The sign-in was refused in the browser."));
        }
        Poll::Expired => {
            return Err(TokenError::bad("expired_token", 70020, "The code has expired. Begin again."));
        }
        Poll::Unknown => {
            return Err(TokenError::bad(
                "invalid_grant",
                70018,
                "The device code is not known, or was used.",
            ));
        }
    };
    let found = principals::get(&cx.state.store, &oid).await?.map(Principal::from);
    let approver = found.filter(|p| p.enabled && p.kind == PrincipalKind::User);
    let approver = approver.ok_or_else(TokenError::wrong_password)?;
    person(cx, &sign_in(cx, &approver, client, request.audience))
}

/// What waits under a code that a person typed; 404 for a code that is not waiting. Guessing is slow.
pub fn find(cx: &Cx, caller: &Caller, user_code: &str) -> Result<DeviceRequest, ArmError> {
    if caller.kind != CallerKind::User {
        return Err(ArmError::new(
            StatusCode::FORBIDDEN,
            "OnlyPeopleAnswerDeviceCodes",
            "A device code is answered by a person, not by a program.",
        ));
    }
    let auth = &cx.state.auth;
    let guesser = format!("\u{0}device code of {}", caller.oid);
    auth.limit.take(&guesser, cx.facts.client, cx.now).map_err(ArmError::too_many_requests)?;
    let found = auth.devices.find(user_code, cx.now).ok_or_else(not_waiting)?;
    auth.limit.give_back(&guesser, cx.facts.client);
    Ok(found)
}

/// A person's answer.
pub fn answer(cx: &Cx, caller: &Caller, user_code: &str, approve: bool) -> Result<(), ArmError> {
    let approver = approve.then_some(caller.oid.as_str());
    match cx.state.auth.devices.answer(user_code, approver, cx.now) {
        true => Ok(()),
        false => Err(not_waiting()),
    }
}

fn not_waiting() -> ArmError {
    let text = "No sign-in waits for this code. It was mistyped, was answered already, or has expired.";
    ArmError::new(StatusCode::NOT_FOUND, "DeviceCodeNotFound", text)
}

/// A client's name for people, when it is one that everybody knows; else its id.
pub fn client_name(client: &str) -> &str {
    match client {
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46" => "Microsoft Azure CLI",
        "1950a258-227b-4e31-a9cf-717495945fc2" => "Microsoft Azure PowerShell",
        other => other,
    }
}

//! Encodings, URIs, and names made from hashes.

use super::arguments::{at, shown, text, wrong};
use super::unexpected;
use crate::template::evaluate::{Outcome, Scope};
use crate::template::json::Document;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use uuid::{Uuid, uuid};

/// All but RFC 3986's unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The namespace by which other tools reproduce the values of Azure's `guid`; Azure's reference does not name it.
const GUIDS: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");

/// JSON as lenient as templates are.
pub(super) fn json(v: &[Value]) -> Result<Value, String> {
    parsed(text(v, 0)?)
}

fn parsed(text: &str) -> Result<Value, String> {
    // Why it cannot be read could quote it.
    Document::parse(text).map(|d| d.value).map_err(|_| "its argument is not valid JSON.".into())
}

fn decoded(text: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(text).map_err(|_| "its argument is not base64.")?;
    String::from_utf8(bytes).map_err(|_| "its argument does not hold UTF-8.".into())
}

pub(super) fn base64(v: &[Value]) -> Result<Value, String> {
    Ok(STANDARD.encode(text(v, 0)?).into())
}

pub(super) fn base64_to_string(v: &[Value]) -> Result<Value, String> {
    Ok(decoded(text(v, 0)?)?.into())
}

pub(super) fn base64_to_json(v: &[Value]) -> Result<Value, String> {
    parsed(&decoded(text(v, 0)?)?)
}

pub(super) fn data_uri(v: &[Value]) -> Result<Value, String> {
    Ok(format!("data:text/plain;charset=utf8;base64,{}", STANDARD.encode(text(v, 0)?)).into())
}

pub(super) fn data_uri_to_string(v: &[Value]) -> Result<Value, String> {
    let parts = text(v, 0)?.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    let (kind, data) = parts.ok_or("its argument is not a data URI.")?;
    if kind.to_ascii_lowercase().ends_with(";base64") {
        return Ok(decoded(data)?.into());
    }
    unescaped(data)
}

fn unescaped(text: &str) -> Result<Value, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|t| t.into_owned().into()).map_err(|_| "its argument does not hold UTF-8.".into())
}

pub(super) fn uri_component(v: &[Value]) -> Result<Value, String> {
    Ok(utf8_percent_encode(text(v, 0)?, COMPONENT).to_string().into())
}

pub(super) fn uri_component_to_string(v: &[Value]) -> Result<Value, String> {
    unescaped(text(v, 0)?)
}

/// A base and what hangs under it. A base without a slash at its end loses what stands behind its last one.
pub(super) fn uri(v: &[Value]) -> Result<Value, String> {
    let (base, relative) = (text(v, 0)?, text(v, 1)?);
    let relative = relative.strip_prefix('/').unwrap_or(relative);
    let host = base.find("://").map(|at| at + 3).ok_or("its argument 1 is not an absolute URI.")?;
    let folder = match base.rfind('/').filter(|at| *at >= host) {
        Some(last) => base.get(..=last).unwrap_or_default().to_owned(),
        None => format!("{base}/"),
    };
    Ok(format!("{folder}{relative}").into())
}

fn joined(v: &[Value]) -> Result<String, String> {
    if let Some(n) = v.iter().position(|value| value.is_array() || value.is_object() || value.is_null()) {
        return Err(wrong(v, n, "String"));
    }
    Ok((0..v.len()).map(|n| shown(at(v, n))).collect::<Vec<_>>().join("-"))
}

/// Thirteen characters of base 32, the first 65 bits of SHA-256.
pub(super) fn unique_string(v: &[Value]) -> Result<Value, String> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = Sha256::digest(joined(v)?.as_bytes());
    let bits = hash.iter().take(9).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |n: u32| {
        let index = usize::try_from(bits >> (72 - 5 * (n + 1)) & 31).unwrap_or_default();
        LETTERS.get(index).map_or('a', |l| char::from(*l))
    };
    Ok((0..13).map(letter).collect::<String>().into())
}

/// A UUID of version 5 (RFC 9562 section 5.5).
fn version_5(namespace: Uuid, name: &str) -> Uuid {
    let hash = Sha1::new().chain_update(namespace.as_bytes()).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

pub(super) fn guid(v: &[Value]) -> Result<Value, String> {
    Ok(version_5(GUIDS, &joined(v)?).to_string().into())
}

/// Made from the deployment's seed, so that planning twice gives the same.
pub(super) fn new_guid(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    let Some(made) = scope.guids else { return Err(unexpected(name)) };
    made.set(made.get().wrapping_add(1));
    let bytes = version_5(scope.surroundings.guid_seed, &made.get().to_string()).into_bytes();
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into())
}

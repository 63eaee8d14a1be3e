//! `If-Match` and `If-None-Match`.

use crate::pipeline::Cx;
use hardline_arm::error::ArmError;

/// A new entity tag, with its quotes.
pub fn new_etag(cx: &Cx) -> String {
    format!("\"{}\"", cx.state.random.uuid())
}

/// 412 when the request's conditions do not hold for what is there; `etag` is none when nothing is. Weak and strong tags are
/// compared alike: every write makes a new one.
pub fn check_conditions(cx: &Cx, etag: Option<&str>) -> Result<(), ArmError> {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let names = |header: &str| {
        etag.is_some_and(|etag| {
            header.trim() == "*" || header.split(',').any(|tag| strong(tag) == strong(etag))
        })
    };
    let if_match = cx.facts.if_match.as_deref().is_none_or(names);
    let if_none_match = cx.facts.if_none_match.as_deref().is_some_and(names);
    if if_match && !if_none_match { Ok(()) } else { Err(ArmError::precondition_failed()) }
}

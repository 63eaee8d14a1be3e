//! The REST view of an event: what is stored, without what only the other views need.

use serde_json::Value;

/// The event as clients of `GET …/eventtypes/management/values` get it, from what is stored.
pub fn view(mut stored: Value) -> Value {
    if let Some(event) = stored.as_object_mut() {
        event.shift_remove("particulars");
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_azure_does_not_show_is_left_out() {
        let stored = json!({ "caller": "a", "particulars": { "location": "local" }, "tenantId": "t" });
        assert_eq!(view(stored), json!({ "caller": "a", "tenantId": "t" }));
        assert_eq!(view(json!("no event")), json!("no event"));
    }
}

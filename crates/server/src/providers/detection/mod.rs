//! Hardline.Detection: rules over the activity log, and their alerts.

mod alerts;
mod describe;
mod import;
mod rules;
mod trial;

pub use alerts::{Kept, alert_get, alert_list, alert_patch};
pub use import::{rule_check, rule_import};
pub use rules::{rule_delete, rule_get, rule_list, rule_patch, rule_put};
pub use trial::rule_try;

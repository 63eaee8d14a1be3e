//! Microsoft.Insights: the activity log, and where it is sent.

mod activity_log;
mod diagnostic_settings;
mod event_records;
mod metrics;

pub use activity_log::activity_log_list;
pub use diagnostic_settings::{
    diagnostic_setting_delete, diagnostic_setting_get, diagnostic_setting_list, diagnostic_setting_put,
};
pub use event_records::event_record_list;
pub use metrics::metrics_get;

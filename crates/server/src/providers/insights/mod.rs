//! Microsoft.Insights: the activity log.

mod activity_log;

pub use activity_log::activity_log_list;

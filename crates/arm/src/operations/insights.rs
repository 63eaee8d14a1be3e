//! Microsoft.Insights: the activity log.

use super::*;

pub(super) fn rows() -> Vec<Operation> {
    vec![row(
        OperationId::ActivityLogList,
        "Microsoft.Insights/eventtypes/values/read",
        Method::GET,
        Target::Collection("Microsoft.Insights/eventtypes/values"),
        Audit::Refusals,
        "List activity log events",
    )]
}

//! Microsoft.Insights: the activity log, and where it is sent.

use super::*;

const SETTINGS: &str = "Microsoft.Insights/diagnosticSettings";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item};
    const SETTING_READ: &str = "Microsoft.Insights/diagnosticSettings/read";
    vec![
        row(
            ActivityLogList,
            "Microsoft.Insights/eventtypes/values/read",
            Method::GET,
            Collection("Microsoft.Insights/eventtypes/values"),
            Refusals,
            "List activity log events",
        ),
        Operation {
            requires: Require::Action(SETTING_READ),
            ..row(
                DiagnosticSettingList,
                "Microsoft.Insights/diagnosticSettings/list/read",
                Method::GET,
                Collection(SETTINGS),
                Refusals,
                "List diagnostic settings",
            )
        },
        row(
            DiagnosticSettingGet,
            SETTING_READ,
            Method::GET,
            Item(SETTINGS),
            Refusals,
            "Get a diagnostic setting, and how far it has come",
        ),
        row(
            DiagnosticSettingPut,
            "Microsoft.Insights/diagnosticSettings/write",
            Method::PUT,
            Item(SETTINGS),
            Always,
            "Create or change a diagnostic setting",
        ),
        row(
            DiagnosticSettingDelete,
            "Microsoft.Insights/diagnosticSettings/delete",
            Method::DELETE,
            Item(SETTINGS),
            Always,
            "Delete a diagnostic setting",
        ),
    ]
}

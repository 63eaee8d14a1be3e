//! Hardline.Detection: rules over the activity log of a subscription, and their alerts.

use super::*;

/// The type of a detection rule.
const RULES: &str = "Hardline.Detection/rules";
/// The type of an alert.
const ALERTS: &str = "Hardline.Detection/alerts";
const READ: &str = "Hardline.Detection/rules/read";
const ALERTS_READ: &str = "Hardline.Detection/alerts/read";
const WRITE: &str = "Hardline.Detection/rules/write";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    vec![
        Operation {
            requires: Require::Action(READ),
            ..row(
                DetectionRuleList,
                "Hardline.Detection/rules/list/read",
                Method::GET,
                Collection(RULES),
                Refusals,
                "List the detection rules of a subscription",
            )
        },
        row(DetectionRuleGet, READ, Method::GET, Item(RULES), Refusals, "A detection rule and how it runs"),
        row(DetectionRulePut, WRITE, Method::PUT, Item(RULES), Always, "Load or change a detection rule"),
        row(
            DetectionRulePatch,
            WRITE,
            Method::PATCH,
            Item(RULES),
            Always,
            "Enable or disable a detection rule, or change its exceptions",
        ),
        row(
            DetectionRuleDelete,
            "Hardline.Detection/rules/delete",
            Method::DELETE,
            Item(RULES),
            Always,
            "Remove a detection rule",
        ),
        Operation {
            requires: Require::Action(READ),
            ..row(
                DetectionRuleCheck,
                "Hardline.Detection/checkRule/action",
                Method::POST,
                Verb("Hardline.Detection", "checkRule"),
                Refusals,
                "What is wrong with a rule's text, place by place",
            )
        },
        row(
            DetectionRuleTry,
            "Hardline.Detection/tryRule/action",
            Method::POST,
            Verb("Hardline.Detection", "tryRule"),
            Always,
            "What a rule would have said in the past",
        ),
        Operation {
            requires: Require::Action(WRITE),
            ..row(
                DetectionRuleImport,
                "Hardline.Detection/importRules/action",
                Method::POST,
                Verb("Hardline.Detection", "importRules"),
                Always,
                "Load many rule files at once",
            )
        },
        Operation {
            requires: Require::Action(ALERTS_READ),
            ..row(
                AlertList,
                "Hardline.Detection/alerts/list/read",
                Method::GET,
                Collection(ALERTS),
                Refusals,
                "List the alerts of a subscription, newest first",
            )
        },
        row(AlertGet, ALERTS_READ, Method::GET, Item(ALERTS), Refusals, "An alert with the event behind it"),
        row(
            AlertPatch,
            "Hardline.Detection/alerts/write",
            Method::PATCH,
            Item(ALERTS),
            Always,
            "Acknowledge, close or open an alert, with a reason",
        ),
    ]
}

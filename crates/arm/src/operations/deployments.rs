//! Microsoft.Resources/deployments: templates.

use super::*;

const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";
const OPERATIONS: &str = "Microsoft.Resources/deployments/operations";
const STATUSES: &str = "Microsoft.Resources/deployments/operationStatuses";
const READ: &str = "Microsoft.Resources/deployments/read";
const OPERATION_READ: &str = "Microsoft.Resources/deployments/operations/read";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    let post =
        |id, name, verb, summary| row(id, name, Method::POST, Verb(DEPLOYMENTS, verb), Always, summary);
    vec![
        Operation {
            requires: Require::Action(READ),
            ..row(
                DeploymentList,
                "Microsoft.Resources/deployments/list/read",
                Method::GET,
                Collection(DEPLOYMENTS),
                Refusals,
                "List template deployments",
            )
        },
        row(DeploymentGet, READ, Method::GET, Item(DEPLOYMENTS), Refusals, "Get a template deployment"),
        row(
            DeploymentHead,
            READ,
            Method::HEAD,
            Item(DEPLOYMENTS),
            Refusals,
            "Whether a template deployment exists",
        ),
        row(
            DeploymentPut,
            "Microsoft.Resources/deployments/write",
            Method::PUT,
            Item(DEPLOYMENTS),
            Always,
            "Deploy a template",
        ),
        row(
            DeploymentDelete,
            "Microsoft.Resources/deployments/delete",
            Method::DELETE,
            Item(DEPLOYMENTS),
            Always,
            "Forget a template deployment; its resources stay",
        ),
        post(
            DeploymentValidate,
            "Microsoft.Resources/deployments/validate/action",
            "validate",
            "Check a template without deploying it",
        ),
        post(
            DeploymentWhatIf,
            "Microsoft.Resources/deployments/whatIf/action",
            "whatIf",
            "What a template would change",
        ),
        post(
            DeploymentCancel,
            "Microsoft.Resources/deployments/cancel/action",
            "cancel",
            "Stop a template deployment that is running",
        ),
        Operation {
            requires: Require::Action(OPERATION_READ),
            ..row(
                DeploymentOperationList,
                "Microsoft.Resources/deployments/operations/list/read",
                Method::GET,
                Collection(OPERATIONS),
                Refusals,
                "What a deployment did to each of its resources",
            )
        },
        row(
            DeploymentOperationGet,
            OPERATION_READ,
            Method::GET,
            Item(OPERATIONS),
            Refusals,
            "What a deployment did to one of its resources",
        ),
        row(
            DeploymentStatusGet,
            "Microsoft.Resources/deployments/operationStatuses/read",
            Method::GET,
            Item(STATUSES),
            Refusals,
            "How a deployment that was started stands",
        ),
    ]
}

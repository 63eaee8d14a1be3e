//! A deployment that was found good: its plan, and what is kept of it.

use super::link;
use crate::auth::{Caller, CallerKind};
use crate::pipeline::{Cx, store_error};
use crate::providers::resources::{find_subscription, group_document};
use hardline_arm::error::ArmError;
use hardline_arm::models::deployment::{self, Mode, Parameters, Request, Source, template_hash};
use hardline_arm::models::document as shared;
use hardline_arm::resource_id::ResourceId;
use hardline_arm::template::deployment::{Plan, Template, plan};
use hardline_arm::template::position::{TemplateError, invalid_template};
use hardline_arm::template::surroundings::Surroundings;
use hardline_store::db::resource_groups;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A deployment that can be carried out.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// Its id.
    pub id: ResourceId,
    /// What happens to other resources.
    pub mode: Mode,
    /// The resources in order.
    pub plan: Arc<Plan>,
    /// See [`template_hash`].
    pub hash: String,
    /// Where the template was, if it was linked.
    pub link: Option<String>,
    /// Tags of the deployment itself.
    pub tags: Option<Map<String, Value>>,
    /// Of a deployment to a subscription.
    pub location: Option<String>,
}

/// Reads and plans what a request asks for.
pub(super) async fn prepare(
    cx: &Cx,
    caller: &Caller,
    id: &ResourceId,
    request: Request,
) -> Result<Prepared, ArmError> {
    deployment::check_name(id.name())?;
    let location = check_location(cx, id, request.location.as_deref())?;
    // Not before it is known that there is something to deploy to.
    let mut around = surroundings(cx, caller, id).await?;
    let (document, pointer, link) = match request.source {
        Source::Here(pointer) => (request.document, pointer, None),
        Source::Link(uri) => (Arc::new(link::fetch(cx, "templateLink", &uri).await?), "", Some(uri)),
    };
    let parameters = match request.parameters {
        Parameters::Given(value) => value,
        Parameters::Link(uri) => {
            let file = link::fetch(cx, "parametersLink", &uri).await?.value;
            deployment::file_parameters(&file).clone()
        }
    };
    let content = document.value.pointer(pointer).unwrap_or(&Value::Null);
    let hash = template_hash(content);
    around.deployment = itself(id, content, link.as_deref());
    let template = Template::new(document, pointer);
    let plan = planned(move || plan(&template, &parameters, &around)).await?;
    Ok(Prepared {
        id: id.clone(),
        mode: request.mode,
        plan: Arc::new(plan),
        hash,
        link,
        tags: request.tags,
        location,
    })
}

/// Plans on a thread that may be busy.
pub(super) async fn planned<F>(make: F) -> Result<Plan, ArmError>
where
    F: FnOnce() -> Result<Plan, Vec<TemplateError>> + Send + 'static,
{
    let made = tokio::task::spawn_blocking(make).await.map_err(ArmError::internal)?;
    made.map_err(|errors| invalid_template(&errors))
}

/// A deployment to a subscription has a location, one to a group has none.
fn check_location(cx: &Cx, id: &ResourceId, given: Option<&str>) -> Result<Option<String>, ArmError> {
    let refused = |text: &str| ArmError::new(StatusCode::BAD_REQUEST, "InvalidDeployment", text);
    match (id.group(), given) {
        (Some(_), None) => Ok(None),
        (Some(_), Some(_)) => Err(refused(
            "The 'location' property is not allowed for a deployment at resource group scope. Please see https://aka.ms/deploy-to-subscription for usage details.",
        )),
        (None, None) => Err(refused(
            "The 'location' property must be specified for a deployment at subscription scope. Please see https://aka.ms/deploy-to-subscription for usage details.",
        )),
        (None, Some(given)) => {
            crate::providers::documents::check_location(cx, given, deployment::TYPE)?;
            Ok(Some(shared::location(given)))
        }
    }
}

/// `deployment()`. Without the parameters: some may be secrets, and what is secret is known only to the plan.
pub(super) fn itself(id: &ResourceId, template: &Value, link: Option<&str>) -> Value {
    let mut properties =
        json!({ "template": template, "mode": "Incremental", "provisioningState": "Accepted" });
    if let (Some(uri), Some(map)) = (link, properties.as_object_mut()) {
        map.insert("templateLink".into(), json!({ "uri": uri }));
    }
    json!({ "name": id.name(), "properties": properties })
}

/// What the scope functions answer for a deployment with this id.
pub(super) async fn surroundings(
    cx: &Cx,
    caller: &Caller,
    id: &ResourceId,
) -> Result<Surroundings, ArmError> {
    let subscription = find_subscription(cx, id).await?;
    let tenant = cx.state.config.tenant.to_string();
    let resource_group = match id.group() {
        None => Value::Null,
        Some(group) => {
            let scope = ResourceId::of_group(&subscription.id, group);
            let found = resource_groups::get(&cx.state.store, &scope.key()).await.map_err(store_error)?;
            group_document(&found.ok_or_else(|| ArmError::group_not_found(group))?)
        }
    };
    let scope = match id.group() {
        Some(group) => ResourceId::of_group(&subscription.id, group),
        None => ResourceId::of_subscription(&subscription.id),
    };
    let base = &cx.facts.base_url;
    let mut deployer = json!({ "objectId": caller.oid, "tenantId": caller.tenant });
    if let (CallerKind::User, Some(map)) = (caller.kind, deployer.as_object_mut()) {
        map.insert("userPrincipalName".into(), json!(caller.name));
    }
    Ok(Surroundings {
        scope,
        subscription: json!({
            "id": format!("/subscriptions/{}", subscription.id),
            "subscriptionId": subscription.id,
            "tenantId": tenant,
            "displayName": subscription.display_name,
        }),
        resource_group,
        management_group: Value::Null,
        tenant: json!({ "id": format!("/tenants/{tenant}"), "tenantId": tenant }),
        deployment: itself(id, &Value::Null, None),
        deployer,
        environment: json!({
            "name": "Hardline",
            "portal": format!("{base}/portal/"),
            "resourceManager": base,
            "authentication": { "loginEndpoint": format!("{base}/adfs"), "audiences": [base], "tenant": tenant },
        }),
        utc_now: cx.now,
        guid_seed: cx.state.random.uuid(),
    })
}

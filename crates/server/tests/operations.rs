//! Walks the whole table of operations over real HTTP: wrong method, no token, wrong role, unknown resource, audit rows.
//!
//! The rows are read from the table itself, so a new row is walked as soon as it is there. Rows that have no ARM path
//! (`Target::Elsewhere`) are named one by one below; a new one fails the test until it has its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::operation::{Audit, Operation, OperationId, Require, Target};
use hardline_arm::operations;
use hardline_arm::rbac::OWNER;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_server::auth::{PrincipalKind, provision};
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_testkit::request::{Answer, read};
use hardline_testkit::{As, FakeHost, TestServer};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];
const VERSION: &str = "api-version=2026-11-01";

/// Where a walk goes: names of things that are there, or of things that are not.
struct Place {
    subscription: String,
    group: String,
    vm: String,
    guid: Uuid,
}

impl Place {
    fn there() -> Self {
        Self {
            subscription: hardline_testkit::server::SUBSCRIPTION.into(),
            group: hardline_testkit::server::GROUP.into(),
            vm: "vm1".into(),
            guid: Uuid::from_u128(0xabc),
        }
    }

    /// The nearest thing that each row names is missing: the subscription for rows on subscriptions and their lists, …
    fn missing(row: &Operation) -> Self {
        let mut place = Self::there();
        let kind = row.target.resource_type();
        match row.target {
            Target::Item(
                "Microsoft.Resources/subscriptions" | "Microsoft.Resources/subscriptions/resourceGroups",
            ) if row.method == Method::PUT => {
                place.subscription = Uuid::from_u128(0xdead).to_string();
            }
            Target::Item("Microsoft.Resources/subscriptions") => {
                place.subscription = Uuid::from_u128(0xdead).to_string();
            }
            Target::Item("Microsoft.Resources/subscriptions/resourceGroups") => place.group = "nope".into(),
            Target::Collection(
                "Microsoft.Compute/virtualMachines" | "Microsoft.Compute/virtualMachineScaleSets",
            ) => place.group = "nope".into(),
            Target::Item("Microsoft.Compute/virtualMachineScaleSets") if row.method == Method::PUT => {
                place.group = "nope".into();
            }
            Target::Collection("Microsoft.Compute/virtualMachineScaleSets/virtualMachines") => {
                place.vm = "nope".into();
            }
            Target::Item("Microsoft.Compute/virtualMachines") if row.method == Method::PUT => {
                place.group = "nope".into();
            }
            _ if kind.starts_with("Microsoft.Resources/deployments") => place.group = "nope".into(),
            Target::Collection("Microsoft.SerialConsole/serialPorts") => place.vm = "nope".into(),
            Target::Collection("Microsoft.Storage/storageAccounts") => place.group = "nope".into(),
            Target::Item("Microsoft.Storage/storageAccounts") if row.method == Method::PUT => {
                place.group = "nope".into();
            }
            Target::Item(kind) if kind.starts_with("Microsoft.Network/") && row.method == Method::PUT => {
                place.group = "nope".into();
            }
            _ if kind == "Microsoft.SerialConsole/consoleServices" => {
                place.subscription = Uuid::from_u128(0xdead).to_string();
            }
            Target::Collection(_) | Target::SubscriptionProvider | Target::SubscriptionProviderVerb(_) => {
                place.subscription = Uuid::from_u128(0xdead).to_string()
            }
            _ if kind.starts_with("Microsoft.Authorization")
                || kind.starts_with("Hardline.Detection")
                || kind.ends_with("/diagnosticSettings") =>
            {
                place.subscription = Uuid::from_u128(0xdead).to_string();
            }
            _ => place.vm = "nope".into(),
        }
        place
    }

    fn path(&self, target: Target) -> String {
        let (subscription, group, guid) = (&self.subscription, &self.group, self.guid);
        let sub = format!("/subscriptions/{subscription}");
        let vm =
            format!("{sub}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{}", self.vm);
        let set = format!(
            "{sub}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{}",
            self.vm
        );
        let item = |kind: &str| match kind {
            "Microsoft.Compute/virtualMachineScaleSets" => set.clone(),
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines" => format!("{set}/virtualMachines/0"),
            "Microsoft.Resources/subscriptions" => sub.clone(),
            "Hardline.Identity" => "/providers/Hardline.Identity".into(),
            "Microsoft.Storage" | "Hardline.Detection" => format!("{sub}/providers/{kind}"),
            "Hardline.Detection/rules" | "Hardline.Detection/alerts" => {
                format!("{sub}/providers/{kind}/{guid}")
            }
            "Microsoft.Insights/diagnosticSettings" => format!("{sub}/providers/{kind}/one"),
            "Microsoft.Storage/storageAccounts" => {
                format!("{sub}/resourceGroups/{group}/providers/{kind}/{}", self.vm)
            }
            "Microsoft.SerialConsole/consoleServices" => format!("{sub}/providers/{kind}/default"),
            "Microsoft.Resources/subscriptions/resourceGroups" => format!("{sub}/resourceGroups/{group}"),
            "Microsoft.Compute/virtualMachines" => vm.clone(),
            "Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions" => format!(
                "{sub}/providers/Microsoft.Compute/locations/local/publishers/Hardline/artifacttypes/vmimage/offers/{guid}/skus/default/versions/1.0.0"
            ),
            "Microsoft.Resources/deployments" => format!("{sub}/resourceGroups/{group}/providers/{kind}/d1"),
            "Microsoft.Resources/deployments/operations"
            | "Microsoft.Resources/deployments/operationStatuses" => {
                let last = kind.rsplit('/').next().unwrap();
                format!(
                    "{sub}/resourceGroups/{group}/providers/Microsoft.Resources/deployments/d1/{last}/{guid}"
                )
            }
            "Microsoft.Compute/locations/operations" => {
                format!("{sub}/providers/Microsoft.Compute/locations/local/operations/{guid}")
            }
            "Microsoft.SerialConsole/serialPorts"
            | "Hardline.Console/serialPorts"
            | "Hardline.Diagnostics/serialLogs"
            | "Hardline.Diagnostics/screenshots" => format!("{vm}/providers/{kind}/0"),
            "Microsoft.Authorization/roleAssignments" | "Microsoft.Authorization/roleDefinitions" => {
                format!("{sub}/providers/{kind}/{guid}")
            }
            "Hardline.Identity/users" => format!("/providers/{kind}/nobody@hardline.test"),
            "Hardline.Identity/servicePrincipals" => format!("/providers/{kind}/{guid}"),
            "Hardline.Identity/groups" => format!("/providers/{kind}/nightshift"),
            "Hardline.Identity/groups/members" => {
                format!("/providers/Hardline.Identity/groups/nobodys/members/{guid}")
            }
            other => match other.strip_prefix("Microsoft.Network/").map(|kind| kind.split('/')) {
                // a/b is a/nothing/b/nothing
                Some(kinds) => kinds.fold(
                    format!("{sub}/resourceGroups/{group}/providers/Microsoft.Network"),
                    |path, kind| format!("{path}/{kind}/nothing"),
                ),
                None => panic!("say where a resource of type {other} is"),
            },
        };
        match target {
            Target::Item(kind) => item(kind),
            Target::Verb(kind, verb) => format!("{}/{verb}", item(kind)),
            Target::Collection(kind) => match kind {
                "Microsoft.Resources/subscriptions" => "/subscriptions".into(),
                "Microsoft.Resources/tenants" => "/tenants".into(),
                "Microsoft.Resources/providers" => "/providers".into(),
                "Microsoft.Resources/subscriptions/locations" => format!("{sub}/locations"),
                "Microsoft.Resources/subscriptions/providers" => format!("{sub}/providers"),
                "Microsoft.Resources/subscriptions/resources" => format!("{sub}/resources"),
                "Microsoft.Resources/subscriptions/resourceGroups/resources" => {
                    format!("{sub}/resourceGroups/{group}/resources")
                }
                "Microsoft.Resources/subscriptions/resourceGroups" => format!("{sub}/resourceGroups"),
                "Microsoft.Compute/virtualMachines"
                | "Microsoft.Compute/virtualMachineScaleSets"
                | "Microsoft.Resources/deployments" => {
                    format!("{sub}/resourceGroups/{group}/providers/{kind}")
                }
                "Microsoft.Compute/virtualMachineScaleSets/virtualMachines" => {
                    format!("{set}/virtualMachines")
                }
                "Microsoft.Storage/storageAccounts" => {
                    format!("{sub}/resourceGroups/{group}/providers/{kind}")
                }
                kind if kind.starts_with("Microsoft.Compute/locations/publishers") => {
                    let (catalogue, last) = (
                        format!("{sub}/providers/Microsoft.Compute/locations/local"),
                        kind.rsplit('/').next(),
                    );
                    let offers = format!("{catalogue}/publishers/Hardline/artifacttypes/vmimage/offers");
                    match last.unwrap() {
                        "publishers" => format!("{catalogue}/publishers"),
                        "offers" => offers,
                        "skus" => format!("{offers}/{guid}/skus"),
                        _ => format!("{offers}/{guid}/skus/default/versions"),
                    }
                }
                "Microsoft.Compute/locations/vmSizes" => {
                    format!("{sub}/providers/Microsoft.Compute/locations/local/vmSizes")
                }
                "Microsoft.Compute/skus" => format!("{sub}/providers/{kind}"),
                "Microsoft.Resources/deployments/operations" => format!(
                    "{sub}/resourceGroups/{group}/providers/Microsoft.Resources/deployments/d1/operations"
                ),
                "Microsoft.Insights/eventtypes/values" => {
                    format!("{sub}/providers/Microsoft.Insights/eventtypes/management/values")
                }
                "Microsoft.Authorization/roleAssignments"
                | "Microsoft.Authorization/roleDefinitions"
                | "Microsoft.Authorization/permissions"
                | "Hardline.Detection/rules"
                | "Hardline.Detection/alerts"
                | "Microsoft.Insights/diagnosticSettings"
                | "Hardline.Insights/eventRecords"
                | "Hardline.Insights/metrics"
                | "Hardline.Fleet/hosts" => format!("{sub}/providers/{kind}"),
                "Microsoft.SerialConsole/serialPorts" => format!("{vm}/providers/{kind}"),
                "Hardline.Identity/users"
                | "Hardline.Identity/servicePrincipals"
                | "Hardline.Identity/groups" => format!("/providers/{kind}"),
                "Hardline.Identity/groups/members" => {
                    "/providers/Hardline.Identity/groups/nobodys/members".into()
                }
                other if other.starts_with("Microsoft.Network/") => {
                    let path = item(other);
                    path.rsplit_once('/').unwrap().0.to_owned()
                }
                other => panic!("say where a list of {other} is"),
            },
            Target::ProviderOperations => "/providers/Microsoft.Compute/operations".into(),
            Target::TenantProvider => "/providers/Microsoft.Compute".into(),
            Target::SubscriptionProvider => format!("{sub}/providers/Microsoft.Compute"),
            Target::SubscriptionProviderVerb(verb) => format!("{sub}/providers/Microsoft.Compute/{verb}"),
            Target::Elsewhere => panic!("not an ARM path"),
        }
    }
}

fn rows() -> impl Iterator<Item = &'static Operation> {
    operations::all().iter().filter(|row| row.target != Target::Elsewhere)
}

/// A body that is good enough to reach what the path names.
fn body(row: &Operation) -> Option<Value> {
    let text = match row.id {
        OperationId::SubscriptionPut => json!({ "displayName": "New" }),
        OperationId::GroupPut => json!({ "location": "local" }),
        OperationId::GroupPatch => json!({ "tags": { "a": "b" } }),
        OperationId::VmPut => json!({ "location": "local", "properties": {
            "hardwareProfile": { "vmSize": "Standard_B1s" },
            "storageProfile": { "imageReference": { "publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest" } },
            "osProfile": { "computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7" },
        }}),
        OperationId::ScaleSetPut => json!({ "location": "local", "sku": { "capacity": 0 }, "properties": {
            "orchestrationMode": "Flexible",
        }}),
        OperationId::ScaleSetPatch => json!({ "tags": { "a": "b" } }),
        OperationId::ScaleSetDeleteInstances | OperationId::ScaleSetManualUpgrade => {
            json!({ "instanceIds": ["*"] })
        }
        OperationId::DeploymentPut | OperationId::DeploymentValidate | OperationId::DeploymentWhatIf => {
            json!({ "properties": { "mode": "Incremental", "template": {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": [],
            }}})
        }
        OperationId::ConsoleSysRq => json!({ "SysRqCommand": "h" }),
        OperationId::StorageAccountPut => json!({ "location": "local", "sku": { "name": "Standard_LRS" } }),
        OperationId::StorageAccountRegenerateKey => json!({ "keyName": "key1" }),
        OperationId::StorageNameCheck => {
            json!({ "name": "free", "type": "Microsoft.Storage/storageAccounts" })
        }
        OperationId::DeviceCodeFind | OperationId::DeviceCodeAnswer => {
            json!({ "userCode": "BCDF-GHJK", "approve": true })
        }
        OperationId::VmPatch => json!({ "tags": { "a": "b" } }),
        OperationId::VnetPut
        | OperationId::NicPut
        | OperationId::PublicIpPut
        | OperationId::NsgPut
        | OperationId::RouteTablePut => json!({ "location": "local" }),
        OperationId::RoleAssignmentPut => json!({ "properties": {
            "roleDefinitionId": OWNER.to_string(),
            "principalId": "33330000-0000-4000-8000-000000000001",
        }}),
        OperationId::RoleDefinitionPut => json!({ "properties": {
            "roleName": "Starter",
            "permissions": [{ "actions": ["Microsoft.Compute/virtualMachines/start/action"] }],
            "assignableScopes": [format!("/subscriptions/{}", hardline_testkit::server::SUBSCRIPTION)],
        }}),
        OperationId::DetectionRulePut => json!({ "properties": { "source": concat!(
            "[rule]\nrule_id = \"00000000-0000-0000-0000-000000000abc\"\nname = \"n\"\ndescription = \"d\"\nrisk_score = 1\n",
            "severity = \"low\"\ntype = \"query\"\nlanguage = \"kuery\"\nquery = \"event.action:x\"\n"
        ) }}),
        OperationId::DetectionRuleCheck => json!({ "source": "[rule]" }),
        OperationId::DetectionRuleTry => json!({ "rule": "nobody", "fromSecond": 1, "toSecond": 2 }),
        OperationId::DetectionRuleImport => json!({ "files": [{ "name": "a.toml", "content": "[rule]" }] }),
        OperationId::AlertPatch => json!({ "properties": { "status": "closed" } }),
        OperationId::SerialPortPut => json!({ "properties": { "state": "enabled" } }),
        OperationId::UserPut => json!({ "properties": { "password": "correct horse 7" } }),
        _ => return None,
    };
    Some(text)
}

/// One principal, with its token at hand.
struct Walker<'s> {
    sender: As<'s>,
    name: String,
    oid: String,
}

impl<'s> Walker<'s> {
    async fn new(server: &'s TestServer, who: As<'s>) -> Self {
        let token = who.access_token().await;
        Self { name: who.name(), oid: who.oid(), sender: server.with_token(&token) }
    }

    /// Sends a row's request under a correlation id of its own.
    async fn send(&self, row: &Operation, path: &str) -> (Answer, Uuid) {
        let correlation = Uuid::new_v4();
        let request = self.sender.request(row.method.clone(), &format!("{path}?{VERSION}")).await;
        let mut request = request.header("x-ms-correlation-request-id", correlation.to_string());
        if let Some(body) = body(row) {
            request = request.json(&body);
        }
        if row.id == OperationId::ConsoleStream {
            for (name, value) in [
                ("connection", "Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] {
                request = request.header(name, value);
            }
        }
        (read(request.send().await.unwrap()).await, correlation)
    }
}

async fn events(server: &TestServer, correlation: Uuid) -> Vec<Value> {
    let filter = EventFilter { correlation: Some(correlation.to_string()), ..EventFilter::default() };
    let rows = activity_events::list(&server.state().store, &filter, 10).await.unwrap();
    rows.iter().rev().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
}

/// Both events of a request that failed, with everything by which an auditor finds the person.
fn check_failed_events(events: &[Value], row: &Operation, who: &Walker<'_>, correlation: Uuid, code: &str) {
    let name = row.name;
    assert_eq!(events.len(), 2, "{name}: {events:#?}");
    for (event, status) in events.iter().zip(["Started", "Failed"]) {
        assert_eq!(event["operationName"]["value"], name);
        assert_eq!(event["status"]["value"], status, "{name}");
        assert_eq!(event["caller"], who.name, "{name}");
        assert_eq!(event["httpRequest"]["clientIpAddress"], "127.0.0.1", "{name}");
        assert_eq!(event["correlationId"], correlation.to_string(), "{name}");
        assert_eq!(
            event["claims"]["http://schemas.microsoft.com/identity/claims/objectidentifier"], who.oid,
            "{name}"
        );
    }
    let message = events[1]["properties"]["statusMessage"].as_str().unwrap();
    let message: Value = serde_json::from_str(message).unwrap();
    assert_eq!(message["error"]["code"], code, "{name}");
}

#[tokio::test]
async fn a_wrong_method_is_405_and_names_the_right_ones() {
    let server = TestServer::start().await;
    let stranger = Walker::new(&server, server.stranger()).await;
    for row in rows() {
        let path = Place::there().path(row.target);
        let here: BTreeSet<_> = rows()
            .filter(|other| Place::there().path(other.target) == path)
            .map(|other| other.method.as_str())
            .collect();
        for method in METHODS.iter().filter(|m| !here.contains(m.as_str())) {
            let nobody = server.anonymous().send(method.clone(), &path, None).await;
            assert_eq!(nobody.status, 401, "a stranger learns nothing: {}", nobody.text);
            let answer = stranger.sender.send(method.clone(), &path, None).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
            let allow: BTreeSet<_> = answer.header("allow").split(", ").collect();
            assert_eq!(allow, here, "{method} {path}");
            if *method != Method::HEAD {
                assert_eq!(answer.code(), "HttpMethodNotAllowed");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_good_token_every_row_is_401() {
    let server = TestServer::start().await;
    for row in rows() {
        let path = Place::there().path(row.target);
        let nobody = server.anonymous().send(row.method.clone(), &path, None).await;
        let garbage = server.with_token("garbage").send(row.method.clone(), &path, None).await;
        for answer in [&nobody, &garbage] {
            assert_eq!(answer.status, 401, "{} {path}: {}", row.method, answer.text);
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("Bearer authorization_uri=\"https://localhost:"), "{challenge}");
        }
        if row.method != Method::HEAD {
            assert_eq!(nobody.code(), "AuthenticationFailed");
            assert_eq!(nobody.message(), "Authentication failed. The 'Authorization' header is missing.");
            assert_eq!(garbage.code(), "InvalidAuthenticationToken");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_good_api_version_every_row_is_400() {
    let server = TestServer::start().await;
    let owner = Walker::new(&server, server.owner()).await;
    for row in rows().filter(|row| row.method != Method::HEAD) {
        let path = Place::there().path(row.target);
        for (query, code) in
            [("", "MissingApiVersionParameter"), ("?api-version=latest", "InvalidApiVersionParameter")]
        {
            let request = owner.sender.request(row.method.clone(), &format!("{path}{query}")).await;
            let answer = read(request.send().await.unwrap()).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{} {path}{query}", row.method);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_role_every_row_is_403_which_says_nothing_of_what_exists() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let vm = Place::there().path(Target::Item("Microsoft.Compute/virtualMachines"));
    let put = operations::get(OperationId::VmPut);
    server.owner().put(&vm, &body(put).unwrap()).await.expect(201);
    let stranger = Walker::new(&server, server.stranger()).await;
    for row in rows() {
        if row.requires == Require::SignedIn {
            let (answer, _) = stranger.send(row, &Place::there().path(row.target)).await;
            assert_eq!(answer.status, when_missing(row), "{}: {}", row.name, answer.text);
            continue;
        }
        for place in [Place::there(), Place::missing(row)] {
            let path = place.path(row.target);
            let (answer, correlation) = stranger.send(row, &path).await;
            assert_eq!(answer.status, 403, "{} {path}: {}", row.method, answer.text);
            assert_eq!(answer.header("x-ms-correlation-request-id"), correlation.to_string());
            let events = events(&server, correlation).await;
            check_failed_events(&events, row, &stranger, correlation, "AuthorizationFailed");
            if row.method == Method::HEAD {
                continue;
            }
            let scope = ArmPath::parse(&path).unwrap().id.scope();
            let action = row.requires.action().unwrap();
            let text = format!(
                "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                stranger.name, stranger.oid
            );
            assert_eq!(answer.json, json!({ "error": { "code": "AuthorizationFailed", "message": text } }));
        }
    }
    let list = stranger.sender.get("/subscriptions").await.expect(200);
    assert_eq!(list.json, json!({ "value": [] }), "a list of what one may read is empty, not refused");
    server.stop().await;
}

/// What a row answers when what it names is not there. 404 but for these: what creates it, and what deletes it.
fn when_missing(row: &Operation) -> u16 {
    match row.id {
        OperationId::SubscriptionPut
        | OperationId::UserPut
        | OperationId::ServicePrincipalPut
        | OperationId::PrincipalGroupPut => 201,
        OperationId::SubscriptionDelete
        | OperationId::VmDelete
        | OperationId::StorageAccountDelete
        | OperationId::VnetDelete
        | OperationId::NicDelete
        | OperationId::PublicIpDelete
        | OperationId::NsgDelete
        | OperationId::RouteTableDelete
        | OperationId::ScaleSetDelete
        | OperationId::InstanceDelete
        | OperationId::RoleAssignmentDelete
        | OperationId::RoleDefinitionDelete
        | OperationId::UserDelete
        | OperationId::ServicePrincipalDelete
        | OperationId::PrincipalGroupDelete => 204,
        OperationId::SubscriptionList
        | OperationId::StorageNameCheck
        | OperationId::UserList
        | OperationId::ServicePrincipalList
        | OperationId::PrincipalGroupList
        | OperationId::ProviderOperations
        | OperationId::TenantList
        | OperationId::TenantProviderList
        | OperationId::TenantProviderGet => 200,
        _ => 404,
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_for_whoever_may_look_and_is_recorded() {
    let server = TestServer::start().await;
    let owner = Walker::new(&server, server.owner()).await;
    let state = server.state();
    let mut tx = state.store.begin().await.unwrap();
    let who = (owner.oid.parse().unwrap(), PrincipalKind::User);
    let now = state.clock.now();
    provision::assign(&mut tx, &ResourceId::root(), OWNER, who, now, state.random.as_ref()).await.unwrap();
    tx.commit().await.unwrap();
    // Rows that make something come last.
    let (making, looking): (Vec<_>, Vec<_>) = rows().partition(|row| when_missing(row) == 201);
    for row in looking.into_iter().chain(making) {
        let path = Place::missing(row).path(row.target);
        let (answer, correlation) = owner.send(row, &path).await;
        assert_eq!(answer.status, when_missing(row), "{} {path}: {}", row.method, answer.text);
        if answer.status == 404 && row.method != Method::HEAD {
            assert!(
                answer.code().contains("NotFound") || answer.code() == "RoleDefinitionDoesNotExist",
                "{}",
                answer.text
            );
        }
        let events = events(&server, correlation).await;
        match (row.audit, answer.status) {
            (Audit::Refusals, _) => assert!(events.is_empty(), "{}: {events:#?}", row.name),
            (Audit::Always, 404) => check_failed_events(&events, row, &owner, correlation, answer.code()),
            (Audit::Always, _) => {
                let statuses: Vec<_> =
                    events.iter().map(|e| e["status"]["value"].as_str().unwrap()).collect();
                assert_eq!(statuses, ["Started", "Succeeded"], "{}", row.name);
                assert_eq!(events[1]["authorization"]["role"], "Owner");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn every_row_is_listed_by_its_provider() {
    let server = TestServer::start().await;
    let reader = Walker::new(&server, server.reader()).await;
    let mut listed = BTreeSet::new();
    let namespaces: BTreeSet<_> =
        operations::all().iter().filter_map(|row| row.name.split('/').next()).collect();
    for namespace in namespaces {
        let answer = reader
            .sender
            .get(&format!("/providers/{}/operations", namespace.to_lowercase()))
            .await
            .expect(200);
        for entry in answer.json["value"].as_array().unwrap() {
            assert!(!entry["display"]["description"].as_str().unwrap().is_empty());
            listed.insert(entry["name"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(listed, operations::all().iter().map(|row| row.name.to_owned()).collect());
    let unknown = reader.sender.get("/providers/Microsoft.Nothing/operations").await.expect(404);
    assert_eq!(unknown.code(), "InvalidResourceNamespace");
    server.stop().await;
}

#[tokio::test]
async fn rows_with_urls_of_their_own() {
    let elsewhere: BTreeSet<_> =
        operations::all().iter().filter(|row| row.target == Target::Elsewhere).map(|row| row.id).collect();
    assert_eq!(
        elsewhere,
        BTreeSet::from([
            OperationId::ContainerRead,
            OperationId::BlobGet,
            OperationId::BlobHead,
            OperationId::ConsoleSession
        ])
    );
    let server = TestServer::start().await;
    let blob = "/hardlinemanaged/bootdiagnostics-vm1/vm1.serialconsole.log";
    for method in [Method::GET, Method::HEAD] {
        let answer = server.anonymous().send(method, blob, None).await;
        assert!(matches!(answer.status, 403 | 404), "{}", answer.text);
        assert!(!answer.header("x-ms-error-code").is_empty());
    }
    // An account answers like one that is not there, whatever is asked for.
    for query in ["comp=list&sig=x", "restype=container&comp=list&sig=x"] {
        let answer = server.anonymous().get(&format!("/nobodys/logs?{query}")).await;
        assert!(matches!(answer.status, 400 | 403), "{}", answer.text);
        assert!(!answer.header("x-ms-error-code").is_empty());
    }
    let session = format!("/console/sessions/{}/client", "0".repeat(32));
    let answer = server.anonymous().get(&session).await;
    assert!(matches!(answer.status, 400 | 401 | 404 | 426), "{} {}", answer.status, answer.text);
    assert_eq!(server.anonymous().delete(&session).await.status, 405);
    server.stop().await;
}

#[tokio::test]
async fn paths_that_are_no_operation() {
    let server = TestServer::start().await;
    let stranger = Walker::new(&server, server.stranger()).await;
    for (path, code) in [
        ("/subscriptions/s/providers/Microsoft.Compute/teapots/t", "InvalidResourceType"),
        ("/subscriptions/s/providers/Microsoft.Compute/virtualMachines/vm/dance", "InvalidResourceType"),
        ("/subscriptions/..%2fx", "InvalidResourceId"),
        ("/subscriptions/a%00b", "InvalidResourceId"),
    ] {
        let answer = stranger.sender.get(path).await.expect(404);
        assert_eq!(answer.code(), code, "{path}");
    }
    server.stop().await;
}

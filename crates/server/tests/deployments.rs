//! Template deployments over real HTTP, in the bodies that the CLI sends. The guests are played by a fake host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::clock::ManualClock;
use hardline_testkit::request::{Answer, read};
use hardline_testkit::{As, FakeHost, TestServer};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const HEAD: &str = r#""$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0""#;

async fn server() -> (TestServer, FakeHost) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    (server, host)
}

/// A machine as a template's resource.
fn machine(name: &str, extra: &str) -> String {
    format!(
        r#"{{"type": "Microsoft.Compute/virtualMachines", "apiVersion": "2020-06-01", "name": "{name}", "location": "[resourceGroup().location]", {extra}
        "properties": {{ "hardwareProfile": {{ "vmSize": "Standard_B1s" }},
            "storageProfile": {{ "imageReference": {{ "publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest" }} }},
            "osProfile": {{ "computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7" }} }} }}"#
    )
}

/// A template of these resources, and what else it has.
fn template(resources: &str, more: &str) -> String {
    format!("{{ {HEAD}, // as people write it\n \"resources\": [{resources}] {more} }}")
}

fn path(server: &TestServer, name: &str) -> String {
    format!("{}/providers/Microsoft.Resources/deployments/{name}", server.group_path())
}

/// Sends what `az deployment group …` sends: no JSON.
async fn send(who: &As<'_>, method: Method, path: &str, template: &str, parameters: &Value) -> Answer {
    send_mode(who, method, path, template, parameters, "Incremental").await
}

async fn send_mode(
    who: &As<'_>,
    method: Method,
    path: &str,
    template: &str,
    parameters: &Value,
    mode: &str,
) -> Answer {
    let body =
        format!(r#"{{"properties": {{"parameters": {parameters}, "mode": "{mode}", template:{template}}}}}"#);
    let request = who.request(method, &format!("{path}?api-version=2025-04-01")).await;
    let request = request.header("content-type", "application/json").body(body);
    read(request.send().await.unwrap()).await
}

/// Deploys and waits for the end; the deployment's document.
async fn deploy(server: &TestServer, name: &str, template: &str, parameters: &Value) -> Value {
    let owner = server.owner();
    let path = path(server, name);
    let accepted = send(&owner, Method::PUT, &path, template, parameters).await;
    assert!(matches!(accepted.status, 200 | 201), "{}", accepted.text);
    owner.wait(&accepted).await;
    owner.get(&path).await.expect(200).json
}

#[tokio::test]
async fn a_template_becomes_a_machine() {
    let (server, host) = server().await;
    let owner = server.owner();
    let template = template(
        &machine("[concat(parameters('name'), '1')]", ""),
        r#", "parameters": { "name": { "type": "string" }, "password": { "type": "securestring" } },
            "outputs": { "vmId": { "type": "string", "value": "[reference(concat(parameters('name'), '1')).vmId]" } }"#,
    )
    .replace("correct horse 7", "[parameters('password')]");
    let parameters = json!({ "name": { "value": "web" }, "password": { "value": "a very secret 1" } });
    let path = path(&server, "d1");
    send(&owner, Method::POST, &format!("{path}/validate"), &template, &parameters).await.expect(200);
    owner.get(&path).await.expect(404);
    let accepted = send(&owner, Method::PUT, &path, &template, &parameters).await.expect(201);
    assert_eq!(accepted.json["properties"]["provisioningState"], "Running");
    assert_eq!(owner.wait(&accepted).await.json, json!({ "status": "Succeeded" }));

    let vm = owner.get(&server.vm_path("web1")).await.expect(200).json;
    assert_eq!(host.spec(vm["properties"]["vmId"].as_str().unwrap()).unwrap().name, "web1");
    let done = owner.get(&path).await.expect(200);
    let properties = &done.json["properties"];
    assert_eq!(done.json["id"], path);
    assert_eq!(done.json["type"], "Microsoft.Resources/deployments");
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["outputs"]["vmId"]["value"], vm["properties"]["vmId"]);
    assert_eq!(properties["outputResources"], json!([{ "id": vm["id"] }]));
    assert_eq!(properties["parameters"]["name"], json!({ "type": "String", "value": "web" }));
    assert_eq!(properties["parameters"]["password"], json!({ "type": "SecureString" }));
    assert!(properties["duration"].as_str().unwrap().starts_with("PT"));

    let listed =
        owner.get(&format!("{}/providers/Microsoft.Resources/deployments", server.group_path())).await;
    assert_eq!(listed.json["value"][0]["name"], "d1");
    let old_form = format!("{}/deployments/d1/operations", server.group_path())
        .replace("resourceGroups", "resourcegroups");
    let operations = owner.get(&old_form).await.expect(200);
    let steps = operations.json["value"].as_array().unwrap().clone();
    assert_eq!(steps.len(), 2, "{}", operations.text);
    assert_eq!(steps[0]["properties"]["targetResource"]["id"], vm["id"]);
    assert_eq!(steps[0]["properties"]["provisioningState"], "Succeeded");
    assert_eq!(steps[1]["properties"]["provisioningOperation"], "EvaluateDeploymentOutput");
    let one = owner.get(steps[0]["id"].as_str().unwrap()).await.expect(200);
    assert_eq!(one.json, steps[0]);

    // Both the deployment and the machine are acts of the person who deployed, under one correlation id.
    let correlation = properties["correlationId"].as_str().unwrap();
    let log = format!(
        "{}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp ge '2020-01-01T00:00:00Z' and correlationId eq '{correlation}'",
        server.subscription_path()
    );
    let events = owner.get(&log).await.expect(200);
    let names: Vec<_> = events.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            assert_eq!(e["caller"], owner.name());
            (e["operationName"]["value"].as_str().unwrap(), e["status"]["value"].as_str().unwrap())
        })
        .collect();
    for name in ["Microsoft.Resources/deployments/write", "Microsoft.Compute/virtualMachines/write"] {
        for status in ["Started", "Accepted", "Succeeded"] {
            assert!(names.contains(&(name, status)), "{name} {status} in {names:?}");
        }
    }
    for text in [&done.text, &listed.text, &operations.text, &events.text, &accepted.text] {
        assert!(!text.contains("a very secret 1"), "{text}");
    }

    owner.delete(&path).await.expect(204);
    owner.get(&path).await.expect(404);
    owner.get(&server.vm_path("web1")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn loops_conditions_and_order() {
    let (server, _host) = server().await;
    let template = template(
        &[
            machine(
                "[concat('node', copyIndex(1))]",
                r#""copy": { "name": "nodes", "count": 2 }, "dependsOn": ["first"],"#,
            ),
            machine("never", r#""condition": false,"#),
            machine("first", ""),
        ]
        .join(","),
        "",
    );
    let done = deploy(&server, "d1", &template, &json!({})).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    let names: Vec<_> = done["properties"]["outputResources"].as_array().unwrap().clone();
    assert_eq!(names.len(), 3);
    let on = &done["properties"]["dependencies"][0]["dependsOn"][0]["resourceName"];
    assert_eq!(on, "first");
    for name in ["node1", "node2", "first"] {
        server.owner().get(&server.vm_path(name)).await.expect(200);
    }
    server.owner().get(&server.vm_path("never")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn nested_templates_are_deployments_of_their_own() {
    let (server, _host) = server().await;
    let nested = |name: &str, options: &str, vm: &str| {
        format!(
            r#"{{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "{name}", "properties": {{ "mode": "Incremental", {options}
            "template": {{ {HEAD}, "resources": [{}], "outputs": {{ "id": {{ "type": "string", "value": "{vm}" }} }} }} }} }}"#,
            machine(vm, "")
        )
    };
    let template = template(
        &[
            nested("outer", "", "[variables('name')]"),
            nested(
                "inner",
                r#""expressionEvaluationOptions": { "scope": "inner" },"#,
                "[concat('in', 'ner1')]",
            ),
        ]
        .join(","),
        r#", "variables": { "name": "outer1" }, "outputs": { "o": { "type": "string", "value": "[reference('outer').outputs.id.value]" } }"#,
    );
    let done = deploy(&server, "d1", &template, &json!({})).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(done["properties"]["outputs"]["o"]["value"], "outer1");
    let owner = server.owner();
    for name in ["outer1", "inner1"] {
        owner.get(&server.vm_path(name)).await.expect(200);
    }
    for name in ["outer", "inner"] {
        let inside = owner.get(&path(&server, name)).await.expect(200).json;
        assert_eq!(inside["properties"]["provisioningState"], "Succeeded", "{inside}");
    }
    let listed =
        owner.get(&format!("{}/providers/Microsoft.Resources/deployments", server.group_path())).await;
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn templates_that_are_refused() {
    let (server, _host) = server().await;
    let owner = server.owner();
    let cases = [
        (template(&machine("[frobnicate('x')]", ""), ""), 400, "InvalidTemplate", "frobnicate"),
        (template(&machine("vm1", r#""dependsOn": ["nothing"],"#), ""), 400, "InvalidTemplate", "nothing"),
        (
            template(r#"{"type": "Microsoft.Teapots/teapots", "apiVersion": "2020-01-01", "name": "t"}"#, ""),
            400,
            "InvalidResourceType",
            "teapots",
        ),
        ("{ \"resources\": [] }".to_owned(), 400, "InvalidTemplate", "$schema"),
        ("{ \"resources\": [ }".to_owned(), 400, "InvalidRequestContent", "Line 1"),
    ];
    for (template, status, code, says) in &cases {
        for (method, verb) in [(Method::POST, "/validate"), (Method::PUT, ""), (Method::POST, "/whatIf")] {
            let target = format!("{}{verb}", path(&server, "bad"));
            let answer = send(&owner, method, &target, template, &json!({})).await.expect(*status);
            assert_eq!(answer.code(), *code, "{}", answer.text);
            assert!(answer.message().contains(says), "{}", answer.text);
        }
    }
    let outside = "[resourceId('Microsoft.Compute/virtualMachines', 'before')]";
    let waits = template(&machine("after", &format!(r#""dependsOn": ["{outside}"],"#)), "");
    let answer = send(&owner, Method::PUT, &path(&server, "d1"), &waits, &json!({})).await.expect(400);
    assert_eq!(answer.code(), "InvalidTemplate", "{}", answer.text);
    deploy(&server, "d0", &template(&machine("before", ""), ""), &json!({})).await;
    let done = deploy(&server, "d1", &waits, &json!({})).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");

    let linked = json!({ "properties": { "mode": "Incremental", "templateLink": { "uri": "https://127.0.0.1/x?sig=s3cret" } } });
    let answer = owner.put(&path(&server, "linked"), &linked).await.expect(400);
    assert_eq!(answer.code(), "InvalidContentLink");
    assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    for (name, status) in [("x%20y", 400), (&*"n".repeat(65), 400)] {
        let empty = template("", "");
        let answer = send(&owner, Method::PUT, &path(&server, name), &empty, &json!({})).await.expect(status);
        assert_eq!(answer.code(), "InvalidDeployment");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_template_gives_nobody_a_right() {
    let (server, host) = server().await;
    // Virtual Machine Contributors may deploy, and may not give roles.
    let contributor = server.contributor();
    let role = format!(
        r#"{{"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01", "name": "[guid('x')]", "properties": {{
            "roleDefinitionId": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "principalId": "{}" }} }}"#,
        contributor.oid()
    );
    let both = template(&format!("{},{role}", machine("vm1", "")), "");
    let refused = send(&contributor, Method::PUT, &path(&server, "d1"), &both, &json!({})).await.expect(403);
    assert_eq!(refused.code(), "InvalidTemplateDeployment");
    assert!(refused.message().contains("Microsoft.Authorization/roleAssignments/write"), "{}", refused.text);
    assert!(host.vm_ids().is_empty(), "nothing was made");
    // Nor by hiding it in a nested template, or by asking for keys and references.
    let nested = template(
        &format!(
            r#"{{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "n", "properties": {{ "mode": "Incremental", "template": {{ {HEAD}, "resources": [{role}] }} }} }}"#
        ),
        "",
    );
    send(&contributor, Method::PUT, &path(&server, "d2"), &nested, &json!({})).await.expect(403);
    let reader = server.reader();
    send(&reader, Method::PUT, &path(&server, "d3"), &template("", ""), &json!({})).await.expect(403);
    send(&reader, Method::POST, &format!("{}/whatIf", path(&server, "d3")), &template("", ""), &json!({}))
        .await
        .expect(403);
    let mine = template(&machine("vm2", ""), "");
    let accepted = send(&contributor, Method::PUT, &path(&server, "d4"), &mine, &json!({})).await.expect(201);
    assert_eq!(contributor.wait(&accepted).await.json["status"], "Succeeded");
    server.stop().await;
}

#[tokio::test]
async fn a_failure_names_its_cause_and_begins_nothing_new() {
    let (server, host) = server().await;
    host.refuse(Some("no room on this host"));
    let both = template(&[machine("vm1", ""), machine("vm2", r#""dependsOn": ["vm1"],"#)].join(","), "");
    let owner = server.owner();
    let accepted = send(&owner, Method::PUT, &path(&server, "d1"), &both, &json!({})).await.expect(201);
    let ended = owner.wait(&accepted).await.json;
    assert_eq!(ended["status"], "Failed", "{ended}");
    assert_eq!(ended["error"]["code"], "DeploymentFailed");
    assert_eq!(ended["error"]["target"], path(&server, "d1"));
    let cause = &ended["error"]["details"][0];
    assert_eq!(cause["code"], "ResourceDeploymentFailure");
    assert!(cause["message"].as_str().unwrap().contains("no room on this host"), "{cause}");
    let done = owner.get(&path(&server, "d1")).await.expect(200).json;
    assert_eq!(done["properties"]["provisioningState"], "Failed");
    assert_eq!(done["properties"]["error"], ended["error"]);
    owner.get(&server.vm_path("vm2")).await.expect(404);
    let operations = owner.get(&format!("{}/operations", path(&server, "d1"))).await.expect(200).json;
    assert_eq!(operations["value"].as_array().unwrap().len(), 1);
    assert_eq!(operations["value"][0]["properties"]["provisioningState"], "Failed");
    let failed = format!(
        "{}/providers/Microsoft.Resources/deployments?$filter=provisioningState eq 'Failed'",
        server.group_path()
    );
    assert_eq!(owner.get(&failed).await.expect(200).json["value"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn one_at_a_time_until_it_is_canceled() {
    let (server, host) = server().await;
    host.hold(true);
    let owner = server.owner();
    let path = path(&server, "d1");
    let one = template(&machine("vm1", ""), "");
    let accepted = send(&owner, Method::PUT, &path, &one, &json!({})).await.expect(201);
    let taken = send(&owner, Method::PUT, &path, &one, &json!({})).await.expect(409);
    assert_eq!(taken.code(), "DeploymentActive");
    assert_eq!(owner.delete(&path).await.expect(409).code(), "DeploymentActive");
    owner.post(&format!("{path}/cancel")).await.expect(204);
    let ended = owner.wait(&accepted).await.json;
    assert_eq!(ended["status"], "Canceled", "{ended}");
    assert_eq!(owner.get(&path).await.json["properties"]["provisioningState"], "Canceled");
    assert_eq!(owner.post(&format!("{path}/cancel")).await.expect(409).code(), "DeploymentCannotBeCancelled");
    host.hold(false);
    let again = send(&owner, Method::PUT, &path, &one, &json!({})).await.expect(200);
    assert_eq!(owner.wait(&again).await.json["status"], "Succeeded");
    server.stop().await;
}

#[tokio::test]
async fn mode_complete_removes_what_the_template_does_not_name() {
    let (server, _host) = server().await;
    let owner = server.owner();
    let two = template(&[machine("keep", ""), machine("drop", "")].join(","), "");
    deploy(&server, "d1", &two, &json!({})).await;
    let one = template(&machine("keep", ""), "");
    let what_if = format!("{}/whatIf", path(&server, "d2"));
    let told = send_mode(&owner, Method::POST, &what_if, &one, &json!({}), "Complete").await;
    let changes = told.expect(200).json["properties"]["changes"].clone();
    let kinds: Vec<_> =
        changes.as_array().unwrap().iter().map(|c| c["changeType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["NoChange", "Delete"], "{changes}");
    let accepted =
        send_mode(&owner, Method::PUT, &path(&server, "d2"), &one, &json!({}), "Complete").await.expect(201);
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    owner.get(&server.vm_path("keep")).await.expect(200);
    owner.get(&server.vm_path("drop")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn what_if_tells_and_does_nothing() {
    let (server, host) = server().await;
    let owner = server.owner();
    deploy(&server, "d1", &template(&[machine("old", ""), machine("other", "")].join(","), ""), &json!({}))
        .await;
    let before = host.vm_ids().len();
    let bigger = machine("old", "").replace("Standard_B1s", "Standard_B2s");
    let wanted = template(&[bigger, machine("new", "")].join(","), "");
    let what_if = format!("{}/whatIf", path(&server, "d2"));
    let told = send(&owner, Method::POST, &what_if, &wanted, &json!({})).await.expect(200);
    assert!(!told.text.contains("correct horse"), "{}", told.text);
    let changes = told.json["properties"]["changes"].as_array().unwrap();
    let of = |name: &str| changes.iter().find(|c| c["resourceId"].as_str().unwrap().ends_with(name)).unwrap();
    assert_eq!(of("/old")["changeType"], "Modify");
    let delta: Vec<_> =
        of("/old")["delta"].as_array().unwrap().iter().map(|d| d["path"].as_str().unwrap()).collect();
    assert!(delta.contains(&"properties.hardwareProfile.vmSize"), "{delta:?}");
    assert_eq!(of("/new")["changeType"], "Create");
    assert_eq!(of("/new")["after"]["location"], "local");
    assert_eq!(of("/other")["changeType"], "Ignore");
    assert_eq!(host.vm_ids().len(), before);
    owner.get(&path(&server, "d2")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn a_group_is_deleted_with_its_deployments() {
    let (server, _host) = server().await;
    let owner = server.owner();
    deploy(&server, "d1", &template("", ""), &json!({})).await;
    let deleted = owner.delete(&server.group_path()).await;
    assert!(matches!(deleted.status, 200 | 202), "{}", deleted.text);
    owner.put(&server.group_path(), &json!({ "location": "local" })).await.expect(201);
    owner.get(&path(&server, "d1")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn a_deployment_to_the_subscription_makes_groups() {
    let (server, _host) = server().await;
    let owner = server.owner();
    let path = format!("{}/providers/Microsoft.Resources/deployments/s1", server.subscription_path());
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            { "type": "Microsoft.Resources/resourceGroups", "apiVersion": "2021-04-01", "name": "made", "location": "local" },
            { "type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "inside", "resourceGroup": "made",
              "dependsOn": ["made"], "properties": { "mode": "Incremental", "template": {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0", "resources": [] } } },
        ],
    });
    let body = json!({ "properties": { "mode": "Incremental", "template": template } });
    let refused = owner.put(&path, &body).await.expect(400);
    assert!(refused.message().contains("'location'"), "{}", refused.text);
    let body = json!({ "location": "local", "properties": { "mode": "Incremental", "template": template } });
    let accepted = owner.put(&path, &body).await.expect(201);
    let ended = owner.wait(&accepted).await.json;
    assert_eq!(ended["status"], "Succeeded", "{ended}");
    owner.get(&server.group_path().replace("test-rg", "made")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_deployment_whose_server_went_away_fails() {
    let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse::<Timestamp>().unwrap()));
    let server = TestServer::builder().clock(clock.clone()).start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    host.hold(true);
    let path = path(&server, "d1");
    let one = template(&machine("vm1", ""), "");
    let accepted = send(&server.owner(), Method::PUT, &path, &one, &json!({})).await.expect(201);
    let kept = server.stop_keeping_data().await;
    clock.advance(SignedDuration::from_secs(60));
    let server = TestServer::builder().clock(clock.clone()).directory(kept).start().await;
    // The address is another one; the path is the same.
    let status = accepted.header("azure-asyncoperation").to_owned();
    let status = &status[status.find("/subscriptions/").unwrap()..];
    let ended = loop {
        let answer = server.owner().get(status).await.expect(200);
        if answer.json["status"] != "Running" {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ended.json["status"], "Failed");
    assert_eq!(ended.json["error"]["code"], "DeploymentInterrupted");
    let document = server.owner().get(&path).await.expect(200).json;
    assert_eq!(document["properties"]["provisioningState"], "Failed");
    server.stop().await;
}

/// Serves these documents by their paths, each on a connection of its own; the address, and what was asked for.
async fn templates(documents: Vec<(&'static str, String)>) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let path = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
            seen.lock().unwrap().push(path.clone());
            let plain = path.split('?').next().unwrap();
            let answer = match documents.iter().find(|(name, _)| *name == plain) {
                Some((_, text)) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len()),
                None => "HTTP/1.1 302 Found\r\nlocation: /arm/main.json\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

#[tokio::test]
async fn linked_templates_come_from_the_operators_sources_only() {
    let main = template(
        r#"{"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "linked", "properties": { "mode": "Incremental",
            "templateLink": { "uri": "[uri(deployment().properties.templateLink.uri, 'part.json')]" },
            "parameters": { "name": { "value": "linked1" } } } }"#,
        "",
    );
    let part =
        template(&machine("[parameters('name')]", ""), r#", "parameters": { "name": { "type": "string" } }"#);
    let file = r#"{ "$schema": "x", "contentVersion": "1.0.0.0", "parameters": {} }"#.to_owned();
    let documents = vec![("/arm/main.json", main), ("/arm/part.json", part), ("/arm/parameters.json", file)];
    let (url, asked) = templates(documents).await;
    let server = TestServer::builder().template_source(&format!("{url}/arm/")).start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let owner = server.owner();
    let body = |uri: String| {
        json!({ "properties": { "mode": "Incremental", "templateLink": { "uri": uri },
            "parametersLink": { "uri": format!("{url}/arm/parameters.json") } } })
    };
    let d1 = path(&server, "d1");
    let accepted = owner.put(&d1, &body(format!("{url}/arm/main.json?sig=s3cret"))).await.expect(201);
    let ended = owner.wait(&accepted).await.json;
    assert_eq!(ended["status"], "Succeeded", "{ended}");
    owner.get(&server.vm_path("linked1")).await.expect(200);
    let shown = owner.get(&d1).await.expect(200);
    assert_eq!(shown.json["properties"]["templateLink"]["uri"], format!("{url}/arm/main.json"));
    assert!(!shown.text.contains("s3cret"), "{}", shown.text);

    let before = asked.lock().unwrap().len();
    for elsewhere in ["/other/main.json", "/arm/../other/main.json", "/armed/main.json"] {
        let answer = owner.put(&path(&server, "d2"), &body(format!("{url}{elsewhere}"))).await.expect(400);
        assert_eq!(answer.code(), "InvalidContentLink", "{}", answer.text);
    }
    assert_eq!(asked.lock().unwrap().len(), before, "nobody was asked");
    // A redirect is not followed.
    let answer =
        owner.put(&path(&server, "d2"), &body(format!("{url}/arm/moved.json?sig=s3cret"))).await.expect(400);
    assert!(answer.message().contains("302") && !answer.text.contains("s3cret"), "{}", answer.text);
    server.stranger().put(&path(&server, "d2"), &body(format!("{url}/arm/main.json"))).await.expect(403);
    server.stop().await;
}

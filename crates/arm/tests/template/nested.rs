//! Nested deployments.

use super::*;
use hardline_arm::resource_id::ResourceId;

fn with(options: &str, extra: &str) -> String {
    format!(
        r#""parameters": {{"p": {{"type": "string", "defaultValue": "outer"}}}}, "resources": [{{
        "type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": "n", "resourceGroup": "other", "properties": {{
            "mode": "Incremental", {options}
            "template": {{"$schema": "{SCHEMA}", "contentVersion": "1.0.0.0", {extra}
                "resources": [{{"type": "A.B/c", "apiVersion": "1", "name": "[parameters('p')]", "properties": {{"g": "[resourceGroup().name]"}}}}],
                "outputs": {{"o": {{"type": "string", "value": "[concat(parameters('p'), '!')]"}}}}}}}}}}]"#
    )
}

#[test]
fn an_inner_scope_has_its_own_parameters() {
    let plan = good(
        &with(
            r#""expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[concat(parameters('p'), '-given')]"}},"#,
            r#""parameters": {"p": {"type": "string"}},"#,
        ),
        &json!({}),
    );
    let node = &plan.nodes[0];
    assert_eq!(node.id, "/subscriptions/s1/resourceGroups/other/providers/Microsoft.Resources/deployments/n");
    let nested = node.nested.clone().unwrap();
    assert!(nested.inner && !nested.linked);
    let body = body(&plan, 0);
    assert_eq!(body["properties"]["parameters"], json!({"p": {"value": "outer-given"}}));
    let now = around().utc_now;
    let there = Surroundings::of_group("s1", "other", "local", now, uuid::Uuid::nil());
    let inner = plan.nested(node, &body, &there).unwrap().unwrap();
    assert_eq!(inner.nodes[0].id, "/subscriptions/s1/resourceGroups/other/providers/A.B/c/outer-given");
    assert_eq!(
        inner.resolve(&inner.nodes[0], &Answers::default()).unwrap(),
        json!({"properties": {"g": "other"}})
    );
    assert_eq!(outputs(&inner), json!({"o": {"type": "String", "value": "outer-given!"}}));
}

#[test]
fn an_outer_scope_sees_the_parents_and_goes_to_its_own_target() {
    let plan = good(&with("", ""), &json!({"p": {"value": "x"}}));
    let node = &plan.nodes[0];
    let inner = plan.nested(node, &body(&plan, 0), &around()).unwrap().unwrap();
    assert_eq!(inner.nodes[0].id, "/subscriptions/s1/resourceGroups/other/providers/A.B/c/x");
    assert_eq!(
        inner.resolve(&inner.nodes[0], &Answers::default()).unwrap(),
        json!({"properties": {"g": "demo"}})
    );
}

#[test]
fn what_is_wrong_inside_is_told_with_its_place() {
    let plan = good(&with("\"expressionEvaluationOptions\": {\"scope\": \"inner\"},", ""), &json!({}));
    let errors = plan.nested(&plan.nodes[0], &body(&plan, 0), &around()).unwrap().unwrap_err();
    assert_eq!(
        errors[0].message,
        "The template resource '[parameters('p')]' at line '8' and column '76' is not valid: The template parameter 'p' is not found. Please see https://aka.ms/arm-template/#parameters for usage details."
    );
}

#[test]
fn a_linked_template_is_the_callers_to_read() {
    let plan = good(
        r#""resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {
            "mode": "Incremental", "templateLink": {"uri": "[uri('https://h/a/main.json', 'other.json')]"}, "parameters": {"p": {"value": "[resourceGroup().name]"}}}}]"#,
        &json!({}),
    );
    let node = &plan.nodes[0];
    assert!(node.nested.as_ref().unwrap().linked);
    let body = body(&plan, 0);
    assert_eq!(body["properties"]["templateLink"]["uri"], "https://h/a/other.json");
    assert_eq!(body["properties"]["parameters"]["p"]["value"], "demo");
    assert!(plan.nested(node, &body, &around()).is_none());
}

#[test]
fn what_an_outer_template_refers_to_comes_before_the_deployment() {
    let inside = format!(
        r#"{{"$schema": "{SCHEMA}", "contentVersion": "1.0.0.0", "resources": [{{"type": "A.B/c", "apiVersion": "1", "name": "in", "properties": {{"a": "[reference('later').b]"}}}}]}}"#
    );
    let plan = good(
        &format!(
            r#""resources": [{{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n", "properties": {{"mode": "Incremental", "template": {inside}}}}},
            {{"type": "A.B/c", "apiVersion": "1", "name": "later"}}]"#
        ),
        &json!({}),
    );
    assert_eq!(names(&plan), ["later", "n"]);
    let inner = plan.nested(&plan.nodes[1], &body(&plan, 1), &around()).unwrap().unwrap();
    let Err(Unresolved::Needs(needs)) = inner.resolve(&inner.nodes[0], &Answers::default()) else {
        panic!("late")
    };
    assert_eq!(needs[0].id(), plan.nodes[0].id);
}

#[test]
fn a_subscriptions_deployment_makes_a_group_and_fills_it() {
    let inside = format!(
        r#"{{"$schema": "{SCHEMA}", "contentVersion": "1.0.0.0", "resources": [{{"type": "A.B/c", "apiVersion": "1", "name": "x"}}]}}"#
    );
    let text = template(&format!(
        r#""resources": [
            {{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "fill", "resourceGroup": "new", "dependsOn": ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'new')]", "new"],
              "properties": {{"mode": "Incremental", "template": {inside}}}}},
            {{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "1", "name": "new", "location": "[deployment().location]"}}]"#
    ))
    .replacen("deploymentTemplate", "subscriptionDeploymentTemplate", 1);
    let mut there = around();
    there.scope = ResourceId::of_subscription("s1");
    there.resource_group = Value::Null;
    there.deployment = json!({"location": "local"});
    let document = Arc::new(Document::parse(&text).unwrap());
    let plan = plan(&Template::new(document, ""), &json!({}), &there).unwrap();
    let ids: Vec<_> = plan.nodes.iter().map(|n| n.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "/subscriptions/s1/resourceGroups/new",
            "/subscriptions/s1/resourceGroups/new/providers/Microsoft.Resources/deployments/fill"
        ]
    );
    assert!(plan.nodes[1].outside.is_empty());
    let inner = plan.nested(&plan.nodes[1], &body(&plan, 1), &there).unwrap().unwrap();
    assert_eq!(inner.nodes[0].id, "/subscriptions/s1/resourceGroups/new/providers/A.B/c/x");
}

#[test]
fn a_deployment_is_referred_to_by_name() {
    let members = with("", "")
        + r#", "outputs": {"o": {"type": "string", "value": "[reference('n').outputs.o.value]"}}"#;
    let plan = good(&members, &json!({}));
    let Err(Unresolved::Needs(needs)) = plan.outputs(&Answers::default()) else { panic!("late") };
    assert_eq!(needs[0].id(), plan.nodes[0].id);
}

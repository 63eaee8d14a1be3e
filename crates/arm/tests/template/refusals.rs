//! What is wrong with a template, where, and in which words.

use super::*;
use hardline_arm::template::position::invalid_template;

const LINK: &str = "Please see https://aka.ms/arm-functions for usage details.";

#[test]
fn an_unknown_function_is_told_with_its_place_wherever_it_stands() {
    let members = r#"  "variables": { "v": "[bogus(1)]" },
  "resources": [
    { "type": "A.B/c", "apiVersion": "1", "name": "x", "condition": "[if(true(), false(), nonsense())]",
      "properties": { "deep": [ "[concat('a', unknown('b'))]" ] } }
  ],
  "outputs": { "o": { "type": "string", "value": "[toLower()]" } }"#;
    let errors = planned(members, &json!({})).unwrap_err();
    let told: Vec<_> = errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        told,
        [
            format!(
                "The template variable 'v' at line '4' and column '23' is not valid: The template function 'bogus' is not valid. {LINK}"
            ),
            format!(
                "The template resource 'x' at line '6' and column '69' is not valid: The template function 'nonsense' is not valid. {LINK}"
            ),
            format!(
                "The template resource 'x' at line '7' and column '33' is not valid: The template function 'unknown' is not valid. {LINK}"
            ),
            format!(
                "The template output 'o' at line '9' and column '50' is not valid: Unable to evaluate template language function 'toLower': function requires '1' argument(s) while 0 were provided. {LINK}"
            ),
        ]
    );
    let answer = invalid_template(&errors);
    assert_eq!((answer.status.as_u16(), &*answer.code), (400, "InvalidTemplate"));
    assert_eq!(answer.message, format!("Deployment template validation failed: '{}'.", told[0]));
    assert_eq!(answer.details.len(), 4);
}

#[test]
fn frames() {
    let frame = |text: &str| {
        let document = Arc::new(Document::parse(text).unwrap());
        plan(&Template::new(document, ""), &json!({}), &around()).unwrap_err().remove(0).message
    };
    assert_eq!(frame("[]"), "The template must be a JSON object.");
    assert_eq!(
        frame(&format!("{{\"$schema\": \"{SCHEMA}\", \"contentVersion\": \"1.0.0.0\"}}")),
        "Required property 'resources' not found in JSON. Path '', line 1, position 1."
    );
    assert_eq!(
        frame(&template("\"resources\": [], \"resource\": []")),
        "Could not find member 'resource' on object of type 'Template'. Path 'resource', line 4, position 30."
    );
    assert_eq!(
        frame(&template("\"resources\": []").replace("2019-04-01", "2011-01-01")),
        "The template schema 'https://schema.management.azure.com/schemas/2011-01-01/deploymentTemplate.json#' is not supported. Supported versions are '2014-04-01-preview,2015-01-01,2018-05-01,2019-04-01,2019-08-01'. Please see https://aka.ms/arm-template for usage details."
    );
    assert!(
        frame(&template("\"resources\": []").replace("deploymentTemplate", "subscriptionDeploymentTemplate"))
            .contains("for deployments of scope 'Subscription'")
    );
    assert_eq!(
        frame(&template("\"resources\": 1")),
        "The template's 'resources' must be a JSON array or object."
    );
}

fn resources(list: &str) -> Vec<String> {
    refused(&format!("\"resources\": [{list}]"), &json!({}))
}

#[test]
fn resources_that_are_wrong() {
    let check = |list: &str, message: &str| assert_eq!(resources(list), [message], "{list}");
    check(
        r#"{"type": "A.B/c", "name": "x"}"#,
        "Required property 'apiVersion' not found in JSON. Path 'resources[0]', line 4, position 15.",
    );
    check(
        r#"{"type": "A.B/c/d", "apiVersion": "1", "name": "x"}"#,
        "The template resource 'x' for type 'A.B/c/d' at line '4' and column '62' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.",
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "x"}, {"type": "a.b/C", "apiVersion": "1", "name": "X"}"#,
        "The resource 'subscriptions/s1/resourceGroups/demo/providers/a.b/C/X' at line '4' and column '66' is defined multiple times in a template. Please see https://aka.ms/arm-template/#resources for usage details.",
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "x", "dependsOn": ["y"]}"#,
        "The resource 'y' is not defined in the template. Please see https://aka.ms/arm-syntax-resources for usage details.",
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "x", "dependsOn": ["y"]}, {"type": "A.B/c", "apiVersion": "1", "name": "y", "dependsOn": ["x"]}"#,
        "Circular dependency detected on resource: '/subscriptions/s1/resourceGroups/demo/providers/A.B/c/x'. Please see https://aka.ms/arm-syntax-resources for usage details.",
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "[reference('y').z]"}"#,
        &format!(
            "The template resource '[reference('y').z]' at line '4' and column '60' is not valid: The template function 'reference' is not expected at this location. {LINK}"
        ),
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "a\\..\\b"}"#,
        r"The template resource 'a\..\b' at line '4' and column '60' is not valid: the segment 'a\..\b' is not a valid name.",
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "x", "properties": {"y": "[reference('z').w]"}}"#,
        &format!(
            "The template resource 'x' at line '4' and column '85' is not valid: Unable to evaluate template language function 'reference': The resource that it names is not defined in the template; a full resource id is needed. {LINK}"
        ),
    );
    check(
        r#"{"type": "A.B/c", "apiVersion": "1", "name": "x", "tags": {"y": "[concat('a' 'b')]"}}"#,
        "The template resource 'x' at line '4' and column '79' is not valid: Unable to parse language expression 'concat('a' 'b')': expected ',' or ')' and found ''' at position 11.",
    );
}

#[test]
fn paths_are_the_templates_own_inside_of_a_body() {
    let text = format!(
        "{{\"properties\": {{template:{}}}}}",
        template(r#""resources": [{"type": "A.B/c", "name": "x"}]"#)
    );
    let document = Arc::new(Document::parse(&text).unwrap());
    let errors = plan(&Template::new(document, "/properties/template"), &json!({}), &around()).unwrap_err();
    assert_eq!(errors[0].pointer, "/resources/0");
    assert!(errors[0].message.contains("Path 'resources[0]', line 4, position 15."));
}

#[test]
fn many_errors_are_told_up_to_a_limit() {
    let many: Vec<_> = (0..50)
        .map(|n| {
            format!(
                r#"{{"type": "A.B/c", "apiVersion": "1", "name": "x{n}", "sku": "[parameters('none')]"}}"#
            )
        })
        .collect();
    assert_eq!(resources(&many.join(",")).len(), 20);
}

#[test]
fn an_outputs_type_counts() {
    assert_eq!(
        refused(r#""resources": [], "outputs": {"o": {"type": "string", "value": 1}}"#, &json!({})),
        [
            "The template output 'o' at line '4' and column '35' is not valid: Template output JToken type is not valid. Expected 'String, Uri'. Actual 'Integer'. Please see https://aka.ms/arm-template/#outputs for usage details."
        ]
    );
    let plan = good(
        r#""resources": [], "outputs": {"o": {"type": "securestring", "value": "hunter2"}}"#,
        &json!({}),
    );
    assert_eq!(outputs(&plan), json!({"o": {"type": "SecureString"}}));
}

#[test]
fn a_secret_is_in_no_refusal() {
    let members = r#""parameters": {"key": {"type": "securestring"}}, "resources": [{"type": "A.B/c", "apiVersion": "1", "name": "x", "properties": {
        "a": "[int(parameters('key'))]", "b": "[variables(parameters('key'))]", "c": "[resourceGroup()[parameters('key')]]", "d": "[json(parameters('key'))]"}}]"#;
    let errors = refused(members, &json!({"key": {"value": "hunter2"}}));
    assert_eq!(errors.len(), 4);
    assert!(errors.iter().all(|e| !e.contains("hunter2")), "{errors:#?}");
}

//! Parameters and variables.

use super::*;

/// Bytes of stack.
const SMALL: usize = 1 << 19;
const NONE: &str = "\"resources\": []";

fn with(parameters: &str) -> String {
    format!("  \"parameters\": {parameters},\n  {NONE}")
}

#[test]
fn every_type_with_given_and_default_values() {
    let plan = good(
        &with(
            r#"{
            "s": {"type": "String"}, "ss": {"type": "secureString", "defaultValue": "hidden"}, "i": {"type": "int", "defaultValue": "[add(1, 2)]"},
            "b": {"type": "bool"}, "o": {"type": "object", "defaultValue": {"a": "[parameters('S')]"}}, "so": {"type": "secureObject", "defaultValue": {}},
            "a": {"type": "array"}, "n": {"type": "string", "nullable": true}
        }"#,
        ),
        &json!({"S": {"value": "[not('evaluated')]"}, "b": {"value": true}, "a": {"value": [1]}}),
    );
    assert_eq!(
        plan.parameters(),
        json!({
            "s": {"type": "String", "value": "[not('evaluated')]"}, "ss": {"type": "SecureString"}, "i": {"type": "Int", "value": 3},
            "b": {"type": "Bool", "value": true}, "o": {"type": "Object", "value": {"a": "[not('evaluated')]"}}, "so": {"type": "SecureObject"},
            "a": {"type": "Array", "value": [1]}, "n": {"type": "String", "value": null},
        })
    );
}

#[test]
fn refusals_are_azures() {
    let check = |parameters: &str, given: Value, message: &str| {
        assert_eq!(refused(&with(parameters), &given), [message], "{parameters}");
    };
    check(
        r#"{"p": {"type": "string"}}"#,
        json!({}),
        "The value for the template parameter 'p' at line '4' and column '23' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.",
    );
    check(
        r#"{"p": {"type": "int"}}"#,
        json!({"p": {"value": "1"}}),
        "Template parameter JToken type is not valid. Expected 'Integer'. Actual 'String' for the parameter 'p' at line '4' and column '23'. Please see https://aka.ms/arm-deploy/#parameter-file for usage details.",
    );
    check(
        r#"{"p": {"type": "string", "allowedValues": ["a", "b"]}}"#,
        json!({"p": {"value": "c"}}),
        "The provided value 'c' for the template parameter 'p' at line '4' and column '23' is not valid. The parameter value is not part of the allowed value(s): 'a,b'.",
    );
    check(
        r#"{"p": {"type": "securestring", "allowedValues": ["a", "b"]}}"#,
        json!({"p": {"value": "hunter2"}}),
        "The provided value for the template parameter 'p' at line '4' and column '23' is not valid. The parameter value is not part of the allowed value(s): 'a,b'.",
    );
    check(
        r#"{"p": {"type": "string", "maxLength": 2}}"#,
        json!({"p": {"value": "abc"}}),
        "The provided value for the template parameter 'p' at line '4' and column '23' is not valid. Length of the value should be less than or equal to '2'. Please see https://aka.ms/arm-parameter-ranges for usage details.",
    );
    check(
        r#"{"p": {"type": "int", "minValue": 2}}"#,
        json!({"p": {"value": 1}}),
        "The provided value for the template parameter 'p' at line '4' and column '23' is not valid. The value should be greater than or equal to '2'. Please see https://aka.ms/arm-parameter-ranges for usage details.",
    );
    check(
        r#"{"a": {"type": "int", "defaultValue": 1}, "b": {"type": "int", "defaultValue": 1}}"#,
        json!({"x": {"value": 1}, "y": {"value": 1}}),
        "The template parameters 'x, y' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are 'a, b'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
    );
    check(
        r#"{"p": {"type": "text"}}"#,
        json!({}),
        "The template parameter 'p' at line '4' and column '23' is not valid: the type 'text' is not one of 'String, SecureString, Int, Bool, Object, SecureObject, Array'.",
    );
    check(
        r#"{"p": {"type": "string", "defaultValue": "[variables('x')]"}}"#,
        json!({}),
        "The template parameter 'p' at line '4' and column '58' is not valid: The template function 'variables' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.",
    );
    check(
        r#"{"p": {"type": "string"}}"#,
        json!({"p": {"reference": {"keyVault": {}}}}),
        "The template parameter 'p' at line '4' and column '23' is not valid: its value is a reference to a key vault, which is not supported; give the value itself.",
    );
}

#[test]
fn new_guids_and_the_time_are_for_defaults_only() {
    let plan = good(
        &with(
            r#"{"a": {"type": "string", "defaultValue": "[concat(newGuid(), parameters('b'))]"}, "b": {"type": "string", "defaultValue": "[newGuid()]"}, "t": {"type": "string", "defaultValue": "[utcNow('yyyy')]"}}"#,
        ),
        &json!({}),
    );
    let shown = plan.parameters();
    let text = |name: &str| shown[name]["value"].as_str().unwrap().to_owned();
    assert!(text("a").ends_with(&text("b")) && text("a").len() == 72 && text("t") == "2026");
    assert!(
        refused("\"variables\": {\"x\": \"[utcNow()]\"}, \"resources\": []", &json!({}))[0]
            .contains("'utcNow' is not expected at this location")
    );
}

#[test]
fn variables_are_evaluated_after_those_they_name() {
    let variables = r#""variables": {
        "a": "[concat(variables('b'), '!')]", "B": "[variables('c').list[0].x]", "c": {"list": [{"x": "[format('{0}', 1)]"}]},
        "lit": "[[concat('x')]", "copy": [{"name": "loop", "count": 3, "input": "[concat('n', copyIndex('loop', 1))]"}],
        "object": {"copy": [{"name": "inner", "count": "[length(variables('loop'))]", "input": {"i": "[copyIndex('inner')]"}}], "other": 1}
    }"#;
    assert_eq!(value(variables, "string", &json!("[variables('A')]")), "1!");
    assert_eq!(value(variables, "string", &json!("[variables('lit')]")), "[concat('x')]");
    assert_eq!(value(variables, "array", &json!("[variables('loop')]")), json!(["n1", "n2", "n3"]));
    assert_eq!(
        value(variables, "object", &json!("[variables('object')]")),
        json!({"inner": [{"i": 0}, {"i": 1}, {"i": 2}], "other": 1})
    );
}

#[test]
fn a_long_chain_of_variables_needs_no_stack_and_a_circle_is_told() {
    let chain: Vec<_> = (0..255).map(|n| format!("\"v{n}\": \"[variables('v{}')]\"", n + 1)).collect();
    let variables = format!("\"variables\": {{{}, \"v255\": \"end\"}}", chain.join(", "));
    assert_eq!(value(&variables, "string", &json!("[variables('v0')]")), "end");
    let circle = r#""variables": {"a": "[variables('b')]", "b": "[variables('a')]"}, "resources": []"#;
    assert_eq!(
        refused(circle, &json!({})),
        [
            "The template variable 'a' at line '4' and column '20' is not valid: Circular reference detected on 'a'."
        ]
    );
    let deep: Vec<_> =
        (0..200).map(|n| format!("\"v{n}\": {{\"x\": {{\"x\": \"[variables('v{}')]\"}}}}", n + 1)).collect();
    let deep = format!("\"variables\": {{{}, \"v200\": 1}}, \"resources\": []", deep.join(", "));
    assert!(refused(&deep, &json!({})).iter().all(|e| e.contains("nested deeper")));
}

#[test]
fn values_that_grow_are_stopped() {
    let doubled: Vec<_> = (0..60)
        .map(|n| format!("\"v{n}\": \"[concat(variables('v{0}'), variables('v{0}'))]\"", n + 1))
        .collect();
    let doubled =
        format!("\"variables\": {{{}, \"v60\": \"0123456789\"}}, \"resources\": []", doubled.join(", "));
    assert!(refused(&doubled, &json!({}))[0].contains("more values than is allowed"));
}

#[test]
fn the_deepest_that_is_allowed_needs_little_stack() {
    let calls = |inner: &str| {
        let open = "if(true(), first(map(createArray(1), lambda('x', ".repeat(7);
        format!("{open}{inner}{}", "))), 0)".repeat(7))
    };
    let arrays = |n: usize, inner: &str| format!("{}\"[{inner}]\"{}", "[".repeat(n), "]".repeat(n));
    let members = format!(
        r#""functions": [{{"namespace": "f", "members": {{"g": {{"output": {{"type": "array", "value": {}}}}}}}}}],
        "variables": {{"v": {}}}, {NONE}"#,
        arrays(50, &calls("1")),
        arrays(60, &calls("length(f.g())"))
    );
    // A quarter of what threads usually have, in a build that uses much.
    let small = std::thread::Builder::new().stack_size(SMALL);
    let nodes = small.spawn(move || good(&members, &json!({})).nodes.len()).unwrap().join().unwrap();
    assert_eq!(nodes, 0);
}

#[test]
fn parameters_that_are_no_object() {
    assert_eq!(refused(NONE, &json!([])), ["The template parameters that are given must be a JSON object."]);
}

#[test]
fn functions_of_the_template() {
    let functions = r#""functions": [{"namespace": "contoso", "members": {"unique": {
        "parameters": [{"name": "prefix", "type": "string"}],
        "output": {"type": "string", "value": "[concat(toLower(parameters('prefix')), '-x')]"}}}}]"#;
    assert_eq!(value(functions, "string", &json!("[Contoso.unique('A')]")), "a-x");
    let wrong = format!(
        "{functions}, \"resources\": [], \"outputs\": {{\"o\": {{\"type\": \"string\", \"value\": \"[contoso.unique()]\"}}}}"
    );
    assert!(
        refused(&wrong, &json!({}))[0].contains("function requires '1' argument(s) while 0 were provided")
    );
}

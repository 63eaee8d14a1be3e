//! Copy loops and conditions.

use super::*;

#[test]
fn a_loop_of_resources() {
    let plan = good(
        r#""parameters": {"names": {"type": "array", "defaultValue": ["a", "b"]}}, "resources": [
            {"type": "A.B/c", "apiVersion": "1", "name": "after", "dependsOn": ["loop"]},
            {"type": "A.B/c", "apiVersion": "1", "name": "[concat('x', copyIndex(1))]",
             "copy": {"name": "loop", "count": "[length(parameters('names'))]"},
             "properties": {"own": "[parameters('names')[copyIndex()]]", "copy": [{"name": "list", "count": 2, "input": "[concat(copyIndex(), '-', copyIndex('list'))]"}]}}
        ]"#,
        &json!({}),
    );
    assert_eq!(names(&plan), ["x1", "x2", "after"]);
    assert_eq!(plan.nodes[2].depends_on, [0, 1]);
    assert_eq!(plan.nodes[1].copy, Some(("loop".into(), 1)));
    assert_eq!(body(&plan, 1), json!({"properties": {"own": "b", "list": ["1-0", "1-1"]}}));
}

#[test]
fn a_serial_loop_goes_batch_by_batch() {
    let plan = good(
        r#""resources": [{"type": "A.B/c", "apiVersion": "1", "name": "[string(copyIndex())]",
            "copy": {"name": "loop", "count": 5, "mode": "Serial", "batchSize": 2}}]"#,
        &json!({}),
    );
    let before: Vec<_> = plan.nodes.iter().map(|n| n.depends_on.clone()).collect();
    assert_eq!(before, [vec![], vec![], vec![0, 1], vec![0, 1], vec![2, 3]]);
}

#[test]
fn a_loop_may_be_empty_and_not_too_long() {
    let with = |count: &str| {
        format!(
            r#""resources": [{{"type": "A.B/c", "apiVersion": "1", "name": "[string(copyIndex())]", "copy": {{"name": "l", "count": {count}}}}}]"#
        )
    };
    assert_eq!(good(&with("0"), &json!({})).nodes.len(), 0);
    assert_eq!(good(&with("800"), &json!({})).nodes.len(), 800);
    for (count, why) in [("801", "exceed '800'"), ("-1", "negative"), ("\"x\"", "an integer")] {
        assert!(refused(&with(count), &json!({}))[0].contains(why), "{count}");
    }
}

#[test]
fn a_loop_of_outputs() {
    let plan = good(
        r#""resources": [], "outputs": {"all": {"type": "array", "copy": {"count": 3, "input": "[mul(copyIndex(), 2)]"}},
            "never": {"type": "string", "condition": "[equals(1, 2)]", "value": "[first(createArray())]"}}"#,
        &json!({}),
    );
    assert_eq!(outputs(&plan), json!({"all": {"type": "Array", "value": [0, 2, 4]}}));
}

#[test]
fn a_condition_leaves_a_resource_out() {
    let plan = good(
        r#""parameters": {"make": {"type": "bool", "defaultValue": false}}, "resources": [
            {"type": "A.B/c", "apiVersion": "1", "name": "maybe", "condition": "[parameters('make')]", "properties": {"x": "[first(createArray())]"}},
            {"type": "A.B/c", "apiVersion": "1", "name": "after", "dependsOn": ["maybe"]}
        ]"#,
        &json!({}),
    );
    assert_eq!(names(&plan), ["maybe", "after"]);
    assert!(!plan.nodes[0].condition && plan.nodes[1].condition);
}

#[test]
fn somebodys_own_copy_is_left_alone() {
    let plan = good(
        r#""resources": [{"type": "A.B/c", "apiVersion": "1", "name": "x", "properties": {"copy": ["[concat('a', 'b')]"], "inner": {"copy": true}}}]"#,
        &json!({}),
    );
    assert_eq!(body(&plan, 0), json!({"properties": {"copy": ["ab"], "inner": {"copy": true}}}));
}

//! Dependencies: named, implied, of children; ids.

use super::*;

#[test]
fn every_spelling_of_a_dependency() {
    for spelling in [
        "web",
        "Microsoft.Compute/virtualMachines/WEB",
        "[resourceId('Microsoft.Compute/virtualMachines', 'web')]",
        "[concat('Microsoft.Compute/virtualMachines/', 'web')]",
    ] {
        let plan = good(
            &format!(
                r#""resources": [
                {{"type": "A.B/c", "apiVersion": "1", "name": "first", "dependsOn": ["{spelling}"]}},
                {{"type": "Microsoft.Compute/virtualMachines", "apiVersion": "1", "name": "web"}}]"#
            ),
            &json!({}),
        );
        assert_eq!(names(&plan), ["web", "first"], "{spelling}");
        assert_eq!(plan.nodes[1].depends_on, [0]);
    }
}

#[test]
fn a_reference_is_a_dependency_and_is_resolved_late() {
    let plan = good(
        r#""resources": [
            {"type": "A.B/c", "apiVersion": "1", "name": "user", "properties": {
                "address": "[concat('http://', reference('ip').address, ':', reference(resourceId('A.B/d', 'port'), '2020-01-01').number)]"}},
            {"type": "A.B/d", "apiVersion": "2021-01-01", "name": "port"},
            {"type": "A.B/ip", "apiVersion": "1", "name": "ip"}]"#,
        &json!({}),
    );
    assert_eq!(names(&plan), ["port", "ip", "user"]);
    assert_eq!(plan.nodes[2].depends_on, [0, 1]);
    let Err(Unresolved::Needs(needs)) = plan.resolve(&plan.nodes[2], &Answers::default()) else {
        panic!("late")
    };
    let mut answers = Answers::default();
    for need in &needs {
        answers.insert(need, json!({"address": "10.0.0.1", "number": 80}));
    }
    assert_eq!(
        plan.resolve(&plan.nodes[2], &answers).unwrap(),
        json!({"properties": {"address": "http://10.0.0.1:80"}})
    );
    answers.insert(&needs[0], json!({}));
    let Err(Unresolved::Invalid(errors)) = plan.resolve(&plan.nodes[2], &answers) else {
        panic!("no address")
    };
    assert_eq!(
        errors[0].message,
        "The template resource 'user' at line '6' and column '28' is not valid: The language expression property 'address' doesn't exist."
    );
}

#[test]
fn children_and_extensions_have_their_ids() {
    let plan = good(
        r#""resources": [
            {"type": "A.B/servers", "apiVersion": "1", "name": "s", "resources": [
                {"type": "databases", "apiVersion": "1", "name": "d"},
                {"type": "A.B/servers/rules", "apiVersion": "1", "name": "s/r"}]},
            {"type": "A.B/servers/databases", "apiVersion": "1", "name": "s/e", "dependsOn": ["[resourceId('A.B/servers/databases', 's', 'd')]"]},
            {"type": "Microsoft.Authorization/locks", "apiVersion": "1", "name": "l", "scope": "A.B/servers/s"},
            {"type": "A.B/servers/providers/roleAssignments", "apiVersion": "1", "name": "s/Microsoft.Authorization/g"},
            {"type": "Microsoft.Authorization/locks", "apiVersion": "1", "name": "t", "scope": "/"}]"#,
        &json!({}),
    );
    let ids: Vec<_> = plan.nodes.iter().map(|n| n.id.replace(GROUP, "G")).collect();
    assert_eq!(
        ids,
        [
            "G/providers/A.B/servers/s",
            "G/providers/A.B/servers/s/databases/d",
            "G/providers/A.B/servers/s/rules/r",
            "G/providers/A.B/servers/s/databases/e",
            "G/providers/A.B/servers/s/providers/Microsoft.Authorization/locks/l",
            "G/providers/A.B/servers/s/providers/Microsoft.Authorization/roleAssignments/g",
            "/providers/Microsoft.Authorization/locks/t",
        ]
    );
    assert_eq!(
        (plan.nodes[1].depends_on.as_slice(), plan.nodes[3].depends_on.as_slice()),
        ([0].as_slice(), [1].as_slice())
    );
}

#[test]
fn symbolic_names() {
    let plan = good(
        r#""languageVersion": "2.0", "resources": {
            "b": {"type": "A.B/c", "apiVersion": "1", "name": "second", "dependsOn": ["a"], "properties": {"x": "[reference('old').y]"}},
            "a": {"type": "A.B/c", "apiVersion": "1", "name": "first"},
            "old": {"type": "A.B/c", "apiVersion": "1", "name": "there", "existing": true}}"#,
        &json!({}),
    );
    assert_eq!(names(&plan), ["first", "there", "second"]);
    assert_eq!(plan.nodes[0].symbol.as_deref(), Some("a"));
    assert!(plan.nodes[1].existing);
    assert_eq!(plan.nodes[2].depends_on, [0, 1]);
}

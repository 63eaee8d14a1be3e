//! What every function gives, and what it refuses.

use super::*;
use crate::template::evaluate::{Budget, Names};
use crate::template::expression::parse;
use crate::template::surroundings::{Answers, Named, Surroundings};
use serde_json::json;
use std::cell::Cell;
use std::collections::HashMap;

const VM: &str = "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Compute/virtualMachines/vm1";

fn run(text: &str) -> Outcome {
    let mut surroundings = Surroundings::of_group(
        "s1",
        "g1",
        "local",
        "2026-11-21T15:04:05.25Z".parse().unwrap(),
        uuid::Uuid::from_u128(7),
    );
    surroundings.deployment = json!({"name": "d1"});
    let mut parameters = Names::default();
    parameters.settled.insert("p".into(), json!({"List": [1, {"x": "y"}], "secret": "hunter2"}));
    parameters.settled.insert("secret".into(), json!("hunter2"));
    let named = Named { id: VM.into(), api_version: "2024-07-01".into() };
    let resources = HashMap::from([("vm1".to_owned(), named.clone()), (VM.to_lowercase(), named)]);
    let mut answers = Answers::default();
    let need =
        crate::template::surroundings::Need::Reference { id: VM.into(), api_version: None, full: false };
    answers.insert(&need, json!({"vmId": "42"}));
    let (budget, guids) = (Budget::new(), Cell::new(0));
    let mut scope = Scope {
        surroundings: &surroundings,
        budget: &budget,
        parameters: &parameters,
        variables: Some(&parameters),
        functions: None,
        resources: Some(&resources),
        runtime: Some(&answers),
        guids: Some(&guids),
        loops: Vec::new(),
        lambdas: Vec::new(),
    };
    let expression = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    check(&expression, &|_| None)?;
    scope.evaluate(&expression)
}

fn check_all(rows: &[(&str, Value)]) {
    for (text, value) in rows {
        assert_eq!(run(text), Ok(value.clone()), "{text}");
    }
}

fn refused(text: &str) -> String {
    match run(text) {
        Err(Stop::Fault(message)) => message,
        other => panic!("{text} gives {other:?}"),
    }
}

#[test]
fn texts() {
    check_all(&[
        ("concat('a', 1, true())", json!("a1True")),
        ("toLower('ÄB')", json!("äb")),
        ("TOUPPER('ab')", json!("AB")),
        ("trim(' a ')", json!("a")),
        ("replace('aXbX', 'X', '--')", json!("a--b--")),
        ("split('a,b;c', ',')", json!(["a", "b;c"])),
        ("split('a,b;c', createArray(',', ';'))", json!(["a", "b", "c"])),
        ("split(',é,', ',')", json!(["", "é", ""])),
        ("split('ab', '')", json!(["ab"])),
        ("join(createArray('a', 2), '-')", json!("a-2")),
        ("substring('hello', 1, 3)", json!("ell")),
        ("substring('hello', 3)", json!("lo")),
        ("padLeft(7, 3, '0')", json!("007")),
        ("padLeft('abc', 2)", json!("abc")),
        ("startsWith('Hello', 'he')", json!(true)),
        ("endsWith('Hello', 'LO')", json!(true)),
        ("string(createObject('a', 1))", json!("{\"a\":1}")),
        ("string(false())", json!("False")),
        ("format('{0}-{1:D3}|{0,5}|{0,-5}|{{{1:N0}}}', 'ab', 1234)", json!("ab-1234|   ab|ab   |{1,234}")),
        ("format('{0:000} {0:X} {0:F1}', 10)", json!("010 A 10.0")),
        ("indexOf('Hello', 'L')", json!(2)),
        ("lastIndexOf('Hello', 'l')", json!(3)),
        ("indexOf('Hello', 'z')", json!(-1)),
        ("contains('Hello', 'ell')", json!(true)),
        ("length('häh')", json!(3)),
        ("first('abc')", json!("a")),
        ("last('')", json!("")),
        ("take('abc', 2)", json!("ab")),
        ("skip('abc', -1)", json!("abc")),
    ]);
    for text in [
        "substring('hello', 3, 3)",
        "substring('hello', -1)",
        "padLeft('a', 3, 'xx')",
        "padLeft('a', 99999999)",
        "format('{1}', 'a')",
        "format('{0', 'a')",
        "format('{0,99999}', 'a')",
        "replace('a', '', 'b')",
        "concat('a', createObject())",
        "toLower(1)",
    ] {
        refused(text);
    }
}

#[test]
fn arrays_and_objects() {
    check_all(&[
        ("array('a')", json!(["a"])),
        ("concat(createArray(1), createArray('b'))", json!([1, "b"])),
        ("contains(createArray(1, 2), 2)", json!(true)),
        ("contains(createObject('Key', 1), 'key')", json!(true)),
        ("empty(createArray())", json!(true)),
        ("empty(null())", json!(true)),
        ("first(createArray(1, 2))", json!(1)),
        ("last(createArray(1, 2))", json!(2)),
        ("flatten(createArray(createArray(1), createArray(2, 3)))", json!([1, 2, 3])),
        ("indexFromEnd(createArray(1, 2, 3), 1)", json!(3)),
        ("tryIndexFromEnd(createArray(1), 2)", json!(null)),
        ("indexOf(createArray('a', 'b'), 'b')", json!(1)),
        ("intersection(createArray(1, 2, 2), createArray(2, 3))", json!([2])),
        ("intersection(json('{a:1,b:2}'), json('{b:2,a:3}'))", json!({"b": 2})),
        ("union(createArray(1, 2), createArray(2, 3))", json!([1, 2, 3])),
        ("union(json('{a:{x:1}}'), json('{A:{y:2},b:3}'))", json!({"a": {"x": 1, "y": 2}, "b": 3})),
        ("length(createObject('a', 1))", json!(1)),
        ("range(3, 3)", json!([3, 4, 5])),
        ("take(range(0, 5), 2)", json!([0, 1])),
        ("skip(range(0, 3), 2)", json!([2])),
        ("min(3, 1, 2)", json!(1)),
        ("max(createArray(3, 1))", json!(3)),
        ("items(json('{b:1,a:2}'))", json!([{"key": "a", "value": 2}, {"key": "b", "value": 1}])),
        ("objectKeys(json('{b:1,a:2}'))", json!(["a", "b"])),
        ("shallowMerge(createArray(json('{a:{x:1}}'), json('{a:{y:2}}')))", json!({"a": {"y": 2}})),
        ("tryGet(parameters('p'), 'list', 1, 'X')", json!("y")),
        ("tryGet(parameters('p'), 'none', 'x')", json!(null)),
        ("parameters('P').LIST[1].x", json!("y")),
        ("parameters('p')['list'][0]", json!(1)),
        ("createObject('a', 1).a", json!(1)),
        ("json('[1,]')", json!([1])),
    ]);
    for text in [
        "first(createArray())",
        "range(0, 10001)",
        "range(2147483647, 1)",
        "createObject('a')",
        "flatten(createArray(1))",
        "parameters('p').list[2]",
        "parameters('p').list[sub(0, 1)]",
        "parameters('p').list.x",
        "parameters('p')[0]",
        "json('{')",
    ] {
        refused(text);
    }
    assert_eq!(refused("parameters('p').none"), "The language expression property 'none' doesn't exist.");
    assert_eq!(
        refused("parameters('q')"),
        "The template parameter 'q' is not found. Please see https://aka.ms/arm-template/#parameters for usage details."
    );
}

#[test]
fn logic_and_numbers() {
    check_all(&[
        ("if(equals(1, 1), 'a', int('no number'))", json!("a")),
        ("and(true(), false(), bool('nonsense'))", json!(false)),
        ("or(false(), true(), bool('nonsense'))", json!(true)),
        ("not(bool('TRUE'))", json!(false)),
        ("bool(1)", json!(true)),
        ("equals('a', 'A')", json!(false)),
        ("equals(json('{a:1,b:[2]}'), json('{b:[2.0],a:1}'))", json!(true)),
        ("less('a', 'b')", json!(true)),
        ("lessOrEquals(2, 2)", json!(true)),
        ("greater(1, 2)", json!(false)),
        ("greaterOrEquals(2, 2)", json!(true)),
        ("coalesce(null(), 'a')", json!("a")),
        ("add(1, 2)", json!(3)),
        ("sub(1, 2)", json!(-1)),
        ("mul(3, -2)", json!(-6)),
        ("div(7, 2)", json!(3)),
        ("mod(7, 2)", json!(1)),
        ("int(' 42')", json!(42)),
        ("int(float('3.9'))", json!(3)),
        ("float('1.5')", json!(1.5)),
    ]);
    for text in [
        "div(1, 0)",
        "mod(1, 0)",
        "div(-9223372036854775808, -1)",
        "add(9223372036854775807, 1)",
        "int('x')",
        "float('NaN')",
        "less(1, 'a')",
        "if('x', 1, 2)",
        "copyIndex()",
    ] {
        refused(text);
    }
}

#[test]
fn dates() {
    check_all(&[
        ("utcNow()", json!("20261121T150405Z")),
        ("utcNow('yyyy-MM-dd HH:mm:ss.fff')", json!("2026-11-21 15:04:05.250")),
        ("utcNow('ddd, d MMM yy h:m tt \"at\" K')", json!("Sat, 21 Nov 26 3:4 PM at Z")),
        ("utcNow('u')", json!("2026-11-21 15:04:05Z")),
        ("utcNow('R')", json!("Sat, 21 Nov 2026 15:04:05 GMT")),
        ("utcNow('o')", json!("2026-11-21T15:04:05.2500000Z")),
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", json!("2023-04-07T14:53:14Z")),
        ("dateTimeAdd(utcNow(), '-P9D', 'd')", json!("11/12/2026")),
        ("dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H')", json!("2020-04-07T15:53:14Z")),
        ("dateTimeToEpoch('2020-04-07T14:53:14Z')", json!(1_586_271_194)),
        ("dateTimeFromEpoch(1586271194)", json!("2020-04-07T14:53:14Z")),
    ]);
    for text in [
        "dateTimeAdd('yesterday', 'P1D')",
        "dateTimeAdd('2020-01-01', '1 day')",
        "dateTimeAdd('2020-01-01', 'P19000Y')",
        "dateTimeFromEpoch(9223372036854775807)",
        "utcNow('q')",
        "utcNow('yyyy ''x')",
    ] {
        refused(text);
    }
}

#[test]
fn encodings() {
    check_all(&[
        ("base64('one')", json!("b25l")),
        ("base64ToString('b25l')", json!("one")),
        ("base64ToJson(base64('{\"a\":1}'))", json!({"a": 1})),
        ("dataUri('Hello')", json!("data:text/plain;charset=utf8;base64,SGVsbG8=")),
        ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", json!("Hello, World!")),
        ("dataUriToString('data:,a%20b')", json!("a b")),
        ("uri('http://h/a/b', 'c')", json!("http://h/a/c")),
        ("uri('http://h/a/', '/c')", json!("http://h/a/c")),
        ("uri('http://h', 'c')", json!("http://h/c")),
        ("uriComponent('http://h/a b')", json!("http%3A%2F%2Fh%2Fa%20b")),
        ("uriComponentToString('a%20b')", json!("a b")),
        ("equals(uniqueString('a', 'b'), uniqueString('a-b'))", json!(true)),
        ("length(uniqueString(resourceGroup().id))", json!(13)),
        // RFC 9562's version and variant; the value is that of any other implementation of version 5.
        ("guid('a', 'b')", json!(uuid_5("a-b"))),
    ]);
    assert_ne!(run("newGuid()"), run("concat(newGuid(), newGuid())"));
    assert_eq!(run("newGuid()"), run("newGuid()"));
    let made = run("newGuid()").unwrap();
    assert_eq!(uuid::Uuid::parse_str(made.as_str().unwrap()).unwrap().get_version_num(), 4);
    for text in ["base64ToString('?')", "dataUriToString('x')", "uri('a', 'b')", "guid(createArray())"] {
        refused(text);
    }
}

fn uuid_5(name: &str) -> String {
    use sha1::Digest as _;
    let namespace = 0x11fb_06fb_712d_4ddd_98c7_e71b_bd58_8830_u128.to_be_bytes();
    let hash = sha1::Sha1::digest([&namespace, name.as_bytes()].concat());
    let mut bits = u128::from_be_bytes(hash[..16].try_into().unwrap());
    bits = bits & !(0xf << 76) | (5 << 76);
    bits = bits & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[test]
fn resources_and_scopes() {
    let group = "/subscriptions/s1/resourceGroups/g1";
    check_all(&[
        ("resourceId('Microsoft.Compute/virtualMachines', 'vm1')", json!(VM)),
        (
            "resourceId('g2', 'A.B/c/d', 'x', 'y')",
            json!("/subscriptions/s1/resourceGroups/g2/providers/A.B/c/x/d/y"),
        ),
        (
            "resourceId('s2', 'g2', 'A.B/c', 'x')",
            json!("/subscriptions/s2/resourceGroups/g2/providers/A.B/c/x"),
        ),
        ("subscriptionResourceId('A.B/c', 'x')", json!("/subscriptions/s1/providers/A.B/c/x")),
        ("subscriptionResourceId('s2', 'A.B/c', 'x')", json!("/subscriptions/s2/providers/A.B/c/x")),
        ("tenantResourceId('A.B/c', 'x')", json!("/providers/A.B/c/x")),
        (
            "extensionResourceId(resourceGroup().id, 'A.B/c', 'x')",
            json!(format!("{group}/providers/A.B/c/x")),
        ),
        (
            "managementGroupResourceId('m', 'A.B/c', 'x')",
            json!("/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/x"),
        ),
        ("providers('microsoft.serialconsole', 'SERIALPORTS').apiVersions[0]", json!("2024-07-01")),
        ("providers('Microsoft.Compute').namespace", json!("Microsoft.Compute")),
        ("providers('Microsoft.Compute', 'virtualMachines').locations[0]", json!("local")),
        ("pickZones('Microsoft.Compute', 'virtualMachines', 'local')", json!([])),
        ("resourceGroup().location", json!("local")),
        ("subscription().subscriptionId", json!("s1")),
        ("deployment().name", json!("d1")),
        ("reference('vm1').vmId", json!("42")),
        ("reference(resourceId('microsoft.compute/virtualmachines', 'VM1')).vmId", json!("42")),
    ]);
    assert_eq!(
        refused("resourceId('A.B/c/d', 'x')"),
        "Unable to evaluate template language function 'resourceId': the type 'A.B/c/d' requires '2' resource name argument(s). Please see https://aka.ms/arm-functions for usage details."
    );
    for text in [
        "resourceId('a', 'b')",
        "reference('other')",
        "reference('/x')",
        "managementGroup()",
        "tenantResourceId('x', 'A.B/c', 'y')",
    ] {
        refused(text);
    }
    let Err(Stop::Pending(needs)) = run(
        "concat(reference(resourceId('A.B/c', 'x'), '2020-01-01').a, listKeys(resourceId('A.B/c', 'y'), '2020-01-01').keys[0])",
    ) else {
        panic!("both are needed")
    };
    assert_eq!(needs.len(), 2);
}

#[test]
fn lambdas_() {
    check_all(&[
        ("map(range(1, 3), lambda('n', mul(lambdaVariables('n'), 2)))", json!([2, 4, 6])),
        (
            "map(createArray('a'), lambda('v', 'i', concat(lambdaVariables('v'), lambdaVariables('i'))))",
            json!(["a0"]),
        ),
        ("filter(range(0, 5), lambda('n', greater(lambdaVariables('n'), 2)))", json!([3, 4])),
        (
            "reduce(range(1, 4), 0, lambda('s', 'n', add(lambdaVariables('s'), lambdaVariables('n'))))",
            json!(10),
        ),
        (
            "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
            json!([1, 2, 3]),
        ),
        (
            "toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', length(lambdaVariables('x'))))",
            json!({"a": 1, "b": 1}),
        ),
        (
            "groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))",
            json!({"a": ["ab", "ac"], "b": ["b"]}),
        ),
        ("mapValues(json('{a:1}'), lambda('v', add(lambdaVariables('v'), 1)))", json!({"a": 2})),
    ]);
    for text in
        ["map(range(0, 1), 'x')", "lambda('x', 1)", "lambdaVariables('x')", "map(range(0, 1), lambda(1))"]
    {
        refused(text);
    }
}

#[test]
fn address_ranges() {
    check_all(&[
        (
            "parseCidr('10.144.0.0/20')",
            json!({"network": "10.144.0.0", "netmask": "255.255.240.0", "cidr": 20, "broadcast": "10.144.15.255", "firstUsable": "10.144.0.1", "lastUsable": "10.144.15.254"}),
        ),
        ("cidrSubnet('10.144.0.0/20', 24, 3)", json!("10.144.3.0/24")),
        ("cidrHost('10.144.3.0/24', 0)", json!("10.144.3.1")),
        ("cidrSubnet('fd00::/8', 16, 1)", json!("fd01::/16")),
        ("cidrSubnet('::/0', 0, 0)", json!("::/0")),
    ]);
    for text in [
        "parseCidr('10.0.0.0')",
        "cidrSubnet('10.0.0.0/24', 16, 0)",
        "cidrSubnet('10.0.0.0/24', 25, 2)",
        "cidrHost('10.0.0.0/30', 2)",
    ] {
        refused(text);
    }
}

#[test]
fn an_unknown_function_and_a_wrong_number_of_arguments() {
    assert_eq!(
        refused("concat('a', bogus())"),
        "The template function 'bogus' is not valid. Please see https://aka.ms/arm-functions for usage details."
    );
    assert_eq!(
        refused("if(true(), 1, a.b())"),
        "The template function 'a.b' is not valid. Please see https://aka.ms/arm-functions for usage details."
    );
    assert_eq!(
        refused("if(true())"),
        "Unable to evaluate template language function 'if': function requires '3' argument(s) while 1 were provided. Please see https://aka.ms/arm-functions for usage details."
    );
}

#[test]
fn faults_quote_no_value() {
    for text in [
        "int(parameters('secret'))",
        "bool(parameters('secret'))",
        "json(parameters('secret'))",
        "parameters(parameters('secret'))",
        "parameters('p')[parameters('secret')]",
        "base64ToString(parameters('secret'))",
        "dateTimeAdd(parameters('secret'), parameters('secret'))",
        "reference(parameters('secret'))",
        "parseCidr(parameters('secret'))",
        "lambdaVariables(parameters('secret'))",
        "copyIndex(parameters('secret'))",
        "format('{0:Q}', parameters('secret'), 1)[0]",
    ] {
        assert!(!refused(text).contains("hunter2"), "{text}");
    }
}

#[test]
fn work_is_limited() {
    let doubled =
        (0..20).fold("'xxxxxxxxxxxxxxxx'".to_owned(), |inner, _| format!("replace({inner}, 'x', 'xxxx')"));
    assert!(refused(&doubled).contains("too long"));
    let nested = "map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1))))";
    assert!(refused(nested).contains("more values than is allowed"));
    let deep = "reduce(range(0, 1000), createArray(), lambda('s', 'n', createArray(lambdaVariables('s'))))";
    assert!(refused(deep).contains("nested deeper"));
}

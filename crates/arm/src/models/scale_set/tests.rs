//! Bodies, models and documents of scale sets.

use super::*;
use serde_json::json;

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/web";

fn body(mode: &str) -> Value {
    json!({
        "location": "local", "tags": {"a": "1"}, "sku": {"name": "standard_a0", "capacity": 2},
        "properties": {
            "orchestrationMode": mode,
            "virtualMachineProfile": {
                "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
                "osProfile": {"computerNamePrefix": "web", "adminUsername": "operator", "adminPassword": "correct horse"},
                "networkProfile": {"networkInterfaceConfigurations": [{"name": "nic"}]},
                "somethingNew": {"kept": true},
            },
        },
    })
}

fn input(body: &Value) -> Input {
    Input::parse(body.to_string().as_bytes()).unwrap()
}

fn made(mode: &str) -> (Value, ScaleSet) {
    create("web", &input(&body(mode)).body).unwrap()
}

#[test]
fn secrets_and_the_capacity_are_taken_out() {
    let input = input(&body("Uniform"));
    assert_eq!(input.capacity, Some(2));
    assert!(input.admin_password.is_some());
    assert!(!format!("{input:?}").contains("horse") && !input.body.to_string().contains("horse"));
    assert_eq!(input.body["sku"], json!({"name": "standard_a0"}));
    let mut extended = body("Uniform");
    let profile = &mut extended["properties"]["virtualMachineProfile"];
    profile["extensionProfile"] = json!({"extensions": [{"name": "e", "properties": {"settings": {"a": 1}, "protectedSettings": {"key": "s3cret"}}}, 3]});
    let told = Input::parse(extended.to_string().as_bytes()).unwrap().body.to_string();
    assert!(told.contains("settings") && !told.contains("s3cret"), "{told}");
}

#[test]
fn create_writes_the_defaults_out() {
    let (stored, set) = made("Uniform");
    assert_eq!((set.mode, set.upgrade, set.size.name), (Mode::Uniform, Upgrade::Manual, "Standard_A0"));
    assert_eq!(stored["sku"], json!({"name": "Standard_A0", "tier": "Standard"}));
    assert_eq!(stored["properties"]["upgradePolicy"], json!({"mode": "Manual"}));
    let profile = &stored["properties"]["virtualMachineProfile"];
    assert_eq!(profile["diagnosticsProfile"], json!({"bootDiagnostics": {"enabled": true}}));
    let mut small = body("uniform");
    small["properties"]["upgradePolicy"] = json!({"mode": "automatic"});
    let (stored, _) = create("web", &small).unwrap();
    let words = (&stored["properties"]["orchestrationMode"], &stored["properties"]["upgradePolicy"]["mode"]);
    assert_eq!(words, (&json!("Uniform"), &json!("Automatic")), "taken in any case, shown in Azure's");
    let mut bare = body("Uniform");
    bare["properties"]["virtualMachineProfile"]["osProfile"] = json!({"adminUsername": "operator"});
    let (stored, set) = create("my_web", &bare).unwrap();
    assert_eq!(set.prefix, "myweb");
    assert_eq!(stored["properties"]["virtualMachineProfile"]["osProfile"]["computerNamePrefix"], "myweb");
}

#[test]
fn an_instance_is_a_machine() {
    let (stored, set) = made("Uniform");
    let (document, machine) = set.instance("web_36", ID, &stored, 36).unwrap();
    assert_eq!(machine.computer_name, "web000010");
    assert_eq!(document["properties"]["osProfile"]["computerName"], "web000010");
    assert_eq!(document["properties"]["osProfile"].get("computerNamePrefix"), None);
    assert_eq!(document["properties"]["hardwareProfile"]["vmSize"], "Standard_A0");
    assert_eq!(document["properties"]["somethingNew"], json!({"kept": true}));
    assert_eq!(
        document["properties"]["networkProfileConfiguration"],
        json!({"networkInterfaceConfigurations": [{"name": "nic"}]})
    );
    assert_eq!(document["properties"]["networkProfile"], json!({"networkInterfaces": []}));
    assert_eq!(document["tags"], json!({"a": "1"}));
    let (stored, set) = made("Flexible");
    let (document, _) = set.instance("web_0011aabb", ID, &stored, 1).unwrap();
    assert_eq!(document["properties"]["virtualMachineScaleSet"], json!({"id": ID}));
    let (other, _) = set.instance("web_0", ID, &stored, 2).unwrap();
    assert!(same_model(&document, &other));
}

#[test]
fn computer_names_count_in_base_36() {
    let (_, set) = made("Uniform");
    for (number, name) in
        [(0, "web000000"), (9, "web000009"), (35, "web00000Z"), (36, "web000010"), (46655, "web000ZZZ")]
    {
        assert_eq!(set.computer_name(number), name);
    }
}

#[test]
fn a_put_merges_and_tells_the_models_apart() {
    let (stored, set) = made("Uniform");
    let (before, _) = set.instance("web_0", ID, &stored, 0).unwrap();
    let off = json!({"location": "LOCAL", "properties": {"virtualMachineProfile": {
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": false}}}}});
    let (after, set) = put("web", &stored, &off).unwrap();
    assert_eq!(after["location"], "local");
    assert_eq!(after["properties"]["virtualMachineProfile"]["somethingNew"], json!({"kept": true}));
    let (changed, _) = set.instance("web_0", ID, &after, 0).unwrap();
    assert!(!same_model(&before, &changed));
    // Tags are no part of the model.
    let (tagged, set) = patch("web", &stored, &json!({"tags": {"b": "2"}})).unwrap();
    assert_eq!(tagged["tags"], json!({"b": "2"}));
    assert!(same_model(&before, &set.instance("web_0", ID, &tagged, 0).unwrap().0));
    let (sized, set) = patch("web", &stored, &json!({"sku": {"name": "standard_b1s"}})).unwrap();
    assert_eq!((&sized["sku"]["name"], set.size.vcpus), (&json!("Standard_B1s"), 1));
    let (automatic, set) =
        patch("web", &stored, &json!({"properties": {"upgradePolicy": {"mode": "Automatic"}}})).unwrap();
    assert_eq!(set.upgrade, Upgrade::Automatic);
    assert!(same_model(&before, &set.instance("web_0", ID, &automatic, 0).unwrap().0));
}

#[test]
fn what_cannot_change() {
    let (stored, _) = made("Uniform");
    let check = |properties: Value, target: &str| {
        let error = patch("web", &stored, &json!({"properties": properties})).unwrap_err();
        assert_eq!((error.code(), error.target()), ("PropertyChangeNotAllowed", Some(target)));
    };
    let os = |profile: Value| json!({"virtualMachineProfile": {"osProfile": profile}});
    check(os(json!({"adminUsername": "other"})), "osProfile.adminUsername");
    check(os(json!({"computerNamePrefix": "other"})), "osProfile.computerNamePrefix");
    check(json!({"orchestrationMode": "Flexible"}), "orchestrationMode");
    assert_eq!(put("web", &stored, &json!({"location": "x"})).unwrap_err().status(), 409);
    assert_eq!(put("web", &stored, &json!({})).unwrap_err(), VmError::LocationRequired);
}

#[test]
fn what_is_refused() {
    let refused = |pointer: &str, value: Value| {
        let mut body = body("Uniform");
        *body.pointer_mut(pointer).unwrap() = value;
        let parsed = Input::parse(body.to_string().as_bytes());
        let error = match parsed.and_then(|input| create("web", &input.body)) {
            Err(error) => error,
            Ok(made) => panic!("{pointer} was taken: {made:?}"),
        };
        error.target().unwrap_or("").to_owned()
    };
    for bad in [json!(101), json!(-1), json!("2"), json!(1.5), json!(1e300)] {
        assert_eq!(refused("/sku/capacity", bad), "sku.capacity");
    }
    assert_eq!(refused("/sku/name", json!("Standard_Z9")), "vmSize");
    assert_eq!(refused("/sku", json!([])), "sku");
    assert_eq!(refused("/location", json!(" ")), "location");
    assert_eq!(refused("/properties/orchestrationMode", json!("Other")), "orchestrationMode");
    assert_eq!(refused("/properties/virtualMachineProfile", json!(null)), "virtualMachineProfile");
    assert_eq!(refused("/properties/virtualMachineProfile", json!(3)), "virtualMachineProfile");
    let os = "/properties/virtualMachineProfile/osProfile";
    assert_eq!(refused(os, json!({"adminUsername": "root"})), "adminUsername");
    assert_eq!(refused(os, json!({"adminUsername": "u", "computerNamePrefix": "1x"})), "computerNamePrefix");
    assert_eq!(refused(os, json!("x")), "osProfile");
    let image = "/properties/virtualMachineProfile/storageProfile/imageReference";
    assert_eq!(refused(image, json!({"publisher": "Canonical", "offer": "u"})), "imageReference");
    let mut rolling = body("Uniform");
    rolling["properties"]["upgradePolicy"] = json!({"mode": "Rolling"});
    assert_eq!(create("web", &rolling).unwrap_err().target(), Some("upgradePolicy.mode"));
    let mut flexible = body("Flexible");
    flexible["properties"]["upgradePolicy"] = json!({"mode": "Automatic"});
    assert_eq!(create("web", &flexible).unwrap_err().target(), Some("upgradePolicy.mode"));
    let mut attached = body("Uniform");
    attached["properties"]["virtualMachineProfile"]["hardlineProfile"] =
        json!({"driver": "attach", "serial": "tcp:h:1"});
    assert_eq!(create("web", &attached).unwrap_err().target(), Some("hardlineProfile.driver"));
    for bad in ["", "_a", "a/b", "a b", "a.", &"x".repeat(55)] {
        assert_eq!(create(bad, &body("Uniform")).unwrap_err().target(), Some("vmScaleSetName"), "{bad}");
    }
    for text in ["", "[]", "{", r#"{"properties":3}"#] {
        assert_eq!(Input::parse(text.as_bytes()).unwrap_err().code(), "InvalidRequestContent", "{text}");
    }
}

#[test]
fn a_flexible_set_needs_no_model() {
    let body = json!({"location": "local", "properties": {"orchestrationMode": "Flexible"}});
    let (stored, set) = create("web", &body).unwrap();
    assert!(!set.model);
    assert!(set.instance("web_0", ID, &stored, 0).is_err());
}

#[test]
fn which_instances_are_meant() {
    let ask =
        |text: &str, named| Asked::parse(text.as_bytes(), named).map_err(|e| e.target().map(str::to_owned));
    let these = |ids: &[&str]| Ok(Asked::These(ids.iter().map(ToString::to_string).collect()));
    assert_eq!(ask("", false), Ok(Asked::All));
    assert_eq!(ask("{}", false), Ok(Asked::All));
    assert_eq!(ask(r#"{"instanceIds":[]}"#, false), Ok(Asked::All));
    assert_eq!(ask(r#"{"instanceIds":["0","*"]}"#, true), Ok(Asked::All));
    assert_eq!(ask(r#"{"instanceIds":["1","0","1"]}"#, true), these(&["1", "0"]));
    for bad in ["", "{}", r#"{"instanceIds":[]}"#, r#"{"instanceIds":"0"}"#, r#"{"instanceIds":[0]}"#] {
        assert_eq!(ask(bad, true), Err(Some("instanceIds".into())), "{bad}");
    }
    assert_eq!(Asked::parse(b"[]", false).unwrap_err().code(), "InvalidRequestContent");
}

#[test]
fn filters_of_instances() {
    let codes = ["ProvisioningState/succeeded", "PowerState/running"];
    let fits = |text: &str, latest| Condition::parse(text).unwrap().iter().all(|c| c.fits(latest, &codes));
    assert!(fits("properties/latestModelApplied eq true", true));
    assert!(!fits("properties/latestModelApplied eq true", false));
    assert!(fits("instanceView/statuses/code eq 'powerstate/running'", true));
    assert!(fits("startswith(instanceView/statuses/code, 'PowerState') eq true", true));
    assert!(!fits("startswith(instanceView/statuses/code, 'PowerState/de') eq true", true));
    for bad in [
        "name eq 'x'",
        "properties/latestModelApplied eq 'x'",
        "startswith(name, 'x') eq true",
        "a",
        "startswith(",
    ] {
        assert_eq!(Condition::parse(bad).unwrap_err().code, "InvalidFilterInQueryString", "{bad}");
    }
}

#[test]
fn the_machines_of_a_set() {
    for text in
        [format!("'virtualMachineScaleSet/id' eq '{ID}'"), format!("virtualMachineScaleSet/id eq '{ID}'")]
    {
        assert_eq!(machines_of(&text).unwrap().to_string(), ID);
    }
    for bad in
        ["name eq 'x'", "'virtualMachineScaleSet/id' eq 'x'", "'virtualMachineScaleSet/id' ne '/'", "'"]
    {
        assert_eq!(machines_of(bad).unwrap_err().code, "InvalidFilterInQueryString", "{bad}");
    }
}

#[test]
fn what_clients_read() {
    let (stored, set) = made("Uniform");
    let facts = SetFacts {
        id: ID,
        name: "web",
        unique_id: "g",
        provisioning_state: "Succeeded",
        time_created: "2026-11-21T00:00:00Z",
        etag: "\"1\"",
        capacity: 2,
    };
    let shown = document(&facts, &stored);
    assert_eq!(shown["sku"], json!({"name": "Standard_A0", "tier": "Standard", "capacity": 2}));
    assert_eq!(shown["properties"]["uniqueId"], "g");
    let (instance, _) = set.instance("web_0", ID, &stored, 0).unwrap();
    let id = format!("{ID}/virtualMachines/0");
    let facts = InstanceFacts {
        id: &id,
        name: "web_0",
        instance_id: "0",
        vm_id: "v",
        provisioning_state: "Succeeded",
        time_created: "2026-11-21T00:00:00Z",
        etag: "\"1\"",
        latest_model: true,
    };
    let shown = instance_document(&facts, &instance, Some(json!({"statuses": []})), None);
    assert_eq!((&shown["instanceId"], &shown["sku"]["name"]), (&json!("0"), &json!("Standard_A0")));
    assert_eq!(shown["properties"]["latestModelApplied"], true);
    let selected =
        instance_document(&facts, &instance, Some(json!({"statuses": []})), Some(&["instanceview"]));
    assert_eq!(selected["properties"], json!({"instanceView": {"statuses": []}}));
}

#[test]
fn the_view_of_a_set_counts() {
    let view = |power: &str| json!({"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": format!("PowerState/{power}")}]});
    let whole = instance_view(&[view("running"), view("stopped"), view("running")], "Succeeded", "t");
    assert_eq!(
        whole["virtualMachine"]["statusesSummary"],
        json!([
            {"code": "ProvisioningState/succeeded", "count": 3},
            {"code": "PowerState/running", "count": 2},
            {"code": "PowerState/stopped", "count": 1},
        ])
    );
    assert_eq!(whole["statuses"][0]["displayStatus"], "Provisioning succeeded");
    let placed = place(view("running"), Place { group: "g", number: 7 });
    assert_eq!((&placed["placementGroupId"], &placed["platformUpdateDomain"]), (&json!("g"), &json!(2)));
}

//! Several who change the same thing at once, and what is deleted while it is needed.

use crate::resources::{make, samples, set, with_host};
use hardline_testkit::request::read;
use hardline_testkit::{Answer, TestServer};
use http::Method;
use serde_json::{Value, json};

/// Eight PUTs at once under one condition; their answers.
async fn together(server: &TestServer, path: &str, condition: (&str, &str), body: &Value) -> Vec<Answer> {
    let owner = server.with_token(&server.owner().access_token().await);
    let puts = (0..8).map(|n| {
        let mut body = body.clone();
        body["tags"] = json!({ "writer": n.to_string() });
        let owner = owner.clone();
        async move {
            let request = owner.request(Method::PUT, &format!("{path}?api-version=2024-07-01")).await;
            read(request.header(condition.0, condition.1).json(&body).send().await.unwrap()).await
        }
    });
    futures_util::future::join_all(puts).await
}

/// Of several, one wins; the others are told that what they meant to change is another one now.
fn one_wins(kind: &str, answers: &[Answer]) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| matches!(a.status, 200..=202));
    let texts: Vec<_> = lost.iter().map(|a| (a.status, a.code(), a.message())).collect();
    assert_eq!(won.len(), 1, "{kind}: {texts:?}");
    for answer in lost {
        assert_eq!((answer.status, answer.code()), (412, "PreconditionFailed"), "{kind}: {}", answer.text);
    }
}

#[tokio::test]
async fn with_conditions_one_writer_wins() {
    let (server, _host) = with_host().await;
    let owner = server.owner();
    for sample in samples(&server, "once1") {
        // Groups, accounts and deployments have no etag, in Azure either.
        if !["virtualMachines", "virtualMachineScaleSets", "virtualNetworks", "networkSecurityGroups"]
            .iter()
            .any(|k| sample.kind.ends_with(k))
        {
            continue;
        }
        one_wins(sample.kind, &together(&server, &sample.path, ("if-none-match", "*"), &sample.body).await);
        let made = make(&server, &sample).await;
        let etag = made["etag"].as_str().unwrap();
        let answers = together(&server, &sample.path, ("if-match", etag), &sample.body).await;
        one_wins(sample.kind, &answers);
        let now = owner.get(&sample.path).await.expect(200).json;
        assert_ne!(now["etag"], made["etag"], "{}", sample.kind);
    }
    server.stop().await;
}

#[tokio::test]
async fn without_conditions_every_writer_is_answered_and_nothing_is_lost() {
    let (server, _host) = with_host().await;
    for sample in samples(&server, "many1").into_iter().filter(|s| s.body.get("location").is_some()) {
        make(&server, &sample).await;
        let answers = together(&server, &sample.path, ("x-nothing", "*"), &sample.body).await;
        for answer in &answers {
            assert!(
                matches!(answer.status, 200..=202 | 409),
                "{}: {} {}",
                sample.kind,
                answer.status,
                answer.text
            );
        }
        let now = server.owner().get(&sample.path).await.expect(200).json;
        let writer: usize = now["tags"]["writer"].as_str().unwrap().parse().unwrap();
        assert_ne!(answers[writer].status, 409, "{}: what is kept was answered as kept", sample.kind);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let network = format!("{}/providers/Microsoft.Network", server.group_path());
    let put = async |path: &str, body: Value| {
        let answer = owner.put(path, &body).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
    };
    let (vnet, nsg, ip, nic) = (
        format!("{network}/virtualNetworks/net"),
        format!("{network}/networkSecurityGroups/guard"),
        format!("{network}/publicIPAddresses/ip"),
        format!("{network}/networkInterfaces/nic"),
    );
    let subnet = format!("{vnet}/subnets/front");
    put(&nsg, json!({"location": "local"})).await;
    put(&ip, json!({"location": "local"})).await;
    put(
        &vnet,
        json!({"location": "local", "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [{"name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}}],
        }}),
    )
    .await;
    put(&nic, json!({"location": "local", "properties": {
        "networkSecurityGroup": {"id": nsg},
        "ipConfigurations": [{"name": "one", "properties": {"subnet": {"id": subnet}, "publicIPAddress": {"id": ip}}}],
    }})).await;
    let vm = samples(&server, "vm1").remove(1);
    let mut body = vm.body.clone();
    body["properties"]["networkProfile"] = json!({"networkInterfaces": [{"id": nic}]});
    let accepted = owner.put(&vm.path, &body).await.expect(201);
    owner.wait(&accepted).await;
    for (path, code) in [
        (&vnet, "InUseSubnetCannotBeDeleted"),
        (&subnet, "InUseSubnetCannotBeDeleted"),
        (&nsg, "InUseNetworkSecurityGroupCannotBeDeleted"),
        (&ip, "PublicIPAddressCannotBeDeleted"),
        (&nic, "NicInUse"),
    ] {
        let answer = owner.delete(path).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{path}: {}", answer.text);
        owner.get(path).await.expect(200);
    }
    // A host with machines, a subscription with groups, a set's interfaces: what holds them is told.
    let answer = owner.delete(&server.subscription_path()).await;
    assert!(matches!(answer.status, 403 | 409), "{}", answer.text);
    // A set goes with its instances; the machine lets go of what it used.
    let set_path = format!("{}/providers/Microsoft.Compute/virtualMachineScaleSets/web", server.group_path());
    let accepted = owner.put(&set_path, &set(1)).await.expect(201);
    owner.wait(&accepted).await;
    for path in [&set_path, &vm.path] {
        let accepted = owner.delete(path).await.expect(202);
        assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
        owner.delete(path).await.expect(204);
    }
    for path in [&nic, &ip, &nsg, &vnet] {
        let answer = owner.delete(path).await;
        assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.text);
    }
    server.stop().await;
}

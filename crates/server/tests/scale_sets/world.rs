//! A server with one host, and what these tests ask of it.

use hardline_testkit::{Answer, FakeHost, TestServer};
use serde_json::{Value, json};

pub struct World {
    pub server: TestServer,
    pub host: FakeHost,
}

pub fn body(mode: &str, capacity: usize) -> Value {
    json!({
        "location": "local", "tags": {"team": "a"}, "sku": {"name": "Standard_A0", "capacity": capacity},
        "properties": {
            "orchestrationMode": mode,
            "virtualMachineProfile": {
                "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
                "osProfile": {"computerNamePrefix": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
                "networkProfile": {"networkInterfaceConfigurations": [{"name": "nic"}]},
            },
        },
    })
}

impl World {
    /// A server with one host.
    pub async fn new() -> Self {
        let server = TestServer::start().await;
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        Self { server, host }
    }

    /// The same with a set of `capacity` running instances, named `web`.
    pub async fn with_set(mode: &str, capacity: usize) -> Self {
        let world = Self::new().await;
        let accepted = world.server.owner().put(&world.set(), &body(mode, capacity)).await.expect(201);
        if capacity > 0 {
            world.succeeds(&accepted).await;
        }
        world
    }

    /// The set's path.
    pub fn set(&self) -> String {
        self.path("virtualMachineScaleSets/web")
    }

    /// The path of an instance.
    pub fn instance(&self, id: &str) -> String {
        format!("{}/virtualMachines/{id}", self.set())
    }

    pub fn path(&self, rest: &str) -> String {
        format!("{}/providers/Microsoft.Compute/{rest}", self.server.group_path())
    }

    /// Waits until a long-running operation ends well.
    pub async fn succeeds(&self, accepted: &Answer) {
        assert_eq!(accepted.header("retry-after"), "1", "{}", accepted.text);
        let ended = self.server.owner().wait(accepted).await;
        assert_eq!(ended.json["status"], "Succeeded", "{}", ended.text);
    }

    /// The owner POSTs below the set; waits until it is done.
    pub async fn post(&self, verb: &str, ids: &[&str]) {
        let path = format!("{}/{verb}", self.set());
        let accepted = self.server.owner().post_json(&path, &json!({"instanceIds": ids})).await.expect(202);
        self.succeeds(&accepted).await;
    }

    /// The owner PATCHes the set; waits until it is done.
    pub async fn patch(&self, body: Value) {
        let answer = self.server.owner().patch(&self.set(), &body).await.expect(200);
        if !answer.header("azure-asyncoperation").is_empty() {
            self.succeeds(&answer).await;
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        self.server.owner().get(path).await.expect(200).json
    }

    /// The instances as the list has them.
    pub async fn instances(&self) -> Vec<Value> {
        let list = self.get(&format!("{}/virtualMachines?$expand=instanceView", self.set())).await;
        list["value"].as_array().unwrap().clone()
    }

    /// Their ids.
    pub async fn ids(&self) -> Vec<String> {
        self.instances().await.iter().map(|i| i["instanceId"].as_str().unwrap().to_owned()).collect()
    }

    /// Their power states.
    pub async fn powers(&self) -> Vec<String> {
        let power = |i: &Value| {
            let code = i.pointer("/properties/instanceView/statuses/1/code").and_then(Value::as_str).unwrap();
            code.trim_start_matches("PowerState/").to_owned()
        };
        self.instances().await.iter().map(power).collect()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

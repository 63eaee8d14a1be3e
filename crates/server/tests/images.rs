//! The catalogue of images and sizes over real HTTP. The hosts are fakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_testkit::{FakeHost, TestServer};

#[tokio::test]
async fn the_catalogue_holds_what_the_hosts_have() {
    let server = TestServer::start().await;
    for (name, images) in [("host1", ["hardline-demo", "small"]), ("host2", ["hardline-demo", "other"])] {
        let host = FakeHost::with_images(name, &images);
        server.running().adopt_host(host.in_process()).await.unwrap();
    }
    let reader = server.reader();
    let location = format!("{}/providers/Microsoft.Compute/locations/local", server.subscription_path());
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect()
    };
    let publishers = reader.get(&format!("{location}/publishers")).await.expect(200).json;
    assert_eq!(names(&publishers), ["Hardline"], "a bare array, as Azure's catalogue");
    let offers = format!("{location}/publishers/hardline/artifacttypes/vmimage/offers");
    assert_eq!(names(&reader.get(&offers).await.expect(200).json), ["hardline-demo", "other", "small"]);
    let skus = format!("{offers}/small/skus");
    assert_eq!(names(&reader.get(&skus).await.expect(200).json), ["default"]);
    let versions = format!("{skus}/default/versions");
    let latest = reader
        .get(&format!("{versions}?$expand=properties&$orderby=name desc&$top=1"))
        .await
        .expect(200)
        .json;
    assert_eq!(latest[0]["properties"]["osDiskImage"]["operatingSystem"], "Linux");
    let one = reader.get(&format!("{versions}/1.0.0")).await.expect(200).json;
    assert_eq!(one, latest[0]);
    for path in [
        format!("{location}/publishers/Canonical/artifacttypes/vmimage/offers"),
        format!("{offers}/nothing/skus"),
        format!("{skus}/other/versions"),
        format!("{versions}/2.0.0"),
    ] {
        assert_eq!(reader.get(&path).await.expect(404).code(), "PlatformImageNotFound", "{path}");
    }
    let away = format!("{location}/publishers").replace("/local/", "/westeurope/");
    assert_eq!(reader.get(&away).await.expect(400).code(), "LocationNotAvailableForResourceType");

    let sizes = reader.get(&format!("{location}/vmSizes")).await.expect(200).json;
    assert!(
        sizes["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["name"] == "Standard_B1s" && s["memoryInMB"] == 1024)
    );
    let skus = reader
        .get(&format!("{}/providers/Microsoft.Compute/skus", server.subscription_path()))
        .await
        .expect(200);
    assert_eq!(skus.json["value"].as_array().unwrap().len(), sizes["value"].as_array().unwrap().len());
    server.stranger().get(&offers).await.expect(403);
    server.stop().await;
}

//! Entra's URLs beside ADFS's: what clients that know a tenant's id ask.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_testkit::TestServer;
use hardline_testkit::request::read;
use hardline_testkit::server::{PASSWORD, SUBSCRIPTION, TENANT};

const CONFIGURATION: &str = "v2.0/.well-known/openid-configuration";

#[tokio::test]
async fn a_client_that_knows_the_tenant_signs_in_below_it() {
    let server = TestServer::start().await;
    let base = server.url();
    let mut found = Vec::new();
    for word in [TENANT, "common", "organizations"] {
        let document = server.anonymous().get(&format!("/{word}/{CONFIGURATION}")).await.expect(200).json;
        assert_eq!(document["issuer"], format!("{base}/{TENANT}/v2.0"));
        assert_eq!(document["token_endpoint"], format!("{base}/{TENANT}/oauth2/v2.0/token"));
        for key in ["authorization_endpoint", "device_authorization_endpoint", "jwks_uri"] {
            let there = server.anonymous().get(document[key].as_str().unwrap()).await;
            assert!(!matches!(there.status, 401 | 404), "{key}: {}", there.text);
        }
        found.push(document);
    }
    let id = server.program().name();
    let scope = format!("{base}/.default");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", PASSWORD),
        ("scope", scope.as_str()),
    ];
    let url = found[0]["token_endpoint"].as_str().unwrap();
    let tokens = read(server.client().post(url).form(&form).send().await.unwrap()).await.expect(200).json;
    let token = server.with_token(tokens["access_token"].as_str().unwrap());
    token.get(&format!("/subscriptions/{SUBSCRIPTION}")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_tenants_name_leads_to_its_id_and_another_tenant_is_not_known() {
    let server = TestServer::start().await;
    // az takes the id from the issuer's path.
    let document = server.anonymous().get(&format!("/adfs/localhost/{CONFIGURATION}")).await.expect(200).json;
    assert_eq!(document["issuer"].as_str().unwrap().split('/').nth(3), Some(TENANT));
    let other = "99999999-9999-4999-8999-999999999999";
    for path in [
        format!("/adfs/elsewhere.example/{CONFIGURATION}"),
        format!("/{other}/{CONFIGURATION}"),
        format!("/{other}/oauth2/v2.0/token"),
    ] {
        let refused = server.anonymous().get(&path).await.expect(400);
        assert_eq!(refused.json["error"], "invalid_tenant", "{path}");
    }
    server.anonymous().get("/adfs/oauth2/elsewhere").await.expect(404);
    server.stop().await;
}

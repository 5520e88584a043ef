//! The metadata document: D1, D2, D4. Tokens are no JWTs, so that D3 has nothing to look at.

use gatepost_testkit::{App, make};
use serde_json::{Value, json};

use super::{basic, credentials, post, post_as, refused};
use crate::support::{SCHOOL, list_tasks, text};

const DOCUMENT: &str = "/.well-known/oauth-authorization-server";

fn texts(of: &Value) -> Vec<String> {
    of.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn d1_the_document_says_where_everything_is() {
    let app = App::builder().public_url("https://gate.example").start().await;
    let answer = app.http.get(DOCUMENT, &[]).await.expect(200);
    assert!(answer.header("content-type").starts_with("application/json"));
    let document = answer.json();
    assert_eq!(document["issuer"], "https://gate.example");
    assert_eq!(document["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(document["response_types_supported"], json!([]));
    assert!(!texts(&document["token_endpoint_auth_methods_supported"]).is_empty());
    for endpoint in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        assert!(text(&document, endpoint).starts_with("https://gate.example/oauth/"), "{endpoint}");
    }
}

#[tokio::test]
async fn d2_everything_that_is_advertised_works() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let document = app.http.get(DOCUMENT, &[]).await.expect(200).json();
    let issuer = text(&document, "issuer");
    let grants = texts(&document["grant_types_supported"]);
    let scopes = texts(&document["scopes_supported"]);
    let mut used = 0;
    for name in ["token", "revocation", "introspection"] {
        let endpoint = text(&document, &format!("{name}_endpoint"));
        let path = endpoint.strip_prefix(&issuer).unwrap();
        for method in texts(&document[format!("{name}_endpoint_auth_methods_supported")]) {
            let header = basic(&client.client_id, &client.secret);
            let (headers, mut form) = match method.as_str() {
                "client_secret_basic" => (vec![("authorization", header.as_str())], String::new()),
                "client_secret_post" => (Vec::new(), credentials(&client)),
                other => panic!("the test does not know {other}"),
            };
            match name {
                "token" => {
                    for (grant, scope) in grants.iter().zip(&scopes) {
                        let form = format!("{form}&grant_type={grant}&scope={scope}");
                        let answer = post(&app, path, &headers, &form).await.expect(200).json();
                        let token = text(&answer, "access_token");
                        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
                    }
                }
                _ => {
                    form.push_str(&format!("&token={}", app.token(&client).await));
                    let answer = post(&app, path, &headers, &form).await.expect(200).json();
                    assert_eq!(
                        answer["active"],
                        if name == "introspection" { json!(true) } else { json!(null) }
                    );
                }
            }
            let wrong = basic(&client.client_id, "gps_wrong");
            let answer = post_as(&app, path, &wrong, "grant_type=client_credentials&token=x");
            refused(answer.await, 401, "invalid_client");
            used += 1;
        }
    }
    assert_eq!(used, 6);
}

#[tokio::test]
async fn d4_the_subject_of_a_token_can_be_no_user() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let token = app.token(&client).await;
    let form = format!("{}&token={token}", credentials(&client));
    let seen = post(&app, "/oauth/introspect", &[], &form).await.expect(200).json();
    assert_eq!(seen["sub"], client.id);
    assert!(text(&seen, "sub").starts_with("cli_"), "a prefix that only clients have");
}

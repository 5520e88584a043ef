//! U+0000 in a text: PostgreSQL cannot keep it, so it is the same 400 on both engines, wherever it comes in.

use gatepost_testkit::{Api, App, make};
use serde_json::json;

const ZERO: &str = "a\u{0}b";

#[tokio::test]
async fn the_admin_api_says_that_a_text_cannot_be_kept() {
    let app = App::start().await;
    let _ = app.workspace("shop").await;
    let client = app.client(make::client("Tool", &["shop"])).await;
    let at_client = |rest: &str| format!("/clients/{}{rest}", client.id);
    let url = json!([format!("https://hooks.example/{ZERO}")]);
    for (verb, path, body) in [
        ("POST", String::from("/workspaces"), json!({ "subdomain": "other", "name": ZERO })),
        ("POST", String::from("/clients"), json!({ "name": ZERO })),
        ("PATCH", at_client(""), json!({ "name": ZERO })),
        ("PATCH", at_client(""), json!({ "webhookUrls": url })),
        ("PATCH", at_client(""), json!({ "workspaces": [ZERO] })),
    ] {
        let answer = app.admin(verb, &path, Some(body)).await;
        assert_eq!(answer.status, 400, "{verb} {path}: {}", answer.text());
    }
    for path in [at_client("%00"), String::from("/deliveries?client=%00"), String::from("/requests/%00")] {
        let answer = app.admin("GET", &path, None).await;
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
    }
    let workspaces = app.admin("GET", "/workspaces", None).await.expect(200).json();
    assert_eq!(workspaces.as_array().unwrap().len(), 1, "nothing was kept");
}

#[tokio::test]
async fn the_rest_api_and_the_token_endpoint_answer_it_with_4xx() {
    let app = App::start().await;
    let _ = app.workspace("shop").await;
    let client = app.client(make::client("Tool", &["shop"])).await;
    let api = Api::new(app.http.clone(), &app.token(&client).await, "shop");
    let _ = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": "plain" }))).await.expect(200);
    for filter in ["{\"title\":\"\\u0000\"}", "{\"_id\":\"\\u0000\"}", "{\"title\":{\"$regex\":\"\\u0000\"}}"]
    {
        let path = format!("/v1.11/tasks?q={}", encoded(filter));
        let answer = api.call("GET", &path, None).await;
        assert!(answer.status < 500, "{filter}: {} {}", answer.status, answer.text());
    }
    for path in ["/v1.11/tasks/%00", "/v1.11/tasks?_id=%00", "/v1.11/%00"] {
        let answer = api.call("GET", path, None).await;
        assert!(answer.status < 500, "{path}: {} {}", answer.status, answer.text());
    }
    let written = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": ZERO }))).await;
    assert!(written.status < 500, "{} {}", written.status, written.text());
    if written.status == 200 {
        let id = written.json()["_id"].as_str().unwrap().to_owned();
        let read = api.call("GET", &format!("/v1.11/tasks/{id}"), None).await.expect(200);
        assert_eq!(read.json()["title"], ZERO, "what was taken is given back as it was");
    }
    let form = "grant_type=client_credentials&client_id=%00&client_secret=%00";
    assert_eq!(app.http.post_form("/oauth/token", form).await.status, 401);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

//! Where the mission contradicts itself or its sibling pages, and how both sides are honoured: C1 to C6.

use gatepost_model::SecretPolicy;
use gatepost_testkit::{App, Receiver, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, TASKS, act, create_task, list_tasks, program, text, update};

#[tokio::test]
async fn c1_a_secret_is_revealable_by_default_and_shown_once_by_choice() {
    let app = App::start().await;
    let open = app.client(make::client("Open", &[])).await;
    let mut new = make::client("Once", &[]);
    new.secret_policy = SecretPolicy::Once;
    let once = app.client(new).await;

    assert_eq!(act(&app, &open.id, "reveal").await["clientSecret"], open.secret);
    let refused = app.admin("POST", &format!("/clients/{}/reveal", once.id), None).await.expect(409).json();
    assert!(text(&refused, "message").contains("rotate"), "{refused}");
    // Both ways out work: another secret, and another client.
    let rotated = act(&app, &once.id, "rotate").await;
    let _ = app.ask_token(&once.client_id, &text(&rotated, "clientSecret")).await.expect(200);
    let another = app.client(make::client("Another", &[])).await;
    let _ = app.token(&another).await;
    // No list ever holds a secret, whatever the policy.
    let listed = app.admin("GET", "/clients", None).await.expect(200).text();
    for secret in [&open.secret, &once.secret, &another.secret, &text(&rotated, "clientSecret")] {
        assert!(!listed.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn c2_there_is_a_scope_of_workspaces_and_none_of_areas() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let shown = app.admin("GET", &format!("/clients/{}", client.id), None).await.expect(200).json();
    let members: Vec<&String> = shown.as_object().unwrap().keys().collect();
    for area in ["permissions", "scopes", "scope", "areas", "role"] {
        assert!(members.iter().all(|member| *member != area), "{area}");
        let change = json!({ area: ["tasks"] });
        let _ = app.admin("PATCH", &format!("/clients/{}", client.id), Some(change)).await.expect(400);
    }
    let answer = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
    assert_eq!(answer["scope"], "api", "one scope, for the whole API");
}

#[tokio::test]
async fn c3_webhook_urls_and_methods_belong_to_the_client() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let change =
        json!({ "addWebhookUrls": [receiver.url("/a"), receiver.url("/b")], "methods": ["task.create"] });
    let changed = update(&app, &client.id, change).await;
    assert_eq!(changed["webhookUrls"].as_array().unwrap().len(), 2);
    assert!(text(&changed["webhookUrls"][1], "signingSecret").starts_with("whsec_"));
    create_task(&app, &token, SCHOOL, "For both").await;
    receiver.wait_for(2).await;
    let id = text(&changed["webhookUrls"][0], "id");
    update(&app, &client.id, json!({ "removeWebhookUrls": [id] })).await;
    create_task(&app, &token, SCHOOL, "For one").await;
    let webhooks = receiver.wait_for(3).await;
    app.settled_deliveries(None).await;
    let mut paths: Vec<&str> = webhooks.iter().map(|webhook| webhook.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/a", "/b", "/b"]);
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn c4_reading_only_is_left_to_the_tools_that_want_it() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let ran = program(&app).run(&["client", "create", "--name", "Reader", "--read-only"]).await;
    assert_eq!(ran.code, 2);
    let token = app.token(&app.client(make::client("Reader", &[SCHOOL])).await).await;
    // A tool that only reads is served like any other.
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers =
        [(headers[0].0, headers[0].1.as_str()), ("business", SCHOOL), ("content-type", "application/json")];
    assert_eq!(app.http.get(TASKS, &headers).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn c5_refreshing_is_asking_again() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let first = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
    assert_eq!(first["refresh_token"], Value::Null);
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&client_id={}&client_secret={}",
        text(&first, "access_token"),
        client.client_id,
        client.secret
    );
    let refused = app.http.post_form("/oauth/token", &form).await.expect(400).json();
    assert_eq!(refused["error"], "unsupported_grant_type");
    let second = app.token(&client).await;
    for token in [text(&first, "access_token"), second] {
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    }
}

#[tokio::test]
async fn c6_the_known_text_stays_and_the_help_stands_beside_it() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    let refused = app.call("GET", TASKS, &token, None, None).await.expect(400).json();
    assert!(text(&refused, "message").starts_with("Business undefined"), "{refused}");
    assert_eq!((&refused["code"], &refused["statusCode"]), (&json!(400), &json!(400)));
    assert!(text(&refused, "help").contains("Add the header business:"), "{refused}");
}

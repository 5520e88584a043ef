//! Troubleshooting: A34 to A38.

use gatepost_testkit::{App, Receiver, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, TASKS, act, create_task, list_tasks, program, text, update};

#[tokio::test]
async fn a34_the_workspaces_are_seen_first_and_credentials_can_be_regenerated() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let token = app.token(&client).await;
    let refused = list_tasks(&app, &token, SCHOOL).await.expect(400).json();
    let help = text(&refused, "help");
    assert!(help.starts_with("The token is good.") && help.contains("workspace"), "{help}");

    let gatepost = program(&app);
    let shown = gatepost.text(&["client", "show", &client.id]).await;
    let workspaces = |shown: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with("workspaces"));
        line.unwrap_or_default().trim().to_owned()
    };
    assert!(workspaces(&shown).ends_with("none"), "{shown}");
    let _ = gatepost.text(&["client", "update", &client.id, "--add-workspace", SCHOOL]).await;
    let shown = gatepost.text(&["client", "show", &client.id]).await;
    assert!(workspaces(&shown).ends_with(SCHOOL), "{shown}");
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);

    let rotated = gatepost.json(&["client", "rotate", &client.id, "--overlap", "0s"]).await;
    assert_ne!(rotated["clientSecret"], client.secret);
    assert_eq!(rotated["clientId"], client.client_id);
    let _ = app.ask_token(&client.client_id, &client.secret).await.expect(401);
    let _ = app.ask_token(&client.client_id, &text(&rotated, "clientSecret")).await.expect(200);
}

#[tokio::test]
async fn a35_good_credentials_and_a_wrong_workspace_are_told_apart_from_bad_credentials() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;

    let workspace = list_tasks(&app, &token, "another-school").await.expect(400).json();
    assert_eq!(workspace["name"], "workspace_not_enabled");
    let credentials = app.ask_token(&client.client_id, "gps_wrong").await.expect(401).json();
    assert_eq!(
        (&credentials["error"], &credentials["name"]),
        (&json!("invalid_client"), &json!("invalid_client"))
    );
    let bad_token = list_tasks(&app, &format!("{}x", &token[..69]), SCHOOL).await;
    // The last character may have been an x: then the token is the good one.
    if !token.ends_with('x') {
        assert_eq!(bad_token.expect(401).json()["name"], "invalid_token");
    }
}

#[tokio::test]
async fn a36_the_texts_are_those_of_the_common_api_errors() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    let message = async |business: Option<&str>| {
        let refused = app.call("GET", TASKS, &token, business, None).await.expect(400).json();
        assert_eq!(refused["code"], 400);
        text(&refused, "message")
    };
    assert_eq!(message(None).await, "Business undefined is not enabled for this client.");
    assert_eq!(message(Some("")).await, "Business undefined is not enabled for this client.");
    assert_eq!(message(Some("x")).await, "Business x is not enabled for this client.");
    assert_eq!(message(Some("other-shop")).await, "Business other-shop is not enabled for this client.");
}

#[tokio::test]
async fn a37_when_events_do_not_arrive_the_delivery_log_says_why() {
    let (app, receiver) = (App::builder().retries(r#"["1h"]"#).start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    receiver.script([gatepost_testkit::receiver::Script::Status(503)]);
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/hooks")], &["task.create"]);
    let client = app.client(new).await;
    let token = app.token(&client).await;
    create_task(&app, &token, SCHOOL, "Fire the kiln").await;
    let tried =
        app.deliveries_until(Some(&client), |found| found.iter().any(|one| one.delivery.attempts == 1));
    let id = tried.await[0].delivery.id.clone();

    let gatepost = program(&app);
    let listed = gatepost.json(&["delivery", "list", "--client", &client.client_id]).await;
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&json!(id), &json!("pending")));
    let shown = gatepost.json(&["delivery", "show", &id]).await;
    assert_eq!(shown["url"], receiver.url("/hooks"));
    assert_eq!(shown["attemptLog"][0]["status"], 503);
    assert!(shown["nextAttemptAt"].is_string());
    let shown = gatepost.text(&["delivery", "show", &id]).await;
    assert!(shown.contains("503") && shown.contains("task.create"), "{shown}");
    // And the client's own page says whether the event is ticked at all.
    update(&app, &client.id, json!({ "methods": [] })).await;
    let shown = gatepost.text(&["client", "show", &client.id]).await;
    assert!(shown.contains("none: no webhooks are sent"), "{shown}");
}

#[tokio::test]
async fn a38_a_secret_that_is_shown_once_is_replaced_by_a_new_client() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let gatepost = program(&app);
    let create = ["client", "create", "--name", "CRM sync", "--workspace", SCHOOL, "--secret-policy", "once"];
    let made = gatepost.json(&create).await;
    let (id, secret) = (text(&made, "id"), text(&made, "clientSecret"));
    let _ = app.ask_token(&text(&made, "clientId"), &secret).await.expect(200);

    let shown = gatepost.json(&["client", "show", &id]).await;
    assert_eq!((&shown["clientSecret"], &shown["secretPolicy"]), (&Value::Null, &json!("once")));
    let ran = gatepost.run(&["client", "reveal", &id]).await.expect(1);
    assert!(ran.stderr.contains("shown once") && ran.stderr.contains("make a new client"), "{}", ran.stderr);

    let new = gatepost.json(&create).await;
    let _ = app.ask_token(&text(&new, "clientId"), &text(&new, "clientSecret")).await.expect(200);
    act(&app, &id, "revoke").await;
    let _ = app.ask_token(&text(&made, "clientId"), &secret).await.expect(401);
}

//! A change made by the command line is in force in the running server when the command returns.

use std::time::Duration;

use gatepost_testkit::receiver::Script;
use gatepost_testkit::{Api, Process, Receiver, TestClient};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::PROGRAM;

const DEADLINE: Duration = Duration::from_secs(20);

async fn server() -> (Process, TestClient, Api) {
    let server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[], "task.create").await;
    let api = server.api(&client, "shop").await;
    is_let_in(&api).await;
    (server, client, api)
}

async fn is_let_in(api: &Api) {
    let _ = api.call("GET", "/v1.11/tasks", None).await.expect(200);
}

async fn is_refused(api: &Api, status: u16, with: &str) {
    let answer = api.call("GET", "/v1.11/tasks", None).await;
    let text = answer.text();
    assert!(answer.status == status && text.contains(with), "{} instead of {status}: {text}", answer.status);
}

async fn create_task(api: &Api) {
    let _ = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": "a task" }))).await.expect(200);
}

#[tokio::test]
async fn a_revoked_client_is_refused_by_the_very_next_request() {
    let (server, client, api) = server().await;
    drop(server.cli().json(&["client", "disable", &client.id]).await);
    is_refused(&api, 401, "message").await;
    drop(server.cli().json(&["client", "enable", &client.id]).await);
    let api = server.api(&client, "shop").await;
    is_let_in(&api).await;
    drop(server.cli().json(&["client", "revoke", &client.client_id]).await);
    is_refused(&api, 401, "message").await;
}

#[tokio::test]
async fn a_workspace_that_is_removed_is_refused_and_one_that_is_added_is_not() {
    let (server, client, api) = server().await;
    drop(server.cli().json(&["client", "update", &client.id, "--remove-workspace", "shop"]).await);
    is_refused(&api, 400, "Business shop is not enabled for this client.").await;
    drop(server.cli().json(&["client", "update", &client.id, "--add-workspace", "shop"]).await);
    is_let_in(&api).await;
}

#[tokio::test]
async fn a_new_url_gets_the_next_webhook_and_an_unticked_method_none() {
    let (server, client, api) = server().await;
    let receiver = Receiver::start().await;
    let url = receiver.url("/new");
    let updated = server.cli().json(&["client", "update", &client.id, "--add-webhook-url", &url]).await;
    let key = updated["webhookUrls"][0]["signingSecret"].as_str().unwrap();
    create_task(&api).await;
    let webhooks = receiver.wait_for(1).await;
    assert!(webhooks[0].is_signed_with(key), "{webhooks:?}");

    drop(server.cli().json(&["client", "update", &client.id, "--remove-method", "task.create"]).await);
    create_task(&api).await;
    drop(server.cli().json(&["client", "update", &client.id, "--add-method", "task.create"]).await);
    create_task(&api).await;
    receiver.wait_for(2).await;
    let listed = server.cli().json(&["delivery", "list"]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "nothing was made for the one between: {listed}");
}

#[tokio::test]
async fn limits_and_secrets_too() {
    let (server, client, api) = server().await;
    drop(server.cli().json(&["client", "update", &client.id, "--rate-limit", "1"]).await);
    is_refused(&api, 429, "message").await;
    drop(server.cli().json(&["client", "update", &client.id, "--rate-limit", "default"]).await);
    is_let_in(&api).await;
    drop(server.cli().json(&["client", "update", &client.id, "--allow-ip", "203.0.113.0/24"]).await);
    is_refused(&api, 403, "message").await;
    drop(server.cli().json(&["client", "update", &client.id, "--allow-ip", "any"]).await);
    is_let_in(&api).await;
    drop(server.cli().json(&["client", "rotate", &client.id, "--overlap", "0s"]).await);
    is_refused(&api, 401, "message").await;
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.client_id, client.secret
    );
    assert_eq!(server.http.post_form("/oauth/token", &form).await.status, 401, "the old secret");
}

#[tokio::test]
async fn a_replay_goes_out() {
    let (server, client, api) = server().await;
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(410)]);
    let url = receiver.url("/");
    drop(server.cli().json(&["client", "update", &client.id, "--add-webhook-url", &url]).await);
    create_task(&api).await;
    let first = receiver.wait_for(1).await;
    let failed = delivery_in_state(&server, "failed").await;
    drop(server.cli().json(&["client", "update", &client.id, "--remove-webhook-url", &url]).await);
    let replayed = server.cli().json(&["delivery", "replay", failed["id"].as_str().unwrap()]).await;
    let skipped = delivery_in_state(&server, "skipped").await;
    assert_eq!(skipped["id"], replayed["id"], "the URL is gone: {skipped}");

    drop(server.cli().json(&["client", "update", &client.id, "--add-webhook-url", &url]).await);
    create_task(&api).await;
    let second = receiver.wait_for(2).await;
    let delivered = delivery_in_state(&server, "delivered").await;
    drop(server.cli().json(&["delivery", "replay", delivered["id"].as_str().unwrap()]).await);
    let all = receiver.wait_for(3).await;
    assert_eq!(all[2].header("webhook-id"), second[1].header("webhook-id"));
    assert_ne!(all[2].header("webhook-id"), first[0].header("webhook-id"));
}

/// Waits until there is a delivery in this state, and gives the newest.
async fn delivery_in_state(server: &Process, state: &str) -> Value {
    let looking = async {
        loop {
            let listed = server.cli().json(&["delivery", "list", "--state", state]).await;
            if let Some(found) = listed.get(0) {
                return found.clone();
            }
        }
    };
    timeout(DEADLINE, looking).await.unwrap()
}

#[tokio::test]
async fn commands_at_the_same_moment_do_not_lose_each_others_changes() {
    let (mut server, client, _) = server().await;
    for state in ["running", "stopped"] {
        let mut commands = JoinSet::new();
        for number in 0..6 {
            let (cli, id) = (server.cli().clone(), client.id.clone());
            commands.spawn(async move {
                let url = format!("http://127.0.0.1:9/{state}/{number}");
                drop(cli.json(&["client", "update", &id, "--add-webhook-url", &url]).await);
                drop(cli.json(&["workspace", "create", &format!("{state}-{number}")]).await);
            });
        }
        commands.join_all().await;
        if state == "running" {
            assert!(server.terminate().await.success());
        }
    }
    let shown = server.cli().json(&["client", "show", &client.id]).await;
    assert_eq!(shown["webhookUrls"].as_array().map(Vec::len), Some(12), "{shown}");
    assert_eq!(server.cli().json(&["workspace", "list"]).await.as_array().map(Vec::len), Some(13));
}

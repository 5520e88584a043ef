//! The forms of commands that other programs rely on, and the members of their JSON.

use std::collections::BTreeSet;

use gatepost_testkit::engine::Engine;
use gatepost_testkit::{Cli, Process, Receiver};
use serde_json::{Value, json};

use super::PROGRAM;

const URL: &str = "http://127.0.0.1:9/webhooks";

#[tokio::test]
async fn every_form_works_with_the_server_running_and_stopped() {
    let receiver = Receiver::start().await;
    let mut server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("sender", "shop", &[receiver.url("/")], "task.create").await;
    let api = server.api(&client, "shop").await;
    let _ = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": "a task" }))).await.expect(200);
    receiver.wait_for(1).await;

    every_form(server.cli(), "running").await;
    deliveries(server.cli(), &client.client_id).await;
    assert!(server.terminate().await.success());
    every_form(server.cli(), "stopped").await;
    deliveries(server.cli(), &client.id).await;
}

async fn every_form(cli: &Cli, mark: &str) {
    workspaces(cli, mark).await;
    let client = create(cli, mark).await;
    show_and_update(cli, &client, mark).await;
    secrets(cli, &client).await;
    states(cli, &client).await;
    database_and_config(cli, mark).await;
}

fn has(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "there is no \"{member}\" in {value}");
    }
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

async fn workspaces(cli: &Cli, mark: &str) {
    for place in ["a", "b"] {
        let subdomain = format!("{place}-{mark}");
        let made = cli.json(&["workspace", "create", &subdomain, "--name", "A Place"]).await;
        assert_eq!((&made["subdomain"], &made["name"]), (&json!(subdomain), &json!("A Place")), "{made}");
    }
    let listed = cli.json(&["workspace", "list"]).await;
    let subdomains: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["subdomain"]).collect();
    assert!(subdomains.contains(&&json!(format!("a-{mark}"))), "{listed}");
    assert!(cli.text(&["workspace", "list"]).await.contains(&format!("a-{mark}")));
}

async fn create(cli: &Cli, mark: &str) -> Value {
    let (a, b) = (format!("a-{mark}"), format!("b-{mark}"));
    let second = format!("{URL}/2?x=1,2&y");
    let create = [
        "client",
        "create",
        "--name",
        "CRM sync",
        "--workspace",
        &a,
        "--workspace",
        &b,
        "--webhook-url",
        URL,
        "--webhook-url",
        &second,
        "--method",
        "task.create",
        "--method",
        "invoice.edit",
        "--api-version",
        "v1.9",
    ];
    let made = cli.json(&create).await;
    has(
        &made,
        &["id", "clientId", "clientSecret", "workspaces", "webhookUrls", "methods", "apiVersion", "status"],
    );
    assert_eq!(texts(&made["workspaces"]), BTreeSet::from([a.as_str(), b.as_str()]));
    assert_eq!(texts(&made["methods"]), BTreeSet::from(["task.create", "invoice.edit"]));
    assert_eq!(
        (&made["apiVersion"], &made["status"], &made["name"]),
        (&json!("v1.9"), &json!("active"), &json!("CRM sync"))
    );
    let urls = made["webhookUrls"].as_array().unwrap();
    assert_eq!(
        urls.iter().map(|url| &url["url"]).collect::<Vec<_>>(),
        [&json!(URL), &json!(second)],
        "{made}"
    );
    assert!(urls.iter().all(|url| url["signingSecret"].as_str().unwrap().starts_with("whsec_")), "{made}");
    assert!(made["clientId"].as_str().unwrap().starts_with("gpc_"), "{made}");
    assert!(made["clientSecret"].as_str().unwrap().starts_with("gps_"), "{made}");

    let told = cli.text(&["client", "create", "--name", "For people", "--workspace", &a]).await;
    assert!(
        told.contains("gpc_") && told.contains("gps_") && told.contains("as sensitive as a password"),
        "{told}"
    );
    made
}

async fn show_and_update(cli: &Cli, client: &Value, mark: &str) {
    let (id, client_id) = (client["id"].as_str().unwrap(), client["clientId"].as_str().unwrap());
    let listed = cli.json(&["client", "list"]).await;
    assert!(listed.as_array().unwrap().iter().any(|one| one["id"] == id), "{listed}");
    assert!(
        !listed.to_string().contains("gps_") && !listed.to_string().contains("whsec_"),
        "secrets in a list"
    );
    let shown = cli.json(&["client", "show", id]).await;
    assert_eq!(shown, cli.json(&["client", "show", client_id]).await);
    has(
        &shown,
        &[
            "id",
            "name",
            "clientId",
            "workspaces",
            "webhookUrls",
            "methods",
            "apiVersion",
            "status",
            "revision",
        ],
    );
    assert!(!shown.to_string().contains("gps_"), "a secret in {shown}");
    assert!(cli.text(&["client", "list"]).await.contains(client_id));
    assert!(cli.text(&["client", "show", id]).await.contains("CRM sync"));

    let (b, more) = (format!("b-{mark}"), format!("{URL}/3"));
    let update = [
        "client",
        "update",
        client_id,
        "--name",
        "CRM",
        "--remove-workspace",
        &b,
        "--add-method",
        "task.edit",
        "--remove-method",
        "invoice.edit",
        "--add-webhook-url",
        &more,
        "--remove-webhook-url",
        URL,
        "--api-version",
        "v1.11",
        "--token-lifetime",
        "24h",
        "--rate-limit",
        "5000",
        "--allow-ip",
        "127.0.0.0/8",
    ];
    let updated = cli.json(&update).await;
    assert_eq!((&updated["name"], &updated["apiVersion"]), (&json!("CRM"), &json!("v1.11")), "{updated}");
    assert_eq!(
        (&updated["tokenLifetime"], &updated["rateLimit"]),
        (&json!(86_400), &json!(5_000)),
        "{updated}"
    );
    assert_eq!(updated["allowIps"], json!(["127.0.0.0/8"]), "{updated}");
    assert_eq!(texts(&updated["methods"]), BTreeSet::from(["task.create", "task.edit"]));
    let urls: Vec<&str> =
        updated["webhookUrls"].as_array().unwrap().iter().filter_map(|url| url["url"].as_str()).collect();
    assert!(urls.contains(&more.as_str()) && !urls.contains(&URL), "{updated}");
    let back = cli.json(&["client", "update", id, "--add-workspace", &b]).await;
    assert_eq!(texts(&back["workspaces"]).len(), 2, "{back}");
    assert!(cli.text(&["client", "update", id, "--rate-limit", "6000"]).await.contains("6000"));
}

async fn secrets(cli: &Cli, client: &Value) {
    let id = client["id"].as_str().unwrap();
    let revealed = cli.json(&["client", "reveal", id]).await;
    assert_eq!(revealed["clientSecret"], client["clientSecret"], "{revealed}");
    let told = cli.text(&["client", "reveal", id]).await;
    assert!(told.contains(client["clientSecret"].as_str().unwrap()), "{told}");

    let rotated = cli.json(&["client", "rotate", id, "--overlap", "24h"]).await;
    let new = rotated["clientSecret"].as_str().unwrap();
    assert!(new.starts_with("gps_") && rotated["clientSecret"] != client["clientSecret"], "{rotated}");
    assert_eq!(cli.json(&["client", "reveal", id]).await["clientSecret"], new);

    let issued = cli.json(&["token", id]).await;
    let token = issued["accessToken"].as_str().unwrap();
    assert!(token.starts_with("gpt_"), "{issued}");
    let alone = cli.text(&["token", client["clientId"].as_str().unwrap()]).await;
    assert!(alone.starts_with("gpt_") && alone.trim_end().len() == token.len(), "only the token: {alone:?}");
}

async fn states(cli: &Cli, client: &Value) {
    let id = client["id"].as_str().unwrap();
    for (command, status) in [("disable", "disabled"), ("enable", "active"), ("revoke", "revoked")] {
        let changed = cli.json(&["client", command, id]).await;
        assert_eq!(changed["status"], status, "{changed}");
        assert_eq!(cli.json(&["client", "show", id]).await["status"], status);
    }
    drop(cli.json(&["client", "delete", id]).await);
    let gone = cli.run(&["client", "show", id]).await.expect(3);
    assert!(gone.stderr.contains(id) && gone.stdout.is_empty(), "{gone:?}");
    let listed = cli.json(&["client", "list"]).await;
    assert!(listed.as_array().unwrap().iter().all(|one| one["id"] != id), "{listed}");
}

async fn deliveries(cli: &Cli, client: &str) {
    let listed = cli.json(&["delivery", "list"]).await;
    let of_client = cli.json(&["delivery", "list", "--client", client, "--state", "delivered"]).await;
    assert!(listed.as_array().is_some_and(|list| !list.is_empty()), "{listed}");
    let delivery = &of_client[0];
    has(delivery, &["id", "eventId", "state", "method", "attempts", "url", "createdAt"]);
    assert_eq!(cli.json(&["delivery", "list", "--state", "failed"]).await, json!([]));
    let id = delivery["id"].as_str().unwrap();
    let shown = cli.json(&["delivery", "show", id]).await;
    assert_eq!(
        (&shown["attemptLog"][0]["status"], &shown["state"]),
        (&json!(200), &json!("delivered")),
        "{shown}"
    );
    assert!(cli.text(&["delivery", "show", id]).await.contains("Attempt 1"));
    let replayed = cli.json(&["delivery", "replay", id]).await;
    assert_eq!(
        (&replayed["replayOf"], &replayed["eventId"]),
        (&json!(id), &delivery["eventId"]),
        "{replayed}"
    );
    assert!(replayed["id"].as_str().unwrap().starts_with("dlv_") && replayed["id"] != id, "{replayed}");
    assert!(cli.text(&["delivery", "list"]).await.contains(replayed["id"].as_str().unwrap()));
}

async fn database_and_config(cli: &Cli, mark: &str) {
    let status = cli.json(&["db", "status"]).await;
    has(&status, &["version", "schema"]);
    drop(cli.json(&["db", "migrate"]).await);
    assert!(cli.text(&["db", "migrate"]).await.contains("up to date"));
    backup(cli, mark).await;
    assert!(cli.text(&["db", "status"]).await.contains("MIGRATION"));

    assert_eq!(cli.json(&["config", "check"]).await["ok"], true);
    let shown = cli.json(&["config", "show"]).await;
    for key in ["server.public_url", "webhooks.retry_schedule", "webhooks.allow_networks"] {
        has(&shown[key], &["value", "source"]);
    }
    assert_eq!(shown["rate_limit.requests_per_hour"]["value"], 1_000, "{shown}");
    assert!(cli.text(&["config", "show"]).await.contains("[webhooks]"));
    assert!(cli.text(&["method", "list"]).await.lines().any(|method| method == "task.edit"));
    has(&cli.json(&["audit", "list", "--limit", "1"]).await[0], &["actor", "action", "subject", "at"]);
}

async fn backup(cli: &Cli, mark: &str) {
    let copy = cli.data().with_file_name(format!("{mark}.db"));
    let words = ["db", "backup", copy.to_str().unwrap()];
    if Engine::chosen() == Engine::Postgres {
        let refused = cli.run(&words).await.expect(1);
        assert!(refused.stderr.contains("pg_dump") && !copy.exists(), "{refused:?}");
        return;
    }
    drop(cli.json(&words).await);
    assert!(copy.exists());
    let again = cli.run(&words).await.expect(1);
    assert!(again.stderr.contains("exist"), "a backup is written over: {again:?}");
}

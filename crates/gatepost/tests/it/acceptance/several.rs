//! Several clients: A30 to A33.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatepost_model::{ApiVersion, DeliveryState};
use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::support::{SCHOOL, SHOP, TASKS, act, create_task, list_tasks, program, update};

const UNLIMITED: &str = "[rate_limit]\nrequests_per_hour = 1000000";

#[tokio::test]
async fn a30_several_clients_exist_at_once() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(app.client(make::client(&format!("Client {number}"), &[SCHOOL])).await);
    }
    for client in &clients {
        let token = app.token(client).await;
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    }
    let listed = program(&app).json(&["client", "list"]).await;
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|client| client["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 20);
    assert_eq!((names[0], names[19]), ("Client 0", "Client 19"));
    // One's secret is not another's, and two may bear the same name.
    let mixed = app.ask_token(&clients[0].client_id, &clients[1].secret).await;
    let _ = mixed.expect(401);
    app.client(make::client("Client 0", &[SCHOOL])).await;
}

#[tokio::test]
async fn a31_each_client_has_its_own_workspaces_urls_methods_and_api_version() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let versions = [ApiVersion::V1_8, ApiVersion::V1_11];
    let mut old = make::subscriber("Old", &[SCHOOL], &[receiver.url("/old")], &["task.create"]);
    old.api_version = Some(versions[0]);
    let mut new = make::subscriber("New", &[SCHOOL, SHOP], &[receiver.url("/new")], &["task.*"]);
    new.api_version = Some(versions[1]);
    let (old, new) = (app.client(old).await, app.client(new).await);

    let gatepost = program(&app);
    let shown = gatepost.json(&["client", "show", &old.id]).await;
    assert_eq!(shown["workspaces"], json!([SCHOOL]));
    assert_eq!(shown["webhookUrls"][0]["url"], receiver.url("/old"));
    assert_eq!(shown["methods"], json!(["task.create"]));
    assert_eq!(shown["apiVersion"], "v1.8");
    let shown = gatepost.json(&["client", "show", &new.id]).await;
    assert_eq!(shown["workspaces"], json!([SHOP, SCHOOL]));
    assert_eq!(shown["methods"], json!(["task.create", "task.edit", "task.remove"]));
    assert_eq!(shown["apiVersion"], "v1.11");

    // Each one's version governs paths that name none, and its webhooks; a version in the path wins.
    for (client, version) in [(&old, "v1.8"), (&new, "v1.11")] {
        let token = app.token(client).await;
        let own = app.call("GET", "/tasks", &token, Some(SCHOOL), None).await.expect(200);
        assert_eq!(own.header("gatepost-api-version"), version);
        let named = app.call("GET", "/v1.9/tasks", &token, Some(SCHOOL), None).await.expect(200);
        assert_eq!(named.header("gatepost-api-version"), "v1.9");
    }
    let token = app.token(&new).await;
    create_task(&app, &token, SCHOOL, "For both").await;
    let version_at = |path: &str| {
        let found = receiver.received().into_iter().rev().find(|webhook| webhook.path == path);
        found.map(|webhook| webhook.header("gatepost-api-version").to_owned()).unwrap_or_default()
    };
    receiver.wait_for(2).await;
    assert_eq!((version_at("/old").as_str(), version_at("/new").as_str()), ("v1.8", "v1.11"));

    // Changing one's version is in force at once and leaves the other's alone.
    update(&app, &old.id, json!({ "apiVersion": "v1.9" })).await;
    create_task(&app, &token, SCHOOL, "Again for both").await;
    receiver.wait_for(4).await;
    assert_eq!((version_at("/old").as_str(), version_at("/new").as_str()), ("v1.9", "v1.11"));
    let _ = app
        .admin("PATCH", &format!("/clients/{}", old.id), Some(json!({ "apiVersion": "v2" })))
        .await
        .expect(400);
}

#[tokio::test]
async fn a32_crm_billing_and_reporting_do_not_get_in_each_others_way() {
    let app = App::builder().retries(r#"["1h"]"#).start().await;
    app.workspace(SCHOOL).await;
    let (up, down) = (Receiver::start().await, Receiver::start().await);
    let dead = down.url("/billing");
    down.stop().await;
    let crm = make::subscriber("CRM sync", &[SCHOOL], &[up.url("/crm")], &["task.create"]);
    let mut billing = make::subscriber("Billing", &[SCHOOL], &[dead], &["task.create"]);
    billing.rate_limit = Some(3);
    let (crm, billing) = (app.client(crm).await, app.client(billing).await);
    let reporting = app.client(make::client("Reporting", &[SCHOOL])).await;
    let tokens = (app.token(&crm).await, app.token(&billing).await, app.token(&reporting).await);

    // Limits: billing uses its own up, the others do not notice.
    for expected in [200, 200, 200, 429, 429] {
        let _ = list_tasks(&app, &tokens.1, SCHOOL).await.expect(expected);
    }
    for token in [&tokens.0, &tokens.2] {
        let answer = list_tasks(&app, token, SCHOOL).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-remaining"), "999");
    }
    // Deliveries: billing's receiver is down, the CRM's hears of everything.
    for number in 0..5 {
        create_task(&app, &tokens.2, SCHOOL, &format!("Task {number}")).await;
    }
    up.wait_for(5).await;
    let delivered = |shown: &[gatepost_core::deliveries::Shown]| {
        shown.len() == 5 && shown.iter().all(|one| one.delivery.state == DeliveryState::Delivered)
    };
    app.deliveries_until(Some(&crm), delivered).await;
    let waiting = app.deliveries(Some(&billing)).await;
    assert_eq!(waiting.len(), 5);
    assert!(waiting.iter().all(|one| one.delivery.state == DeliveryState::Pending));
    assert!(app.deliveries(Some(&reporting)).await.is_empty());
    // Tokens: revoking one of the CRM's leaves its others and everybody else's.
    let second = app.token(&crm).await;
    let form = format!("client_id={}&client_secret={}&token={}", crm.client_id, crm.secret, tokens.0);
    let _ = app.http.post_form("/oauth/revoke", &form).await.expect(200);
    let _ = list_tasks(&app, &tokens.0, SCHOOL).await.expect(401);
    for token in [&second, &tokens.2] {
        let _ = list_tasks(&app, token, SCHOOL).await.expect(200);
    }
}

/// Reads and writes until told to stop, and gives how often. Anything but success ends the test.
async fn load(app: &App, client: &TestClient, stop: &AtomicBool) -> u32 {
    let mut token = app.token(client).await;
    let mut calls = 0;
    while !stop.load(Ordering::Relaxed) || calls == 0 {
        create_task(app, &token, SCHOOL, "Under load").await;
        let _ = app.call("GET", &format!("{TASKS}?limit=1"), &token, Some(SCHOOL), None).await.expect(200);
        token = app.token(client).await;
        calls += 3;
    }
    calls
}

#[tokio::test]
async fn a33_revoking_one_client_under_load_leaves_all_others_untouched() {
    let app = Arc::new(App::builder().config(UNLIMITED).start().await);
    let receiver = Receiver::start().await;
    app.workspace(SCHOOL).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = Vec::new();
    for name in ["B", "C", "D"] {
        let url = receiver.url(&format!("/{name}"));
        others.push(app.client(make::subscriber(name, &[SCHOOL], &[url], &["task.create"])).await);
    }
    let tasks = TaskTracker::new();
    let start = |client: TestClient| {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop));
        tasks.spawn(async move { (load(&app, &client, &stop).await, client) })
    };
    let loads: Vec<_> = others.into_iter().map(start).collect();
    receiver.wait_for(3).await;
    for action in ["disable", "revoke"] {
        for _ in 0..3 {
            let victim = app.client(make::client("A", &[SCHOOL])).await;
            let tokens = [app.token(&victim).await, app.token(&victim).await];
            let _ = list_tasks(&app, &tokens[0], SCHOOL).await.expect(200);
            act(&app, &victim.id, action).await;
            for token in &tokens {
                let _ = list_tasks(&app, token, SCHOOL).await.expect(401);
            }
            let _ = app.ask_token(&victim.client_id, &victim.secret).await.expect(401);
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    for load in loads {
        let (calls, client) = load.await.unwrap();
        assert!(calls >= 3);
        written += calls / 3;
        let shown = app.admin("GET", &format!("/clients/{}", client.id), None).await.expect(200).json();
        assert_eq!((&shown["status"], &shown["revision"]), (&json!("active"), &json!(1)));
    }
    // Each of the three gets every task of all three.
    let webhooks = receiver.wait_for(usize::try_from(written).unwrap() * 3).await;
    assert_eq!(webhooks.len(), usize::try_from(written).unwrap() * 3);
}

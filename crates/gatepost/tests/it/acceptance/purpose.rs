//! Purpose: A1 to A4.

use gatepost_testkit::{App, Receiver, make};
use serde_json::json;

use crate::support::{SCHOOL, SHOP, TASKS, create_task, list_tasks, program, update};

#[tokio::test]
async fn a01_one_client_authenticates_to_the_api_and_is_sent_webhooks() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/hooks")], &["task.create"]);
    let client = app.client(new).await;

    let token = app.token(&client).await;
    let task = create_task(&app, &token, SCHOOL, "Fire the kiln").await;

    let webhook = &receiver.wait_for(1).await[0];
    assert_eq!(webhook.header("gatepost-method"), "task.create");
    assert_eq!(webhook.header("gatepost-workspace"), SCHOOL);
    assert_eq!(webhook.json(), task);
    assert!(webhook.is_signed_with(&client.signing_keys[0]));
}

#[tokio::test]
async fn a02_a_client_acts_only_in_the_workspaces_that_it_is_enabled_for() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;

    let nowhere = app.client(make::client("Nowhere", &[])).await;
    let token = app.token(&nowhere).await;
    for workspace in [SCHOOL, SHOP] {
        let _ = list_tasks(&app, &token, workspace).await.expect(400);
    }

    let school = app.client(make::client("School only", &[SCHOOL])).await;
    let token = app.token(&school).await;
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    let _ = list_tasks(&app, &token, SHOP).await.expect(400);

    app.workspace("third-shop").await;
    let _ = list_tasks(&app, &token, "third-shop").await.expect(400);
}

#[tokio::test]
async fn a03_the_list_of_methods_decides_which_webhooks_are_sent() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/")], &["task.edit"]);
    let client = app.client(new).await;
    let token = app.token(&client).await;

    let task = create_task(&app, &token, SCHOOL, "Fire the kiln").await;
    let edit = json!({ "_id": task["_id"], "title": "Fire it twice" });
    let _ = app.call("PUT", TASKS, &token, Some(SCHOOL), Some(edit)).await.expect(200);
    update(&app, &client.id, json!({ "methods": ["task.remove"] })).await;
    let edit = json!({ "_id": task["_id"], "title": "Fire it thrice" });
    let _ = app.call("PUT", TASKS, &token, Some(SCHOOL), Some(edit)).await.expect(200);
    let remove = json!({ "_id": task["_id"] });
    let _ = app.call("DELETE", TASKS, &token, Some(SCHOOL), Some(remove)).await.expect(200);

    let made = app.settled_deliveries(None).await;
    let methods: Vec<&str> = made.iter().map(|made| made.delivery.method.as_str()).collect();
    assert_eq!(methods, ["task.remove", "task.edit"], "newest first");
}

#[tokio::test]
async fn a04_the_help_has_one_place_for_api_clients() {
    let app = App::start().await;
    let gatepost = program(&app);

    let help = gatepost.text(&["--help"]).await;
    let line = help.lines().find(|line| line.trim_start().starts_with("client "));
    assert!(line.is_some_and(|line| line.contains("API clients")), "{help}");

    let help = gatepost.text(&["client", "--help"]).await;
    for about in ["API clients", "credentials", "workspaces", "webhooks", "API version"] {
        assert!(help.contains(about), "{about}: {help}");
    }
    for command in
        ["create", "list", "show", "update", "reveal", "rotate", "disable", "enable", "revoke", "delete"]
    {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{command} ")));
        assert!(line.is_some(), "{command}: {help}");
    }
}

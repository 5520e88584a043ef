//! Permissions and scoping, and that the checklist limits nothing in the API: A15 to A19, A22 to A24.

use gatepost_testkit::{App, TestClient, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, SHOP, TASKS, create_task, list_tasks, program, update};

/// What every collection takes as a list: two of them want to know whose records are meant.
const LIST: &str = "?entityType=task&entityId=none";

/// Choices of methods that must make no difference to the API.
const CHOICES: [&[&str]; 5] =
    [&[], &["task.create"], &["invoice.*"], &["task.remove", "person.edit"], &["*"]];

/// Lists every collection, and takes a task through create, edit, archive and delete.
async fn use_everything(app: &App, token: &str, workspace: &str) {
    for entity in app.gatepost().catalog().entities() {
        let answer = app.call("GET", &format!("/{}{LIST}", entity.path), token, Some(workspace), None).await;
        assert!(answer.expect(200).json().is_array(), "{}", entity.path);
    }
    for (path, title) in [("tasks", "title"), ("projects", "name"), ("companies", "title")] {
        let path = format!("/v1.11/{path}");
        let call = async |method: &str, path: &str, body: Value| {
            app.call(method, path, token, Some(workspace), Some(body)).await.expect(200).json()
        };
        let made = call("POST", &path, json!({ title: "A" })).await;
        let edited = call("PUT", &path, json!({ "_id": made["_id"], title: "B" })).await;
        assert_eq!(edited[title], "B", "{path}");
        let several = json!({ "_ids": [made["_id"]], title: "C" });
        assert_eq!(call("PUT", &format!("{path}/bulk"), several).await[0][title], "C", "{path}");
        call("DELETE", &path, json!({ "_id": made["_id"] })).await;
    }
}

async fn with_methods(app: &App, methods: &[&str]) -> TestClient {
    app.client(make::subscriber("Any", &[SCHOOL], &[], methods)).await
}

#[tokio::test]
async fn a15_access_is_scoped_by_workspace_and_not_by_area() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let school = app.token(&app.client(make::client("School", &[SCHOOL])).await).await;
    let both = app.token(&app.client(make::client("Both", &[SCHOOL, SHOP])).await).await;
    use_everything(&app, &school, SCHOOL).await;
    for entity in app.gatepost().catalog().entities() {
        let _ =
            app.call("GET", &format!("/{}{LIST}", entity.path), &school, Some(SHOP), None).await.expect(400);
    }
    // Records of one workspace are not there in another, for a client that is enabled for both.
    let task = create_task(&app, &both, SHOP, "Only in the shop").await;
    assert_eq!(list_tasks(&app, &both, SCHOOL).await.expect(200).json(), json!([]));
    let id = task["_id"].as_str().unwrap();
    let path = format!("{TASKS}/{id}");
    let _ = app.call("GET", &path, &both, Some(SHOP), None).await.expect(200);
    let _ = app.call("GET", &path, &both, Some(SCHOOL), None).await.expect(404);
    for method in ["PUT", "DELETE"] {
        let body = json!({ "_id": id, "title": "Taken" });
        let _ = app.call(method, TASKS, &both, Some(SCHOOL), Some(body)).await.expect(404);
    }
}

#[tokio::test]
async fn a16_the_workspaces_selector_decides_where_the_client_may_act() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let gatepost = program(&app);
    let statuses = async || {
        let school = list_tasks(&app, &token, SCHOOL).await.status;
        (school, list_tasks(&app, &token, SHOP).await.status)
    };
    assert_eq!(statuses().await, (200, 400));
    let _ = gatepost.json(&["client", "update", &client.id, "--add-workspace", SHOP]).await;
    assert_eq!(statuses().await, (200, 200), "the token in hand follows the selection");
    let _ = gatepost.json(&["client", "update", &client.id, "--remove-workspace", SCHOOL]).await;
    assert_eq!(statuses().await, (400, 200));
    let _ = gatepost.json(&["client", "update", &client.id, "--remove-workspace", SHOP]).await;
    assert_eq!(statuses().await, (400, 400));
}

#[tokio::test]
async fn a17_the_checklist_changes_webhooks_and_nothing_else() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = with_methods(&app, &[]).await;
    let token = app.token(&client).await;
    let before = app.admin("GET", &format!("/clients/{}", client.id), None).await.json();
    for methods in CHOICES {
        let after = update(&app, &client.id, json!({ "methods": methods })).await;
        for member in ["status", "workspaces", "apiVersion", "webhookUrls", "rateLimit", "tokenLifetime"] {
            assert_eq!(after[member], before[member], "{member}");
        }
        // The token from before the change does all that it did.
        use_everything(&app, &token, SCHOOL).await;
    }
}

#[tokio::test]
async fn a18_choosing_methods_never_makes_the_api_read_only() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    for methods in CHOICES {
        let token = app.token(&with_methods(&app, methods).await).await;
        let task = create_task(&app, &token, SCHOOL, "Fire the kiln").await;
        for method in ["PUT", "DELETE"] {
            let body = json!({ "_id": task["_id"], "title": "Fire it twice" });
            let _ = app.call(method, TASKS, &token, Some(SCHOOL), Some(body)).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a19_choosing_methods_never_limits_the_api_to_groups_of_entities() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    for methods in [&["invoice.*"][..], &["project.create"], &["form-response.create"]] {
        let token = app.token(&with_methods(&app, methods).await).await;
        use_everything(&app, &token, SCHOOL).await;
    }
}

#[tokio::test]
async fn a22_no_choice_of_methods_blocks_an_endpoint() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    for methods in CHOICES {
        let token = app.token(&with_methods(&app, methods).await).await;
        use_everything(&app, &token, SCHOOL).await;
    }
}

#[tokio::test]
async fn a23_there_is_no_read_only_mode() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    for command in ["create", "update"] {
        let help = program(&app).text(&["client", command, "--help"]).await.to_lowercase();
        for word in ["read-only", "read only", "readonly", "--scope", "--permission"] {
            assert!(!help.contains(word), "{command}: {word}");
        }
    }
    for member in ["readOnly", "scopes", "permissions"] {
        let body = json!({ "name": "Reader", "workspaces": [SCHOOL], member: true });
        let _ = app.admin("POST", "/clients", Some(body)).await.expect(400);
    }
    let token = app.token(&app.client(make::client("Writer", &[SCHOOL])).await).await;
    create_task(&app, &token, SCHOOL, "Fire the kiln").await;
}

#[tokio::test]
async fn a24_with_no_method_chosen_a_client_gets_tokens_and_uses_the_whole_api() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = with_methods(&app, &[]).await;
    let shown = program(&app).json(&["client", "show", &client.id]).await;
    assert_eq!(shown["methods"], json!([]));
    for _ in 0..2 {
        let token = app.token(&client).await;
        use_everything(&app, &token, SCHOOL).await;
    }
}

//! Workspace access: A10 to A14.

use gatepost_testkit::{App, make};
use serde_json::json;

use crate::support::{SCHOOL, SHOP, TASKS, create_task, list_tasks, program, text, update};

const UNDEFINED: &str = "Business undefined is not enabled for this client.";

#[tokio::test]
async fn a10_a_client_can_be_enabled_for_one_workspace_or_for_several() {
    let app = App::start().await;
    for name in [SCHOOL, SHOP, "third-shop"] {
        app.workspace(name).await;
    }
    let one = app.client(make::client("One", &[SHOP])).await;
    let several = app.client(make::client("Several", &[SCHOOL, "third-shop"])).await;
    for (client, enabled) in [(one, vec![SHOP]), (several, vec![SCHOOL, "third-shop"])] {
        let answer = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
        assert_eq!(answer["client"]["businesses"], json!(enabled));
        let token = text(&answer, "access_token");
        for workspace in [SCHOOL, SHOP, "third-shop"] {
            let status = if enabled.contains(&workspace) { 200 } else { 400 };
            let _ = list_tasks(&app, &token, workspace).await.expect(status);
        }
        let shown = program(&app).json(&["client", "show", &client.id]).await;
        assert_eq!(shown["workspaces"], json!(enabled));
    }
}

#[tokio::test]
async fn a11_every_request_needs_the_business_header() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    let paths: Vec<String> =
        app.gatepost().catalog().entities().iter().map(|entity| entity.path.clone()).collect();
    assert!(paths.len() >= 40, "{}", paths.len());
    for path in paths {
        for version in ["", "/v1", "/v1.11"] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let answer = app.call(method, &format!("{version}/{path}"), &token, None, None).await;
                assert_eq!(answer.expect(400).json()["message"], UNDEFINED, "{method} {version}/{path}");
            }
        }
    }
    for near in ["the-ceramic", "the-ceramic-school.example.com", "THE-CERAMIC-SCHOOL", "*", "wsp_1"] {
        let _ = list_tasks(&app, &token, near).await.expect(400);
    }
    // The name of the header is what HTTP says: any case will do.
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Business", SCHOOL)];
    let _ = app.http.get(TASKS, &headers).await.expect(200);
}

#[tokio::test]
async fn a12_without_the_header_a_good_token_gets_a_400_about_the_workspace() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    for business in [None, Some("")] {
        let refused = app.call("GET", TASKS, &token, business, None).await.expect(400).json();
        assert_eq!(refused["code"], 400);
        assert_eq!(refused["message"], UNDEFINED);
        assert!(text(&refused, "help").starts_with("The token is good."), "{refused}");
    }
}

#[tokio::test]
async fn a13_a_workspace_that_is_not_enabled_gets_a_400_although_the_token_is_good() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    for other in [SHOP, "no-such-workspace"] {
        let refused = list_tasks(&app, &token, other).await.expect(400).json();
        assert_eq!(refused["code"], 400);
        assert_eq!(refused["message"], format!("Business {other} is not enabled for this client."));
    }
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn a14_the_worked_example_of_the_ceramic_school() {
    let app = App::start().await;
    app.workspace("the-ceramic-school").await;
    let client = app.client(make::client("The ceramic school's tool", &["the-ceramic-school"])).await;
    let token = app.token(&client).await;

    let task = create_task(&app, &token, "the-ceramic-school", "Fire the kiln").await;
    let listed = list_tasks(&app, &token, "the-ceramic-school").await.expect(200).json();
    assert_eq!(listed, json!([task]));

    // Without the header.
    let refused = app.call("GET", TASKS, &token, None, None).await.expect(400).json();
    assert_eq!(refused["message"], UNDEFINED);
    // Without the workspace enabled.
    update(&app, &client.id, json!({ "removeWorkspaces": ["the-ceramic-school"] })).await;
    let refused = list_tasks(&app, &token, "the-ceramic-school").await.expect(400).json();
    assert_eq!(refused["message"], "Business the-ceramic-school is not enabled for this client.");
    // With both again.
    update(&app, &client.id, json!({ "addWorkspaces": ["the-ceramic-school"] })).await;
    let _ = list_tasks(&app, &token, "the-ceramic-school").await.expect(200);
}

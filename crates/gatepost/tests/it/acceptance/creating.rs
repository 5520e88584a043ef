//! Creating a client: A5 to A9.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, act, list_tasks, program, text};

#[tokio::test]
async fn a05_clients_are_created_where_they_are_managed() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let gatepost = program(&app);
    let command = ["client", "create", "--name", "CRM sync", "--workspace", SCHOOL];
    let made = gatepost.json(&command).await;

    // It is at work in the running server as soon as the command returns, and stands in the list.
    let token = app.ask_token(&text(&made, "clientId"), &text(&made, "clientSecret")).await.expect(200);
    let token = text(&token.json(), "access_token");
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    let listed = gatepost.json(&["client", "list"]).await;
    assert_eq!(listed[0]["id"], made["id"]);

    // The API points people to that place by its name.
    let refused = list_tasks(&app, &token, "another-school").await.expect(400).json();
    assert!(text(&refused, "help").contains("Settings > API manager"), "{refused}");
}

#[tokio::test]
async fn a06_a_client_must_have_a_name() {
    let app = App::start().await;
    let gatepost = program(&app);
    let ran = gatepost.run(&["client", "create"]).await.expect(2);
    assert!(ran.stderr.contains("--name"), "{}", ran.stderr);
    for name in ["", "   "] {
        let ran = gatepost.run(&["client", "create", "--name", name]).await.expect(1);
        assert!(ran.stderr.contains("name"), "{}", ran.stderr);
    }
    for body in [json!({}), json!({ "name": "" }), json!({ "name": null }), json!({ "name": 7 })] {
        let refused = app.admin("POST", "/clients", Some(body)).await.expect(400).json();
        assert!(text(&refused, "message").contains("name"), "{refused}");
    }
    assert_eq!(app.admin("GET", "/clients", None).await.json(), json!([]));

    // It is what people tell it by.
    let _ = gatepost.json(&["client", "create", "--name", "Reporting"]).await;
    assert!(gatepost.text(&["client", "list"]).await.contains("Reporting"));
}

#[tokio::test]
async fn a07_the_product_generates_client_id_and_secret() {
    let app = App::start().await;
    for chosen in ["clientId", "clientSecret", "client_id", "id", "secret"] {
        let body = json!({ "name": "CRM sync", chosen: "mine" });
        let refused = app.admin("POST", "/clients", Some(body)).await.expect(400).json();
        assert!(text(&refused, "message").contains(chosen), "{refused}");
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        let made = app.admin("POST", "/clients", Some(json!({ "name": "Same" }))).await.expect(201).json();
        seen.extend([text(&made, "clientId"), text(&made, "clientSecret")]);
    }
    for value in &seen {
        // Tools that exist accept 5 to 50 characters of this class (contract.md B).
        assert!((5..=50).contains(&value.len()), "{value}");
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{value}");
    }
    assert!(seen.iter().step_by(2).all(|id| id.starts_with("gpc_")));
    assert!(seen.iter().skip(1).step_by(2).all(|secret| secret.starts_with("gps_")));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 10, "no two are alike");
}

#[tokio::test]
async fn a08_id_and_secret_remain_viewable() {
    let mut app = App::builder().clock_at(Timestamp::from_seconds(1_800_000_000)).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    app.advance(Duration::from_secs(400 * 24 * 3600));
    app.restart().await;

    let shown = program(&app).json(&["client", "show", &client.id]).await;
    assert_eq!(shown["clientId"], client.client_id);
    assert_eq!(shown["clientSecret"], Value::Null, "looking does not show the secret, revealing does");
    for _ in 0..2 {
        let revealed = act(&app, &client.client_id, "reveal").await;
        assert_eq!(revealed["clientId"], client.client_id);
        assert_eq!(revealed["clientSecret"], client.secret);
    }
    let text = program(&app).text(&["client", "reveal", &client.id]).await;
    assert!(text.contains(&client.client_id) && text.contains(&client.secret));
    let _ = app.token(&client).await;
}

#[tokio::test]
async fn a09_people_are_warned_that_the_secret_is_like_a_password() {
    let app = App::start().await;
    let gatepost = program(&app);
    let made = gatepost.text(&["client", "create", "--name", "CRM sync"]).await;
    let id = gatepost.json(&["client", "list"]).await;
    let id = text(&id[0], "id");
    let revealed = gatepost.text(&["client", "reveal", &id]).await;
    let rotated = gatepost.text(&["client", "rotate", &id]).await;
    for shown in [made, revealed, rotated] {
        assert!(shown.contains("gps_"), "{shown}");
        assert!(shown.contains("as sensitive as a password"), "{shown}");
        assert!(shown.contains("do not share it"), "{shown}");
    }
}

//! Introspection: N1 to N4.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, TestClient, make};
use serde_json::{Value, json};

use super::{basic, credentials, post, post_as, refused};
use crate::support::{SCHOOL, SHOP, act};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

async fn introspect(app: &App, client: &TestClient, token: &str) -> Value {
    let form = format!("{}&token={token}", credentials(client));
    post(app, "/oauth/introspect", &[], &form).await.expect(200).json()
}

#[tokio::test]
async fn n1_a_client_sees_what_its_own_live_token_is() {
    let app = App::builder().clock_at(START).public_url("https://gate.example").start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    app.advance(Duration::from_secs(60));
    let seen = introspect(&app, &client, &token).await;
    let expected = json!({
        "active": true,
        "client_id": client.client_id,
        "sub": client.id,
        "iss": "https://gate.example",
        "scope": "api",
        "token_type": "Bearer",
        "iat": START.seconds(),
        "exp": START.seconds() + 259_200,
        "businesses": [SCHOOL],
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn n2_any_other_token_is_not_active_and_that_is_all() {
    let app = App::builder().clock_at(START).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let other = app.client(make::client("Another", &[])).await;
    let expired = app.token(&client).await;
    app.advance(Duration::from_secs(259_200));
    let revoked = app.token(&client).await;
    let form = format!("{}&token={revoked}", credentials(&client));
    let _ = post(&app, "/oauth/revoke", &[], &form).await.expect(200);
    let foreign = app.token(&other).await;
    let dead = app.client(make::client("Disabled", &[])).await;
    let disabled = app.token(&dead).await;
    act(&app, &dead.id, "disable").await;
    for token in [expired.as_str(), &revoked, &foreign, &disabled, "garbage", "gpt_x"] {
        assert_eq!(introspect(&app, &client, token).await.to_string(), r#"{"active":false}"#);
    }
}

#[tokio::test]
async fn n3_introspection_is_never_open() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let form = format!("token={}", app.token(&client).await);
    refused(post(&app, "/oauth/introspect", &[], &form).await, 401, "invalid_client");
    let wrong = basic(&client.client_id, "gps_wrong");
    let answer = post_as(&app, "/oauth/introspect", &wrong, &form).await;
    refused(answer, 401, "invalid_client");
    let good = basic(&client.client_id, &client.secret);
    let _ = post_as(&app, "/oauth/introspect", &good, &form).await.expect(200);
}

#[tokio::test]
async fn n4_introspection_is_a_post() {
    let app = App::start().await;
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = app.http.send(method, path, &[], "").await.expect(405);
            assert_eq!(answer.header("allow"), "POST");
        }
    }
}

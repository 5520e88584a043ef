//! Revocation: V1 to V6.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, TestClient, make};

use super::{altered, basic, credentials, post, post_as, refused};
use crate::support::{SCHOOL, list_tasks};

async fn revoke(app: &App, client: &TestClient, token: &str) -> gatepost_testkit::Answer {
    post(app, "/oauth/revoke", &[], &format!("{}&token={token}", credentials(client))).await
}

async fn school() -> (App, TestClient) {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    (app, client)
}

#[tokio::test]
async fn v1_a_revoked_token_is_dead_at_once_and_after_a_restart() {
    let (mut app, client) = school().await;
    let (token, other) = (app.token(&client).await, app.token(&client).await);
    let answer = revoke(&app, &client, &token).await.expect(200);
    assert_eq!(answer.text(), "{}");
    assert!(answer.header("content-type").starts_with("application/json"));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    let _ = list_tasks(&app, &other, SCHOOL).await.expect(200);
    app.restart().await;
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    let _ = list_tasks(&app, &other, SCHOOL).await.expect(200);
    let header = basic(&client.client_id, &client.secret);
    let form = format!("token={other}");
    let _ = post_as(&app, "/oauth/revoke", &header, &form).await.expect(200);
    let _ = list_tasks(&app, &other, SCHOOL).await.expect(401);
}

#[tokio::test]
async fn v2_a_token_that_is_unknown_or_dead_already_is_no_error() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_800_000_000)).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let (revoked, expired) = (app.token(&client).await, app.token(&client).await);
    let _ = revoke(&app, &client, &revoked).await.expect(200);
    app.advance(Duration::from_secs(259_200));
    let forged = altered(&revoked);
    for token in [revoked.as_str(), &expired, &forged, "garbage", "gpt_", "%00", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(revoke(&app, &client, token).await.expect(200).text(), "{}", "{token}");
    }
    refused(post(&app, "/oauth/revoke", &[], &credentials(&client)).await, 400, "invalid_request");
}

#[tokio::test]
async fn v3_a_token_of_another_client_is_refused_and_lives_on() {
    let (app, client) = school().await;
    let other = app.client(make::client("Another", &[SCHOOL])).await;
    let token = app.token(&other).await;
    refused(revoke(&app, &client, &token).await, 400, "invalid_request");
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn v4_who_revokes_must_prove_who_they_are() {
    let (app, client) = school().await;
    let token = app.token(&client).await;
    let wrong = format!("client_id={}&client_secret=gps_wrong", client.client_id);
    for form in [format!("token={token}"), format!("token={token}&{wrong}")] {
        refused(post(&app, "/oauth/revoke", &[], &form).await, 401, "invalid_client");
    }
    let bearer = format!("Bearer {token}");
    let form = format!("token={token}");
    refused(post_as(&app, "/oauth/revoke", &bearer, &form).await, 400, "invalid_request");
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn v5_a_wrong_hint_does_not_keep_a_token_alive() {
    let (app, client) = school().await;
    for hint in ["access_token", "refresh_token", "id_token", "nonsense", ""] {
        let token = app.token(&client).await;
        let form = format!("{}&token={token}&token_type_hint={hint}", credentials(&client));
        let _ = post(&app, "/oauth/revoke", &[], &form).await.expect(200);
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    }
}

#[tokio::test]
async fn v6_without_the_store_a_token_is_not_said_to_be_revoked() {
    let (app, client) = school().await;
    let token = app.token(&client).await;
    app.gatepost().store().close().await;
    let answer = revoke(&app, &client, &token).await.expect(503);
    assert!(answer.header("retry-after").parse::<u64>().is_ok());
    assert_eq!(answer.json()["error"], "server_error");
}

//! Token lifecycle: A26 to A29.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, make};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::support::{SCHOOL, act, list_tasks, text};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOURS_72: Duration = Duration::from_secs(259_200);

#[tokio::test]
async fn a26_a_token_is_asked_for_at_oauth_token_with_client_credentials() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.client_id, client.secret
    );
    for prefix in ["", "/v1", "/v1.7", "/v1.8", "/v1.9", "/v1.10", "/v1.11"] {
        let answer = app.http.post_form(&format!("{prefix}/oauth/token"), &form).await.expect(200).json();
        // Both dialects at once: tools that exist read either (contract.md B).
        let token = text(&answer, "access_token");
        assert_eq!(answer["accessToken"], token);
        assert_eq!((&answer["token_type"], &answer["tokenType"]), (&json!("Bearer"), &json!("Bearer")));
        assert_eq!(answer["client"]["businesses"], json!([SCHOOL]));
        assert_eq!(answer["client"]["grants"], json!(["client_credentials"]));
        for failure in ["status", "statusCode"] {
            assert_eq!(answer[failure], Value::Null, "read as a failure by tools that exist");
        }
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    }
    // A business header does no harm, whatever it says.
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("business", "anything")];
    let _ = app.http.send("POST", "/oauth/token", &headers, form).await.expect(200);
    for grant in ["", "grant_type=password&", "grant_type=authorization_code&"] {
        let form = format!("{grant}client_id={}&client_secret={}", client.client_id, client.secret);
        let _ = app.http.post_form("/oauth/token", &form).await.expect(400);
    }
}

#[tokio::test]
async fn a27_a_token_is_good_for_72_hours_and_not_longer() {
    let app = App::builder().clock_at(START).start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let answer = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
    let token = text(&answer, "access_token");
    assert_eq!(answer["expires_in"], 259_200);
    assert_eq!(answer["accessTokenExpiresAt"], START.plus(HOURS_72).iso());

    app.advance(HOURS_72 - MINUTE);
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    app.advance(MINUTE - Duration::from_micros(1));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    app.advance(Duration::from_micros(1));
    let refused = list_tasks(&app, &token, SCHOOL).await.expect(401);
    assert!(refused.header("www-authenticate").contains("expired"), "{refused:?}");
    app.advance(Duration::from_secs(1));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    app.advance(HOURS_72 * 10);
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
}

#[tokio::test]
async fn a28_after_the_end_the_same_credentials_get_a_new_token() {
    let app = App::builder().clock_at(START).start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let old = app.token(&client).await;
    for _ in 0..3 {
        app.advance(HOURS_72);
        let _ = list_tasks(&app, &old, SCHOOL).await.expect(401);
        let answer = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
        let _ = list_tasks(&app, &text(&answer, "access_token"), SCHOOL).await.expect(200);
        for refresh in ["refresh_token", "refreshToken", "refreshTokenExpiresAt"] {
            assert_eq!(answer[refresh], Value::Null);
        }
    }
    let revealed = act(&app, &client.id, "reveal").await;
    assert_eq!(
        (revealed["clientId"].as_str(), revealed["clientSecret"].as_str()),
        (Some(client.client_id.as_str()), Some(client.secret.as_str()))
    );
}

#[tokio::test]
async fn a29_an_integration_renews_its_token_unattended_and_no_call_breaks() {
    let app =
        App::builder().clock_at(START).config("[rate_limit]\nrequests_per_hour = 1000000").start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;

    // Tokens live side by side: asking for another ends none.
    let mut tokens = Vec::new();
    for _ in 0..10 {
        tokens.push(app.token(&client).await);
    }
    let first = tokens[0].clone();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 10);
    for token in &tokens {
        let _ = list_tasks(&app, token, SCHOOL).await.expect(200);
    }

    // Calls go on with the old token while new ones are asked for, a minute before its end.
    app.advance(HOURS_72 - MINUTE);
    let app = Arc::new(app);
    let (renewed, tasks) = (Arc::new(AtomicBool::new(false)), TaskTracker::new());
    let mut calls = Vec::new();
    for _ in 0..4 {
        let (app, token, renewed) = (Arc::clone(&app), first.clone(), Arc::clone(&renewed));
        calls.push(tasks.spawn(async move {
            let mut made = 0;
            while !renewed.load(Ordering::Relaxed) || made == 0 {
                let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
                made += 1;
            }
            made
        }));
    }
    let mut latest = String::new();
    for _ in 0..20 {
        latest = app.token(&client).await;
        let _ = list_tasks(&app, &latest, SCHOOL).await.expect(200);
    }
    renewed.store(true, Ordering::Relaxed);
    for call in calls {
        assert!(call.await.unwrap() > 0);
    }
    app.advance(MINUTE);
    let _ = list_tasks(&app, &first, SCHOOL).await.expect(401);
    let _ = list_tasks(&app, &latest, SCHOOL).await.expect(200);
}

//! Secrets and tokens: S1 to S11 and S16. S12 and S7 are in `leaks`, S4 and the vectors of S2 in the keys themselves.

use std::collections::HashSet;
use std::time::Duration;

use gatepost_model::{SecretPolicy, Timestamp};
use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::{Value, json};

use super::{altered, refused};
use crate::support::{SCHOOL, act, create_task, list_tasks, text, update};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

async fn rotate(app: &App, client: &TestClient, overlap: &str) -> String {
    let path = format!("/clients/{}/rotate", client.id);
    let rotated = app.admin("POST", &path, Some(json!({ "overlap": overlap }))).await.expect(200).json();
    text(&rotated, "clientSecret")
}

fn with_secret(client: &TestClient, secret: &str) -> TestClient {
    TestClient { secret: secret.to_owned(), ..client.clone() }
}

async fn shown(app: &App, client: &TestClient) -> Value {
    app.admin("GET", &format!("/clients/{}", client.id), None).await.expect(200).json()
}

#[tokio::test]
async fn s01_s02_secrets_and_tokens_are_long_random_and_of_one_shape() {
    let app = App::start().await;
    let mut seen = HashSet::new();
    for number in 0..20 {
        let client = app.client(make::client(&format!("Client {number}"), &[])).await;
        // 43 characters of base 62 are 256 bits; then a checksum.
        assert_eq!(client.secret.len(), 50);
        assert!(gatepost_keys::secret::is_well_formed(&client.secret), "{}", client.secret);
        let token = app.token(&client).await;
        let letters = token.strip_prefix("gpt_").unwrap();
        assert!(letters.len() == 66 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
        assert!(seen.insert(client.secret) && seen.insert(token) && seen.insert(client.client_id));
    }
}

#[tokio::test]
async fn s03_a_mistyped_secret_costs_no_look_up_and_is_counted_all_the_same() {
    let app = App::builder().clock_at(START).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let mistyped = altered(&client.secret);
    app.gatepost().store().close().await;
    // Nothing can be looked up any more: a well-formed secret cannot be judged, a mistyped one can.
    let _ = app.ask_token(&client.client_id, &client.secret).await.expect(503);
    for _ in 0..20 {
        refused(app.ask_token(&client.client_id, &mistyped).await, 401, "invalid_client");
    }
    let _ = app.ask_token(&client.client_id, &mistyped).await.expect(429);
}

#[tokio::test]
async fn s05_choosing_once_destroys_the_copies_and_needs_none_to_authenticate() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let second = rotate(&app, &client, "1h").await;
    assert_eq!(act(&app, &client.id, "reveal").await["secrets"].as_array().unwrap().len(), 2);
    update(&app, &client.id, json!({ "secretPolicy": "once" })).await;
    let reveal = format!("/clients/{}/reveal", client.id);
    let _ = app.admin("POST", &reveal, None).await.expect(409);
    // Going back brings nothing back.
    update(&app, &client.id, json!({ "secretPolicy": "revealable" })).await;
    let _ = app.admin("POST", &reveal, None).await.expect(409);
    for secret in [&client.secret, &second] {
        let _ = app.token(&with_secret(&client, secret)).await;
    }
    let mut once = make::client("Once", &[]);
    once.secret_policy = SecretPolicy::Once;
    let _ = app.token(&app.client(once).await).await;
}

#[tokio::test]
async fn s06_revealing_is_a_post_that_is_kept_in_the_audit_trail_and_in_no_cache() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let path = format!("/clients/{}/reveal", client.id);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = app.admin(method, &path, None).await.expect(405);
        assert!(!answer.text().contains(&client.secret));
    }
    let answer = app.admin("POST", &path, None).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["clientSecret"], client.secret);
    let trail = app.admin("GET", &format!("/audit?subject={}", client.id), None).await.expect(200).json();
    assert_eq!((&trail[0]["action"], &trail[0]["actor"]), (&json!("secret.reveal"), &json!("cli")));
    assert!(!trail.to_string().contains(&client.secret));
}

#[tokio::test]
async fn s08_five_secrets_at_most_live_and_the_last_cannot_be_cut_off() {
    let app = App::builder().clock_at(START).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let mut secrets = vec![client.secret.clone()];
    for _ in 0..4 {
        secrets.push(rotate(&app, &client, "10h").await);
    }
    let path = format!("/clients/{}", client.id);
    let over = Some(json!({ "overlap": "10h" }));
    let _ = app.admin("POST", &format!("{path}/rotate"), over).await.expect(409);
    let listed = shown(&app, &client).await["secrets"].clone();
    for (number, (secret, shown)) in secrets.iter().zip(listed.as_array().unwrap()).enumerate() {
        assert_eq!(shown["number"], number + 1);
        assert_eq!(text(shown, "hint"), secret[46..]);
        assert_eq!(shown["state"], if number == 4 { "active" } else { "expiring" });
        assert_eq!((&shown["createdBy"], text(shown, "createdAt")), (&json!("cli"), START.iso()));
        let _ = app.token(&with_secret(&client, secret)).await;
    }
    for number in 1..=4 {
        act(&app, &client.id, &format!("secrets/{number}/kill")).await;
    }
    let refused = app.admin("POST", &format!("{path}/secrets/5/kill"), None).await.expect(409).json();
    assert!(text(&refused, "message").contains("last live secret"));
    let _ = app.token(&with_secret(&client, &secrets[4])).await;
}

#[tokio::test]
async fn s09_an_overlap_ends_at_its_second_whatever_restarts_in_between() {
    let mut app = App::builder().clock_at(START).start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let new = with_secret(&client, &rotate(&app, &client, "1h").await);
    app.advance(Duration::from_secs(3599));
    app.restart().await;
    let (token, of_new) = (app.token(&client).await, app.token(&new).await);
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    app.advance(Duration::from_secs(1));
    for _ in 0..2 {
        refused(app.ask_token(&client.client_id, &client.secret).await, 401, "invalid_client");
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
        let _ = list_tasks(&app, &of_new, SCHOOL).await.expect(200);
        let _ = app.token(&new).await;
        app.restart().await;
        app.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn s10_a_leaked_secret_dies_with_its_tokens_and_the_others_live() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let new = with_secret(&client, &rotate(&app, &client, "24h").await);
    let (of_leaked, of_new) = (app.token(&client).await, app.token(&new).await);
    act(&app, &client.id, "secrets/1/kill").await;
    refused(app.ask_token(&client.client_id, &client.secret).await, 401, "invalid_client");
    let _ = list_tasks(&app, &of_leaked, SCHOOL).await.expect(401);
    let _ = list_tasks(&app, &of_new, SCHOOL).await.expect(200);
    let _ = app.token(&new).await;
    assert_eq!(shown(&app, &client).await["secrets"][0]["state"], "killed");
    let revealed = act(&app, &client.id, "reveal").await;
    assert!(!revealed.to_string().contains(&client.secret), "no copy is kept");
}

#[tokio::test]
async fn s11_rotating_the_secret_leaves_the_signing_keys_alone() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/")], &["task.create"]);
    let client = app.client(new).await;
    assert!(client.signing_keys[0].starts_with("whsec_"));
    let rotated = with_secret(&client, &rotate(&app, &client, "0s").await);
    let token = app.token(&rotated).await;
    create_task(&app, &token, SCHOOL, "Fire the kiln").await;
    assert!(receiver.wait_for(1).await[0].is_signed_with(&client.signing_keys[0]));
    let revealed = act(&app, &client.id, "reveal").await;
    assert_eq!(revealed["webhookUrls"][0]["signingSecret"], client.signing_keys[0]);
}

#[tokio::test]
async fn s16_a_client_may_have_shorter_tokens_but_no_longer_ones() {
    let app = App::builder().clock_at(START).start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    update(&app, &client.id, json!({ "tokenLifetime": "1h" })).await;
    let answer = app.ask_token(&client.client_id, &client.secret).await.expect(200).json();
    assert_eq!(answer["expires_in"], 3600);
    let token = text(&answer, "access_token");
    app.advance(Duration::from_secs(3599));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    app.advance(Duration::from_secs(1));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    for lifetime in ["73h", "0s", "59s", "100d"] {
        let change = Some(json!({ "tokenLifetime": lifetime }));
        let _ = app.admin("PATCH", &format!("/clients/{}", client.id), change).await.expect(400);
    }
}

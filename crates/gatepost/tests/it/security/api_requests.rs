//! Requests to the API (A1 to A16, here `r_a01` to `r_a16`).
//!
//! A10 is about a scope that is missing: there are no scopes but the workspaces (A15 of the mission). A11 is in
//! `limits`. A14, revoking under load, is `a33` of the acceptance tests.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{Answer, App, TestClient, make};
use serde_json::json;

use super::{altered, credentials, post};
use crate::support::{SCHOOL, SHOP, TASKS, act, list_tasks, text, update};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LIFETIME: Duration = Duration::from_secs(259_200);
const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;

async fn school() -> (App, TestClient, String) {
    let app = App::builder().clock_at(START).start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    (app, client, token)
}

/// Lists tasks with exactly these headers.
async fn get(app: &App, headers: &[(&str, &str)]) -> Answer {
    app.http.get(TASKS, headers).await
}

#[tokio::test]
async fn r_a01_without_a_token_there_is_a_challenge_and_no_error() {
    let (app, ..) = school().await;
    for headers in [&[("business", SCHOOL)][..], &[]] {
        let answer = get(&app, headers).await.expect(401);
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="api""#);
        assert_eq!(answer.json()["code"], 401);
    }
}

#[tokio::test]
async fn r_a02_a_malformed_header_or_two_tokens_are_an_invalid_request() {
    let (app, _, token) = school().await;
    let good = format!("Bearer {token}");
    let two = format!("Bearer {token}, Bearer {token}");
    let basic = format!("Basic {token}");
    let malformed = ["", "Bearer", "Bearer ", token.as_str(), &basic, &two, "Bearer a b", "Digest x"];
    let mut answers = Vec::new();
    for value in malformed {
        answers.push(get(&app, &[("authorization", value), ("business", SCHOOL)]).await);
    }
    let header = ("authorization", good.as_str());
    answers.push(get(&app, &[header, header, ("business", SCHOOL)]).await);
    let both = format!("{TASKS}?access_token={token}");
    answers.push(app.http.get(&both, &[header, ("business", SCHOOL)]).await);
    for answer in answers {
        let answer = answer.expect(400);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with(r#"Bearer realm="api", error="invalid_request", error_d"#),
            "{challenge}"
        );
        assert_eq!(answer.json()["name"], "invalid_request");
        assert!(!answer.text().contains(&token));
    }
}

#[tokio::test]
async fn r_a03_a_dead_token_is_told_expired_or_invalid_and_nothing_else() {
    let (app, client, expired) = school().await;
    app.advance(LIFETIME);
    let revoked = app.token(&client).await;
    let _ = post(&app, "/oauth/revoke", &[], &format!("{}&token={revoked}", credentials(&client)))
        .await
        .expect(200);
    let forged = altered(&revoked);
    let mut dead = vec![revoked, forged, "gpt_x".to_owned(), "nonsense".to_owned()];
    for action in ["disable", "revoke", "delete"] {
        let client = app.client(make::client(action, &[SCHOOL])).await;
        dead.push(app.token(&client).await);
        match action {
            "delete" => drop(app.admin("DELETE", &format!("/clients/{}", client.id), None).await.expect(200)),
            other => drop(act(&app, &client.id, other).await),
        }
    }
    let mut bodies = Vec::new();
    for token in &dead {
        let answer = list_tasks(&app, token, SCHOOL).await.expect(401);
        assert_eq!(answer.header("www-authenticate"), INVALID);
        bodies.push(answer.text());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let answer = list_tasks(&app, &expired, SCHOOL).await.expect(401);
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#
    );
    assert_eq!(
        (&answer.json()["name"], &answer.json()["message"]),
        (&json!("invalid_token"), &json!("Unauthorized"))
    );
}

#[tokio::test]
async fn r_a04_a_token_in_the_address_or_the_body_is_never_accepted() {
    let (app, _, token) = school().await;
    for query in
        [format!("access_token={token}"), format!("limit=1&access_token={token}"), "access_token".into()]
    {
        let path = format!("{TASKS}?{query}");
        let answer = app.http.get(&path, &[("business", SCHOOL)]).await.expect(400);
        assert_eq!(answer.json()["name"], "invalid_request");
    }
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("access_token={token}");
    let _ = app.http.send("POST", TASKS, &[kind, ("business", SCHOOL)], body).await.expect(401);
    let cookie = format!("access_token={token}");
    let _ = get(&app, &[("cookie", &cookie), ("business", SCHOOL)]).await.expect(401);
}

#[tokio::test]
async fn r_a05_the_scheme_is_read_in_any_case_and_behind_a_doubled_colon() {
    let (app, _, token) = school().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR", ": Bearer"] {
        let value = format!("{scheme} {token}");
        let _ = get(&app, &[("authorization", &value), ("business", SCHOOL)]).await.expect(200);
    }
    // On the wire as a tool that exists sends it (contract.md B).
    let request = format!(
        "GET {TASKS} HTTP/1.1\r\nHost: gatepost\r\nConnection: close\r\nAuthorization::  Bearer {token}\r\n\
         Business: {SCHOOL}\r\n\r\n"
    );
    let answer = app.http.send_raw(request.as_bytes()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn r_a06_an_address_outside_the_allow_list_is_told_so_without_a_challenge() {
    let (app, client, token) = school().await;
    update(&app, &client.id, json!({ "allowIps": ["203.0.113.0/24"] })).await;
    let answer = list_tasks(&app, &token, SCHOOL).await.expect(403);
    assert_eq!(answer.json()["name"], "ip_not_allowed");
    assert_eq!(answer.header("www-authenticate"), "");
}

#[tokio::test]
async fn r_a07_unknown_and_not_enabled_workspaces_cannot_be_told_apart() {
    let (app, _, token) = school().await;
    let mut told = Vec::new();
    for other in [SHOP, "no-such-workspace"] {
        let answer = list_tasks(&app, &token, other).await.expect(400);
        assert_eq!(answer.header("www-authenticate"), "", "the token is good");
        told.push(answer.text().replace(other, "<named>"));
    }
    assert_eq!(told[0], told[1]);
    let missing = app.call("GET", TASKS, &token, None, None).await.expect(400).json();
    assert_eq!(missing["name"], "workspace_not_enabled");
    assert!(told[0].contains("workspace_not_enabled"));
}

#[tokio::test]
async fn r_a08_the_business_header_is_one_exact_name() {
    let (app, _, token) = school().await;
    let authorization = format!("Bearer {token}");
    let header = ("authorization", authorization.as_str());
    for good in [("business", SCHOOL), ("BUSINESS", SCHOOL), ("Business", "  the-ceramic-school\t")] {
        let _ = get(&app, &[header, good]).await.expect(200);
    }
    let listed = format!("{SCHOOL}, {SCHOOL}");
    let wrong = [
        listed.as_str(),
        "The-Ceramic-School",
        "the-ceramic-school.",
        "the\u{2010}ceramic-school",
        "the-cеramic-school",
        "the-ceramic-school\u{200b}",
        "the ceramic school",
    ];
    for wrong in wrong {
        let answer = get(&app, &[header, ("business", wrong)]).await.expect(400);
        assert_eq!(answer.json()["name"], "workspace_not_enabled", "{wrong}");
    }
    for (first, second) in [(SCHOOL, SCHOOL), (SCHOOL, SHOP), ("", SCHOOL)] {
        let answer = get(&app, &[header, ("business", first), ("Business", second)]).await.expect(400);
        assert_eq!(answer.json()["name"], "invalid_request");
    }
}

#[tokio::test]
async fn r_a09_without_a_token_nobody_learns_which_workspaces_exist() {
    let (app, ..) = school().await;
    let answers = [get(&app, &[("business", SCHOOL)]).await, get(&app, &[("business", "made-up")]).await];
    assert_eq!(answers[0].text(), answers[1].text());
    assert_eq!((answers[0].status, answers[1].status), (401, 401));
    let bad = ("authorization", "Bearer gpt_x");
    let answers =
        [get(&app, &[bad, ("business", SCHOOL)]).await, get(&app, &[bad, ("business", "made-up")]).await];
    assert_eq!(answers[0].text(), answers[1].text());
    assert_eq!((answers[0].status, answers[1].status), (401, 401));
}

#[tokio::test]
async fn r_a12_another_clients_workspaces_are_none_of_this_ones_business() {
    let (app, _, token) = school().await;
    let other = app.client(make::client("Another", &[SCHOOL, SHOP])).await;
    for workspaces in [json!([]), json!([SHOP]), json!([SCHOOL])] {
        update(&app, &other.id, json!({ "workspaces": workspaces })).await;
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
        let _ = list_tasks(&app, &token, SHOP).await.expect(400);
    }
}

#[tokio::test]
async fn r_a13_whatever_cuts_a_client_off_is_in_force_for_the_next_request() {
    let (app, ..) = school().await;
    for cut in ["disable", "revoke", "delete", "workspace", "secret", "rotate", "address"] {
        let client = app.client(make::client(cut, &[SCHOOL])).await;
        let token = app.token(&client).await;
        let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
        let path = format!("/clients/{}", client.id);
        let expected = match cut {
            "delete" => {
                let _ = app.admin("DELETE", &path, None).await.expect(200);
                401
            }
            "workspace" => {
                update(&app, &client.id, json!({ "removeWorkspaces": [SCHOOL] })).await;
                400
            }
            "address" => {
                update(&app, &client.id, json!({ "allowIps": ["203.0.113.1"] })).await;
                403
            }
            "secret" => {
                act(&app, &client.id, "rotate").await;
                act(&app, &client.id, "secrets/1/kill").await;
                401
            }
            "rotate" => {
                let now = Some(json!({ "overlap": "0s" }));
                let _ = app.admin("POST", &format!("{path}/rotate"), now).await.expect(200);
                401
            }
            other => {
                act(&app, &client.id, other).await;
                401
            }
        };
        let answer = list_tasks(&app, &token, SCHOOL).await;
        assert_eq!(answer.status, expected, "{cut}: {}", answer.text());
    }
    let client = app.client(make::client("Disabled for a while", &[SCHOOL])).await;
    let token = app.token(&client).await;
    act(&app, &client.id, "disable").await;
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(401);
    act(&app, &client.id, "enable").await;
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn r_a15_a_token_ends_at_its_second_and_a_restart_gives_it_no_more() {
    let (mut app, client, token) = school().await;
    update(&app, &client.id, json!({ "tokenLifetime": "10m" })).await;
    let short = app.token(&client).await;
    app.advance(Duration::from_secs(599));
    app.restart().await;
    let _ = list_tasks(&app, &short, SCHOOL).await.expect(200);
    app.advance(Duration::from_secs(1));
    let _ = list_tasks(&app, &short, SCHOOL).await.expect(401);
    app.advance(Duration::from_secs(1));
    let _ = list_tasks(&app, &short, SCHOOL).await.expect(401);
    app.restart().await;
    let _ = list_tasks(&app, &short, SCHOOL).await.expect(401);
    // Tokens from before the change keep the lifetime that they were given.
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}

#[tokio::test]
async fn r_a16_every_answer_has_an_id_of_its_own_and_a_refusal_can_be_looked_up_by_it() {
    let (app, client, token) = school().await;
    let mut answers = vec![
        list_tasks(&app, &token, SCHOOL).await.expect(200),
        list_tasks(&app, &token, SHOP).await.expect(400),
        list_tasks(&app, "gpt_x", SCHOOL).await.expect(401),
        app.call("PATCH", TASKS, &token, Some(SCHOOL), None).await.expect(403),
        app.call("GET", &format!("{TASKS}/none"), &token, Some(SCHOOL), None).await.expect(404),
        app.call("GET", "/v9/tasks", &token, Some(SCHOOL), None).await.expect(403),
        app.ask_token(&client.client_id, "gps_wrong").await.expect(401),
        app.ask_token(&client.client_id, &client.secret).await.expect(200),
    ];
    let bare = [
        ("GET", "/oauth/token"),
        ("GET", "/oauth/nothing"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("OPTIONS", TASKS),
        ("HEAD", TASKS),
        ("GET", "/"),
    ];
    for (method, path) in bare {
        answers.push(app.http.send(method, path, &[("x-request-id", "mine")], "").await);
    }
    answers.push(app.admin("GET", "/clients", None).await.expect(200));
    answers.push(app.admin("GET", "/nothing", None).await.expect(404));
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    assert!(ids.iter().all(|id| id.starts_with("req_") && id.len() == 30), "{ids:?}");

    app.gatepost().flush_journal().await.unwrap();
    let found = app.admin("GET", &format!("/requests/{}", ids[1]), None).await.expect(200).json();
    assert_eq!(text(&found, "client"), client.id);
    assert_eq!((&found["refusedBy"], &found["status"]), (&json!("workspace"), &json!(400)));
    assert_eq!(found["workspace"], SHOP);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}

//! The token endpoint: who may have a token (T8 to T13).

use std::net::IpAddr;
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_model::network::Networks;
use gatepost_testkit::{Answer, App, make};
use serde_json::json;

use super::{basic, form, post, post_as, refused};
use crate::support::act;

#[tokio::test]
async fn t08_without_credentials_the_client_is_invalid() {
    let app = App::start().await;
    let answer = post(&app, "/oauth/token", &[], "grant_type=client_credentials").await;
    let answer = refused(answer, 401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), r#"Basic realm="http://gatepost.test", charset="UTF-8""#);
}

/// Everything of an answer that could tell a caller something.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let own = |name: &str| name == "x-request-id" || name == "date";
    let headers = answer.headers.iter().filter(|(name, _)| !own(name.as_str()));
    (answer.status, answer.text(), headers.map(|(name, value)| format!("{name}: {value:?}")).collect())
}

#[tokio::test]
async fn t09_why_a_client_was_refused_cannot_be_told() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_800_000_000)).start().await;
    let good = app.client(make::client("Good", &[])).await;
    let disabled = app.client(make::client("Disabled", &[])).await;
    act(&app, &disabled.id, "disable").await;
    let revoked = app.client(make::client("Revoked", &[])).await;
    act(&app, &revoked.id, "revoke").await;
    let deleted = app.client(make::client("Deleted", &[])).await;
    let _ = app.admin("DELETE", &format!("/clients/{}", deleted.id), None).await.expect(200);
    let mut elsewhere = make::client("Elsewhere", &[]);
    elsewhere.allow_list = Networks::parse(&["203.0.113.0/24"]).unwrap();
    let elsewhere = app.client(elsewhere).await;
    let rotated = app.client(make::client("Rotated", &[])).await;
    let path = format!("/clients/{}/rotate", rotated.id);
    let _ = app.admin("POST", &path, Some(json!({ "overlap": "1h" }))).await.expect(200);
    app.advance(Duration::from_secs(3600));

    let cases = [
        (good.client_id.as_str(), disabled.secret.as_str()),
        (&good.client_id, "gps_wrong"),
        (&good.client_id, "anything-at-all"),
        ("gpc_doesnotexist00000000", &good.secret),
        ("no-such-client", &good.secret),
        (&disabled.client_id, &disabled.secret),
        (&revoked.client_id, &revoked.secret),
        (&deleted.client_id, &deleted.secret),
        (&elsewhere.client_id, &elsewhere.secret),
        (&rotated.client_id, &rotated.secret),
    ];
    let mut answers = Vec::new();
    for (id, secret) in cases {
        answers.push(refused(app.ask_token(id, secret).await, 401, "invalid_client"));
        let header = basic(id, secret);
        answers.push(post_as(&app, "/oauth/token", &header, "grant_type=client_credentials").await);
    }
    for answer in &answers {
        assert_eq!(told(answer), told(&answers[0]));
    }
    let _ = app.token(&good).await;
}

#[tokio::test]
async fn t10_bad_credentials_in_the_header_are_challenged_in_the_same_scheme() {
    let app = App::builder().public_url("https://gate.example").start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let grant = "grant_type=client_credentials";
    let good = basic(&client.client_id, &client.secret);
    let _ = post_as(&app, "/oauth/token", &good, grant).await.expect(200);
    let bad = basic(&client.client_id, "gps_wrong");
    for answer in [
        post_as(&app, "/oauth/token", &bad, grant).await,
        app.ask_token(&client.client_id, "gps_wrong").await,
    ] {
        let answer = refused(answer, 401, "invalid_client");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, r#"Basic realm="https://gate.example", charset="UTF-8""#);
    }
}

#[tokio::test]
async fn t11_credentials_in_two_places_are_refused() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let header = basic(&client.client_id, &client.secret);
    let headers = [("authorization", header.as_str())];
    let grant = "grant_type=client_credentials";
    let secret = format!("{grant}&client_secret={}", client.secret);
    for form in [form(&client), secret, format!("{grant}&client_id=gpc_another")] {
        refused(post(&app, "/oauth/token", &headers, &form).await, 400, "invalid_request");
    }
    let twice = [headers[0], headers[0]];
    refused(post(&app, "/oauth/token", &twice, grant).await, 400, "invalid_request");
    // The id alone may stand beside the header, if it is the same.
    let same = format!("{grant}&client_id={}", client.client_id);
    let _ = post(&app, "/oauth/token", &headers, &same).await.expect(200);
}

#[tokio::test]
async fn t12_basic_is_understood_encoded_and_raw() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let encoded = |text: &str| text.replace('_', "%5F");
    let headers = [
        basic(&client.client_id, &client.secret),
        basic(&encoded(&client.client_id), &encoded(&client.secret)),
        basic(&client.client_id, &client.secret).replace("Basic", "bASIC"),
    ];
    for header in &headers {
        let answer = post_as(&app, "/oauth/token", header, "grant_type=client_credentials");
        let _ = answer.await.expect(200);
    }
    // The signs that the encoding is about do not upset it.
    for (id, secret) in [("a+b", "c:d"), ("a%2Bb", "c%3Ad"), (client.client_id.as_str(), "x:y=z&w")] {
        let header = basic(id, secret);
        let answer = post_as(&app, "/oauth/token", &header, "grant_type=client_credentials");
        refused(answer.await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn t13_a_broken_header_is_an_invalid_request_and_no_more() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let grant = "grant_type=client_credentials";
    for broken in ["Basic", "Basic ", "Basic !!!", "Basic YQ==", "Basic gMA6gMA=", "Bearer x", "x", "Basic é"]
    {
        let answer = post_as(&app, "/oauth/token", broken, grant).await;
        refused(answer, 400, "invalid_request");
    }
    for length in [1_000, 64 * 1024, 1024 * 1024] {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: gatepost\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic {}\r\n\r\n{grant}",
            grant.len(),
            "A".repeat(length)
        );
        let answer = app.http.send_raw(request.as_bytes()).await.unwrap();
        let status = answer.get(9..12).unwrap_or_default();
        // A peer that is cut off while it still sends may see the connection end before the answer.
        assert!(status == "400" || (length > 1_000 && ["431", ""].contains(&status)), "{length}: {answer}");
    }
    let one_more = app.http.from_address(IpAddr::from([127, 0, 0, 2]));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let _ = one_more.send("POST", "/oauth/token", &kind, form(&client)).await.expect(200);
}

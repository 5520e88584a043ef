//! Headers that the owner of a webhook URL has sent along: row 32 of security.md's table on requests that leave.

use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, create_task, text};

const VALUE: &str = "Bearer s3cret.of-the_receiver";

/// A client with one URL, and the path of that in the admin API.
async fn scene(app: &App, receiver: &Receiver) -> (TestClient, String) {
    app.workspace(SCHOOL).await;
    let new = make::subscriber("With headers", &[SCHOOL], &[receiver.url("/in")], &["task.create"]);
    let client = app.client(new).await;
    let shown = app.admin("GET", &format!("/clients/{}", client.id), None).await.expect(200).json();
    let path = format!("/clients/{}/webhook-urls/{}", client.id, text(&shown["webhookUrls"][0], "id"));
    (client, path)
}

async fn set(app: &App, path: &str, headers: Value) -> gatepost_testkit::Answer {
    app.admin("PATCH", path, Some(json!({ "headers": headers }))).await
}

#[tokio::test]
async fn e32_no_header_poses_as_another_or_begins_one() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (client, path) = scene(&app, &receiver).await;
    let reserved = [
        "Host",
        "Content-Length",
        "content-type",
        "Content-Encoding",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Anything",
        "webhook-id",
        "Webhook-Signature",
        "webhook-extra",
        "gatepost-method",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "Metadata-Flavor",
        "X-aws-ec2-metadata-token",
        "Cookie",
        "User-Agent",
    ];
    for name in reserved {
        let said = set(&app, &path, json!({ name: "x" })).await.expect(400).text();
        assert!(said.contains("is reserved"), "{name}: {said}");
    }
    for name in ["", "x y", "x:y", "x\r\nHost", "x\0y", "ä", "x\u{7f}", &"x".repeat(65)] {
        let _ = set(&app, &path, json!({ name: "x" })).await.expect(400);
    }
    for value in ["", "a\r\nHost: b", "a\nb", "a\rb", "a\tb", "a\0b", "ä", " a", "a ", &"a".repeat(2_049)] {
        let said = set(&app, &path, json!({ "x-key": value })).await.expect(400).text();
        assert!(said.contains("visible ASCII") && !said.contains("Host: b"), "{said}");
    }
    let _ = set(&app, &path, json!({ "x-key": ["a"] })).await.expect(400);
    let many: serde_json::Map<_, _> = (0..21).map(|number| (format!("x-{number}"), "a".into())).collect();
    let _ = set(&app, &path, many.into()).await.expect(400);

    let token = app.token(&client).await;
    create_task(&app, &token, SCHOOL, "one").await;
    let got = receiver.wait_for(1).await.remove(0);
    assert!(got.headers.keys().all(|name| !name.as_str().starts_with("x-")), "{:?}", got.headers);
}

#[tokio::test]
async fn e32_values_are_sent_and_shown_to_nobody() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let (client, path) = scene(&app, &receiver).await;
    let set_both = set(&app, &path, json!({ "Authorization": VALUE, "X-Key": "k" })).await.expect(200).text();
    assert!(set_both.contains("\"headers\":[\"authorization\",\"x-key\"]"), "{set_both}");
    let token = app.token(&client).await;
    create_task(&app, &token, SCHOOL, "one").await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!((got.header("authorization"), got.header("x-key")), (VALUE, "k"));
    assert!(got.is_signed_with(&client.signing_keys[0]) && got.header("content-type") == "application/json");

    let delivery = app.settled_deliveries(None).await[0].delivery.id.clone();
    let log = app.admin("GET", &format!("/deliveries/{delivery}"), None).await.expect(200).text();
    let audit = app.admin("GET", "/audit", None).await.expect(200).text();
    let shown = app.admin("GET", &path, None).await.expect(200).text();
    for said in [&set_both, &log, &audit, &shown] {
        assert!(!said.contains("s3cret"), "{said}");
    }
    assert!(log.contains("\"authorization\":\"(hidden)\""), "{log}");
    assert!(audit.contains("webhook-url.headers"), "{audit}");

    // Another value for one, and the other taken away.
    let _ = set(&app, &path, json!({ "authorization": "Basic eA==", "X-KEY": null })).await.expect(200);
    let _ = set(&app, &path, json!({ "x-key": null })).await.expect(404);
    create_task(&app, &token, SCHOOL, "two").await;
    let got = receiver.wait_for(2).await.remove(1);
    assert_eq!((got.header("authorization"), got.header("x-key")), ("Basic eA==", ""));
}

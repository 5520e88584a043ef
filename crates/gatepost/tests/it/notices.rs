//! Notices: whoever runs a workspace is told, at a URL of theirs, what its clients' owners ought to know.

use std::time::Duration;

use gatepost_core::deliveries::Shown;
use gatepost_model::Timestamp;
use gatepost_model::notice::NOTICES;
use gatepost_testkit::receiver::{Received, Script};
use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::{Value, json};

use crate::support::{SCHOOL, SHOP, TASKS, create_task, text};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A client whose receiver does as it is told, and a receiver of notices about it.
struct Scene {
    app: App,
    hooks: Receiver,
    owner: Receiver,
    client: TestClient,
    /// What signs the notices.
    key: String,
}

impl Scene {
    async fn new() -> Self {
        let builder = App::builder().retries("[\"4m\", \"4m\", \"4m\", \"4m\"]").disable_after("10m");
        let app = builder.clock_at(START).start().await;
        let (hooks, owner) = (Receiver::start().await, Receiver::start().await);
        app.workspace(SCHOOL).await;
        let url = hooks.url("/in?token=s3cret");
        let client = app.client(make::subscriber("Billing", &[SCHOOL], &[url], &["task.create"])).await;
        let path = format!("/workspaces/{SCHOOL}/notices");
        let _ = app.admin("GET", &path, None).await.expect(404);
        let set =
            app.admin("PUT", &path, Some(json!({ "url": owner.url("/notices") }))).await.expect(200).json();
        let shown = app.admin("GET", &path, None).await.expect(200).json();
        assert!(shown["url"] == set["url"] && shown["signingSecret"].is_null(), "{shown}");
        Self { key: text(&set, "signingSecret"), app, hooks, owner, client }
    }

    /// Time passes, and the next attempt fails: so many have then.
    async fn fail(&self, minutes: u64, attempts: u32) {
        self.app.advance(Duration::from_secs(60 * minutes));
        let tried = |found: &[Shown]| found.iter().any(|shown| shown.delivery.attempts == attempts);
        self.app.deliveries_until(Some(&self.client), tried).await;
        self.app.gatepost().look_at_failing_urls().await.unwrap();
    }

    /// The notice after so many others.
    async fn notice(&self, before: usize) -> (Received, Value) {
        let notice = self.owner.wait_for(before + 1).await.remove(before);
        assert!(notice.is_signed_with(&self.key), "{:?}", notice.headers);
        assert_eq!(notice.header("gatepost-workspace"), SCHOOL);
        let body = notice.json();
        assert_eq!(body["type"], notice.header("gatepost-method"));
        assert_eq!(body["data"]["client"]["name"], "Billing");
        (notice, body)
    }
}

#[tokio::test]
async fn the_owner_is_told_that_a_url_fails_before_and_when_it_is_disabled() {
    let scene = Scene::new().await;
    scene.hooks.script([Script::Status(500); 9]);
    let token = scene.app.token(&scene.client).await;
    create_task(&scene.app, &token, SCHOOL, "one").await;
    scene.fail(0, 1).await;
    assert!(scene.owner.received().is_empty());

    scene.fail(5, 2).await;
    let (_, half) = scene.notice(0).await;
    assert_eq!(half["type"], "url.failing");
    assert_eq!(half["data"]["failing"]["since"], START.iso());
    assert_eq!(half["data"]["failing"]["disablesAt"], START.plus(Duration::from_secs(600)).iso());
    let url = &half["data"]["webhookUrl"];
    assert!(text(url, "url").ends_with("/in") && text(url, "page").contains("/clients/cli_"), "{url}");
    assert!(!half.to_string().contains("s3cret"));

    // Nobody is told twice of the same.
    scene.app.gatepost().look_at_failing_urls().await.unwrap();
    scene.fail(5, 3).await;
    let (_, disabled) = scene.notice(1).await;
    assert_eq!(disabled["type"], "url.disabled");
    assert!(
        text(&disabled["data"], "reason").starts_with("every attempt failed for 10 minutes"),
        "{disabled}"
    );
    assert_eq!(scene.owner.received().len(), 2);
}

#[tokio::test]
async fn the_owner_is_told_that_a_receiver_is_gone_and_that_a_secret_ends() {
    let scene = Scene::new().await;
    scene.hooks.script([Script::Status(410)]);
    let token = scene.app.token(&scene.client).await;
    create_task(&scene.app, &token, SCHOOL, "one").await;
    scene.fail(0, 1).await;
    let (_, gone) = scene.notice(0).await;
    assert_eq!((&gone["type"], &gone["data"]["failing"]), (&json!("url.disabled"), &Value::Null));
    assert_eq!(gone["data"]["reason"], "the receiver answered 410 Gone");

    let path = format!("/clients/{}/rotate", scene.client.id);
    let _ = scene.app.admin("POST", &path, Some(json!({ "overlap": "36h" }))).await.expect(200);
    scene.app.gatepost().tell_of_ending_secrets().await.unwrap();
    scene.app.advance(Duration::from_secs(13 * 3600));
    for _ in 0..2 {
        scene.app.gatepost().tell_of_ending_secrets().await.unwrap();
    }
    let (_, ending) = scene.notice(1).await;
    assert_eq!(ending["type"], "secret.expiring");
    assert_eq!(ending["data"]["expiresAt"], START.plus(Duration::from_secs(36 * 3600)).iso());
    assert!(!ending.to_string().contains(&scene.client.secret), "{ending}");
    assert_eq!(scene.owner.received().len(), 2);
}

#[tokio::test]
async fn a_notice_goes_to_the_clients_workspaces_and_is_tried_again_like_any_webhook() {
    let scene = Scene::new().await;
    scene.app.workspace(SHOP).await;
    let other = Receiver::start().await;
    let path = format!("/workspaces/{SHOP}/notices");
    let _ = scene.app.admin("PUT", &path, Some(json!({ "url": other.url("/") }))).await.expect(200);
    scene.owner.script([Script::Status(503)]);
    scene.hooks.script([Script::Status(410)]);
    let token = scene.app.token(&scene.client).await;
    create_task(&scene.app, &token, SCHOOL, "one").await;
    scene.fail(0, 1).await;
    let (first, _) = scene.notice(0).await;
    let noted = |shown: &Shown| shown.delivery.client == NOTICES && shown.delivery.attempts == 1;
    scene.app.deliveries_until(None, |found| found.iter().any(noted)).await;
    scene.app.advance(Duration::from_secs(300));
    let (second, _) = scene.notice(1).await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!((first.header("gatepost-attempt"), second.header("gatepost-attempt")), ("1", "2"));
    assert!(other.received().is_empty(), "the client is not enabled there");

    // Nor is anybody's API told of it, nor can a client tick it.
    let methods = json!({ "methods": ["url.failing"] });
    let _ =
        scene.app.admin("PATCH", &format!("/clients/{}", scene.client.id), Some(methods)).await.expect(400);
    let list = scene.app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(200).text();
    assert!(!list.contains("url.disabled"), "{list}");
}

#[tokio::test]
async fn notices_go_to_no_private_address() {
    let app = App::builder().with_closed_networks().start().await;
    app.workspace(SCHOOL).await;
    let path = format!("/workspaces/{SCHOOL}/notices");
    for url in ["https://10.0.0.7/", "http://example.com/", "https://localhost/", "https://169.254.169.254/"]
    {
        let _ = app.admin("PUT", &path, Some(json!({ "url": url }))).await.expect(400);
    }
    let _ = app
        .admin("PUT", "/workspaces/absent/notices", Some(json!({ "url": "https://a.example/" })))
        .await
        .expect(404);
    let _ = app.admin("DELETE", &path, None).await.expect(200);
}

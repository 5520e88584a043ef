//! One webhook URL: another address, a pause, new keys; and what people do to pending deliveries.

use std::time::Duration;

use gatepost_core::clients::NewClient;
use gatepost_core::deliveries::Shown;
use gatepost_model::{DeliveryState, Timestamp, UrlState, WebhookUrl};
use gatepost_store::Tx;
use gatepost_store::tables::clients;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, TestClient};

use crate::support::{Browser, WithStatus, between};

/// A client with one URL and one method, its token, and somebody who may change it.
struct Scene {
    app: App,
    receiver: Receiver,
    client: TestClient,
    token: String,
    browser: Browser,
}

impl Scene {
    async fn new() -> Self {
        Self::on(App::start().await).await
    }

    async fn on(app: App) -> Self {
        let receiver = Receiver::start().await;
        app.workspace("one").await;
        let new = NewClient {
            workspaces: vec![String::from("one")],
            webhook_urls: vec![receiver.url("/in")],
            methods: vec![String::from("task.create"), String::from("task.edit")],
            ..NewClient::named("CRM sync")
        };
        let client = app.client(new).await;
        let token = app.token(&client).await;
        let browser = Browser::owner(&app).await;
        Self { app, receiver, client, token, browser }
    }

    async fn url(&self) -> WebhookUrl {
        self.app.gatepost().show_client(&self.client.id).await.unwrap().webhook_urls.remove(0)
    }

    async fn page(&self) -> String {
        format!("/clients/{}/urls/{}", self.client.id, self.url().await.id)
    }

    /// Sends a form for the client as it is now.
    async fn post(&self, part: &str, fields: &[(&str, &str)]) -> gatepost_testkit::Answer {
        let client = self.app.gatepost().show_client(&self.client.id).await.unwrap();
        let revision = client.revision.to_string();
        let mut fields = fields.to_vec();
        fields.push(("revision", &revision));
        self.browser.post(&format!("{}{part}", self.page().await), &fields).await
    }

    /// Makes a task, or gives one another title, and says its id.
    async fn write(&self, known: Option<&str>, title: &str) -> String {
        let (method, task) = match known {
            None => ("POST", serde_json::json!({ "title": title })),
            Some(id) => ("PUT", serde_json::json!({ "_id": id, "title": title })),
        };
        let made = self.app.call(method, "/v1.11/tasks", &self.token, Some("one"), Some(task)).await;
        assert!(made.status < 300, "{}", made.text());
        made.json()["_id"].as_str().unwrap_or_default().to_owned()
    }

    /// All deliveries, oldest first, as soon as they are as asked.
    async fn deliveries(&self, are: impl Fn(&[Shown]) -> bool) -> Vec<Shown> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let list = self.app.gatepost().list_deliveries(Default::default(), Default::default());
            let mut found = list.await.unwrap();
            found.reverse();
            if are(&found) {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "{found:?}");
            tokio::task::yield_now().await;
        }
    }
}

fn are_held(deliveries: &[Shown], count: usize) -> bool {
    let held = |shown: &&Shown| shown.delivery.reason.as_deref() == Some("the webhook URL is paused");
    deliveries.iter().filter(held).count() == count
}

#[tokio::test]
async fn resuming_sends_all_or_the_newest_or_nothing() {
    for (choice, sent) in [("all", 4), ("newest", 2), ("nothing", 0)] {
        let scene = Scene::new().await;
        let stale = format!("{}/pause", scene.page().await);
        scene.browser.post(&stale, &[("revision", "77")]).await.with_status(409);
        assert_eq!(scene.url().await.state, UrlState::Active);
        scene.post("/pause", &[]).await.with_status(303);
        let one = scene.write(None, "one").await;
        scene.write(Some(&one), "one again").await;
        scene.write(Some(&one), "one at last").await;
        scene.write(None, "two").await;
        scene.deliveries(|found| are_held(found, 4)).await;
        assert!(scene.receiver.received().is_empty(), "{choice}");
        let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
        assert!(page.contains("4 deliveries are pending") && page.contains("Resume"), "{page}");
        assert!(scene.browser.get("/deliveries").await.text().contains("The webhook URL is paused"));

        scene.post("/resume", &[("held", "some")]).await.with_status(400);
        scene.post("/resume", &[("held", choice)]).await.with_status(303);
        let ended = |found: &[Shown]| found.iter().all(|shown| shown.delivery.ended_at.is_some());
        let found = scene.deliveries(ended).await;
        let delivered = found.iter().filter(|shown| shown.delivery.state == DeliveryState::Delivered);
        assert_eq!(delivered.count(), sent, "{choice}: {found:?}");
        let titles: Vec<_> =
            scene.receiver.received().iter().map(|got| got.json()["title"].clone()).collect();
        if choice == "newest" {
            assert!(titles.iter().any(|title| title == "one at last") && titles.len() == 2, "{titles:?}");
        }
        scene.write(None, "afterwards").await;
        scene.receiver.wait_for(sent + 1).await;
    }
}

#[tokio::test]
async fn a_signing_key_is_rotated_with_both_signing_meanwhile() {
    let scene = Scene::new().await;
    scene.post("/key/rotate", &[("scheme", "hmac"), ("overlap", "169")]).await.with_status(409);
    let made =
        scene.post("/key/rotate", &[("scheme", "hmac"), ("overlap", "24")]).await.with_status(200).text();
    let key = format!("whsec_{}", between(&made, "data-copy=\"whsec_", "\""));
    assert!(made.contains("An old key signs beside it"), "{made}");
    let old = &scene.client.signing_keys[0];
    scene.write(None, "one").await;
    let got = scene.receiver.wait_for(1).await.remove(0);
    assert!(got.is_signed_with(&key) && got.is_signed_with(old));
    assert_eq!(got.header("webhook-signature").split(' ').count(), 2);
    scene.post("/key/end", &[]).await.with_status(303);
    scene.write(None, "two").await;
    let got = scene.receiver.wait_for(2).await.remove(1);
    assert!(got.is_signed_with(&key) && !got.is_signed_with(old));
    let history = scene.browser.get(&format!("/audit?subject={}", scene.client.id)).await.text();
    assert!(!history.contains(&key), "{history}");
}

#[tokio::test]
async fn an_address_is_changed_and_a_gone_url_enabled_again() {
    let scene = Scene::new().await;
    let wrong = scene.post("/address", &[("url", "https://10.0.0.7/in")]).await.with_status(422).text();
    assert!(wrong.contains("value=\"https://10.0.0.7/in\"") && wrong.contains("aria-invalid"), "{wrong}");
    let moved = scene.receiver.url("/moved?of=1");
    scene.post("/address", &[("url", &moved)]).await.with_status(303);
    scene.receiver.script([Script::Status(410)]);
    scene.write(None, "one").await;
    assert_eq!(scene.receiver.wait_for(1).await[0].path, "/moved?of=1");
    scene.deliveries(|found| found.iter().all(|shown| shown.delivery.ended_at.is_some())).await;
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains("The receiver answered 410 Gone.") && page.contains(">Enable<"), "{page}");
    scene.post("/pause", &[]).await.with_status(409);
    scene.post("/enable", &[("held", "all")]).await.with_status(303);
    scene.write(None, "two").await;
    scene.receiver.wait_for(2).await;
}

#[tokio::test]
async fn a_pending_delivery_is_sent_now_or_cancelled() {
    let scene = Scene::new().await;
    scene.receiver.script([Script::Status(500), Script::Status(500)]);
    scene.write(None, "one").await;
    scene.write(None, "two").await;
    let tried = |found: &[Shown]| found.iter().filter(|shown| shown.delivery.attempts == 1).count() == 2;
    let found = scene.deliveries(tried).await;
    let path = |at: usize| format!("/deliveries/{}", found[at].delivery.id);
    let page = scene.browser.get(&path(0)).await.with_status(200).text();
    assert!(page.contains("Send now") && page.contains("Cancel it"), "{page}");
    scene.browser.post(&format!("{}/send", path(0)), &[]).await.with_status(303);
    scene.browser.post(&format!("{}/cancel", path(1)), &[]).await.with_status(303);
    let ended = |found: &[Shown]| found.iter().all(|shown| shown.delivery.ended_at.is_some());
    let states: Vec<_> = scene.deliveries(ended).await.iter().map(|shown| shown.delivery.state).collect();
    assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Cancelled]);
    let again = scene.browser.post(&format!("{}/cancel", path(0)), &[]).await.with_status(409).text();
    assert!(again.contains("delivered already"), "{again}");
}

#[tokio::test]
async fn a_test_shows_the_answer_in_place_and_six_a_minute_are_enough() {
    let scene = Scene::new().await;
    scene.receiver.script([Script::Status(418)]);
    let page = scene.post("/test", &[]).await.with_status(200).text();
    assert!(
        page.contains("The receiver answered 418 after") && page.contains("Dialled 127.0.0.1:"),
        "{page}"
    );
    let got = scene.receiver.wait_for(1).await.remove(0);
    assert!(got.is_signed_with(&scene.client.signing_keys[0]));
    assert_eq!((got.header("gatepost-test"), got.header("gatepost-method")), ("true", "task.create"));
    assert!(got.json()["title"].is_string());
    assert!(scene.deliveries(<[Shown]>::is_empty).await.is_empty(), "a test is no delivery");
    for _ in 1..6 {
        scene.post("/test", &[]).await.with_status(200);
    }
    let enough = scene.post("/test", &[]).await.with_status(409).text();
    assert!(enough.contains("tests a minute are enough"), "{enough}");
    assert_eq!(scene.receiver.received().len(), 6);
    let history = scene.browser.get(&format!("/audit?subject={}", scene.client.id)).await.text();
    assert_eq!(history.matches("Sent a test to a webhook URL of").count(), 6, "{history}");
}

#[tokio::test]
async fn a_test_never_leaves_for_a_private_address() {
    let receiver = Receiver::start().await;
    let app = App::builder().with_closed_networks().start().await;
    app.workspace("one").await;
    let new = NewClient {
        workspaces: vec![String::from("one")],
        webhook_urls: vec![String::from("https://receiver.example/in")],
        ..NewClient::named("CRM sync")
    };
    let client = app.client(new).await;
    let url = app.gatepost().show_client(&client.id).await.unwrap().webhook_urls.remove(0);
    // As one that was saved when the operator still allowed it.
    let (id, inside, now) = (client.id.clone(), receiver.url("/in"), app.gatepost().now());
    let moved = move |tx: &Tx<'_>| {
        let number = clients::lookup_number(tx, &id)?.unwrap();
        let before = clients::lookup(tx, number)?.unwrap();
        let mut after = before.clone();
        after.webhook_urls[0].url.clone_from(&inside);
        after.revision += 1;
        clients::save(tx, &before, &after, now)
    };
    assert!(app.gatepost().store().write(moved).await.unwrap());
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/urls/{}/test", client.id, url.id);
    let page = browser.post(&path, &[]).await.with_status(200).text();
    assert!(page.contains("No answer after") && page.contains("webhooks are never sent"), "{page}");
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_told_until_one_delivery_is_through() {
    let scene = Scene::new().await;
    let (url, said) = (scene.url().await.id, "The receiver does not answer");
    scene.receiver.script([Script::Status(503); 8]);
    for number in 0..8 {
        scene.write(None, &number.to_string()).await;
    }
    let broken = || scene.app.gatepost().broken_circuit(&url).is_some();
    let tried = |found: &[Shown]| found.iter().all(|shown| shown.delivery.attempts == 1) && broken();
    let found = scene.deliveries(tried).await;
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains(said) && page.contains("One is sent as a probe"), "{page}");
    // What happens meanwhile waits for the probe, unless somebody does not want to.
    scene.write(None, "waits").await;
    let path = format!("/deliveries/{}/send", found[0].delivery.id);
    scene.browser.post(&path, &[]).await.with_status(303);
    scene
        .deliveries(|found| found.iter().any(|shown| shown.delivery.state == DeliveryState::Delivered))
        .await;
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(!page.contains(said), "{page}");
}

#[tokio::test]
async fn a_url_that_takes_nothing_is_disabled_by_a_clock_that_everybody_sees() {
    let builder = App::builder().retries("[\"4m\", \"4m\", \"4m\", \"1m\"]").disable_after("10m");
    let scene = Scene::on(builder.clock_at(Timestamp::from_seconds(1_800_000_000)).start().await).await;
    let minutes = |minutes: u64| scene.app.advance(Duration::from_secs(60 * minutes));
    let tried = async |times: u32| scene.deliveries(|found| found[0].delivery.attempts == times).await;
    scene.receiver.script([Script::Status(500); 3]);
    let started = scene.app.gatepost().now();
    scene.write(None, "one").await;
    tried(1).await;
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(
        page.contains("Every attempt has failed") && page.contains(">in 10 min</time> unless one"),
        "{page}"
    );
    let client = scene.browser.get(&format!("/clients/{}", scene.client.id)).await.text();
    assert!(client.contains("Will be disabled") && client.contains("Failing"), "{client}");
    let shown = scene.app.admin("GET", &format!("/clients/{}", scene.client.id), None).await.json();
    assert_eq!(
        shown["webhookUrls"][0]["failing"]["disablesAt"],
        started.plus(Duration::from_secs(600)).iso()
    );

    minutes(5);
    tried(2).await;
    minutes(5);
    tried(3).await;
    scene.app.gatepost().look_at_failing_urls().await.unwrap();
    let url = scene.url().await;
    assert_eq!(url.state, UrlState::Disabled);
    assert!(url.reason.unwrap().starts_with("every attempt failed for 10 minutes, from "));
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains("1 delivery is pending. What becomes of what was held back?"), "{page}");
    let history = scene.browser.get(&format!("/audit?subject={}", scene.client.id)).await.text();
    assert!(history.contains("Disabled a webhook URL that took nothing of"), "{history}");

    // What happens while it is disabled is not kept for it; what was pending is.
    scene.write(None, "two").await;
    minutes(5);
    let held = |found: &[Shown]| found[0].delivery.reason.as_deref() == Some("the webhook URL is disabled");
    assert_eq!(scene.deliveries(held).await.len(), 1);
    scene.post("/enable", &[("held", "all")]).await.with_status(303);
    scene.receiver.wait_for(4).await;
    scene.deliveries(|found| found[0].delivery.state == DeliveryState::Delivered).await;
    let url = scene.url().await;
    assert_eq!((url.state, url.failing, url.reason), (UrlState::Active, None, None));
}

#[tokio::test]
async fn headers_are_set_replaced_and_taken_away_and_never_shown() {
    let scene = Scene::new().await;
    let wrong = scene.post("/headers", &[("name", "Webhook-Id"), ("value", "s3cret")]).await.with_status(422);
    let wrong = wrong.text();
    assert!(wrong.contains("value=\"Webhook-Id\"") && wrong.contains("is reserved"), "{wrong}");
    assert!(!wrong.contains("s3cret"), "{wrong}");
    scene.post("/headers", &[("name", "X-Key"), ("value", "a\r\nHost: b")]).await.with_status(422);
    scene.post("/headers", &[("name", "X-Key"), ("value", "s3cret one")]).await.with_status(303);
    scene.post("/headers", &[("name", "x-key"), ("value", "s3cret two")]).await.with_status(303);
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains("<code>x-key</code>") && !page.contains("s3cret"), "{page}");
    scene.write(None, "one").await;
    assert_eq!(scene.receiver.wait_for(1).await[0].header("x-key"), "s3cret two");
    let ended =
        |found: &[Shown]| !found.is_empty() && found.iter().all(|shown| shown.delivery.ended_at.is_some());
    let found = scene.deliveries(ended).await;
    let log = scene.browser.get(&format!("/deliveries/{}", found[0].delivery.id)).await.text();
    assert!(log.contains("x-key: (hidden)") && !log.contains("s3cret"), "{log}");
    scene.post("/headers/remove", &[("name", "x-key")]).await.with_status(303);
    scene.write(None, "two").await;
    assert_eq!(scene.receiver.wait_for(2).await[1].header("x-key"), "");
    scene.deliveries(|found| found.len() == 2 && ended(found)).await;
    scene.app.gatepost().flush_attempts().await.unwrap();
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains("100% of 2 attempts delivered in 7 days, median "), "{page}");
    let client = scene.browser.get(&format!("/clients/{}", scene.client.id)).await.text();
    assert!(client.contains("100% of 2 attempts delivered in 7 days"), "{client}");
}

#[tokio::test]
async fn a_public_key_is_shown_and_its_private_half_never() {
    let scene = Scene::new().await;
    let made =
        scene.post("/key/rotate", &[("scheme", "ed25519"), ("overlap", "0")]).await.with_status(200).text();
    assert!(made.contains("New public key") && made.contains("data-copy=\"whpk_"), "{made}");
    let page = scene.browser.get(&scene.page().await).await.with_status(200).text();
    assert!(page.contains("Public key (Ed25519)") && page.contains("data-copy=\"whpk_"), "{page}");
    let shown = scene.post("/key", &[]).await.with_status(409).text();
    for said in [made, page, shown] {
        assert!(!said.contains("whsk_"), "{said}");
    }
    scene.write(None, "one").await;
    let got = scene.receiver.wait_for(1).await.remove(0);
    assert!(got.header("webhook-signature").starts_with("v1a,"), "{:?}", got.headers);
    scene.post("/key/rotate", &[("scheme", "other"), ("overlap", "0")]).await.with_status(400);
    scene.post("/key/rotate", &[("scheme", "hmac"), ("overlap", "0")]).await.with_status(200);
    scene.write(None, "two").await;
    assert!(scene.receiver.wait_for(2).await[1].header("webhook-signature").starts_with("v1,"));
}

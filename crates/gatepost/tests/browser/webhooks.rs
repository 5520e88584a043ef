//! Journeys with webhooks: ticking methods, seeing deliveries, mending a receiver and sending again.

use gatepost_core::deliveries::Shown;
use gatepost_model::DeliveryState;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, make};
use serde_json::json;

use crate::support::{BASE, SCHOOL, TASKS, owner, page_of};

#[tokio::test]
async fn methods_are_ticked_and_a_delivery_is_seen() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.press("Add URL").await;
    browser.fill("URL", &receiver.url("/hooks")).await;
    browser.press("Add URL").await;
    browser.sees(&receiver.url("/hooks")).await;
    browser.go(&page_of(&client.id)).await;
    browser.fill("Find a method", "task").await;
    browser.tick("task.create").await;
    browser.press("Save methods").await;
    browser.sees("Saved. In force on ").await;

    let task = json!({ "title": "Fire the kiln" });
    let _ = app.call("POST", TASKS, &token, Some(SCHOOL), Some(task)).await.expect(200);
    receiver.wait_for(1).await;
    browser.go(&format!("{BASE}/deliveries?client={}", client.id)).await;
    browser.sees_in_time("Delivered").await;
    browser.press("task.create").await;
    browser.sees("Attempt 1").await;
    browser.sees("webhook-signature: v1,").await;
    browser.sees("Fire the kiln").await;
}

#[tokio::test]
async fn a_receiver_that_failed_is_mended_and_the_delivery_sent_again() {
    let app = App::builder().retries("[]").start().await;
    let receiver = Receiver::start().await;
    receiver.otherwise(Script::Status(500));
    app.workspace(SCHOOL).await;
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/hooks")], &["task.create"]);
    let client = app.client(new).await;
    let token = app.token(&client).await;
    let browser = owner(&app).await;
    let task = json!({ "title": "Fire the kiln" });
    let _ = app.call("POST", TASKS, &token, Some(SCHOOL), Some(task)).await.expect(200);
    receiver.wait_for(1).await;
    browser.go(&format!("{BASE}/deliveries?state=failed")).await;
    browser.sees_in_time("task.create").await;
    browser.press("task.create").await;
    browser.sees("Attempt 1").await;
    browser.sees("500").await;

    receiver.otherwise(Script::Status(200));
    browser.press("Send again").await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    browser.sees_in_time("Delivered").await;
    browser.sees("Replay of").await;
}

#[tokio::test]
async fn what_a_mended_url_did_not_get_is_replayed() {
    let app = App::builder().retries("[]").start().await;
    let receiver = Receiver::start().await;
    receiver.otherwise(Script::Status(503));
    app.workspace(SCHOOL).await;
    let new = make::subscriber("CRM sync", &[SCHOOL], &[receiver.url("/hooks")], &["task.create"]);
    let client = app.client(new).await;
    let token = app.token(&client).await;
    for title in ["Fire the kiln", "Mix the glaze", "Open the kiln"] {
        let task = json!({ "title": title });
        let _ = app.call("POST", TASKS, &token, Some(SCHOOL), Some(task)).await.expect(200);
    }
    let have_failed = |all: &[Shown]| {
        all.len() == 3 && all.iter().all(|shown| shown.delivery.state == DeliveryState::Failed)
    };
    let failed = app.deliveries_until(None, have_failed).await;

    receiver.otherwise(Script::Status(200));
    let browser = owner(&app).await;
    browser.go(&format!("{BASE}/deliveries")).await;
    browser.sees("The only try failed").await;
    browser.press("Replay since…").await;
    browser.sees("It is counted first").await;
    let target = format!("{}/{}", client.id, failed[0].delivery.url_id);
    browser.go(&format!("{BASE}/replays/new?target={target}&since=2020-01-01T00%3A00")).await;
    browser.sees("It is counted first").await;
    browser.press("Count them").await;
    browser.sees("3 new deliveries").await;
    browser.press("Replay them").await;
    browser.sees("It goes on by itself").await;
    // The page asks for itself how far it is.
    browser.sees_in_time("3 of 3").await;
    browser.sees_in_time("Done").await;
    let received = receiver.wait_for(6).await;
    for first in &received[..3] {
        let id = first.header("webhook-id");
        assert_eq!(received.iter().filter(|request| request.header("webhook-id") == id).count(), 2, "{id}");
    }
    browser.press("Show its deliveries").await;
    browser.sees("Delivered 3").await;
}

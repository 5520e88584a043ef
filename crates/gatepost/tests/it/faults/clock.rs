//! A clock that is set while the server runs, forwards and backwards: nothing is lost, and what is sent twice can be told.

use std::time::Duration;

use gatepost_model::{DeliveryState, Timestamp};
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::json;

use super::held::Held;

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A server at [`START`], and a client, made two hours before, whose webhooks go to `url`.
async fn shop(url: String) -> (App, TestClient) {
    let app = App::builder().clock_at(START.minus(HOUR * 2)).start().await;
    app.workspace("shop").await;
    let client = app.client(make::subscriber("tool", &["shop"], &[url], &["task.create"])).await;
    app.set_clock(START);
    (app, client)
}

/// With a token of the present: one from the future is refused, and whoever is refused asks for another.
async fn create_task(app: &App, client: &TestClient, title: &str) {
    let token = app.token(client).await;
    let task = json!({ "title": title });
    let _ = app.call("POST", "/v1.11/tasks", &token, Some("shop"), Some(task)).await.expect(200);
}

/// Each came to a good end by one recorded try more than had failed.
async fn all_delivered(app: &App, count: usize) {
    let settled = app.settled_deliveries(None).await;
    assert_eq!(settled.len(), count);
    assert!(settled.iter().all(|one| one.delivery.state == DeliveryState::Delivered), "{settled:?}");
}

#[tokio::test]
async fn a_clock_set_back_delays_what_is_to_be_tried_again_and_nothing_else() {
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(500)]);
    let (app, client) = shop(receiver.url("/")).await;
    create_task(&app, &client, "fails first").await;
    receiver.wait_for(1).await;
    app.deliveries_until(None, |found| found[0].delivery.attempts == 1).await;

    app.set_clock(START.minus(HOUR));
    for number in 0..3 {
        create_task(&app, &client, &format!("earlier {number}")).await;
    }
    receiver.wait_for(4).await;
    app.deliveries_until(None, |found| {
        found.iter().filter(|one| one.delivery.state == DeliveryState::Delivered).count() == 3
    })
    .await;
    // Five minutes after the first try, by the clock that was in force then.
    app.set_clock(START.plus(HOUR / 6));
    let webhooks = receiver.wait_for(5).await;
    all_delivered(&app, 4).await;
    let first = webhooks[0].header("webhook-id");
    let again = webhooks.iter().filter(|webhook| webhook.header("webhook-id") == first).count();
    assert_eq!((webhooks.len(), again), (5, 2), "the first was tried twice, the others once");
}

#[tokio::test]
async fn a_clock_set_forward_sends_what_is_due_by_then_and_loses_nothing() {
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(500), Script::Status(500)]);
    let (app, client) = shop(receiver.url("/")).await;
    create_task(&app, &client, "fails twice").await;
    receiver.wait_for(1).await;
    app.deliveries_until(None, |found| found[0].delivery.attempts == 1).await;
    app.advance(HOUR);
    receiver.wait_for(2).await;
    app.deliveries_until(None, |found| found[0].delivery.attempts == 2).await;
    app.advance(HOUR * 24);
    create_task(&app, &client, "a day later").await;
    receiver.wait_for(4).await;
    all_delivered(&app, 2).await;
    assert_eq!(receiver.received().len(), 4);
}

/// The one duplicate that no crash explains: by the clock the lease is over, so the delivery is sent again, with the same
/// id, while the receiver still has the first.
#[tokio::test]
async fn a_clock_set_forward_by_more_than_a_lease_may_repeat_what_is_on_the_wire() {
    let held = Held::start().await;
    let (app, client) = shop(held.url()).await;
    create_task(&app, &client, "on the wire").await;
    held.wait_for(1).await;
    app.advance(HOUR);
    let ids = held.wait_for(2).await;
    assert_eq!(ids[0], ids[1]);
    held.release();
    all_delivered(&app, 1).await;
    assert_eq!(held.wait_for(2).await.len(), 2, "and not more often");
}

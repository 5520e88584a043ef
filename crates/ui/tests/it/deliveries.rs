//! Deliveries: the list, one of them, sending it again.

use std::time::Duration;

use gatepost_core::clients::NewClient;
use gatepost_model::DeliveryState;
use gatepost_testkit::{App, Receiver};

use crate::support::{Browser, WithStatus, between};

#[tokio::test]
async fn a_delivery_is_found_looked_at_and_sent_again() {
    let app = App::start().await;
    app.workspace("one").await;
    let receiver = Receiver::start().await;
    let new = NewClient {
        workspaces: vec![String::from("one")],
        webhook_urls: vec![receiver.url("/in")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("CRM sync")
    };
    let client = app.client(new).await;
    let browser = Browser::owner(&app).await;
    assert!(browser.get("/deliveries").await.with_status(200).text().contains("No delivery matches."));
    let token = app.token(&client).await;
    let task = serde_json::json!({ "title": "</code><script>alert(1)</script>" });
    let made = app.call("POST", "/v1.11/tasks", &token, Some("one"), Some(task)).await;
    assert!(made.status < 300, "{}", made.text());
    receiver.wait_for(1).await;
    settled(&app).await;

    let list = browser.get("/deliveries").await.with_status(200).text();
    assert!(
        list.contains("task.create") && list.contains("Delivered") && list.contains("CRM sync"),
        "{list}"
    );
    let id = between(&list, "/deliveries/dlv_", "\"");
    let path = format!("/deliveries/dlv_{id}");
    let page = browser.get(&path).await.with_status(200).text();
    assert!(page.contains("Attempt 1") && page.contains("webhook-signature: v1,"), "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"), "the record is text");
    assert!(page.contains("Caused by</dt><dd>CRM sync"));
    assert!(browser.get("/deliveries?state=failed").await.text().contains("No delivery matches."));
    assert!(browser.get(&format!("/deliveries?client={}", client.id)).await.text().contains("task.create"));

    let replayed = browser.post(&format!("{path}/replay"), &[]).await.with_status(303);
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    let again = browser.get(replayed.header("location")).await.with_status(200).text();
    assert!(again.contains("Sent once more") && again.contains(&format!("dlv_{id}")), "{again}");
    browser.get("/deliveries/dlv_none").await.with_status(404);
}

/// Waits until what the receiver answered is written down.
async fn settled(app: &App) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let deliveries = app.gatepost().list_deliveries(None, None, Default::default()).await.unwrap();
        if deliveries.iter().all(|shown| shown.delivery.state != DeliveryState::Pending) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{deliveries:?}");
        tokio::task::yield_now().await;
    }
}

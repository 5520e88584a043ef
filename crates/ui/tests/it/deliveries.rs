//! Deliveries: the list, one of them, sending it again.

use std::time::Duration;

use gatepost_core::clients::NewClient;
use gatepost_core::deliveries::Shown;
use gatepost_model::DeliveryState;
use gatepost_testkit::receiver::Script;
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

#[tokio::test]
async fn deliveries_are_filtered_counted_and_acted_on_together() {
    let app = App::builder().retries(r#"["1h"]"#).start().await;
    app.workspace("one").await;
    let (good, bad) = (Receiver::start().await, Receiver::start().await);
    bad.otherwise(Script::Status(503));
    let new = NewClient {
        workspaces: vec![String::from("one")],
        webhook_urls: vec![good.url("/good"), bad.url("/bad")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("CRM sync")
    };
    let client = app.client(new).await;
    let browser = Browser::owner(&app).await;
    let token = app.token(&client).await;
    for title in ["first", "second"] {
        let task = serde_json::json!({ "title": title });
        let _ = app.call("POST", "/v1.11/tasks", &token, Some("one"), Some(task)).await.expect(200);
    }
    let done = |shown: &Shown| shown.delivery.attempts == 1;
    let all = app.deliveries_until(None, |all| all.len() == 4 && all.iter().all(done)).await;
    let list = browser.get("/deliveries").await.with_status(200).text();
    assert!(list.contains(r#"All <span class="count">4</span>"#), "{list}");
    assert!(list.contains(r#"Pending <span class="count">2</span>"#), "{list}");
    assert!(list.contains("has answered 503 since") && list.contains("2 deliveries of CRM sync are pending"));
    assert!(list.contains("503<span class=\"sub\">"), "the last answer stands in its row");

    let to_good = all.iter().find(|shown| shown.url.as_deref() == Some(good.url("/good").as_str())).unwrap();
    let url = &to_good.delivery.url_id;
    let filtered = |query: String| {
        let browser = &browser;
        async move { browser.get(&format!("/deliveries?{query}")).await.with_status(200).text() }
    };
    let rows = |page: &str| page.matches("<tr role=\"row\"><td").count();
    let narrowed =
        filtered(format!("client={}&url={url}&method=task.create&state=delivered", client.id)).await;
    assert_eq!(rows(&narrowed), 2);
    assert!(narrowed.contains(r#"All <span class="count">2</span>"#), "{narrowed}");
    assert!(filtered(format!("url={url}&state=pending")).await.contains("No delivery matches."));
    assert!(filtered(String::from("method=task.edit")).await.contains("No delivery matches."));
    let chosen =
        filtered(String::from("time=chosen&since=2020-01-01T00%3A00&until=2020-01-02T00%3A00")).await;
    assert!(chosen.contains("No delivery matches.") && chosen.contains("datetime-local"), "{chosen}");
    assert_eq!(rows(&filtered(format!("q={}", to_good.delivery.event_id)).await), 2, "one for each URL");
    let one = browser.get(&format!("/deliveries?q={}", to_good.delivery.id)).await.with_status(303);
    assert!(one.header("location").ends_with(&to_good.delivery.id));

    let ids: Vec<(&str, &str)> = all.iter().map(|shown| ("delivery", shown.delivery.id.as_str())).collect();
    let cancel = [ids.as_slice(), &[("act", "cancel")]].concat();
    let cancelled = browser.post("/deliveries/chosen", &cancel).await.with_status(303);
    assert!(browser.get(cancelled.header("location")).await.text().contains("Cancelled, except what"));
    assert_eq!(rows(&filtered(String::from("state=cancelled")).await), 2, "those that were pending");
    let resend = [ids.as_slice(), &[("act", "resend")]].concat();
    browser.post("/deliveries/chosen", &resend).await.with_status(303);
    good.wait_for(4).await;
}

/// Waits until what the receiver answered is written down.
async fn settled(app: &App) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let deliveries =
            app.gatepost().list_deliveries(Default::default(), Default::default()).await.unwrap();
        if deliveries.iter().all(|shown| shown.delivery.state != DeliveryState::Pending) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{deliveries:?}");
        tokio::task::yield_now().await;
    }
}

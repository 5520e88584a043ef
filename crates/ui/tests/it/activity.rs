//! What a client did, on its page: calls, refusals, deliveries.

use gatepost_core::clients::NewClient;
use gatepost_model::Timestamp;
use gatepost_testkit::{App, Receiver};
use serde_json::json;

use crate::support::{Browser, WithStatus, between};

#[tokio::test]
async fn the_page_of_a_client_shows_what_it_did() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_795_521_600)).start().await;
    let receiver = Receiver::start().await;
    app.workspace("shop").await;
    let new = NewClient {
        workspaces: vec![String::from("shop")],
        webhook_urls: vec![receiver.url("/in")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("CRM sync")
    };
    let client = app.client(new).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}", client.id);
    let page = browser.get(&path).await.with_status(200).text();
    let card = between(&page, "id=\"activity\"", "</section>");
    assert!(card.contains("No calls in 7 days.") && card.contains("Nothing was sent in 7 days."), "{card}");

    let token = app.token(&client).await;
    let task = json!({ "title": "Glaze the vases" });
    app.call("POST", "/v1.11/tasks", &token, Some("shop"), Some(task)).await.with_status(200);
    app.call("GET", "/v1.11/tasks", &token, Some("shop"), None).await.with_status(200);
    app.call("GET", "/v1.11/tasks", &token, None, None).await.with_status(400);
    receiver.wait_for(1).await;
    let gatepost = app.gatepost();
    gatepost.flush_journal().await.unwrap();
    // The attempt is counted when its answer is known here, a moment after the receiver gave it.
    let number = gatepost.show_client(&client.id).await.unwrap().number;
    let since = gatepost.now();
    while gatepost.attempts_by_hour(number, since).await.unwrap().is_empty() {
        gatepost.flush_attempts().await.unwrap();
        tokio::task::yield_now().await;
    }
    for (span, rows) in [("week", 7), ("day", 24)] {
        let page = browser.get(&format!("{path}?span={span}")).await.with_status(200).text();
        let card = between(&page, "id=\"activity\"", "</section>");
        assert!(card.contains("<b>Calls</b><span>2 <span class=\"muted\">and 1 refused</span>"), "{card}");
        assert!(card.contains("<b>Delivered</b><span>1 <span class=\"muted\">100% of attempts"), "{card}");
        assert!(card.contains("at most 2 passed and 1 refused in one."), "{card}");
        assert!(card.contains("<b>Webhook answer time</b>"), "{card}");
        let table = between(card, "<caption class=\"vh\">Calls", "</table>");
        assert_eq!(table.matches("<th scope=\"row\">").count(), rows, "{table}");
        assert!(table.contains("<td class=\"num\">2</td><td class=\"num\">1</td>"), "{table}");
        assert!(!page.contains("style="), "nothing is styled inline");
    }
}

//! Replays: the form, what it would do, and how far one is.

use gatepost_model::DeliveryState;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, make};

use crate::support::{Browser, WithStatus};

#[tokio::test]
async fn a_replay_is_counted_started_watched_and_stopped() {
    let app = App::builder().retries("[]").start().await;
    app.workspace("one").await;
    let receiver = Receiver::start().await;
    receiver.otherwise(Script::Status(500));
    let new = make::subscriber("CRM sync", &["one"], &[receiver.url("/in")], &["task.create"]);
    let client = app.client(new).await;
    let token = app.token(&client).await;
    for title in ["first", "second"] {
        let task = serde_json::json!({ "title": title });
        let _ = app.call("POST", "/v1.11/tasks", &token, Some("one"), Some(task)).await.expect(200);
    }
    let failed = |all: &[gatepost_core::deliveries::Shown]| {
        all.len() == 2 && all.iter().all(|shown| shown.delivery.state == DeliveryState::Failed)
    };
    let all = app.deliveries_until(None, failed).await;
    let browser = Browser::owner(&app).await;
    assert!(browser.get("/replays").await.with_status(200).text().contains("There is no replay."));
    let form = browser.get("/replays/new").await.with_status(200).text();
    let target = format!("{}/{}", client.id, all[0].delivery.url_id);
    assert!(form.contains(&format!("value=\"{target}\"")), "{form}");

    let asked = |more: &str| format!("/replays/new?target={target}&since=2020-01-01T00%3A00&count=1{more}");
    let counted = browser.get(&asked("")).await.with_status(200).text();
    assert!(counted.contains("<b>2 new deliveries</b>") && counted.contains("Replay them"), "{counted}");
    assert!(browser.get(&asked("&method=task.edit")).await.text().contains("No delivery matches."));
    let wrong = browser.get(&asked("&method=task.update")).await.with_status(422).text();
    assert!(wrong.contains("Nothing was replayed.") && wrong.contains("is not a method"), "{wrong}");
    browser.get("/replays/new?count=1").await.with_status(422);
    browser.get("/replays/new?count=1&since=2020-01-01&target=cli_none/whu_none").await.with_status(404);

    receiver.otherwise(Script::Status(200));
    let fields = [("target", target.as_str()), ("since", "2020-01-01T00:00"), ("states", "failed")];
    let started = browser.post("/replays", &fields).await.with_status(303).header("location").to_owned();
    let received = receiver.wait_for(4).await;
    let mut sent: Vec<_> = received.iter().map(|request| request.header("webhook-id").to_owned()).collect();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), 2, "receivers see the same ids again");
    let is_done = |all: &[gatepost_core::deliveries::Shown]| {
        all.len() == 4 && all.iter().all(|shown| shown.delivery.state != DeliveryState::Pending)
    };
    let all = app.deliveries_until(None, is_done).await;
    let page = browser.get(&started).await.with_status(200).text();
    assert!(page.contains("Started. It goes on by itself") && page.contains("2 of 2"), "{page}");
    let id = started.rsplit('/').next().unwrap_or_default();
    let made = browser.get(&format!("/deliveries?replay={id}")).await.with_status(200).text();
    assert!(made.contains(r#"All <span class="count">2</span>"#), "{made}");
    let of_replay = all.iter().find(|shown| shown.delivery.replay_id.is_some()).unwrap();
    let delivery = browser.get(&format!("/deliveries/{}", of_replay.delivery.id)).await.text();
    assert!(delivery.contains("A replay</a>"), "{delivery}");
    assert!(browser.get("/replays").await.text().contains(&format!("/replays/{id}")));
    // What has come to its end is not stopped.
    browser.post(&format!("/replays/{id}/cancel"), &[]).await.with_status(409);
}

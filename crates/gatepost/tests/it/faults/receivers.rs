//! Receivers that hang, that are gone, and that come back.

use std::time::Duration;

use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, make};
use serde_json::json;
use tokio::time::Instant;

const HANGING: usize = 8;
const EVENTS: usize = 25;
/// Far less than the fifteen seconds after which a hanging receiver is given up.
const PROMPT: Duration = Duration::from_secs(8);

async fn create_task(app: &App, token: &str) {
    let task = json!({ "title": "a task" });
    let _ = app.call("POST", "/v1.11/tasks", token, Some("shop"), Some(task)).await.expect(200);
}

#[tokio::test]
async fn receivers_that_hang_do_not_delay_another_url() {
    let app = App::start().await;
    app.workspace("shop").await;
    let healthy = Receiver::start().await;
    let mut hanging = Vec::new();
    for _ in 0..HANGING {
        let receiver = Receiver::start().await;
        receiver.otherwise(Script::Hang);
        hanging.push(receiver);
    }
    let mut urls: Vec<String> = hanging.iter().map(|receiver| receiver.url("/hangs")).collect();
    urls.push(healthy.url("/lives"));
    let client = app.client(make::subscriber("tool", &["shop"], &urls, &["task.create"])).await;
    let token = app.token(&client).await;
    create_task(&app, &token).await;
    for receiver in &hanging {
        receiver.wait_for(1).await;
    }
    healthy.wait_for(1).await;

    let began = Instant::now();
    for _ in 1..EVENTS {
        create_task(&app, &token).await;
    }
    healthy.wait_for(EVENTS).await;
    let took = began.elapsed();
    println!("{HANGING} receivers hang: {} webhooks to another in {} ms", EVENTS - 1, took.as_millis());
    assert!(took < PROMPT, "{took:?}");
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more() {
    let app = App::start().await;
    app.workspace("shop").await;
    let (gone, there) = (Receiver::start().await, Receiver::start().await);
    gone.otherwise(Script::Status(410));
    let urls = [gone.url("/gone"), there.url("/there")];
    let client = app.client(make::subscriber("tool", &["shop"], &urls, &["task.create"])).await;
    let token = app.token(&client).await;
    create_task(&app, &token).await;
    gone.wait_for(1).await;
    app.settled_deliveries(None).await;
    let shown = app.admin("GET", &format!("/clients/{}", client.id), None).await.expect(200).json();
    assert_eq!(shown["webhookUrls"][0]["state"], "disabled", "{shown}");
    assert!(shown["webhookUrls"][0]["reason"].as_str().unwrap().contains("410"), "{shown}");
    assert_eq!(shown["webhookUrls"][1]["state"], "active", "{shown}");

    create_task(&app, &token).await;
    there.wait_for(2).await;
    app.settled_deliveries(None).await;
    assert_eq!(gone.received().len(), 1);
}

#[tokio::test]
async fn the_pauses_of_the_configuration_are_kept_until_the_receiver_is_back() {
    let app = App::builder().retries(r#"["300ms", "900ms", "1h"]"#).start().await;
    app.workspace("shop").await;
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(500), Script::Status(302)]);
    let client =
        app.client(make::subscriber("tool", &["shop"], &[receiver.url("/")], &["task.create"])).await;
    create_task(&app, &app.token(&client).await).await;
    let webhooks = receiver.wait_for(3).await;
    assert!(webhooks.iter().all(|webhook| webhook.header("webhook-id") == webhooks[0].header("webhook-id")));
    let numbers: Vec<&str> = webhooks.iter().map(|webhook| webhook.header("gatepost-attempt")).collect();
    assert_eq!(numbers, ["1", "2", "3"]);

    let [delivery] = &app.settled_deliveries(None).await[..] else { panic!("one delivery") };
    let path = format!("/deliveries/{}", delivery.delivery.id);
    let shown = app.admin("GET", &path, None).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("delivered"), &json!(3)), "{shown}");
    let tries = app.gatepost().show_delivery(&delivery.delivery.id).await.unwrap().attempts;
    let pause = |from: usize| tries[from + 1].started_at.since(tries[from].started_at);
    for (from, least) in [(0, 300), (1, 900)] {
        let (pause, least) = (pause(from), Duration::from_millis(least));
        // A little jitter upward, and what a busy machine adds.
        assert!(pause >= least && pause < least + Duration::from_secs(3), "pause {from}: {pause:?}");
    }
}

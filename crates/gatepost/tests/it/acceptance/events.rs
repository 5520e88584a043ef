//! Webhook events: A20, A21, A25. What they have to do with access is in `scoping`.

use gatepost_model::DeliveryState;
use gatepost_testkit::{App, Receiver, make};
use serde_json::json;

use crate::support::{SCHOOL, SHOP, TASKS, create_task, program, text};

#[tokio::test]
async fn a20_methods_are_named_entity_and_verb() {
    let app = App::start().await;
    let methods = app.admin("GET", "/methods", None).await.expect(200).json();
    let methods: Vec<&str> = methods.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for expected in
        ["task.create", "task.edit", "task.remove", "form-response.create", "invoice-subscription.edit"]
    {
        assert!(methods.contains(&expected), "{expected}");
    }
    for method in &methods {
        let (entity, verb) = method.split_once('.').unwrap();
        assert!(entity.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{method}");
        assert!(["create", "edit", "remove"].contains(&verb), "{method}");
    }
    for wrong in ["task.update", "tasks.create", "task", "Task.Create", "invoice.paid"] {
        let body = json!({ "name": "CRM sync", "methods": [wrong] });
        let refused = app.admin("POST", "/clients", Some(body)).await.expect(400).json();
        assert!(text(&refused, "message").contains(wrong), "{refused}");
    }
    let listed = program(&app).json(&["method", "list"]).await;
    assert_eq!(listed.as_array().unwrap().len(), methods.len());
}

#[tokio::test]
async fn a21_a_chosen_method_goes_to_every_url_of_that_client_and_to_no_other() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let (one, two, other) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let urls = [one.url("/first?source=gatepost&x=%20y"), two.url("/second")];
    let chosen = ["task.create", "task.remove"];
    let client = app.client(make::subscriber("CRM sync", &[SCHOOL], &urls, &chosen)).await;
    let foreign = make::subscriber("Elsewhere", &[SHOP], &[other.url("/shop")], &["*"]);
    app.client(foreign).await;
    let unselected = make::subscriber("Edits only", &[SCHOOL], &[other.url("/edits")], &["task.edit"]);
    let edits = app.client(unselected).await;
    let token = app.token(&client).await;

    let task = create_task(&app, &token, SCHOOL, "Fire the kiln").await;
    let edit = json!({ "_id": task["_id"], "title": "Fire it twice" });
    let edited = app.call("PUT", TASKS, &token, Some(SCHOOL), Some(edit)).await.expect(200).json();
    let remove = json!({ "_id": task["_id"] });
    let _ = app.call("DELETE", TASKS, &token, Some(SCHOOL), Some(remove)).await.expect(200);
    app.settled_deliveries(None).await;

    for (number, receiver) in [&one, &two].into_iter().enumerate() {
        let mut webhooks = receiver.wait_for(2).await;
        webhooks.sort_by_key(|webhook| webhook.header("gatepost-method").to_owned());
        let methods: Vec<&str> = webhooks.iter().map(|webhook| webhook.header("gatepost-method")).collect();
        assert_eq!(methods, chosen);
        assert_eq!(webhooks[0].json(), task, "the record, as the API answered it");
        assert_eq!(webhooks[1].json()["title"], "Fire it twice", "the last that was known of it");
        for webhook in &webhooks {
            assert!(webhook.is_signed_with(&client.signing_keys[number]), "each URL has a key of its own");
            assert!(!webhook.is_signed_with(&client.signing_keys[1 - number]));
        }
        assert!(
            urls[number].ends_with(&webhooks[0].path),
            "the query is kept as it is: {}",
            webhooks[0].path
        );
    }
    let elsewhere = other.wait_for(1).await;
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].json(), edited);
    assert!(elsewhere[0].is_signed_with(&edits.signing_keys[0]));
    // One event has one id, whoever gets it.
    let ids = |receiver: &Receiver| {
        let mut ids: Vec<String> =
            receiver.received().iter().map(|webhook| webhook.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&one), ids(&two));
}

#[tokio::test]
async fn a25_with_no_method_chosen_no_delivery_is_queued() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    app.workspace(SCHOOL).await;
    let silent = make::subscriber("Silent", &[SCHOOL], &[receiver.url("/silent")], &[]);
    let silent = app.client(silent).await;
    let token = app.token(&silent).await;
    for number in 0..5 {
        create_task(&app, &token, SCHOOL, &format!("Task {number}")).await;
    }
    assert!(app.deliveries(None).await.is_empty(), "the table is empty, not only the receiver's hands");

    // The same write makes one for a client that has chosen the method, and still none for the silent one.
    let loud = make::subscriber("Loud", &[SCHOOL], &[receiver.url("/loud")], &["task.create"]);
    let loud = app.client(loud).await;
    create_task(&app, &token, SCHOOL, "Heard").await;
    let made = app.settled_deliveries(None).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].client_id.as_deref(), Some(loud.id.as_str()));
    assert_eq!(made[0].delivery.state, DeliveryState::Delivered);
    let listed = program(&app).json(&["delivery", "list", "--client", &silent.id]).await;
    assert_eq!(listed, json!([]));
    assert_eq!(receiver.received().len(), 1);
}

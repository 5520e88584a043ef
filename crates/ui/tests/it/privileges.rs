//! What others may see: nothing, on any route (security.md P7).

use gatepost_core::Actor;
use gatepost_core::clients::NewClient;
use gatepost_model::Role;
use gatepost_testkit::{App, Receiver};

use crate::support::{Browser, WithStatus, colleague};

/// Every route that names something, as (method, path). `{c}` is a client, `{u}` one of its URLs, `{d}` a delivery.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/clients/{c}"),
    ("GET", "/clients/{c}/first-call"),
    ("POST", "/clients/{c}/workspaces"),
    ("POST", "/clients/{c}/methods"),
    ("GET", "/clients/{c}/settings"),
    ("POST", "/clients/{c}/settings"),
    ("POST", "/clients/{c}/urls"),
    ("GET", "/clients/{c}/urls/new"),
    ("GET", "/clients/{c}/urls/{u}"),
    ("POST", "/clients/{c}/urls/{u}/address"),
    ("POST", "/clients/{c}/urls/{u}/test"),
    ("POST", "/clients/{c}/urls/{u}/pause"),
    ("POST", "/clients/{c}/urls/{u}/resume"),
    ("POST", "/clients/{c}/urls/{u}/enable"),
    ("POST", "/clients/{c}/urls/{u}/key/rotate"),
    ("POST", "/clients/{c}/urls/{u}/key/end"),
    ("GET", "/clients/{c}/urls/{u}/remove"),
    ("POST", "/clients/{c}/urls/{u}/remove"),
    ("POST", "/clients/{c}/urls/{u}/key"),
    ("GET", "/clients/{c}/rotate"),
    ("POST", "/clients/{c}/rotate"),
    ("POST", "/clients/{c}/secrets/1/show"),
    ("GET", "/clients/{c}/secrets/1/end"),
    ("POST", "/clients/{c}/secrets/1/end"),
    ("GET", "/clients/{c}/disable"),
    ("POST", "/clients/{c}/disable"),
    ("POST", "/clients/{c}/enable"),
    ("GET", "/clients/{c}/revoke"),
    ("POST", "/clients/{c}/revoke"),
    ("GET", "/deliveries/{d}"),
    ("POST", "/deliveries/{d}/replay"),
    ("POST", "/deliveries/{d}/send"),
    ("POST", "/deliveries/{d}/cancel"),
];

#[tokio::test]
async fn p7_every_route_answers_others_as_if_there_were_nothing() {
    let app = App::start().await;
    for name in ["one", "two"] {
        app.workspace(name).await;
    }
    let receiver = Receiver::start().await;
    let new = NewClient {
        workspaces: vec![String::from("one"), String::from("two")],
        webhook_urls: vec![receiver.url("/in")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("Of both")
    };
    let client = app.client(new).await;
    let token = app.token(&client).await;
    let task = serde_json::json!({ "title": "Secret glaze" });
    let made = app.call("POST", "/v1.11/tasks", &token, Some("two"), Some(task)).await;
    assert!(made.status < 300, "{}", made.text());
    receiver.wait_for(1).await;
    let delivery = app.gatepost().list_deliveries(None, None, Default::default()).await.unwrap();
    let delivery = delivery[0].delivery.id.clone();
    let owner = Browser::owner(&app).await;
    let before = app.gatepost().show_client(&client.id).await.unwrap();
    let url = before.webhook_urls[0].id.clone();

    let nobody = Browser::new(&app);
    let others = [
        colleague(&app, "stranger", &[]).await,
        colleague(&app, "member", &[("one", Role::Member), ("two", Role::Member)]).await,
        colleague(&app, "half", &[("one", Role::Owner), ("two", Role::Member)]).await,
    ];
    for &(method, route) in ROUTES {
        let at = |client: &str, url: &str, delivery: &str| {
            route.replace("{c}", client).replace("{u}", url).replace("{d}", delivery)
        };
        let real = at(&client.id, &url, &delivery);
        let absent = at("cli_00000000000000000000000000", "whu_0", "dlv_0");
        let ask = async |browser: &Browser, path: &str| match method {
            "GET" => browser.get(path).await,
            _ => {
                browser
                    .post(
                        path,
                        &[("confirm", "Of both"), ("workspace", "one"), ("url", "https://x.example/")],
                    )
                    .await
            }
        };
        for other in &others {
            let (seen, nothing) =
                (ask(other, &real).await.with_status(404), ask(other, &absent).await.with_status(404));
            assert_eq!(seen.body, nothing.body, "{method} {route}");
        }
        let turned = ask(&nobody, &real).await.with_status(303);
        assert!(turned.header("location").starts_with("/settings/api-manager/sign-in"), "{method} {route}");
        if method == "GET" {
            ask(&owner, &real).await.with_status(200);
        }
    }
    let after = app.gatepost().show_client(&client.id).await.unwrap();
    assert_eq!((after.revision, after.status), (before.revision, before.status), "nothing was changed");
    for other in &others {
        for list in ["", "/deliveries", "/audit"] {
            let page = other.get(list).await.with_status(200).text();
            assert!(
                !page.contains("Of both") && !page.contains(&client.id) && !page.contains(&delivery),
                "{list}"
            );
        }
        other.get(&format!("/deliveries?client={}", client.id)).await.with_status(404);
        let log = other.get(&format!("/audit?subject={}", client.id)).await.with_status(200).text();
        assert!(log.contains("Nothing here yet."));
    }
}

#[tokio::test]
async fn p7_a_delivery_of_a_workspace_of_others_stays_unseen_when_the_client_leaves_it() {
    let app = App::start().await;
    for name in ["mine", "theirs"] {
        app.workspace(name).await;
    }
    let receiver = Receiver::start().await;
    let new = NewClient {
        workspaces: vec![String::from("mine"), String::from("theirs")],
        webhook_urls: vec![receiver.url("/in")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("Moved")
    };
    let client = app.client(new).await;
    let token = app.token(&client).await;
    let task = serde_json::json!({ "title": "Secret glaze" });
    let made = app.call("POST", "/v1.11/tasks", &token, Some("theirs"), Some(task)).await;
    assert!(made.status < 300, "{}", made.text());
    receiver.wait_for(1).await;
    let delivery = app.gatepost().list_deliveries(None, None, Default::default()).await.unwrap();
    let delivery = delivery[0].delivery.id.clone();
    Browser::owner(&app).await;
    let mine = colleague(&app, "half", &[("mine", Role::Owner)]).await;
    let change = gatepost_core::clients::ClientChange {
        workspaces: gatepost_core::clients::ListChange {
            remove: vec![String::from("theirs")],
            ..Default::default()
        },
        ..Default::default()
    };
    app.gatepost().update_client(&Actor::Cli, &client.id, change).await.unwrap();
    mine.get(&format!("/clients/{}", client.id)).await.with_status(200);
    mine.get(&format!("/deliveries/{delivery}")).await.with_status(404);
    mine.post(&format!("/deliveries/{delivery}/replay"), &[]).await.with_status(404);
    let list = mine.get(&format!("/deliveries?client={}", client.id)).await.with_status(200).text();
    assert!(list.contains("No delivery matches."));
    let log = mine.get(&format!("/audit?subject={}", client.id)).await.text();
    assert!(!log.contains("theirs"), "{log}");
}

//! What a webhook URL may never reach (security.md 6.2), of each egress that there is: deliveries and test sends.
//!
//! Both go through one guarded client, whose own table is in `crates/webhook/tests/it/ssrf_table.rs` and has all rows. Here
//! are those that depend on what a URL says or where its name leads; how answers are treated is in `faults::failing`.

use std::net::IpAddr;
use std::sync::Arc;

use gatepost::Internet;
use gatepost_core::webhook_urls::UrlAt;
use gatepost_core::{Actor, Error};
use gatepost_model::webhook::Outcome;
use gatepost_testkit::{App, Names, TestClient, make};
use serde_json::json;
use tokio::task::JoinSet;

/// Rows whose addresses are never connected to, as what a name leads to. As literals they cannot be saved.
const ADDRESSES: [(u8, &[&str]); 16] = [
    (1, &["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.1.1"]),
    (2, &["0.0.0.0", "0.1.2.3"]),
    (3, &["100.64.0.1", "100.100.100.200"]),
    (4, &["169.254.169.254", "fe80::1"]),
    (5, &["fd00:ec2::254", "fc00::1"]),
    (6, &["168.63.129.16"]),
    (7, &["::ffff:127.0.0.1", "::ffff:169.254.169.254"]),
    (8, &["::127.0.0.1", "::169.254.169.254"]),
    (9, &["::ffff:0:127.0.0.1", "2606:4700::5efe:10.0.0.1"]),
    (10, &["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"]),
    (11, &["64:ff9b:1::10.0.0.1", "64:ff9b:1:ffff::1"]),
    (12, &["2002:7f00:1::1", "2002:a9fe:a9fe::1"]),
    (13, &["2001:0:808:808::f5ff:fffe", "2001:0:a00:1::f7f7:f7f7"]),
    (14, &["fec0::1"]),
    (15, &["192.0.0.1", "198.18.0.1", "240.0.0.1", "255.255.255.255", "224.0.0.1"]),
    (15, &["192.0.2.1", "ff02::1", "2001:db8::1", "5f00::1", "100::1"]),
];

/// URLs that cannot be saved, so that there is nothing to send to.
const REFUSED: [(u8, &[&str]); 6] = [
    (16, &["https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/", "https://127.1/"]),
    (
        21,
        &[
            "https://localhost/",
            "https://printer.local/",
            "https://db.internal/",
            "https://api.svc.cluster.local/",
            "https://intranet/",
        ],
    ),
    (22, &["https://LOCALHOST./", "https://127.0.0.1./", "https://１２７.0.0.1/"]),
    (23, &["https://user:password@hooks.example.com/", "https://hooks.example.com@10.0.0.1/"]),
    (24, &["https://hooks.example.com:25/", "https://hooks.example.com:6379/"]),
    (35, &["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/"]),
];

async fn server(names: &Arc<Names>) -> Arc<App> {
    let internet = Internet { resolver: Some(names.clone()), ..Internet::default() };
    let app = App::builder().with_closed_networks().internet(internet).start().await;
    app.workspace("shop").await;
    Arc::new(app)
}

#[tokio::test]
async fn no_egress_connects_to_where_a_name_leads_inside() {
    let names = Names::new();
    let app = server(&names).await;
    let mut clients = Vec::new();
    for (place, (row, addresses)) in ADDRESSES.iter().enumerate() {
        let mut urls = Vec::new();
        for (number, address) in addresses.iter().enumerate() {
            let name = format!("row{row}-{place}-{number}.example.com");
            names.set(&name, &[address.parse().unwrap()]);
            urls.push(format!("https://{name}/"));
        }
        clients.push(subscribed(&app, &urls).await);
    }
    // Row 18: what mixes good and bad is refused as a whole.
    names.set("row18.example.com", &["1.1.1.1", "10.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap()));
    clients.push(subscribed(&app, &[String::from("https://row18.example.com/")]).await);

    let token = app.token(&clients[0]).await;
    let task = json!({ "title": "glaze" });
    let _ = app.call("POST", "/v1.11/tasks", &token, Some("shop"), Some(task)).await.expect(200);
    let mut checks = JoinSet::new();
    for client in clients {
        let app = Arc::clone(&app);
        checks.spawn(async move {
            deliveries_are_blocked(&app, &client).await;
            test_sends_are_blocked(&app, &client).await;
        });
    }
    checks.join_all().await;
}

async fn subscribed(app: &App, urls: &[String]) -> TestClient {
    app.client(make::subscriber("tool", &["shop"], urls, &["task.create"])).await
}

async fn deliveries_are_blocked(app: &App, client: &TestClient) {
    let tried =
        app.deliveries_until(Some(client), |found| found.iter().all(|one| one.delivery.attempts > 0)).await;
    assert!(!tried.is_empty());
    for shown in tried {
        let attempts = app.gatepost().show_delivery(&shown.delivery.id).await.unwrap().attempts;
        assert_eq!((attempts[0].outcome, &attempts[0].address), (Outcome::Blocked, &None), "{:?}", shown.url);
    }
}

async fn test_sends_are_blocked(app: &App, client: &TestClient) {
    for url in app.gatepost().show_client(&client.id).await.unwrap().webhook_urls {
        let at = UrlAt { client: &client.id, url: &url.id, revision: None };
        let answer = app.gatepost().test_webhook_url(&Actor::Cli, at).await.unwrap();
        assert_eq!((answer.outcome, answer.address), (Outcome::Blocked, None), "{}", url.url);
    }
}

#[tokio::test]
async fn what_can_be_told_from_the_url_cannot_be_saved() {
    let app = server(&Names::new()).await;
    let literals = ADDRESSES.iter().flat_map(|(row, addresses)| {
        addresses.iter().map(move |address| {
            let host = if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() };
            (*row, format!("https://{host}/"))
        })
    });
    let spelled =
        REFUSED.iter().flat_map(|(row, urls)| urls.iter().map(move |url| (*row, (*url).to_owned())));
    // Row 25: without TLS, to a host that would be a good one.
    let plain = [(25, String::from("http://hooks.example.com/"))];
    for (row, url) in literals.chain(spelled).chain(plain) {
        let new = make::subscriber("tool", &["shop"], std::slice::from_ref(&url), &["task.create"]);
        let made = app.gatepost().create_client(&Actor::Cli, new).await;
        assert!(matches!(made, Err(Error::Invalid { .. })), "row {row}: {url} could be saved");
    }
}

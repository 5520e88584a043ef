//! The feed of events over HTTP.

use gatepost_core::Actor;
use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_model::ClientNumber;
use serde_json::{Value, json};

use crate::support::Server;

const FEED: &str = "/v1.11/webhook-events";

async fn ticked() -> Server {
    let server = Server::new().await;
    server.tick(&["task.*"]).await;
    server
}

#[tokio::test]
async fn events_come_with_their_records_and_a_place_to_go_on_from() {
    let server = ticked().await;
    assert_eq!(
        server.call("GET", FEED, "").await.json(200),
        json!({ "events": [], "next": null, "hasMore": false })
    );
    let id = server.create("/tasks", json!({ "title": "Fire the \"kiln\"" })).await;
    server.create("/invoices", json!({})).await;
    let page = server.feed(&format!("{FEED}?wait=25")).await;
    let event = &page["events"][0];
    assert_eq!((&event["type"], &event["isOwn"]), (&json!("task.create"), &json!(true)));
    assert_eq!((&event["data"]["_id"], &event["data"]["title"]), (&json!(id), &json!("Fire the \"kiln\"")));
    assert_eq!(page["events"].as_array().map(Vec::len), Some(1));

    server.call("DELETE", "/tasks", json!({ "_id": id }).to_string()).await.json(200);
    let next = page["next"].as_str().unwrap();
    let rest = server.feed(&format!("{FEED}?after={next}&limit=1000&wait=25")).await;
    assert_eq!(rest["events"][0]["type"], "task.remove");
    let latest = server.feed(&format!("{FEED}?after=latest&wait=25")).await;
    assert_eq!(latest, json!({ "events": [], "next": rest["next"], "hasMore": false }));
    // One slash at the end, any version, and HEAD are answered as elsewhere.
    let head = server.call("HEAD", "/v1/webhook-events/", "").await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_what_to_change() {
    let server = ticked().await;
    for (query, said) in [
        ("?after=17", "after must be the id of an event, evt_…, or latest"),
        ("?since=yesterday", "since must be a time, 2026-11-24T09:30:00Z"),
        ("?limit=0", "limit must be a whole number from 1 to 1000"),
        ("?wait=60", "wait must be a whole number from 0 to 25"),
        ("?after=evt_06eb00000000000000000000000", "after: there is no such event in this workspace"),
    ] {
        let message = server.call("GET", &format!("{FEED}{query}"), "").await.refused(400);
        assert!(message.starts_with(said), "{message}");
    }
    assert_eq!(server.call("POST", FEED, "{}").await.refused(403), "Method not allowed");
    assert_eq!(server.call("GET", "/webhook-events/evt_0", "").await.refused(403), "Method not allowed");
}

impl Server {
    /// Ticks methods of the only client.
    async fn tick(&self, methods: &[&str]) {
        let listed = self.gatepost.list_clients(ClientNumber(0), 1).await.unwrap();
        let methods = methods.iter().copied().map(str::to_owned).collect();
        let change = ClientChange {
            methods: ListChange { set: Some(methods), ..ListChange::default() },
            ..ClientChange::default()
        };
        self.gatepost.update_client(&Actor::Cli, &listed[0].id, change).await.unwrap();
    }

    async fn feed(&self, path: &str) -> Value {
        self.call("GET", path, "").await.json(200)
    }
}

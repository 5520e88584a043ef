//! `kill -9` while a replay is worked off: it goes on where it stopped, and each event is sent once more, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gatepost_testkit::{Process, Receiver};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::program;

/// Leases are short, since a shared store does not free those of a server that was killed.
const CONFIG: &str = "timeout = \"2s\"\nlease = \"10s\"";

/// Several steps of a replay.
const EVENTS: usize = 150;
const KILLS: usize = 3;
const DEADLINE: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_within_a_replay_leaves_out_and_repeats_nothing() {
    let receiver = Receiver::start().await;
    let mut server = Process::start(program(), CONFIG).await;
    server.workspace("shop").await;
    let client = server.client("reader", "shop", &[receiver.url("/in")], "task.create").await;
    let api = server.api(&client, "shop").await;
    for number in 0..EVENTS {
        let task = json!({ "title": format!("Task {number}") });
        let _ = api.call("POST", "/v1.11/tasks", Some(&task)).await.expect(200);
    }
    let first = until(&server, &[], |all| all.len() == EVENTS && all.iter().all(is_delivered)).await;

    let start = ["replay", "start", &client.id, "--since", "2020-01-01", "--states", "all"];
    let replay = text(&server.cli().json(&start).await, "id");
    let wanted = ["--replay", replay.as_str()];
    for kill in 1..=KILLS {
        let some = kill * EVENTS / (KILLS + 1);
        until(&server, &wanted, |made| made.len() >= some).await;
        server.kill().await;
        server.restart().await;
    }
    let made = until(&server, &wanted, |made| made.len() == EVENTS && made.iter().all(is_delivered)).await;
    let shown = server.cli().json(&["replay", "show", &replay]).await;
    assert_eq!((text(&shown, "state").as_str(), &shown["made"]), ("done", &json!(EVENTS)), "{shown}");

    let events = |all: &[Value]| all.iter().map(|one| text(one, "eventId")).collect::<BTreeSet<_>>();
    assert_eq!(events(&made), events(&first), "every event, and none but these");
    let of = made.iter().map(|one| text(one, "replayOf")).collect::<BTreeSet<_>>();
    assert_eq!(of, first.iter().map(|one| text(one, "id")).collect(), "each for one of the first");
    let mut received = BTreeMap::new();
    for request in receiver.received() {
        received.entry(request.header("gatepost-delivery").to_owned()).or_insert(request);
    }
    assert!(made.iter().all(|one| received.contains_key(&text(one, "id"))), "all of them came");
    for one in &made {
        assert_eq!(received[&text(one, "id")].header("webhook-id"), text(one, "eventId"));
    }
}

/// Looks at deliveries until they are so.
async fn until(server: &Process, wanted: &[&str], are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let command = [&["delivery", "list", "--limit", "1000"], wanted].concat();
    let give_up = Instant::now() + DEADLINE;
    loop {
        let listed = server.cli().json(&command).await;
        let all = listed.as_array().cloned().unwrap_or_default();
        if are_so(&all) {
            return all;
        }
        assert!(Instant::now() < give_up, "{} deliveries: {}\n{}", all.len(), all[0], server.log());
    }
}

fn is_delivered(delivery: &Value) -> bool {
    delivery["state"] == "delivered"
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

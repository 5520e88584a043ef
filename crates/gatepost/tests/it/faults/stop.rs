//! Stopping and starting again: a stop lets what is under way end; a kill leaves nothing waiting for a lease.

use std::time::Duration;

use gatepost_testkit::engine::Engine;
use gatepost_testkit::{Api, Process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::PROGRAM;
use super::held::Held;

const DEADLINE: Duration = Duration::from_secs(30);

/// A killed server's leases have to end by themselves on a shared store: not after a minute, as they would otherwise.
const SHORT_LEASE: &str = "timeout = \"3s\"\nlease = \"12s\"";

async fn server_that_sends_to(held: &Held, config: &str) -> (Process, String, Api) {
    let server = Process::start(PROGRAM, config).await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[held.url()], "task.*").await;
    let token = server.token(&client).await;
    let api = Api::new(server.http.clone(), &token, "shop");
    (server, token, api)
}

async fn create_task(api: &Api, title: &str) -> Value {
    api.call("POST", "/v1.11/tasks", Some(&json!({ "title": title }))).await.expect(200).json()
}

/// Waits until nobody listens at the server's address any more: it is stopping then.
async fn is_stopping(server: &Process) {
    let refused = async { while TcpStream::connect(server.address()).await.is_ok() {} };
    assert!(timeout(DEADLINE, refused).await.is_ok(), "the server does not stop listening");
}

/// What the deliveries are, by the command line: the server may be down.
async fn deliveries(server: &Process) -> Vec<Value> {
    let listed = server.cli().json(&["delivery", "list"]).await;
    let Value::Array(listed) = listed else { panic!("{listed}") };
    listed
}

#[tokio::test]
async fn sigterm_lets_a_request_and_a_webhook_under_way_end() {
    let held = Held::start().await;
    let (mut server, token, api) = server_that_sends_to(&held, "").await;
    create_task(&api, "first").await;
    held.wait_for(1).await;
    let body = json!({ "title": "half sent" }).to_string();
    let (half, rest) = body.split_at(9);
    let mut caller = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST /v1.11/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nbusiness: shop\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    caller.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
    // Answered after the half was sent, on the same thread: the server has begun with it.
    assert_eq!(api.call("GET", "/v1.11/tasks?limit=1", None).await.status, 200);

    server.signal("TERM").await;
    is_stopping(&server).await;
    caller.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, caller.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("half sent"), "{answer}");
    held.release();
    assert!(server.ended().await.success(), "{}", server.log());
    let log = server.log();
    assert!(!log.contains(" WARN ") || log.matches(" WARN ").count() == 1, "only of allow_networks: {log}");

    // The second task's webhook was sent before the stop, or is due and goes out at the next start; the first was not
    // only sent but written down.
    let stopped = deliveries(&server).await;
    assert_eq!(stopped.len(), 2, "{stopped:?}");
    assert_eq!(stopped[1]["state"], "delivered", "{stopped:?}");
    server.restart().await;
    let ids = timeout(DEADLINE, held.wait_for(2)).await.unwrap();
    settled(&server).await;
    assert!(server.terminate().await.success());
    let in_the_end = deliveries(&server).await;
    assert!(
        in_the_end.iter().all(|one| one["state"] == "delivered" && one["attempts"] == 1),
        "{in_the_end:?}"
    );
    assert_eq!(ids.len(), 2, "each event arrived once: {ids:?}");
    assert_ne!(ids[0], ids[1]);
}

async fn settled(server: &Process) {
    let settled =
        async { while deliveries(server).await.iter().any(|delivery| delivery["state"] == "pending") {} };
    assert!(timeout(DEADLINE, settled).await.is_ok(), "deliveries stay pending");
}

#[tokio::test]
async fn a_delivery_that_a_kill_cut_off_goes_out_at_the_next_start() {
    let held = Held::start().await;
    let (mut server, _, api) = server_that_sends_to(&held, SHORT_LEASE).await;
    create_task(&api, "cut off").await;
    let first = held.wait_for(1).await;
    server.kill().await;
    held.release();
    let began = Instant::now();
    server.restart().await;
    let both = timeout(DEADLINE, held.wait_for(2)).await.unwrap();
    let waited = began.elapsed();
    assert_eq!(both, [first[0].as_str(), first[0].as_str()], "the same webhook-id");
    // The lease of the killed server has most of its twelve seconds to go, and only with a database of one's own can one
    // know that nobody holds it.
    let longest = match Engine::chosen() {
        Engine::Sqlite => Duration::from_secs(8),
        Engine::Postgres => Duration::from_secs(20),
    };
    assert!(waited < longest, "{waited:?}");
    settled(&server).await;
    let [delivery] = &deliveries(&server).await[..] else { panic!("one delivery") };
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    let shown = server.cli().json(&["delivery", "show", delivery["id"].as_str().unwrap()]).await;
    let log = shown["attemptLog"].as_array().unwrap();
    assert_eq!(log.len(), 1, "of the attempt that was cut off nothing could be written: {shown}");
    assert_eq!((&log[0]["outcome"], &log[0]["status"]), (&json!("delivered"), &json!(200)), "{shown}");
    println!("kill -9 in mid-delivery: sent again {} ms after the start began", waited.as_millis());
}

#[tokio::test]
async fn a_second_signal_stops_at_once_and_the_webhook_goes_out_later() {
    let held = Held::start().await;
    let (mut server, _, api) = server_that_sends_to(&held, SHORT_LEASE).await;
    create_task(&api, "held").await;
    let first = held.wait_for(1).await;
    server.signal("TERM").await;
    is_stopping(&server).await;
    let began = Instant::now();
    server.signal("INT").await;
    assert!(server.ended().await.success(), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    held.release();
    server.restart().await;
    let both = timeout(DEADLINE, held.wait_for(2)).await.unwrap();
    assert_eq!(both[0], first[0]);
    assert_eq!(both[0], both[1]);
}

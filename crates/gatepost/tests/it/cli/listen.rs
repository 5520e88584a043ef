//! `gatepost listen` prints a client's events as they happen, and hands them on as the webhooks that they would be.

use std::process::Stdio;

use gatepost_keys::WebhookKey;
use gatepost_model::SystemRandom;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{Process, Receiver, TestClient};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::PROGRAM;

struct Listener {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Listener {
    fn start(server: &Process, client: &TestClient, key: &str, more: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["listen", "--json", "--workspace", "shop", "--since", "2026-01-01T00:00:00Z"])
            .args(["--server", server.http.base(), "--client-id", &client.client_id])
            .args(more)
            .env("GATEPOST_CLIENT_SECRET", &client.secret)
            .env("GATEPOST_SIGNING_KEY", key)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, lines }
    }

    async fn event(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn events_are_printed_and_handed_on_as_webhooks() {
    let mut server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[], "task.*").await;
    let api = server.api(&client, "shop").await;
    let receiver = Receiver::start().await;
    let key = WebhookKey::generate(&SystemRandom).expose().to_owned();
    let mut listener = Listener::start(&server, &client, &key, &["--forward", &receiver.url("/hooks")]);

    let task = json!({ "title": "Fire the kiln" });
    let made = api.call("POST", "/v1.11/tasks", Some(&task)).await.expect(200).text();
    let event = listener.event().await;
    assert_eq!((&event["type"], &event["workspace"]), (&json!("task.create"), &json!("shop")));
    assert_eq!(
        (&event["data"]["title"], &event["forwarded"]["status"]),
        (&json!("Fire the kiln"), &json!(200))
    );
    let webhook = receiver.wait_for(1).await.remove(0);
    assert_eq!(webhook.header("webhook-id"), event["id"].as_str().unwrap());
    assert_eq!(webhook.header("gatepost-method"), "task.create");
    assert_eq!(String::from_utf8_lossy(&webhook.body), made, "byte for byte what the API answered");
    assert!(webhook.is_signed_with(&key));

    // What the program on this machine does not take is said, and does not hold up what follows; a server that is away for a
    // while is waited for, and nothing is missed.
    receiver.script([Script::Status(500)]);
    let _ = api.call("POST", "/v1.11/tasks", Some(&task)).await.expect(200);
    assert_eq!(listener.event().await["forwarded"]["status"], 500);
    server.kill().await;
    server.restart().await;
    let _ = api.call("POST", "/v1.11/tasks", Some(&task)).await.expect(200);
    assert_eq!(listener.event().await["forwarded"]["status"], 200);
}

#[tokio::test]
async fn what_is_wrong_for_good_ends_it_and_is_said() {
    let server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[], "task.*").await;
    let ended = async |secret: &str, workspace: &str| {
        let mut command = Command::new(PROGRAM);
        command
            .args(["listen", "--server", server.http.base(), "--client-id", &client.client_id])
            .args(["--workspace", workspace])
            .env_remove("GATEPOST_CLIENT_SECRET");
        if !secret.is_empty() {
            command.env("GATEPOST_CLIENT_SECRET", secret);
        }
        let ended = command.output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    let said = ended("", "shop").await;
    assert!(said.contains("set GATEPOST_CLIENT_SECRET to the client's secret"), "{said}");
    let said = ended("gps_wrong", "shop").await;
    assert!(said.contains("the server refuses: 401"), "{said}");
    assert!(!said.contains("gps_wrong"), "{said}");
    let said = ended(&client.secret, "second-shop").await;
    assert!(said.contains("Business second-shop is not enabled for this client."), "{said}");
}

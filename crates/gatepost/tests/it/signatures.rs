//! Signatures of real deliveries, checked by code that others wrote: the libraries of Standard Webhooks for JavaScript, Python
//! and Rust (HMAC), and Node's own Ed25519 by way of the snippet of the help page, for none of those libraries has it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gatepost_testkit::receiver::Received;
use gatepost_testkit::{App, Receiver, TestClient, make};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{SCHOOL, create_task, text};

const JAVASCRIPT: &str = r#"
const { Webhook } = require("standardwebhooks");
const { key, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(key).verify(body, headers)));
"#;

const PYTHON: &str = r#"
import json, sys
from standardwebhooks import Webhook
given = json.load(sys.stdin)
print(json.dumps(Webhook(given["key"]).verify(given["body"], given["headers"])))
"#;

/// A URL that gets tasks, and what it got.
struct Scene {
    app: App,
    receiver: Receiver,
    client: TestClient,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let (app, receiver) = (App::start().await, Receiver::start().await);
        app.workspace(SCHOOL).await;
        let client =
            app.client(make::subscriber("Signed", &[SCHOOL], &[receiver.url("/in")], &["task.create"])).await;
        let token = app.token(&client).await;
        Self { app, receiver, client, token }
    }

    async fn url(&self) -> String {
        let shown = self.app.admin("GET", &format!("/clients/{}", self.client.id), None).await.expect(200);
        format!("/clients/{}/webhook-urls/{}", self.client.id, text(&shown.json()["webhookUrls"][0], "id"))
    }

    /// Has a webhook sent, and gives it: the one after `before` others.
    async fn webhook(&self, before: usize) -> Received {
        create_task(&self.app, &self.token, SCHOOL, "Glaze the “tall” vase").await;
        self.receiver.wait_for(before + 1).await.remove(before)
    }
}

/// What a program is told of a webhook.
fn told(key: &str, webhook: &Received, body: &str) -> Value {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), Value::from(webhook.header(name)))).collect();
    json!({ "key": key, "headers": headers, "body": body })
}

/// What a program says, if it ends well. That it is there is seen to by `cargo xtask ci`.
async fn said(program: &str, arguments: &[&str], told: &Value) -> Option<String> {
    let assets = testkit_assets();
    let mut child = Command::new(program)
        .args(arguments)
        .env("NODE_PATH", assets.join("javascript"))
        .env("PYTHONPATH", assets.join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(told.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn testkit_assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/assets/standardwebhooks")
}

/// Has the three libraries judge a webhook.
async fn is_good_to_all(key: &str, webhook: &Received, body: &str) -> [bool; 3] {
    let told = told(key, webhook, body);
    let title = |said: Option<String>| {
        let record = said.and_then(|said| serde_json::from_str::<Value>(&said).ok());
        record.is_some_and(|record| record["title"] == "Glaze the “tall” vase")
    };
    let javascript = said("node", &["-e", JAVASCRIPT], &told).await;
    let python = said("python3", &["-c", PYTHON], &told).await;
    let library = standardwebhooks::Webhook::new(key).unwrap();
    let rust = library.verify(body.as_bytes(), &webhook.headers).is_ok();
    [title(javascript), title(python), rust]
}

#[tokio::test]
async fn the_libraries_of_others_verify_what_is_signed_with_a_shared_key() {
    let scene = Scene::new().await;
    let key = &scene.client.signing_keys[0];
    let webhook = scene.webhook(0).await;
    let body = String::from_utf8(webhook.body.to_vec()).unwrap();
    assert_eq!(is_good_to_all(key, &webhook, &body).await, [true; 3]);
    assert_eq!(is_good_to_all(key, &webhook, &body.replace("tall", "small")).await, [false; 3]);

    // While a key is being rotated both are good, whatever kind the new one is of; and no others.
    let url = scene.url().await;
    let rotated =
        scene.app.admin("POST", &format!("{url}/signing-key/rotate"), Some(json!({ "overlap": "1h" }))).await;
    let new = text(&rotated.expect(200).json()["webhookUrls"][0], "signingSecret");
    let webhook = scene.webhook(1).await;
    let body = String::from_utf8(webhook.body.to_vec()).unwrap();
    assert_eq!(is_good_to_all(key, &webhook, &body).await, [true; 3]);
    assert_eq!(is_good_to_all(&new, &webhook, &body).await, [true; 3]);
    let other = Scene::new().await.client.signing_keys.remove(0);
    assert_eq!(is_good_to_all(&other, &webhook, &body).await, [false; 3]);
}

#[tokio::test]
async fn a_public_key_verifies_what_only_gatepost_can_sign() {
    let scene = Scene::new().await;
    let url = scene.url().await;
    let change = json!({ "signing": "ed25519", "overlap": "1h" });
    let rotated =
        scene.app.admin("POST", &format!("{url}/signing-key/rotate"), Some(change)).await.expect(200).json();
    let shown = &rotated["webhookUrls"][0];
    assert!(shown["signingSecret"].is_null() && !rotated.to_string().contains("whsk_"), "{shown}");
    assert_eq!(shown["signingKeys"][1]["scheme"], "hmac");
    let public = text(&shown["signingKeys"][0], "publicKey");
    assert!(public.starts_with("whpk_"), "{public}");

    let webhook = scene.webhook(0).await;
    let body = String::from_utf8(webhook.body.to_vec()).unwrap();
    let signatures: Vec<_> = webhook.header("webhook-signature").split(' ').collect();
    assert!(matches!(signatures[..], [new, old] if new.starts_with("v1a,") && old.starts_with("v1,")));
    let snippet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/assets/verify/verify-ed25519.mjs");
    let code = format!(
        "const {{ key, headers, body }} = JSON.parse(require('fs').readFileSync(0, 'utf8'));\
         import({snippet:?}).then(({{ verify }}) => console.log(verify(key, headers, body)))"
    );
    for (body, good) in [(body.as_str(), "true"), ("{}", "false")] {
        let said = said("node", &["-e", &code], &told(&public, &webhook, body)).await;
        assert_eq!(said.as_deref(), Some(good));
    }
    // Whoever still has the shared key can check as well, until the overlap ends.
    assert_eq!(is_good_to_all(&scene.client.signing_keys[0], &webhook, &body).await, [true; 3]);
    let _ = scene.app.admin("POST", &format!("{url}/signing-key/end-old"), None).await.expect(200);
    let webhook = scene.webhook(1).await;
    assert!(webhook.header("webhook-signature").split(' ').all(|one| one.starts_with("v1a,")));
}

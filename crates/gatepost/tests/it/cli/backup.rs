//! A backup that is taken while the server works, and a server that is started on it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatepost_testkit::{Api, Folder, Process, engine};
use serde_json::{Value, json};

use super::PROGRAM;

async fn create_task(api: &Api, title: &str) -> String {
    let made = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": title }))).await.expect(200).json();
    made["_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_server_on_the_backup_has_everything() {
    if !engine::is_sqlite("PostgreSQL's own tools make its backups") {
        return;
    }
    let server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[String::from("http://127.0.0.1:9/")], "task.create").await;
    let api = server.api(&client, "shop").await;
    let mut before = Vec::new();
    for number in 0..50 {
        before.push(create_task(&api, &format!("task {number}")).await);
    }
    let folder = Folder::new();
    let data = folder.path().join("data");
    DirBuilder::new().mode(0o700).create(&data).unwrap();
    back_up_under_load(&server, &api, data.join("gatepost.db").to_str().unwrap()).await;
    fs::copy(server.cli().data().join("keys.toml"), data.join("keys.toml")).unwrap();

    let restored = Process::start_in(PROGRAM, folder, "").await;
    let token = restored.token(&client).await;
    let old = Api::new(restored.http.clone(), &token, "shop");
    for id in &before {
        let _ = old.call("GET", &format!("/v1.11/tasks/{id}"), None).await.expect(200);
    }
    let (was, is) = (server.cli(), restored.cli());
    for words in
        [&["client", "show", &client.id][..], &["workspace", "list"], &["client", "reveal", &client.id]]
    {
        let without_use = |mut value: Value| {
            if let Some(object) = value.as_object_mut() {
                object.retain(|name, _| !name.starts_with("lastUsed"));
            }
            value
        };
        assert_eq!(without_use(was.json(words).await), without_use(is.json(words).await), "{words:?}");
    }
    let deliveries = is.json(&["delivery", "list", "--limit", "1000"]).await;
    assert!(deliveries.as_array().is_some_and(|list| list.len() >= before.len()), "{deliveries}");
    create_task(&old, "life goes on").await;
}

/// Writes go on while the backup is taken.
async fn back_up_under_load(server: &Process, api: &Api, file: &str) {
    let done = Arc::new(AtomicBool::new(false));
    let writing = async {
        let mut written = 0;
        while !done.load(Ordering::Relaxed) {
            create_task(api, "meanwhile").await;
            written += 1;
        }
        written
    };
    let backing_up = async {
        drop(server.cli().json(&["db", "backup", file]).await);
        done.store(true, Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writing, backing_up);
    println!("backup: {written} writes while it was taken");
}

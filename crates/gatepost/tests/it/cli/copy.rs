//! Moving to the other engine and back, and a server that goes on there.

use std::fs;

use gatepost_testkit::engine::is_sqlite;
use gatepost_testkit::{Cli, Folder, Process, postgres};

use super::PROGRAM;

#[tokio::test]
async fn a_server_goes_on_with_the_copy() {
    if !is_sqlite("a move from there") {
        return;
    }
    let Some(database) = postgres::shared() else { return };
    let postgres = database.schema();
    let mut server = Process::start(PROGRAM, "").await;
    server.workspace("shop").await;
    let client = server.client("tool", "shop", &[String::from("http://127.0.0.1:9/")], "task.create").await;
    let api = server.api(&client, "shop").await;
    let task = api.call("POST", "/v1.11/tasks", Some(&serde_json::json!({ "title": "Zoë's 🦀" }))).await;
    let id = task.expect(200).json()["_id"].as_str().unwrap().to_owned();

    let cli = server.cli().clone();
    let refused = cli.run(&["db", "copy", "--to", &postgres]).await.expect(1);
    assert!(refused.stderr.contains("stop it first"), "{}", refused.stderr);
    assert!(server.terminate().await.success());

    let there = cli.json(&["db", "copy", "--to", &postgres]).await;
    assert!(there["rows"].as_u64() > Some(10), "{there}");
    let seen = cli.json(&["client", "show", &client.id, "--database", &postgres]).await;
    assert_eq!(seen["name"], "tool");
    let again = cli.run(&["db", "copy", "--to", &postgres]).await.expect(1);
    assert!(again.stderr.contains("is not empty"), "{}", again.stderr);

    // Back into a new folder, which gets the keys by hand.
    let folder = Folder::new();
    let back = Cli::new(PROGRAM, folder.path().join("data"));
    let text = back.run(&["db", "copy", "--from", &postgres]).await.expect(0);
    assert!(
        text.stdout.contains("counts and checksums agree") && text.stdout.contains("keys.toml"),
        "{text:?}"
    );
    assert!(text.stderr.contains("api_client: 1 rows, the same on both sides"), "{text:?}");
    fs::copy(cli.data().join("keys.toml"), back.data().join("keys.toml")).unwrap();
    let restored = Process::start_in(PROGRAM, folder, "").await;
    let api = restored.api(&client, "shop").await;
    let found = api.call("GET", &format!("/v1.11/tasks/{id}"), None).await.expect(200).json();
    assert_eq!(found["title"], "Zoë's 🦀");
}

//! PostgreSQL is away, or takes no more connections.

use std::path::Path;
use std::time::Duration;

use gatepost_testkit::{Cluster, Folder};
use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::{asked_token, at_each_node, own_postgres, program, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_writes_are_refused_and_when_it_is_back_they_are_not() {
    let Some(postgres) = own_postgres(&[]) else { return };
    let cluster = Cluster::start(&postgres, Path::new(&program()), 2, "").await;
    let client = cluster.client("shop", &[], "").await;
    let tools = at_each_node(&cluster, &client, "shop").await;
    let task = |title: &str| json!({ "title": title });
    for (tool, node) in tools.iter().zip(&cluster.nodes) {
        let _ = tool.call("POST", "/v1.11/tasks", Some(&task("before"))).await.expect(200);
        assert_eq!(asked_token(node, &client).await, 200);
    }
    block_in_place(|| postgres.stop("immediate"));
    let away = Instant::now();
    for (tool, node) in tools.iter().zip(&cluster.nodes) {
        assert_eq!(asked_token(node, &client).await, 200, "what is in memory is still good");
        let refused = tool.call("POST", "/v1.11/tasks", Some(&task("away"))).await.expect(503);
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert!(away.elapsed() < Duration::from_secs(2), "it takes {:?} to be refused", away.elapsed());

    block_in_place(|| postgres.run());
    for tool in &tools {
        let goes_on = async || tool.call("POST", "/v1.11/tasks", Some(&task("after"))).await.status == 200;
        println!("writes go on {:?} after PostgreSQL is back", until("writes go on", goes_on).await);
    }
    assert_eq!(cluster.task_titles(&postgres), ["after", "after", "before", "before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_for_which_there_are_no_connections_left_says_so_and_disturbs_nobody() {
    // A node takes seven.
    let few = ["max_connections = 8", "superuser_reserved_connections = 0", "max_wal_senders = 0"];
    let Some(postgres) = own_postgres(&few) else { return };
    let mut cluster = Cluster::start(&postgres, Path::new(&program()), 1, "").await;
    let database = format!("--database={}", cluster.database());
    let folder = Folder::new();
    let mut second = std::process::Command::new(program());
    second.args(["serve", "--listen=127.0.0.1:0", &database, "--data"]).arg(folder.path());
    let refused = block_in_place(|| second.output().unwrap());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    println!("without connections: {}", said.trim());
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot be opened") && said.contains("too many clients"), "{said}");
    let _ = cluster.nodes[0].http.get("/readyz", &[]).await.expect(200);

    assert!(cluster.nodes[0].terminate().await.success());
    let started = Cluster::start(&postgres, Path::new(&program()), 1, "").await;
    let _ = started.nodes[0].http.get("/readyz", &[]).await.expect(200);
}

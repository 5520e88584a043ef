//! PostgreSQL is away, or takes no more connections.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatepost_testkit::{Cluster, Folder, Traffic};
use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout};

use super::{DEADLINE, asked_token, at_each_node, own_postgres, program, shared_postgres, until};

/// No stop takes longer that has nothing on the wire.
const LONGEST_STOP: Duration = Duration::from_secs(10);

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
    let mut second = Command::new(program());
    second.args(["serve", "--listen=127.0.0.1:0", &database, "--data"]).arg(folder.path());
    let mut second = second.stderr(Stdio::piped()).spawn().unwrap();
    let said = block_in_place(|| said_until(&mut second, "waiting for the database"));
    println!("without connections: {}", said.trim());
    assert!(said.contains("cannot be opened") && said.contains("too many clients"), "{said}");
    let _ = cluster.nodes[0].http.get("/readyz", &[]).await.expect(200);

    let told = Command::new("kill").args(["-TERM", &second.id().to_string()]).status().unwrap();
    assert!(told.success() && block_in_place(|| second.wait().unwrap()).success(), "it stops while it waits");
    assert!(cluster.nodes[0].terminate().await.success());
    let started = Cluster::start(&postgres, Path::new(&program()), 1, "").await;
    let _ = started.nodes[0].http.get("/readyz", &[]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_before_its_database_waits_and_says_so() {
    let Some(postgres) = own_postgres(&[]) else { return };
    let mut cluster = Cluster::start(&postgres, Path::new(&program()), 1, "").await;
    let client = cluster.client("shop", &[], "").await;
    let node = &mut cluster.nodes[0];
    assert!(node.terminate().await.success());
    block_in_place(|| postgres.stop("fast"));

    let (http, form) = (node.http.clone(), "grant_type=client_credentials");
    let meanwhile = async {
        let is_there =
            async || http.try_send("GET", "/healthz", &[], "").await.is_ok_and(|answer| answer.status == 200);
        println!("it can be asked after {:?}", until("the process can be asked", is_there).await);
        for path in ["/readyz", "/v1.11/tasks", "/settings/api-manager"] {
            let answer = http.get(path, &[]).await.expect(503);
            assert_eq!(answer.header("retry-after"), "1", "{path}");
        }
        let _ = http.post_form("/oauth/token", form).await.expect(503);
        block_in_place(|| postgres.run());
        Instant::now()
    };
    let ((), back) = timeout(DEADLINE, async { tokio::join!(node.restart(), meanwhile) }).await.unwrap();
    println!("it has started {:?} after PostgreSQL is back", back.elapsed());
    assert_eq!(asked_token(node, &client).await, 200);
    let log = node.log();
    let reasons =
        log.lines().filter_map(|line| line.split_once("waiting for the database").map(|(_, why)| why));
    let mut reasons: Vec<&str> = reasons.collect();
    let all = reasons.len();
    reasons.dedup();
    assert!(all > 0 && reasons.len() == all, "each reason is told once: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_database_does_not_answer_stops_and_starts_in_time() {
    let Some(postgres) = shared_postgres() else { return };
    let mut cluster = Cluster::start(postgres, Path::new(&program()), 1, "").await;
    let client = cluster.client("shop", &[], "").await;
    let tool = cluster.nodes[0].api(&client, "shop").await;
    let _ = tool.call("POST", "/v1.11/tasks", Some(&json!({ "title": "a task" }))).await.expect(200);
    cluster.links[0].set(Traffic::Stalls);
    let (link, node) = (&cluster.links[0], &mut cluster.nodes[0]);
    let told = Instant::now();
    assert!(node.terminate().await.success(), "{}", node.log());
    println!("without an answer from the database it stops in {:?}", told.elapsed());
    assert!(told.elapsed() < LONGEST_STOP, "{:?}", told.elapsed());

    let http = node.http.clone();
    let meanwhile = async {
        let is_there =
            async || http.try_send("GET", "/healthz", &[], "").await.is_ok_and(|answer| answer.status == 200);
        let asked = until("the process can be asked", is_there).await;
        println!("while it waits for an answer it can be asked after {asked:?}");
        assert!(asked < Duration::from_secs(3), "{asked:?}");
        let _ = http.get("/readyz", &[]).await.expect(503);
        link.set(Traffic::Flows);
    };
    let _ = timeout(DEADLINE, async { tokio::join!(node.restart(), meanwhile) }).await.unwrap();
    assert_eq!(asked_token(node, &client).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_the_database_does_not_let_in_ends_at_once() {
    let Some(postgres) = shared_postgres() else { return };
    let folder = Folder::new();
    let known = postgres.schema();
    let (server, _) = known.rsplit_once('/').unwrap();
    let database = format!("--database={server}/nothing_of_this_name");
    let mut node = Command::new(program());
    node.args(["serve", "--listen=127.0.0.1:0", &database, "--data"]).arg(folder.path());
    let ended = block_in_place(|| node.output().unwrap());
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("does not let this server in") && said.contains("does not exist"), "{said}");
}

/// What a process writes on stderr, up to the line that holds `text`.
fn said_until(process: &mut Child, text: &str) -> String {
    let mut said = String::new();
    let mut lines = BufReader::new(process.stderr.take().unwrap());
    while !said.contains(text) && lines.read_line(&mut said).unwrap() > 0 {}
    said
}

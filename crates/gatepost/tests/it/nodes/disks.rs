//! PostgreSQL's disk gets full, or takes its time.

use std::path::Path;
use std::time::Duration;

use gatepost_model::{Random, SeededRandom};
use gatepost_testkit::cluster::Way;
use gatepost_testkit::disk::{SlowDisk, SmallDisk};
use gatepost_testkit::postgres::{Postgres, Site};
use gatepost_testkit::{Answer, Api, Cluster};
use serde_json::json;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, timeout};

use super::{DEADLINE, asked_token, is_left_out, program, until};

const CONFIG: &str = "[rate_limit]\nrequests_per_hour = 1000000\n[store]\npostgres_readers = 2\npostgres_answer_timeout = \"3s\"";
/// Room that is left at first.
const LEFT: u64 = 4 << 20;
/// Writes at the same time.
const CALLERS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_writes_are_refused_and_nothing_that_was_answered_is_lost() {
    if is_left_out() {
        return;
    }
    let Some(disk) = SmallDisk::mount("160m") else { return };
    let site = Site { disk: Some(disk.path().to_owned()), ..Site::default() };
    let had_stopped = fill_under_load(&disk, &site).await;
    assert!(!had_stopped, "there is room for the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_log_finds_no_room_postgresql_gives_up_and_nothing_that_was_answered_is_lost() {
    if is_left_out() {
        return;
    }
    let Some(disk) = SmallDisk::mount("100m") else { return };
    let site = Site { log_disk: Some(disk.path().to_owned()), ..Site::default() };
    let _ = fill_under_load(&disk, &site).await;
}

/// Lets the disk get full while tools write, makes room again, and counts what was answered. Tells whether PostgreSQL had
/// given up meanwhile.
async fn fill_under_load(disk: &SmallDisk, site: &Site) -> bool {
    let Some(postgres) = Postgres::start_at(site, &["max_wal_size=32MB", "min_wal_size=32MB"]) else {
        return false;
    };
    let cluster = Cluster::start_by(&postgres, Path::new(&program()), (1, Way::Direct), CONFIG).await;
    let client = cluster.client("shop", &[], "").await;
    let tool = cluster.nodes[0].api(&client, "shop").await;

    disk.fill_but(LEFT);
    let (mut answered, mut refused) = (0_usize, 0_usize);
    let filling = async {
        while refused < 20 {
            let answer = write(&tool, &format!("task {answered:05}")).await;
            if answer.status == 200 {
                answered += 1;
                continue;
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert_eq!(answer.header("retry-after"), "1");
            refused += 1;
            if is_ready(&cluster).await {
                assert_eq!(asked_token(&cluster.nodes[0], &client).await, 200, "tokens need no room");
            }
        }
    };
    assert!(timeout(DEADLINE, filling).await.is_ok(), "the disk does not get full: {answered} writes");
    assert!(cluster.nodes[0].http.get("/healthz", &[]).await.status == 200, "the node is there");

    disk.free();
    let had_stopped = block_in_place(|| !postgres.is_running());
    if had_stopped {
        // Without room for its log PostgreSQL gives up, and whoever runs it starts it again.
        block_in_place(|| postgres.run());
    }
    let recovered = until("writes go on", async || write(&tool, "zz after").await.status == 200).await;
    let titles = cluster.task_titles(&postgres);
    for number in 0..answered {
        assert!(titles.binary_search(&format!("task {number:05}")).is_ok(), "task {number:05} is lost");
    }
    println!(
        "full disk: {answered} writes answered, {refused} refused, PostgreSQL gave up: {had_stopped}, \
         writes went on after {recovered:?}"
    );
    had_stopped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_slow_disk_writes_take_as_long_or_are_said_to_be_uncertain_in_time() {
    if is_left_out() {
        return;
    }
    let disk = SlowDisk::new();
    let site = Site { preload: Some(disk.library()), ..Site::default() };
    let Some(postgres) = Postgres::start_at(&site, &[]) else { return };
    let cluster = Cluster::start_by(&postgres, Path::new(&program()), (1, Way::Direct), CONFIG).await;
    let client = cluster.client("shop", &[], "").await;
    let tool = cluster.nodes[0].api(&client, "shop").await;

    disk.slow_down(100);
    let (slow, longest) = write_together(&tool, "slow").await;
    println!("{CALLERS} writes with syncs of 100 ms: {slow} answered, the last after {longest:?}");
    assert_eq!(slow, CALLERS, "they share syncs");

    disk.slow_down(4_500);
    let (stuck, longest) = write_together(&tool, "stuck").await;
    println!("{CALLERS} writes with syncs of 4.5 s: {stuck} answered, the last after {longest:?}");
    // One and a half times the answer timeout, and some for a new connection.
    assert!(longest < Duration::from_secs(7), "{longest:?}");
    assert_eq!(asked_token(&cluster.nodes[0], &client).await, 200, "what needs no sync goes on");
    let path = "/v1.11/tasks?limit=1";
    let _ = tool.call("GET", path, None).await.expect(200);

    disk.slow_down(0);
    until("writes go on", async || write(&tool, "after").await.status == 200).await;
    let titles = cluster.task_titles(&postgres);
    let kept = |kind: &str| titles.iter().filter(|title| title.starts_with(kind)).count();
    assert_eq!(kept("slow"), CALLERS);
    assert!(kept("stuck") >= stuck, "{} of {stuck} that were answered", kept("stuck"));
}

/// Writes of several callers at once: how many were answered as done, and how long the last answer took.
async fn write_together(tool: &Api, kind: &'static str) -> (usize, Duration) {
    let began = Instant::now();
    let mut writes = JoinSet::new();
    for number in 0..CALLERS {
        let tool = tool.apart();
        writes.spawn(async move { write(&tool, &format!("{kind} {number:03}")).await });
    }
    let answers = timeout(DEADLINE, writes.join_all()).await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)), "{kind}");
    (answers.iter().filter(|answer| answer.status == 200).count(), began.elapsed())
}

async fn write(tool: &Api, title: &str) -> Answer {
    // What can be compressed would not fill a disk.
    let random = SeededRandom::new(u64::try_from(title.len()).unwrap());
    let text: String = (0..6_000).map(|_| format!("{:016x}", random.next_u64())).collect();
    let body = json!({ "title": title, "descriptionHTML": text });
    tool.call("POST", "/v1.11/tasks", Some(&body)).await
}

async fn is_ready(cluster: &Cluster) -> bool {
    cluster.nodes[0].http.get("/readyz", &[]).await.status == 200
}

//! A disk that fails: nothing is answered that is not kept, and all is well when it works again.

use std::path::Path;
use std::time::Duration;

use gatepost_testkit::disk::FailingDisk;
use gatepost_testkit::{Api, Process, engine};
use serde_json::json;
use tokio::time::timeout;

use super::PROGRAM;
use super::accounts::check;
use super::ledger::Ledger;
use super::writers::Desk;

const WRITERS: usize = 8;
const ROUNDS: usize = 5;
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_now_and_then_costs_no_answered_write_and_no_webhook() {
    if !engine::is_sqlite("it is the server's own disk that fails") {
        return;
    }
    let (disk, ledger) = (FailingDisk::new(), Ledger::start().await);
    let config = "[rate_limit]\nrequests_per_hour = 1000000000";
    let mut server = Process::start(disk.with(Path::new(PROGRAM)), config).await;
    server.workspace("shop").await;
    let client = server.client("writers", "shop", &[ledger.url()], "task.*").await;
    let api = server.api(&client, "shop").await;
    let desk = Desk::new();
    let writers = desk.employ(WRITERS, &api);
    for _ in 0..ROUNDS {
        let (mut answered, goal) = (desk.answered.subscribe(), *desk.answered.borrow() + 100);
        assert!(timeout(DEADLINE, answered.wait_for(|count| *count >= goal)).await.is_ok());
        disk.fails(true);
        assert_eq!(write(&api).await, 500, "a write that may not have been kept is not answered as done");
        disk.fails(false);
        let recovers = async { while write(&api).await != 200 {} };
        assert!(timeout(DEADLINE, recovers).await.is_ok(), "it does not recover\n{}", server.log());
    }
    desk.life.send_replace(None);
    let diaries = timeout(DEADLINE, writers.join_all()).await.unwrap();
    let account = check(&mut server, &api, &diaries, &ledger).await;
    println!("failing disk: failures={ROUNDS} {account:?}");
}

async fn write(api: &Api) -> u16 {
    api.call("POST", "/v1.11/notes", Some(&json!({ "title": "one more" }))).await.status
}

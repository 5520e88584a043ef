//! Nodes whose clocks differ, by more than any that is kept by NTP.

use std::time::Duration;

use gatepost_testkit::clock::WrongClocks;
use gatepost_testkit::cluster::Way;
use gatepost_testkit::{Cluster, Receiver};
use tokio::time::timeout;

use super::accounts::check;
use super::chaos::{places, progress};
use super::limits::use_up;
use super::traffic::Desk;
use super::{DEADLINE, asked_token, at_each_node, program, shared_postgres, until};

/// How fast each node's clock is, in seconds. The two furthest are within the lease of each other.
const FAST: [i32; 3] = [20, 0, -20];
const CONFIG: &str = "timeout = \"1s\"\nlease = \"60s\"
[rate_limit]\nrequests_per_hour = 1000000000\n[store]\npostgres_readers = 2";

async fn cluster() -> Option<(Cluster, WrongClocks)> {
    let postgres = shared_postgres()?;
    let clocks = WrongClocks::new();
    let programs = FAST.map(|seconds| clocks.fast_by(seconds, &program()));
    let cluster = Cluster::start_each(&postgres.schema(), &programs, Way::Direct, CONFIG).await;
    Some((cluster, clocks))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_by_less_than_the_lease_lose_nothing_and_send_nothing_twice() {
    let Some((cluster, _clocks)) = cluster().await else { return };
    let Some(postgres) = shared_postgres() else { return };
    let receiver = Receiver::start().await;
    let places = places(&cluster, &receiver).await;
    let (desk, tools) = Desk::employ(2, &places);
    progress(&desk, &cluster).await;
    progress(&desk, &cluster).await;
    desk.stop.cancel();
    let diaries = timeout(DEADLINE, tools.join_all()).await.unwrap();
    until("all is delivered", async || cluster.pending(postgres) == "0").await;
    let (events, tasks) = (cluster.events(postgres), cluster.task_titles(postgres));
    let again = check((&events, &tasks), &diaries, &receiver.received(), &[]);
    assert!(again.is_empty(), "{again:?}");
    println!("clocks {FAST:?} s fast: {} events, 0 lost, 0 sent twice", events.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_leave_limits_and_revocations_in_force() {
    let Some((cluster, _clocks)) = cluster().await else { return };
    let client = cluster.client("shop", &[], "").await;
    let cli = cluster.nodes[0].cli();
    let _ = cli.run(&["client", "update", &client.id, "--rate-limit", "300"]).await.expect(0);
    // The token is of the fast node; to the slow one it is from the future.
    let tools = at_each_node(&cluster, &client, "shop").await;
    let mut passed = 0;
    for tool in &tools {
        passed += use_up(tool.apart()).await;
    }
    assert_eq!(passed, 300, "one window, whoever began it");

    let _ = cli.run(&["client", "disable", &client.id]).await.expect(0);
    for (place, tool) in tools.iter().enumerate() {
        let refused = async || tool.call("GET", "/v1.11/tasks?limit=1", None).await.status == 401;
        let took = until("the token is refused", refused).await;
        assert!(took < Duration::from_secs(1), "{took:?} at node {place}");
        assert_eq!(asked_token(&cluster.nodes[place], &client).await, 401);
    }
}

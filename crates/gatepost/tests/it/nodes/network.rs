//! A network between nodes and database, on which bytes take their time.

use std::time::Duration;

use gatepost_testkit::{Api, Cluster};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{DEADLINE, at_each_node, cluster, shared_postgres, until};

// The proxies' timer rounds up by as much as a millisecond: the network is a little slower than it is told to be.

/// Tools that write at the same time.
const TOOLS: usize = 24;
/// Each of them.
const WRITES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_slow_network_writes_share_their_journeys_and_changes_are_in_force_in_time() {
    let Some(postgres) = shared_postgres() else { return };
    let cluster = cluster(postgres, 2, "").await;
    for each_way in [0, 1, 5].map(Duration::from_millis) {
        for link in &cluster.links {
            link.delay(each_way);
        }
        work_and_be_cut_off(&cluster, each_way * 2).await;
    }
}

async fn work_and_be_cut_off(cluster: &Cluster, round_trip: Duration) {
    let workspace = format!("shop-{}", round_trip.as_micros());
    let client = cluster.client(&workspace, &[], "").await;
    let tools = at_each_node(cluster, &client, &workspace).await;
    // Each connection prepares its statements once.
    let _ = write_together(&tools[0], TOOLS, 2).await;
    let (_, alone) = write_together(&tools[0], 1, WRITES).await;
    let alone = alone / u32::try_from(WRITES).unwrap();
    let before = cluster.metric(0, "gatepost_store_round_trips_total").await;
    let (longest, all) = write_together(&tools[0], TOOLS, WRITES).await;
    let journeys = cluster.metric(0, "gatepost_store_round_trips_total").await - before;
    let writes = TOOLS * WRITES;
    assert!(journeys / writes as f64 <= 2.0, "{journeys} journeys for {writes} writes");

    let _ = cluster.nodes[0].cli().run(&["client", "disable", &client.id]).await.expect(0);
    let refused = async || tools[1].call("GET", "/v1.11/tasks?limit=1", None).await.status == 401;
    let in_force = until("the other node refuses", refused).await;
    assert!(in_force < Duration::from_secs(1), "{in_force:?}");
    println!(
        "| {:.0} | {alone:.1?} | {longest:.1?} | {:.0} | {:.2} | {in_force:.1?} |",
        round_trip.as_secs_f64() * 1e3,
        writes as f64 / all.as_secs_f64(),
        journeys / writes as f64,
    );
}

/// Some tools write at the same time, one write after the other: how long the slowest write took, and all of it.
async fn write_together(tool: &Api, tools: usize, writes: usize) -> (Duration, Duration) {
    let began = Instant::now();
    let mut working = JoinSet::new();
    for _ in 0..tools {
        let tool = tool.apart();
        working.spawn(async move {
            let mut longest = Duration::ZERO;
            for _ in 0..writes {
                let asked = Instant::now();
                let task = json!({ "title": "a task" });
                let _ = tool.call("POST", "/v1.11/tasks", Some(&task)).await.expect(200);
                longest = longest.max(asked.elapsed());
            }
            longest
        });
    }
    let slowest = timeout(DEADLINE, working.join_all()).await.unwrap().into_iter().max().unwrap_or_default();
    (slowest, began.elapsed())
}

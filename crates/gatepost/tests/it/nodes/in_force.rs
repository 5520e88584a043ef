//! A change on one node is in force on every node within a second.

use std::time::Duration;

use gatepost_testkit::{Api, Cluster, TestClient};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::{DEADLINE, at_each_node, cluster, shared_postgres};

const BOUND: Duration = Duration::from_secs(1);

/// What is done to a client, and what its requests are then answered with.
const CHANGES: [(&[&str], u16); 5] = [
    (&["client", "revoke", "ID"], 401),
    (&["client", "disable", "ID"], 401),
    (&["client", "update", "ID", "--remove-workspace", "shop"], 400),
    (&["client", "rotate", "ID", "--overlap", "0s"], 401),
    (&["client", "kill-secret", "ID", "1"], 401),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_in_force_on_every_node_within_a_second() {
    let Some(postgres) = shared_postgres() else { return };
    let mut cluster = cluster(postgres, 3, "").await;
    cluster.nodes[0].workspace("shop").await;
    let mut spread = Duration::ZERO;
    for (command, status) in CHANGES {
        let (returned, last) = change(&cluster, 0, &[0, 1, 2], (command, status)).await;
        assert!(last[0] <= returned, "{command:?} was not in force where it was made when it returned");
        for other in &last[1..] {
            spread = spread.max(other.saturating_duration_since(last[0]));
            assert!(other.saturating_duration_since(returned) < BOUND, "{command:?}");
        }
    }
    let told = cluster.metric(1, "gatepost_feed_longest_change_seconds").await;
    assert!(told > 0.0 && told < BOUND.as_secs_f64(), "{told} s by the metrics");

    // A command on the folder of a node that does not run goes to the database by itself.
    assert!(cluster.nodes[2].terminate().await.success());
    let mut after = Duration::ZERO;
    for (command, status) in CHANGES {
        let (returned, last) = change(&cluster, 2, &[0, 1], (command, status)).await;
        after = last.iter().map(|last| last.saturating_duration_since(returned)).fold(after, Duration::max);
    }
    println!(
        "in force: on other nodes at most {spread:?} after the first, {told} s by their metrics; at most {after:?} \
         after a command without a node"
    );
    assert!(spread < BOUND && after < BOUND);
}

/// Makes a change by the command line of one node, while its client calls others without a pause. Tells when the command
/// had returned, and for each of the others when the last request began that was let in.
async fn change(
    cluster: &Cluster,
    by: usize,
    seen_by: &[usize],
    (command, status): (&[&str], u16),
) -> (Instant, Vec<Instant>) {
    let client = cluster.nodes[0].client("tool", "shop", &[], "").await;
    let tools = at_each_node(cluster, &client, "shop").await;
    // Its last secret cannot be cut off, so there is another one.
    let _ = cluster.nodes[0].cli().run(&["client", "rotate", &client.id, "--overlap", "1h"]).await.expect(0);
    for node in seen_by {
        assert_eq!(list(&tools[*node]).await, 200);
    }
    let tasks = TaskTracker::new();
    let watchers = seen_by.iter().map(|node| tasks.spawn(last_admission(tools[*node].clone(), status)));
    let watchers: Vec<_> = watchers.collect();
    let returned = perform(cluster, by, command, &client).await;
    let mut last = Vec::new();
    for watcher in watchers {
        last.push(timeout(DEADLINE, watcher).await.unwrap().unwrap());
    }
    (returned, last)
}

async fn perform(cluster: &Cluster, by: usize, command: &[&str], client: &TestClient) -> Instant {
    let command: Vec<&str> =
        command.iter().map(|part| if *part == "ID" { client.id.as_str() } else { *part }).collect();
    let _ = cluster.nodes[by].cli().run(&command).await.expect(0);
    Instant::now()
}

/// Calls until it is refused, and tells when the last request that was let in began.
async fn last_admission(tool: Api, refusal: u16) -> Instant {
    let mut last = Instant::now();
    loop {
        let began = Instant::now();
        match list(&tool).await {
            200 => last = began,
            status => {
                assert_eq!(status, refusal);
                return last;
            }
        }
    }
}

async fn list(tool: &Api) -> u16 {
    tool.call("GET", "/v1.11/tasks?limit=1", None).await.status
}

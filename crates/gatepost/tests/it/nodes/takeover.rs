//! What a node had under way when it went away is done by another; and if it comes back, it can do no harm.

use std::time::Duration;

use gatepost_testkit::postgres::Postgres;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{Cluster, Receiver};
use serde_json::json;
use tokio::time::Instant;

use super::{asked_token, at_each_node, cluster, shared_postgres, until};

const LEASE: Duration = Duration::from_secs(10);
/// How often a node looks for what is due, and then some for claiming, sending and arriving.
const POLL: Duration = Duration::from_secs(2);
const CONFIG: &str = "timeout = \"2s\"\nlease = \"10s\"\nretry_schedule = [\"1s\"]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_killed_and_of_a_stalled_node_is_taken_over_and_nothing_stale_is_recorded() {
    let Some(postgres) = shared_postgres() else { return };
    let receiver = Receiver::start().await;
    let mut cluster = cluster(postgres, 3, CONFIG).await;
    let client = cluster.client("shop", &[receiver.url("/")], "task.create").await;
    let cut_off = cluster.nodes[0].client("cut off", "shop", &[], "").await;
    let tools = at_each_node(&cluster, &client, "shop").await;
    let stale = at_each_node(&cluster, &cut_off, "shop").await.remove(1);
    let _ = stale.call("GET", "/v1.11/tasks", None).await.expect(200);

    // Two nodes have a delivery on the wire whose reply does not come; one is killed, the other stands still.
    receiver.script([Script::Hang, Script::Hang]);
    for tool in &tools[..2] {
        let _ = tool.call("POST", "/v1.11/tasks", Some(&json!({ "title": "a task" }))).await.expect(200);
    }
    receiver.wait_for(2).await;
    let went = Instant::now();
    cluster.nodes[0].kill().await;
    cluster.nodes[1].signal("STOP").await;

    let all = receiver.wait_for(4).await;
    let took = all.iter().map(|webhook| webhook.at).max().unwrap() - went;
    assert!(took < LEASE + POLL, "taken over after {took:?}");
    let ids = |range: std::ops::Range<usize>| {
        let mut ids: Vec<_> =
            all[range].iter().map(|webhook| webhook.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(0..2), ids(2..4), "the same events are sent again");
    let both = vec![(true, vec![String::from("1 delivered")]); 2];
    until("the third node has recorded both", async || recorded(&cluster, postgres) == both).await;

    // Meanwhile something is cut off that the stalled node trusted.
    let _ = cluster.nodes[2].cli().run(&["client", "disable", &cut_off.id]).await.expect(0);
    cluster.nodes[1].signal("CONT").await;
    // On a new connection: what was quiet so long is closed.
    let first = stale.apart().call("GET", "/v1.11/tasks", None).await.status;
    assert!(matches!(first, 401 | 503), "a client that was cut off meanwhile got {first}");
    until("it has come to itself", async || asked_token(&cluster.nodes[1], &client).await == 200).await;
    until("it has given up what was on its wire", async || {
        cluster.metric(1, "gatepost_deliveries_in_memory").await == 0.0
    })
    .await;
    assert_eq!(recorded(&cluster, postgres), both, "a stale result was recorded");

    let _ =
        tools[1].apart().call("POST", "/v1.11/tasks", Some(&json!({ "title": "another" }))).await.expect(200);
    receiver.wait_for(5).await;
    println!("take-over of a killed and a stalled node: {took:?} with a lease of {LEASE:?}");
}

/// Each delivery with what is recorded of it.
fn recorded(cluster: &Cluster, postgres: &Postgres) -> Vec<(bool, Vec<String>)> {
    cluster.events(postgres).into_iter().map(|event| (event.delivered, event.tries)).collect()
}

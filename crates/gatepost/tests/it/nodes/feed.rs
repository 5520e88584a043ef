//! A node that no longer hears what others change.

use std::time::Duration;

use gatepost_testkit::{Process, TestClient, Traffic};
use tokio::time::Instant;

use super::{asked_token, at_each_node, cluster, shared_postgres, until};

/// As `store.postgres_feed_bound` is by default.
const BOUND: Duration = Duration::from_secs(2);
/// The feed is looked at this often at least, so that much of the bound may be over when it is lost.
const LOOK: Duration = Duration::from_millis(250);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_the_feed_goes_on_within_the_bound_then_refuses_and_recovers_by_itself() {
    let Some(postgres) = shared_postgres() else { return };
    let cluster = cluster(postgres, 2, "").await;
    let client = cluster.client("shop", &[], "").await;
    let other = cluster.nodes[0].client("other", "shop", &[], "").await;
    let (deaf, link) = (&cluster.nodes[1], &cluster.links[1]);
    for traffic in [Traffic::Stalls, Traffic::Refused] {
        let tools = at_each_node(&cluster, &other, "shop").await;
        let _ = tools[1].call("GET", "/v1.11/tasks", None).await.expect(200);
        assert_eq!(asked_token(deaf, &client).await, 200);
        link.set(traffic);
        let lost = Instant::now();
        let went_on = goes_on(deaf, &client).await.saturating_duration_since(lost);
        assert!(went_on > BOUND - LOOK * 2 && went_on < BOUND + LOOK, "{traffic:?}: {went_on:?}");

        // What it cannot hear of, it must not let in.
        let _ = cluster.nodes[0].cli().run(&["client", "disable", &other.id]).await.expect(0);
        let refused = tools[1].call("GET", "/v1.11/tasks", None).await.expect(503);
        assert_eq!(refused.header("retry-after"), "1");
        assert!(cluster.metric(1, "gatepost_feed_lag_seconds").await > BOUND.as_secs_f64());
        assert_eq!(asked_token(&cluster.nodes[0], &client).await, 200, "the other node is not disturbed");

        link.set(Traffic::Flows);
        let recovered =
            until("the feed is found again", async || asked_token(deaf, &client).await == 200).await;
        let _ = tools[1].call("GET", "/v1.11/tasks", None).await.expect(401);
        let _ = cluster.nodes[0].cli().run(&["client", "enable", &other.id]).await.expect(0);
        println!(
            "feed lost ({traffic:?}): went on for {went_on:?}, recovered {recovered:?} after the database was there"
        );
    }
}

/// Asks for tokens until that is refused, and tells when the last one began that was issued.
async fn goes_on(node: &Process, client: &TestClient) -> Instant {
    let mut last = Instant::now();
    loop {
        let began = Instant::now();
        match asked_token(node, client).await {
            200 => last = began,
            status => {
                assert_eq!(status, 503);
                return last;
            }
        }
    }
}

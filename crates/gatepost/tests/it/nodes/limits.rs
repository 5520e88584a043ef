//! A client's limit holds over all nodes.

use gatepost_testkit::Api;
use tokio::task::JoinSet;

use super::{at_each_node, cluster, shared_postgres};

const LIMIT: usize = 300;
/// What a node takes of a window in advance: a twentieth.
const PART: usize = LIMIT / 20;
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_holds_over_three_nodes_and_is_not_wasted() {
    let Some(postgres) = shared_postgres() else { return };
    let cluster = cluster(postgres, 3, "").await;
    let client = cluster.client("shop", &[], "").await;
    let limit = LIMIT.to_string();
    let _ =
        cluster.nodes[0].cli().run(&["client", "update", &client.id, "--rate-limit", &limit]).await.expect(0);
    let tools = at_each_node(&cluster, &client, "shop").await;

    // Each caller goes on until its node has nothing left, at its own pace.
    let mut callers = JoinSet::new();
    for tool in tools.iter().flat_map(|tool| std::iter::repeat_n(tool, CALLERS)) {
        callers.spawn(use_up(tool.apart()));
    }
    let passed: usize = callers.join_all().await.into_iter().sum();
    println!("limit {LIMIT} over 3 nodes: {passed} requests passed");
    assert!(passed <= LIMIT, "{passed} passed");
    assert!(passed + PART * 2 >= LIMIT, "only {passed} passed");
    for tool in &tools {
        let _ = tool.call("GET", "/v1.11/tasks?limit=1", None).await.expect(429);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_gives_back_what_it_did_not_use() {
    const RESTARTS: usize = 25;
    let Some(postgres) = shared_postgres() else { return };
    let mut cluster = cluster(postgres, 2, "").await;
    let client = cluster.client("shop", &[], "").await;
    let limit = LIMIT.to_string();
    let _ =
        cluster.nodes[0].cli().run(&["client", "update", &client.id, "--rate-limit", &limit]).await.expect(0);
    // Each restart takes a part for one request: kept, they would be more than the whole limit.
    for _ in 0..RESTARTS {
        let tool = cluster.nodes[1].api(&client, "shop").await;
        let _ = tool.call("GET", "/v1.11/tasks?limit=1", None).await.expect(200);
        assert!(cluster.nodes[1].terminate().await.success());
        cluster.nodes[1].restart().await;
    }
    let tool = cluster.nodes[0].api(&client, "shop").await;
    let passed = use_up(tool.apart()).await + RESTARTS;
    assert_eq!(passed, LIMIT, "all of the limit can be used, and no more");
}

/// Calls until the client's limit is reached, and tells how many calls passed.
pub(super) async fn use_up(tool: Api) -> usize {
    let mut passed = 0;
    loop {
        let answer = tool.call("GET", "/v1.11/tasks?limit=1", None).await;
        assert_eq!(answer.header("x-ratelimit-limit"), LIMIT.to_string());
        let remaining: usize = answer.header("x-ratelimit-remaining").parse().unwrap();
        let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap();
        assert!(reset > 1_700_000_000, "{reset}");
        match answer.status {
            200 => {
                passed += 1;
                assert!(remaining < LIMIT, "{remaining}");
            }
            429 => {
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=3600).contains(&wait), "{wait}");
                assert_eq!(remaining, 0);
                return passed;
            }
            status => panic!("{status}: {}", answer.text()),
        }
    }
}

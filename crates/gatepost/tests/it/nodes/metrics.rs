//! What a node tells whoever watches it.

use std::collections::{BTreeMap, HashSet};

use gatepost_testkit::Receiver;
use serde_json::json;

use super::{at_each_node, cluster, shared_postgres, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_what_was_done_and_name_nobody() {
    let Some(postgres) = shared_postgres() else { return };
    let receiver = Receiver::start().await;
    let cluster = cluster(postgres, 1, "").await;
    let client = cluster.client("shop", &[receiver.url("/")], "task.*").await;
    let tool = at_each_node(&cluster, &client, "shop").await.remove(0);
    let _ = tool.call("POST", "/v1.11/tasks", Some(&json!({ "title": "a task" }))).await.expect(200);
    let _ = tool.call("GET", "/v1.11/nonsense", None).await.expect(403);
    receiver.wait_for(1).await;
    until("the delivery is recorded", async || {
        cluster.metric(0, "gatepost_deliveries_in_memory").await == 0.0
    })
    .await;

    let text = cluster.metrics(0).await;
    let samples = parsed(&text);
    for (name, value) in [
        ("gatepost_gate_verdicts_total{verdict=\"passed\"}", 1.0),
        ("gatepost_gate_verdicts_total{verdict=\"unknown_route\"}", 1.0),
        ("gatepost_token_requests_total{result=\"issued\"}", 1.0),
        ("gatepost_delivery_attempts_total{outcome=\"delivered\"}", 1.0),
        ("gatepost_requests_total{class=\"4xx\"}", 1.0),
        ("gatepost_store_connections_lost_total", 0.0),
        ("gatepost_deliveries_on_the_wire", 0.0),
        ("gatepost_deliveries_due", 0.0),
        ("gatepost_delivery_queue_age_seconds", 0.0),
        ("gatepost_delivery_seconds_count{phase=\"waiting\"}", 1.0),
        ("gatepost_delivery_seconds_count{phase=\"sending\"}", 1.0),
        ("gatepost_delivery_seconds_bucket{phase=\"sending\",le=\"+Inf\"}", 1.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in:\n{text}");
    }
    for name in ["gatepost_store_writes_total", "gatepost_store_round_trips_total"] {
        assert!(samples[name] > 0.0, "{name} in:\n{text}");
    }
    assert!(samples["gatepost_feed_lag_seconds"] < 1.0);
    for secret in [&client.id, &client.client_id, "shop", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret} in:\n{text}");
    }
}

/// Every sample, after checking that the text has the form that Prometheus reads (version 0.0.4): for each family a line
/// of help and one of its type, and then only its samples.
fn parsed(text: &str) -> BTreeMap<&str, f64> {
    let (mut samples, mut families) = (BTreeMap::new(), HashSet::new());
    let mut family = "";
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(families.insert(name), "{name} stands twice");
            assert!(help.ends_with('.') && name.starts_with("gatepost_"), "{line}");
            let kind = lines.next().unwrap().strip_prefix("# TYPE ").unwrap().strip_prefix(name).unwrap();
            let expected = match name {
                "gatepost_delivery_seconds" => " histogram",
                name if name.ends_with("_total") => " counter",
                _ => " gauge",
            };
            assert_eq!(kind, expected, "{name}");
            family = name;
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let of = name.split('{').next().unwrap();
        let is_of = |suffix: &str| of.strip_suffix(suffix) == Some(family);
        assert!(of == family || ["_bucket", "_sum", "_count"].into_iter().any(is_of), "{line}");
        let value: f64 = value.parse().unwrap();
        assert!(value.is_finite() && value >= 0.0, "{line}");
        assert!(samples.insert(name, value).is_none(), "{name} stands twice");
    }
    assert!(families.len() > 15, "{families:?}");
    samples
}

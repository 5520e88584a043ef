//! Throughput of 1, 2 and 3 nodes on one PostgreSQL: a measurement, printed and not judged.
//!
//! `GATEPOST_THROUGHPUT_SECONDS=5 cargo test --release -p gatepost --test it -- nodes::throughput --nocapture`. Load,
//! receiver, nodes and database share the machine, so on few cores more nodes do not do more: what each operation costs
//! is the figure that carries over.

use std::path::Path;
use std::time::Duration;

use gatepost_testkit::books::processes;
use gatepost_testkit::cluster::Way;
use gatepost_testkit::postgres::Postgres;
use gatepost_testkit::{Api, Cluster, Receiver};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::lasts;
use super::{at_each_node, own_postgres, program, until};

/// Tools that call at a time, all nodes together.
const TOOLS: usize = 24;
const CONFIG: &str = "[rate_limit]\nrequests_per_hour = 1000000000\n[log]\nlevel = \"error\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_two_and_three_nodes() {
    let Some(seconds) = std::env::var("GATEPOST_THROUGHPUT_SECONDS").ok().and_then(|text| text.parse().ok())
    else {
        println!("skipped: GATEPOST_THROUGHPUT_SECONDS does not say for how long to measure");
        return;
    };
    let Some(postgres) = own_postgres(&[]) else { return };
    println!("| work | nodes | per s | CPU µs in nodes | CPU µs in PostgreSQL | round trips |");
    println!("|---|---|---|---|---|---|");
    for nodes in 1..=3 {
        measure(&postgres, nodes, Duration::from_secs(seconds)).await;
    }
}

async fn measure(postgres: &Postgres, nodes: usize, time: Duration) {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_by(postgres, Path::new(&program()), (nodes, Way::Direct), CONFIG).await;
    let writer = cluster.client("shop", &[receiver.url("/")], "task.create").await;
    let tools = at_each_node(&cluster, &writer, "shop").await;
    let task = json!({ "title": "a task", "descriptionText": "lorem ip".repeat(95) });
    let made = tools[0].call("POST", "/v1.11/tasks", Some(&task)).await.expect(200).json();
    let path = format!("/v1.11/tasks/{}", made["_id"].as_str().unwrap());

    // The first round warms up.
    run(&tools, ("GET", &path, None), time / 5).await;
    let before = Cost::now(&cluster, postgres).await;
    let reads = run(&tools, ("GET", &path, None), time).await;
    before.report("gated read", reads, &cluster, postgres).await;

    run(&tools, ("POST", "/v1.11/tasks", Some(&task)), time / 5).await;
    settled(&cluster, postgres).await;
    let before = Cost::now(&cluster, postgres).await;
    let writes = run(&tools, ("POST", "/v1.11/tasks", Some(&task)), time).await;
    settled(&cluster, postgres).await;
    before.report("write, delivered and recorded", writes, &cluster, postgres).await;

    let before = Cost::now(&cluster, postgres).await;
    lasts(time).await;
    before
        .report("nothing, for a second", usize::try_from(time.as_secs()).unwrap(), &cluster, postgres)
        .await;
}

async fn settled(cluster: &Cluster, postgres: &Postgres) {
    until("all is delivered", async || cluster.pending(postgres) == "0").await;
}

/// Calls for so long, and gives how many calls were answered.
async fn run(tools: &[Api], (verb, path, body): (&str, &str, Option<&Value>), time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut callers = JoinSet::new();
    for tool in tools.iter().cycle().take(TOOLS) {
        let (tool, verb, path, body) = (tool.apart(), verb.to_owned(), path.to_owned(), body.cloned());
        callers.spawn(async move {
            let mut answered = 0;
            while Instant::now() < end {
                let _ = tool.call(&verb, &path, body.as_ref()).await.expect(200);
                answered += 1;
            }
            answered
        });
    }
    callers.join_all().await.into_iter().sum()
}

/// What was used up to a moment.
struct Cost {
    at: Instant,
    nodes: Duration,
    database: Duration,
    round_trips: f64,
}

impl Cost {
    async fn now(cluster: &Cluster, postgres: &Postgres) -> Self {
        let mut round_trips = 0.0;
        for node in 0..cluster.nodes.len() {
            round_trips += cluster.metric(node, "gatepost_store_round_trips_total").await;
        }
        let nodes = cluster.nodes.iter().filter_map(gatepost_testkit::Process::id).map(cpu_time).sum();
        let database = processes(postgres).into_iter().map(cpu_time).sum();
        Self { at: Instant::now(), nodes, database, round_trips }
    }

    async fn report(&self, work: &str, operations: usize, cluster: &Cluster, postgres: &Postgres) {
        let now = Self::now(cluster, postgres).await;
        let operations = operations as f64;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / operations;
        println!(
            "| {work} | {} | {:.0} | {:.0} | {:.0} | {:.2} |",
            cluster.nodes.len(),
            operations / (now.at - self.at).as_secs_f64(),
            each(now.nodes - self.nodes),
            each(now.database - self.database),
            (now.round_trips - self.round_trips) / operations,
        );
    }
}

/// User and system time of a process, which Linux tells in hundredths of a second; the name before them may hold anything.
fn cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

//! Three nodes under load, to which one thing after the other happens at random: every event is accounted for.
//!
//! It takes about half a minute, or as many seconds as `GATEPOST_CHAOS_SECONDS` says. `GATEPOST_CHAOS_SEED` repeats a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::{Random, SeededRandom};
use gatepost_testkit::postgres::Postgres;
use gatepost_testkit::{Api, Cluster, Receiver};
use tokio::time::{Instant, timeout};

use super::accounts::check;
use super::calamities::{Calamity, Kind, strike};
use super::traffic::{Desk, Diary, Place};
use super::{DEADLINE, own_postgres, program, until};

const NODES: usize = 3;
const WORKSPACES: [&str; 3] = ["ceramics", "shop", "studio"];
/// In each workspace.
const TOOLS: usize = 4;
/// So many writes are answered between two calamities.
const BETWEEN: usize = 1_000;

/// The lease is that of [`super::calamities::LEASE`].
const CONFIG: &str = "timeout = \"1s\"\nlease = \"8s\"
retry_schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]
[rate_limit]\nrequests_per_hour = 1000000000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_nodes_and_database_every_event_is_accounted_for() {
    let Some(postgres) = own_postgres(&[]) else { return };
    let receiver = Receiver::start().await;
    let mut cluster = Cluster::start(&postgres, Path::new(&program()), NODES, CONFIG).await;
    let places = places(&cluster, &receiver).await;
    let (desk, tools) = Desk::employ(TOOLS, &places);
    let began = Instant::now();
    let (calamities, recoveries) = strike_often(&mut cluster, &postgres, &desk).await;
    let lasted = began.elapsed();
    desk.stop.cancel();
    let diaries = timeout(DEADLINE, tools.join_all()).await.unwrap();

    until("all is delivered", async || cluster.pending(&postgres) == "0").await;
    let (events, tasks) = (cluster.events(&postgres), cluster.task_titles(&postgres));
    let arrivals = receiver.received();
    let again = check((&events, &tasks), &diaries, &arrivals, &calamities);
    for node in &mut cluster.nodes {
        assert!(node.terminate().await.success(), "{}", node.log());
        assert!(!node.log().contains("panicked"), "{}", node.log());
    }
    report(lasted, &diaries, (events.len(), arrivals.len()), &again);
    println!("recovery (until {BETWEEN} more writes were answered): {recoveries:?}");
}

/// Three workspaces with a client each, and tools at every node.
pub(super) async fn places(cluster: &Cluster, receiver: &Receiver) -> Vec<Place> {
    let mut places = Vec::new();
    for workspace in WORKSPACES {
        let client =
            cluster.client(workspace, &[receiver.url(&format!("/{workspace}"))], "task.create").await;
        let token = cluster.nodes[0].token(&client).await;
        let other = WORKSPACES.iter().find(|other| **other != workspace).unwrap();
        let tools = |workspace: &str| -> Vec<Api> {
            cluster.nodes.iter().map(|node| Api::new(node.http.clone(), &token, workspace)).collect()
        };
        places.push(Place {
            workspace: workspace.to_owned(),
            tools: tools(workspace),
            intruders: tools(other),
        });
    }
    places
}

/// Every kind of calamity in a random order, again and again until the time is up. Gives what happened, and for each kind
/// the longest time until work went on.
async fn strike_often(
    cluster: &mut Cluster,
    postgres: &Postgres,
    desk: &Arc<Desk>,
) -> (Vec<Calamity>, BTreeMap<Kind, Duration>) {
    let random = SeededRandom::new(number("GATEPOST_CHAOS_SEED").unwrap_or(7));
    let below = |bound: usize| usize::try_from(random.next_u64()).unwrap() % bound;
    let end = Instant::now() + Duration::from_secs(number("GATEPOST_CHAOS_SECONDS").unwrap_or(0));
    let (mut happened, mut recoveries) = (Vec::new(), BTreeMap::new());
    progress(desk, cluster).await;
    loop {
        let mut kinds = Kind::ALL.to_vec();
        while !kinds.is_empty() {
            let kind = kinds.remove(below(kinds.len()));
            let calamity = strike(kind, cluster, postgres, below(NODES)).await;
            happened.push(calamity);
            progress(desk, cluster).await;
            let recovery: &mut Duration = recoveries.entry(kind).or_default();
            *recovery = (*recovery).max(calamity.ended.elapsed());
        }
        if Instant::now() >= end {
            return (happened, recoveries);
        }
    }
}

/// Waits until work has gone on for a while.
pub(super) async fn progress(desk: &Desk, cluster: &Cluster) {
    let mut answered = desk.answered.subscribe();
    let goal = *answered.borrow() + BETWEEN;
    let reached = timeout(DEADLINE, answered.wait_for(|count| *count >= goal)).await.is_ok();
    let logs = || cluster.nodes.iter().map(gatepost_testkit::Process::log).collect::<String>();
    assert!(reached, "no work is done any more:\n{}", logs());
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn report(
    lasted: Duration,
    diaries: &[Diary],
    (events, arrivals): (usize, usize),
    again: &BTreeMap<Vec<Kind>, usize>,
) {
    let sum = |count: fn(&Diary) -> usize| diaries.iter().map(count).sum::<usize>();
    println!(
        "chaos: {lasted:.1?}, {NODES} nodes, writes answered={} refused={} unknown={}, events={events} webhooks={arrivals} \
         lost=0 sent_again={again:?}, reads={} intrusions refused={}",
        sum(|diary| diary.answered.len()),
        sum(|diary| diary.refused.len()),
        sum(|diary| diary.unknown.len()),
        sum(|diary| diary.reads),
        sum(|diary| diary.intrusions),
    );
}

//! A standby takes over while nodes are at work.

use std::path::Path;
use std::time::Duration;

use gatepost_testkit::cluster::Way;
use gatepost_testkit::{Cluster, Receiver};
use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout};

use super::accounts::check;
use super::calamities::{Calamity, Kind};
use super::chaos::{places, progress};
use super::traffic::Desk;
use super::{DEADLINE, own_postgres, program, until};

const NODES: usize = 2;
/// In each workspace.
const TOOLS: usize = 2;

const CONFIG: &str = "timeout = \"1s\"\nlease = \"8s\"\nretry_schedule = [\"1s\", \"1s\", \"1s\"]
[rate_limit]\nrequests_per_hour = 1000000000
[store]\npostgres_readers = 2\npostgres_answer_timeout = \"2s\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_standby_takes_over_nothing_that_was_answered_is_lost() {
    let Some(primary) = own_postgres(&[]) else { return };
    let standby = block_in_place(|| primary.standby());
    let address = primary.address_with(&standby, &primary.schema());
    let receiver = Receiver::start().await;
    let mut cluster = Cluster::start_at(&address, Path::new(&program()), (NODES, Way::Direct), CONFIG).await;
    let places = places(&cluster, &receiver).await;
    let (desk, tools) = Desk::employ(TOOLS, &places);
    progress(&desk, &cluster).await;

    let began = Instant::now();
    block_in_place(|| {
        primary.stop("immediate");
        standby.promote();
    });
    let failover = Calamity { kind: Kind::DatabaseCrash, began, ended: Instant::now() };
    progress(&desk, &cluster).await;
    println!("1,000 more writes were answered {:?} after the standby took over", failover.ended.elapsed());
    desk.stop.cancel();
    let diaries = timeout(DEADLINE, tools.join_all()).await.unwrap();
    until("all is delivered", async || cluster.pending(&standby) == "0").await;
    let (events, tasks) = (cluster.events(&standby), cluster.task_titles(&standby));
    let again = check((&events, &tasks), &diaries, &receiver.received(), &[failover]);
    let answered: usize = diaries.iter().map(|diary| diary.answered.len()).sum();
    println!("failover: answered={answered} events={} lost=0 sent_again={again:?}", events.len());
    for node in &mut cluster.nodes {
        assert!(node.terminate().await.success(), "{}", node.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_answered_as_done_that_its_synchronous_standby_does_not_have() {
    let Some(primary) = own_postgres(&[]) else { return };
    let standby = block_in_place(|| primary.standby());
    let address = primary.address_with(&standby, &primary.schema());
    let cluster = Cluster::start_at(&address, Path::new(&program()), (1, Way::Direct), CONFIG).await;
    let client = cluster.client("shop", &[], "").await;
    let tool = cluster.nodes[0].api(&client, "shop").await;
    let task = |title: &str| json!({ "title": title });
    let _ = tool.call("POST", "/v1.11/tasks", Some(&task("before"))).await.expect(200);

    block_in_place(|| standby.stop("fast"));
    let asked = Instant::now();
    let answer = tool.call("POST", "/v1.11/tasks", Some(&task("alone"))).await.expect(503);
    println!("without its standby: {} after {:?}", answer.text(), asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert_eq!(answer.json()["name"], "uncertain", "it is not said to be undone: the primary has it");

    block_in_place(|| standby.run());
    let goes_on = async || tool.call("POST", "/v1.11/tasks", Some(&task("after"))).await.status == 200;
    until("writes go on with the standby", goes_on).await;
    block_in_place(|| {
        primary.stop("immediate");
        standby.promote();
    });
    let titles = cluster.task_titles(&standby);
    assert!(
        titles.contains(&String::from("before")) && titles.contains(&String::from("after")),
        "{titles:?}"
    );
}

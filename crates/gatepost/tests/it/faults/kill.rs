//! `kill -9` under load: no answered write is lost, and neither is its webhook.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use gatepost_model::{Random, SeededRandom};
use gatepost_testkit::{Api, Process};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::PROGRAM;
use super::ledger::{Arrival, Ledger};
use super::writers::{Desk, Diary, Written};

const KILLS: usize = 20;
const WRITERS: usize = 24;
const LEAST_WRITES_PER_SECOND: f64 = 200.0;
const DEADLINE: Duration = Duration::from_secs(30);
/// Several leases.
const SETTLED: Duration = Duration::from_secs(60);

/// A shared store does not free the leases of a server that was killed when another starts: they end by themselves.
const CONFIG: &str = "timeout = \"5s\"\nlease = \"16s\"\n[rate_limit]\nrequests_per_hour = 1000000000\n[log]\nlevel = \"info\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_no_answered_write_and_no_webhook() {
    let ledger = Ledger::start().await;
    let mut server = Process::start(PROGRAM, CONFIG).await;
    server.workspace("shop").await;
    let client = server.client("writers", "shop", &[ledger.url()], "task.*").await;
    let api = server.api(&client, "shop").await;

    let desk = Desk::new();
    let writers = desk.employ(WRITERS, &api);
    let up = kill_often(&mut server, &desk, &ledger).await;
    desk.life.send_replace(None);
    let diaries = timeout(DEADLINE, writers.join_all()).await.unwrap();
    let written: Vec<Written> = diaries.iter().flat_map(|diary| diary.written.clone()).collect();
    let answered = written.iter().map(|record| record.answered.len()).sum::<usize>();

    let deliveries = settled(&server).await;
    assert!(server.terminate().await.success(), "{}", server.log());
    server.restart().await;
    let records = all_records(&api).await;
    every_answered_write_is_there(&api, &written).await;
    let arrivals = ledger.arrivals();
    let duplicates = check_webhooks(&diaries, &records, &arrivals);
    check_deliveries(&deliveries, &arrivals);
    assert!(server.terminate().await.success());
    let log = server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");

    let rate = answered as f64 / up.as_secs_f64();
    println!(
        "kill -9: kills={KILLS} writers={WRITERS} answered={answered} per_second={rate:.0} records={} \
         webhooks={} lost=0 duplicates={duplicates}",
        records.len(),
        arrivals.values().map(Vec::len).sum::<usize>(),
    );
    assert!(rate >= LEAST_WRITES_PER_SECOND, "{rate:.0} writes in a second");
}

/// Kills the server at points that no part of it can expect: after so many requests, answers or webhooks. Gives how long
/// it was up in all.
async fn kill_often(server: &mut Process, desk: &Desk, ledger: &Ledger) -> Duration {
    let random = SeededRandom::new(20);
    let mut up = Duration::ZERO;
    for life in 1..=KILLS {
        let began = Instant::now();
        let more = 100 + usize::try_from(random.next_u64() % 500).unwrap();
        let counted = match life % 3 {
            0 => desk.asked.subscribe(),
            1 => desk.answered.subscribe(),
            _ => ledger.count(),
        };
        reached(counted, more).await;
        server.kill().await;
        up += began.elapsed();
        timeout(DEADLINE, ledger.next_life()).await.unwrap();
        server.restart().await;
        desk.life.send_replace(Some(u32::try_from(life).unwrap()));
    }
    up
}

async fn reached(mut counted: watch::Receiver<usize>, more: usize) {
    let goal = *counted.borrow() + more;
    let reached = timeout(DEADLINE, counted.wait_for(|count| *count >= goal)).await;
    assert!(reached.is_ok(), "the server does no work any more");
}

/// Waits until no delivery is pending, and gives all of them as the command line lists them.
async fn settled(server: &Process) -> Vec<Value> {
    let waited = timeout(SETTLED, async {
        while server.cli().json(&["delivery", "list", "--state", "pending", "--limit", "1"]).await
            != Value::Array(Vec::new())
        {}
    });
    assert!(waited.await.is_ok(), "deliveries stay pending");
    let mut all: Vec<Value> = Vec::new();
    loop {
        let last = all.last().and_then(|delivery| delivery["id"].as_str()).map(ToOwned::to_owned);
        let before = last.as_deref().map_or(vec![], |id| vec!["--before", id]);
        let page = server.cli().json(&[&["delivery", "list", "--limit", "1000"], &before[..]].concat()).await;
        let Value::Array(mut page) = page else { panic!("{page}") };
        if page.is_empty() {
            return all;
        }
        all.append(&mut page);
    }
}

/// The title of every record by its id.
async fn all_records(api: &Api) -> BTreeMap<String, String> {
    let mut records = BTreeMap::new();
    loop {
        let path = format!("/v1.11/tasks?sort=_id&limit=1000&skip={}", records.len());
        let page = api.call("GET", &path, None).await.expect(200).json();
        let Value::Array(page) = page else { panic!("{page}") };
        if page.is_empty() {
            return records;
        }
        let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
        records.extend(page.iter().map(|record| (text(record, "_id"), text(record, "title"))));
    }
}

async fn every_answered_write_is_there(api: &Api, written: &[Written]) {
    let mut readers = JoinSet::new();
    for part in written.chunks(written.len().div_ceil(8)) {
        let (api, part) = (api.apart(), part.to_vec());
        readers.spawn(async move {
            for record in part {
                let found =
                    api.call("GET", &format!("/v1.11/tasks/{}", record.id), None).await.expect(200).json();
                assert!(record.is_kept(&found), "{record:?} is {found}");
            }
        });
    }
    readers.join_all().await;
}

/// Each answered write's event arrived, each stored change has its event, and no event is there without its change. Gives
/// how many arrivals were duplicates.
fn check_webhooks(
    diaries: &[Diary],
    records: &BTreeMap<String, String>,
    arrivals: &HashMap<String, Vec<Arrival>>,
) -> usize {
    let mut expected: HashSet<&str> = HashSet::new();
    let mut possible: HashSet<&str> = HashSet::new();
    for diary in diaries {
        for record in &diary.written {
            for title in &record.answered {
                let arrived =
                    arrivals.get(title).unwrap_or_else(|| panic!("the webhook of \"{title}\" is lost"));
                assert!(arrived.iter().all(|arrival| arrival.record == record.id), "{arrived:?}");
                expected.insert(title);
            }
            possible.extend(record.unanswered.as_deref());
        }
        possible.extend(diary.unanswered.iter().map(String::as_str));
    }
    // What got no answer was done as a whole or not at all.
    for (id, title) in records {
        assert!(arrivals.contains_key(title), "record {id} was written (\"{title}\") without its webhook");
    }
    for (title, arrived) in arrivals {
        let known = expected.contains(title.as_str()) || possible.contains(title.as_str());
        assert!(known, "\"{title}\" was never written");
        assert!(
            records.contains_key(&arrived[0].record),
            "a webhook tells of \"{title}\", which is not there"
        );
        same_event_from_different_lives(title, arrived);
    }
    arrivals.values().map(|arrived| arrived.len() - 1).sum()
}

/// An event may arrive again only if the life that sent it was killed, and then as the same delivery of the same event.
fn same_event_from_different_lives(title: &str, arrived: &[Arrival]) {
    let first = &arrived[0];
    for arrival in arrived {
        let same = (&arrival.event, &arrival.delivery) == (&first.event, &first.delivery);
        assert!(same, "\"{title}\" arrived as two events: {arrived:?}");
    }
    let lives: Vec<u32> = arrived.iter().map(|arrival| arrival.life).collect();
    assert!(
        lives.windows(2).all(|pair| pair[0] < pair[1]),
        "\"{title}\" was sent twice by one life: {lives:?}"
    );
}

/// Every delivery came to a good end by one recorded try: a duplicate is one whose record was lost in a kill.
fn check_deliveries(deliveries: &[Value], arrivals: &HashMap<String, Vec<Arrival>>) {
    for delivery in deliveries {
        assert_eq!(delivery["state"], "delivered", "{delivery}");
        assert_eq!(delivery["attempts"], 1, "{delivery}");
    }
    let listed: HashSet<&str> = deliveries.iter().filter_map(|delivery| delivery["id"].as_str()).collect();
    let arrived: HashSet<&str> =
        arrivals.values().flatten().map(|arrival| arrival.delivery.as_str()).collect();
    assert_eq!(listed.len(), deliveries.len(), "a delivery is listed twice");
    assert!(listed == arrived, "what is listed and what arrived differ");
}

//! The accounts after crashes: what was promised to writers, what is stored, what arrived, and how it all fits.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use gatepost_testkit::{Api, Process};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ledger::{Arrival, Ledger};
use super::writers::{Diary, Written};

/// Several leases.
const SETTLED: Duration = Duration::from_secs(60);

/// What was counted.
#[derive(Debug)]
pub(super) struct Account {
    /// Writes that were answered.
    pub(super) answered: usize,
    /// Records that are stored.
    pub(super) records: usize,
    /// Webhooks that arrived.
    pub(super) webhooks: usize,
    /// How many of them had arrived before.
    pub(super) duplicates: usize,
}

/// Proves that nothing went wrong but that the process ended.
pub(super) fn nothing_failed(server: &Process, diaries: &[Diary]) {
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    assert!(diaries.iter().all(|diary| diary.failed == 0), "requests were answered as failed");
}

/// Waits for the last delivery, starts the server once more, and proves that nothing is lost, nothing made up, and nothing
/// sent twice but what a crash cut off.
pub(super) async fn check(server: &mut Process, api: &Api, diaries: &[Diary], ledger: &Ledger) -> Account {
    let written: Vec<Written> = diaries.iter().flat_map(|diary| diary.written.clone()).collect();
    let deliveries = settled(server).await;
    assert!(server.terminate().await.success(), "{}", server.log());
    server.restart().await;
    let records = all_records(api).await;
    every_answered_write_is_there(api, &written).await;
    let arrivals = ledger.arrivals();
    let duplicates = check_webhooks(diaries, &records, &arrivals);
    check_deliveries(&deliveries, &arrivals);
    check_report(&server.cli().json(&["delivery", "reconcile"]).await, arrivals.len());
    assert!(server.terminate().await.success());
    assert!(!server.log().contains("panicked"), "{}", server.log());
    Account {
        answered: written.iter().map(|record| record.answered.len()).sum(),
        records: records.len(),
        webhooks: arrivals.values().map(Vec::len).sum(),
        duplicates,
    }
}

/// Waits until no delivery is pending, and gives all of them as the command line lists them.
pub(super) async fn settled(server: &Process) -> Vec<Value> {
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

/// The server's own account of it comes to the same.
fn check_report(report: &Value, arrived: usize) {
    let deliveries = &report["deliveries"];
    for number in [&report["matched"], &deliveries["made"], &deliveries["delivered"]] {
        assert_eq!(*number, json!(arrived), "{report}");
    }
    assert_eq!((&deliveries["pending"], &report["sentAgain"]["made"]), (&json!(0), &json!(0)), "{report}");
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

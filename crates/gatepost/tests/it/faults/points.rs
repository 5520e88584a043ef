//! The process ends at each named point of an event's life, and everything is accounted for when it is back.

use std::time::Duration;

use gatepost_model::CrashPoint;
use gatepost_testkit::{Api, Process};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::PROGRAM;
use super::accounts::{Account, check, nothing_failed, settled};
use super::ledger::Ledger;
use super::writers::Desk;

const WRITERS: usize = 16;
const DEADLINE: Duration = Duration::from_secs(30);
/// A shared store does not free the leases of a server that crashed when another starts: they end by themselves.
const CONFIG: &str = "timeout = \"1s\"\nlease = \"8s\"\n[rate_limit]\nrequests_per_hour = 1000000000";

/// Lives that end at these points one after the other, with what one event comes to: how often it arrives at least and at
/// most. Twice is only what had arrived before a crash that left no record of it.
const CASES: [(&[CrashPoint], usize, usize); 7] = [
    (&[CrashPoint::Committed], 1, 1),
    (&[CrashPoint::HandingOver], 1, 2),
    (&[CrashPoint::Committed, CrashPoint::Claimed], 1, 1),
    (&[CrashPoint::Sent], 2, 2),
    (&[CrashPoint::BeforeRecord], 2, 2),
    (&[CrashPoint::Recorded], 1, 1),
    (&[CrashPoint::Sent, CrashPoint::Claimed, CrashPoint::BeforeRecord], 3, 3),
];

struct Shop {
    server: Process,
    ledger: Ledger,
    api: Api,
}

impl Shop {
    async fn open() -> Self {
        let ledger = Ledger::start().await;
        let mut server = Process::start(PROGRAM, CONFIG).await;
        server.workspace("shop").await;
        let client = server.client("writers", "shop", &[ledger.url()], "task.*").await;
        let api = server.api(&client, "shop").await;
        assert!(server.terminate().await.success(), "{}", server.log());
        Self { server, ledger, api }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_survives_a_crash_at_each_point() {
    let mut cases = JoinSet::new();
    for (points, least, most) in CASES {
        cases.spawn(async move {
            let arrived = one_event(points).await;
            assert!((least..=most).contains(&arrived), "{points:?}: it arrived {arrived} times");
        });
    }
    cases.join_all().await;
}

/// Writes once while lives end at these points, and gives how often the event arrived in the end.
async fn one_event(points: &[CrashPoint]) -> usize {
    let Shop { mut server, ledger, api } = Shop::open().await;
    for (life, point) in points.iter().enumerate() {
        server.restart_crashing_at(*point, 1).await;
        if life == 0 {
            // The answer may be lost in the crash; the write is not.
            let _ = api.try_call("POST", "/v1.11/tasks", Some(&json!({ "title": "glaze" }))).await;
        }
        server.crashed().await;
        timeout(DEADLINE, ledger.next_life()).await.unwrap();
    }
    server.restart().await;
    let deliveries = settled(&server).await;
    let [delivery] = &deliveries[..] else { panic!("{points:?}: {deliveries:?}") };
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(1)), "{points:?}");
    let arrivals = ledger.arrivals();
    assert_eq!(arrivals.len(), 1, "{points:?}: {arrivals:?}");
    arrivals["glaze"].len()
}

/// Each point under load, at its first moment and later on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_at_each_point_under_load_lose_nothing() {
    let Shop { mut server, ledger, api } = Shop::open().await;
    let desk = Desk::new();
    let writers = desk.employ(WRITERS, &api);
    let lives = CrashPoint::ALL.iter().flat_map(|point| [(*point, 1), (*point, later(*point))]);
    let mut life = 0;
    for (point, times) in lives {
        server.restart_crashing_at(point, times).await;
        life += 1;
        desk.life.send_replace(Some(life));
        if point == CrashPoint::Stopping {
            some_are_answered(desk.answered.subscribe()).await;
            server.signal("TERM").await;
        }
        server.crashed().await;
        timeout(DEADLINE, ledger.next_life()).await.unwrap();
    }
    server.restart().await;
    desk.life.send_replace(None);
    let diaries = timeout(DEADLINE, writers.join_all()).await.unwrap();
    let Account { answered, records, webhooks, duplicates } =
        check(&mut server, &api, &diaries, &ledger).await;
    nothing_failed(&server, &diaries);
    println!(
        "crash points: crashes={life} answered={answered} records={records} webhooks={webhooks} lost=0 duplicates={duplicates}"
    );
}

/// How often a life gets to the point before it ends there under load.
const fn later(point: CrashPoint) -> u32 {
    match point {
        CrashPoint::Committed | CrashPoint::HandingOver | CrashPoint::Sent => 100,
        CrashPoint::BeforeRecord | CrashPoint::Recorded => 10,
        // A life stops once, and what it finds after a crash it mostly claims at once.
        CrashPoint::Claimed | CrashPoint::Stopping => 1,
    }
}

async fn some_are_answered(mut answered: watch::Receiver<usize>) {
    let goal = *answered.borrow() + 100;
    let reached = timeout(DEADLINE, answered.wait_for(|count| *count >= goal)).await;
    assert!(reached.is_ok(), "the server does no work any more");
}

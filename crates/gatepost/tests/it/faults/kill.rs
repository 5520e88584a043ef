//! `kill -9` under load: no answered write is lost, and neither is its webhook.
//!
//! `GATEPOST_FAULT_KILLS` and `GATEPOST_FAULT_EVENTS` make it longer, `GATEPOST_FAULT_SEED` makes it another run
//! (docs/reliability.md has the figures of a long one).

use std::time::Duration;

use gatepost_model::{Random, SeededRandom};
use gatepost_testkit::Process;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::accounts::{Account, check, nothing_failed};
use super::ledger::Ledger;
use super::writers::Desk;
use super::{number, program};

const WRITERS: usize = 24;
const DEADLINE: Duration = Duration::from_secs(30);

/// A shared store does not free the leases of a server that was killed when another starts: they end by themselves.
const CONFIG: &str = "timeout = \"5s\"\nlease = \"16s\"\n[rate_limit]\nrequests_per_hour = 1000000000\n[log]\nlevel = \"info\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_no_answered_write_and_no_webhook() {
    let plan = Plan::asked_for();
    let ledger = Ledger::start().await;
    let mut server = Process::start(program(), CONFIG).await;
    server.workspace("shop").await;
    let client = server.client("writers", "shop", &[ledger.url()], "task.*").await;
    let api = server.api(&client, "shop").await;

    let desk = Desk::new();
    let writers = desk.employ(WRITERS, &api);
    let up = kill_often(&plan, &mut server, &desk, &ledger).await;
    desk.life.send_replace(None);
    let diaries = timeout(DEADLINE, writers.join_all()).await.unwrap();
    let Account { answered, records, webhooks, duplicates } =
        check(&mut server, &api, &diaries, &ledger).await;
    nothing_failed(&server, &diaries);
    let rate = answered as f64 / up.as_secs_f64();
    println!(
        "kill -9: seed={} kills={} writers={WRITERS} answered={answered} per_second={rate:.0} records={records} \
         webhooks={webhooks} lost=0 duplicates={duplicates}",
        plan.seed, plan.kills,
    );
}

/// How often the server is killed, and how much it does between two kills.
struct Plan {
    kills: usize,
    /// In all lives together, about.
    events: usize,
    seed: u64,
}

impl Plan {
    fn asked_for() -> Self {
        let seed = number("GATEPOST_FAULT_SEED").map_or(20, |seed| u64::try_from(seed).unwrap());
        let kills = number("GATEPOST_FAULT_KILLS").unwrap_or(20);
        Self { kills, events: number("GATEPOST_FAULT_EVENTS").unwrap_or(kills * 350), seed }
    }

    /// How many more events the next life is to last: from a quarter to seven quarters of what it has on average.
    fn next_life(&self, random: &SeededRandom) -> usize {
        let mean = self.events / self.kills.max(1);
        let spread = u64::try_from(mean * 3 / 2).unwrap().max(1);
        mean / 4 + usize::try_from(random.next_u64() % spread).unwrap()
    }
}

/// Kills the server at points that no part of it can expect: after so many requests, answers or webhooks. Gives how long
/// it was up in all.
async fn kill_often(plan: &Plan, server: &mut Process, desk: &Desk, ledger: &Ledger) -> Duration {
    let random = SeededRandom::new(plan.seed);
    let mut up = Duration::ZERO;
    for life in 1..=plan.kills {
        let began = Instant::now();
        let more = plan.next_life(&random);
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

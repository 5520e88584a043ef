//! What writes, results and look-ups cost on PostgreSQL.
//!
//! `cargo run --release -p gatepost-store --example store_postgres -- SECONDS [CALLERS]` starts a server of its own and
//! prints, for each kind of work, how much was done in a second, how long callers waited, and how much processor time it
//! took here and in the server.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatepost_model::webhook::{Attempt, Event, Outcome};
use gatepost_model::{
    ClientNumber, Clock, DeliveryState, Method, SeededRandom, SystemClock, Timestamp, WorkspaceNumber, ids,
};
use gatepost_store::tables::deliveries::{self, FIRST_FENCE, NewDelivery, Progress};
use gatepost_store::tables::{records, webhook_urls};
use gatepost_store::{Location, PostgresUrl, Store, StoreError, StoreOptions, Tx};
use tokio::task::JoinSet;
use tokio::time::Instant;

#[path = "../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;

type Failure = Box<dyn Error + Send + Sync>;

const ENTITY: &str = "task";
const WORKSPACE: WorkspaceNumber = WorkspaceNumber(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const LEASE: Duration = Duration::from_secs(30);

/// What callers share.
struct World {
    store: Store,
    clock: SystemClock,
    random: SeededRandom,
    method: Method,
    body: String,
}

/// What one caller writes, made outside of the closure.
struct Write {
    event: Event,
    delivery_id: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let given: Vec<u64> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let time = Duration::from_secs(given.first().copied().unwrap_or(3));
    let callers = given.get(1).copied().unwrap_or(32);
    let server = postgres::Postgres::start(&[]).ok_or("PostgreSQL is not installed")?;
    let location = Location::Postgres(PostgresUrl::new(server.schema()));
    let world = Arc::new(World {
        store: Store::open(&location, StoreOptions::default())?,
        clock: SystemClock::default(),
        random: SeededRandom::new(7),
        method: "task.edit".parse()?,
        body: format!(r#"{{"title":"{}"}}"#, "x".repeat(1_000)),
    });
    world.store.migrate().await?;
    let now = world.clock.now();
    world.store.create_days(now.minus(DAY * 30), now).await?;

    println!("{callers} callers         per s   p50 us   p99 us  group  cpu us here  in the server");
    measure("write", &world, (time, callers), |world| async move { world.write(false).await.map(|_| 1) })
        .await?;
    measure("look, then write", &world, (time, callers), |world| async move {
        world.write(true).await.map(|_| 1)
    })
    .await?;
    measure("write alone", &world, (time, 1), |world| async move { world.write(false).await.map(|_| 1) })
        .await?;
    measure("32 results", &world, (time, 1), |world| async move { world.record(32).await }).await?;
    measure("look up", &world, (time, callers), |world| async move { world.look_up().await.map(|()| 1) })
        .await?;
    world.store.close().await;
    Ok(())
}

impl World {
    fn next(&self) -> Write {
        let at = self.clock.now();
        let event = Event {
            id: ids::sortable(ids::EVENT, at, &self.random),
            workspace: WORKSPACE,
            method: self.method.clone(),
            record_id: ids::record(at, &self.random),
            record: self.body.clone(),
            caused_by: String::from("system"),
            at,
        };
        Write { event, delivery_id: ids::sortable(ids::DELIVERY, at, &self.random) }
    }

    /// Writes a record with its event and one delivery, perhaps after a look at who is subscribed.
    async fn write(&self, look: bool) -> Result<(), StoreError> {
        let write = self.next();
        let looked_for = look.then(|| self.method.clone());
        self.store
            .write(move |tx| {
                if let Some(method) = &looked_for {
                    webhook_urls::list_subscribers(tx, WORKSPACE, method)?;
                }
                write.run(tx)
            })
            .await
    }

    /// Makes deliveries and writes down their results; only the latter is what it is for, but the former is small.
    async fn record(&self, number: usize) -> Result<u64, StoreError> {
        let writes: Vec<Write> = (0..number).map(|_| self.next()).collect();
        let results: Vec<Progress> =
            writes.iter().map(|write| delivered(&write.delivery_id, write.event.at)).collect();
        self.store.write(move |tx| writes.iter().try_for_each(|write| write.deliver(tx))).await?;
        let held = self
            .store
            .write(move |tx| deliveries::record_all(tx, &results.iter().collect::<Vec<_>>()))
            .await?;
        Ok(held.into_iter().map(u64::from).sum())
    }

    async fn look_up(&self) -> Result<(), StoreError> {
        let id = ids::record(self.clock.now(), &self.random);
        self.store.read_point(move |tx| records::lookup(tx, WORKSPACE, ENTITY, &id)).await.map(drop)
    }
}

impl Write {
    fn run(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let event = &self.event;
        records::insert(tx, event.workspace, ENTITY, &event.record_id, &event.record)?;
        records::insert_event(tx, event)?;
        self.deliver(tx)
    }

    fn deliver(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let event = &self.event;
        let delivery = NewDelivery {
            id: &self.delivery_id,
            workspace: event.workspace,
            event_id: &event.id,
            url_id: "whu_1",
            client: ClientNumber(1),
            method: &event.method,
            created_at: event.at,
            leased_until: Some(event.at.plus(LEASE)),
            replay_of: None,
        };
        deliveries::insert(tx, &delivery)
    }
}

fn delivered(id: &str, at: Timestamp) -> Progress {
    Progress {
        id: id.to_owned(),
        workspace: WORKSPACE,
        fence: FIRST_FENCE,
        state: DeliveryState::Delivered,
        reason: None,
        attempts: 1,
        due_at: at,
        ended_at: Some(at),
        attempt: Some(Attempt {
            delivery_id: id.to_owned(),
            number: 1,
            started_at: at,
            duration_us: 1_700,
            outcome: Outcome::Delivered,
            status: Some(200),
            error: None,
            address: Some(String::from("203.0.113.7:443")),
            request_headers: format!("[\"{}\"]", "h".repeat(400)),
            response_headers: Some(format!("[\"{}\"]", "h".repeat(100))),
            reply: None,
            client_revision: 1,
        }),
    }
}

/// Has so many callers do the work over and over for so long, and prints what it took. The work says how much it did.
async fn measure<W, F>(
    name: &str,
    world: &Arc<World>,
    (time, callers): (Duration, u64),
    work: W,
) -> Result<(), Failure>
where
    W: Fn(Arc<World>) -> F + Copy + Send + 'static,
    F: Future<Output = Result<u64, StoreError>> + Send,
{
    let (done, mut waits) = (Arc::new(AtomicU64::new(0)), Vec::new());
    let (before, here, there) = (world.store.metrics(), cpu_here(), cpu_of_server());
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let (world, done) = (Arc::clone(world), Arc::clone(&done));
        running.spawn(async move {
            let mut waits = Vec::new();
            while started.elapsed() < time {
                let asked = Instant::now();
                done.fetch_add(work(Arc::clone(&world)).await?, Ordering::Relaxed);
                waits.push(asked.elapsed());
            }
            Ok::<_, StoreError>(waits)
        });
    }
    while let Some(caller) = running.join_next().await {
        waits.extend(caller??);
    }
    let (took, done) = (started.elapsed().as_secs_f64(), done.load(Ordering::Relaxed).max(1));
    let after = world.store.metrics();
    waits.sort();
    let wait = |percent: usize| waits.get(waits.len() * percent / 100).map_or(0, Duration::as_micros);
    let each = |ticks: u64| ticks * 10_000 / done;
    println!(
        "{name:16} {:>9.0} {:>8} {:>8} {:>6} {:>12} {:>14}",
        f64::from(u32::try_from(done)?) / took,
        wait(50),
        wait(99),
        (after.closures - before.closures) / (after.groups - before.groups).max(1),
        each(cpu_here().saturating_sub(here)),
        each(cpu_of_server().saturating_sub(there)),
    );
    Ok(())
}

/// Processor time of this process, in ticks of ten milliseconds.
fn cpu_here() -> u64 {
    std::fs::read_to_string("/proc/self/stat").map_or(0, |stat| cpu_in(&stat))
}

/// Processor time of all processes named `postgres` on this machine, in the same unit.
fn cpu_of_server() -> u64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.filter(|stat| stat.contains("(postgres)")).map(|stat| cpu_in(&stat)).sum()
}

fn cpu_in(stat: &str) -> u64 {
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

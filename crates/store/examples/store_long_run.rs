//! A database larger than memory may hold, and a run long enough to show the long tail.
//!
//! `cargo run -p gatepost-store --example store_long_run -- SECONDS ROWS CACHE_KIB [FOLDER]` fills a new
//! database with so many records (each with its event and one delivery) in 100 workspaces, then writes with
//! 32 callers and reads beside them for so many seconds. It prints what the answers of docs/adr/0001-store.md
//! rest on.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gatepost_model::webhook::Event;
use gatepost_model::{ClientNumber, Clock, Method, Random, SeededRandom, SystemClock, WorkspaceNumber, ids};
use gatepost_store::tables::deliveries::{self, NewDelivery};
use gatepost_store::tables::records;
use gatepost_store::{Location, Store, StoreError, StoreMetrics, StoreOptions, Tx};
use tokio::task::JoinSet;
use tokio::time::Instant;

type Failure = Box<dyn Error + Send + Sync>;

const ENTITY: &str = "task";
const WORKSPACES: i64 = 100;
const CALLERS: u64 = 32;
const FILL_PER_CLOSURE: u64 = 500;
const INTERVAL: Duration = Duration::from_secs(10);

struct Arguments {
    seconds: u64,
    rows: u64,
    cache_kib: u32,
    folder: PathBuf,
}

/// What one caller needs to write a record, made outside of the closure.
struct Write {
    event: Event,
    delivery_id: String,
}

/// Makes writes and remembers some of the records.
struct Source {
    clock: SystemClock,
    random: SeededRandom,
    method: Method,
    body: String,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    let path = arguments.folder.join(format!("store-long-run-{}.db", std::process::id()));
    let options = StoreOptions {
        writer_cache_kib: arguments.cache_kib,
        reader_cache_kib: arguments.cache_kib,
        ..StoreOptions::default()
    };
    let store = Store::open(&Location::Sqlite(path.clone()), options)?;
    store.migrate().await?;
    let source = Arc::new(Source {
        clock: SystemClock::default(),
        random: SeededRandom::new(7),
        method: "task.edit".parse()?,
        body: format!(r#"{{"title":"{}"}}"#, "x".repeat(1_000)),
    });
    println!("{} rows, cache {} KiB, {}", arguments.rows, arguments.cache_kib, path.display());
    let known = fill(&store, &source, arguments.rows, &path).await?;
    run(&store, &source, known, Duration::from_secs(arguments.seconds)).await?;
    let started = Instant::now();
    store.close().await;
    println!("closed in {} ms, {} MiB", started.elapsed().as_millis(), mebibytes(&path));
    std::fs::remove_file(&path)?;
    Ok(())
}

fn arguments() -> Result<Arguments, Failure> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, rows, cache_kib, folder @ ..] = given.as_slice() else {
        return Err("give the seconds, the rows and the page cache in KiB".into());
    };
    Ok(Arguments {
        seconds: seconds.parse()?,
        rows: rows.parse()?,
        cache_kib: cache_kib.parse()?,
        folder: folder.first().map_or_else(std::env::temp_dir, PathBuf::from),
    })
}

impl Source {
    fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(0) % bound.max(1)
    }

    fn next(&self) -> Write {
        let at = self.clock.now();
        let workspace = i64::try_from(self.below(100)).unwrap_or(0) % WORKSPACES;
        let event = Event {
            id: ids::sortable(ids::EVENT, at, &self.random),
            workspace: WorkspaceNumber(workspace),
            method: self.method.clone(),
            record_id: ids::record(at, &self.random),
            record: self.body.clone(),
            caused_by: String::from("system"),
            at,
        };
        Write { event, delivery_id: ids::sortable(ids::DELIVERY, at, &self.random) }
    }
}

impl Write {
    fn run(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let event = &self.event;
        records::insert(tx, event.workspace, ENTITY, &event.record_id, &event.record)?;
        records::insert_event(tx, event)?;
        let delivery = NewDelivery {
            id: &self.delivery_id,
            workspace: event.workspace,
            event_id: &event.id,
            url_id: "whu_1",
            client: ClientNumber(1),
            method: &event.method,
            created_at: event.at,
            leased_until: Some(event.at.plus(Duration::from_secs(30))),
            replay_of: None,
        };
        deliveries::insert(tx, &delivery)
    }
}

/// Returns the places of some of the records.
async fn fill(
    store: &Store,
    source: &Arc<Source>,
    rows: u64,
    path: &Path,
) -> Result<Vec<(WorkspaceNumber, String)>, Failure> {
    let started = Instant::now();
    let mut known = Vec::new();
    let mut writing = JoinSet::new();
    for batch in 0..rows / FILL_PER_CLOSURE {
        let writes: Vec<Write> = (0..FILL_PER_CLOSURE).map(|_| source.next()).collect();
        let some = writes.iter().step_by(10);
        known.extend(some.map(|write| (write.event.workspace, write.event.record_id.clone())));
        let store = store.clone();
        writing.spawn(async move {
            store.write(move |tx| writes.iter().try_for_each(|write| write.run(tx))).await
        });
        if writing.len() >= 4
            && let Some(written) = writing.join_next().await
        {
            written??;
        }
        if batch % 200 == 199 {
            let done = (batch + 1) * FILL_PER_CLOSURE;
            println!("  {done} rows, {} MiB, {} s", mebibytes(path), started.elapsed().as_secs());
        }
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    println!("filled in {} s, {} MiB", started.elapsed().as_secs(), mebibytes(path));
    Ok(known)
}

/// Writes and reads for `time`, printing a line for each interval.
async fn run(
    store: &Store,
    source: &Arc<Source>,
    known: Vec<(WorkspaceNumber, String)>,
    time: Duration,
) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicU64::new(0));
    let (latencies, mut measured) = tokio::sync::mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    for _ in 0..CALLERS {
        running.spawn(keep_writing(store.clone(), Arc::clone(source), Arc::clone(&stop), latencies.clone()));
    }
    drop(latencies);
    let known = Arc::new(known);
    running.spawn(keep_reading(
        store.clone(),
        Arc::clone(source),
        known,
        Arc::clone(&stop),
        Arc::clone(&reads),
    ));
    let ends = Instant::now() + time;
    println!(
        "  writes/s   p50 us   p99 us   max us  group  cpu us  reads/s  wal pages  checkpoints (longest ms)"
    );
    while Instant::now() < ends {
        let (before, cpu, read) = (store.metrics(), cpu_micros(), reads.load(Ordering::Relaxed));
        let started = Instant::now();
        tokio::time::sleep(INTERVAL.min(ends - started)).await;
        let mut latencies = Vec::new();
        while let Ok(micros) = measured.try_recv() {
            latencies.push(micros);
        }
        let reads = reads.load(Ordering::Relaxed) - read;
        print_interval(
            &before,
            &store.metrics(),
            started.elapsed(),
            &mut latencies,
            cpu_micros() - cpu,
            reads,
        );
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    println!("{:?}", store.metrics());
    Ok(())
}

async fn keep_writing(
    store: Store,
    source: Arc<Source>,
    stop: Arc<AtomicBool>,
    latencies: tokio::sync::mpsc::UnboundedSender<u64>,
) -> Result<(), StoreError> {
    while !stop.load(Ordering::Relaxed) {
        let write = source.next();
        let started = Instant::now();
        store.write(move |tx| write.run(tx)).await?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if latencies.send(micros).is_err() {
            break;
        }
    }
    Ok(())
}

/// One look-up of a random record after the other, with a pause for each so that most of the machine is the
/// writer's.
async fn keep_reading(
    store: Store,
    source: Arc<Source>,
    known: Arc<Vec<(WorkspaceNumber, String)>>,
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicU64>,
) -> Result<(), StoreError> {
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let known = Arc::clone(&known);
        let index = source.below(known.len());
        store
            .read_point(move |tx| match known.get(index) {
                Some((workspace, id)) => records::lookup(tx, *workspace, ENTITY, id).map(|_| ()),
                None => Ok::<_, StoreError>(()),
            })
            .await?;
        reads.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn print_interval(
    before: &StoreMetrics,
    after: &StoreMetrics,
    took: Duration,
    latencies: &mut [u64],
    cpu: u64,
    reads: u64,
) {
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or(0);
    let writes = u64::try_from(latencies.len()).unwrap_or(0).max(1);
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>6} {:>7} {:>8} {:>10}  {} ({})",
        writes * 1_000 / millis,
        at(50),
        at(99),
        latencies.last().copied().unwrap_or(0),
        (after.closures - before.closures) / (after.groups - before.groups).max(1),
        cpu / writes,
        reads * 1_000 / millis,
        after.wal_pages,
        after.checkpoints - before.checkpoints,
        after.longest_checkpoint.as_millis(),
    );
}

fn mebibytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len() / (1024 * 1024))
}

/// User and system time of this process; Linux counts it in hundredths of a second.
fn cpu_micros() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() * 10_000
}

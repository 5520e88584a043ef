//! What rows take on disk, indexes included, on either engine: the figures of docs/scale.md.
//!
//! `cargo run -p gatepost-store --example store_sizes -- [WRITES] [BYTES]` writes so many records of so many bytes (20,000 of
//! 1,024), each with its event, one delivery and its attempt, and as many refused requests and audit entries, and prints the
//! bytes per row of each table. The text is random, so that nothing is gained by compressing it.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::webhook::{Attempt, Event, Outcome};
use gatepost_model::{
    ClientNumber, Clock, DeliveryState, Method, SeededRandom, SystemClock, Timestamp, WorkspaceNumber, ids,
};
use gatepost_store::tables::audit::{self, Entry};
use gatepost_store::tables::deliveries::{self, FIRST_FENCE, NewDelivery, Progress};
use gatepost_store::tables::records;
use gatepost_store::tables::refusals::{self, Refusal};
use gatepost_store::{Dialect, Location, PostgresUrl, Sql, Store, StoreError, StoreOptions, Tx, params};

#[path = "../../testkit/src/postgres.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is a public part of the test kit")]
mod postgres;

type Failure = Box<dyn Error + Send + Sync>;

const TABLES: [&str; 6] = ["record", "event", "delivery", "attempt", "refused_request", "audit"];
const WORKSPACES: i64 = 100;
const TOGETHER: u64 = 200;
const LEASE: Duration = Duration::from_secs(30);
const REQUEST_HEADERS: &str = r#"{"content-type":"application/json","content-length":"1024","user-agent":"Gatepost/0.1.0","webhook-id":"evt_01jd3x5k2v0123456789abcdef","webhook-timestamp":"1790000000","webhook-signature":"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=","gatepost-method":"task.edit","gatepost-workspace":"the-ceramic-school","gatepost-delivery":"dlv_01jd3x5k2v0123456789abcdef","gatepost-attempt":"1","gatepost-api-version":"1.11"}"#;

/// Pages of the table and of its indexes, without those that are free.
static SQLITE_SIZE: Sql = Sql::new(
    "SELECT sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name
     WHERE s.aggregate = TRUE AND m.tbl_name = $1",
);

static POSTGRES_SIZE: Sql = Sql::new(
    "SELECT CAST(sum(pg_total_relation_size(c.oid)) AS BIGINT) FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relkind = 'r' AND (c.oid = CAST(quote_ident($1) AS regclass) OR i.inhparent = CAST(quote_ident($1) AS regclass))",
);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut given = std::env::args().skip(1);
    let writes: u64 = given.next().map_or(Ok(20_000), |text| text.parse())?;
    let bytes: usize = given.next().map_or(Ok(1_024), |text| text.parse())?;
    println!("bytes per row        {}", TABLES.map(|table| format!("{table:>16}")).concat());
    let folder = std::env::temp_dir().join(format!("gatepost-sizes-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let sqlite = measure("SQLite", &Location::Sqlite(folder.join("data.db")), (writes, bytes)).await;
    std::fs::remove_dir_all(&folder)?;
    sqlite?;
    let server = postgres::Postgres::start(&[]).ok_or("PostgreSQL is not installed")?;
    measure("PostgreSQL", &Location::Postgres(PostgresUrl::new(server.schema())), (writes, bytes)).await
}

async fn measure(name: &str, location: &Location, (writes, bytes): (u64, usize)) -> Result<(), Failure> {
    let options = StoreOptions { read_deadline: Duration::from_secs(600), ..StoreOptions::default() };
    let store = Store::open(location, options)?;
    store.migrate().await?;
    let random = Arc::new(SeededRandom::new(7));
    let now = SystemClock::default().now();
    store.create_days(now, now).await?;
    for first in (0..writes).step_by(usize::try_from(TOGETHER)?) {
        // A thousand writes a second, so that keys grow as they do.
        let (random, at) = (Arc::clone(&random), now.plus(Duration::from_millis(first)));
        let rows: Vec<Rows> = (first..(first + TOGETHER).min(writes))
            .map(|number| Rows::new((number, bytes), at, &random))
            .collect();
        let rows = Arc::new(rows);
        let made = Arc::clone(&rows);
        store.write(move |tx| made.iter().try_for_each(|row| row.make(tx))).await?;
        store.write(move |tx| rows.iter().try_for_each(|row| row.deliver(tx))).await?;
    }
    let rows = i64::try_from(writes)?;
    let mut line = format!("{name:<21}");
    for table in TABLES {
        let size: i64 = store
            .read(move |tx| {
                let sql = if tx.dialect() == Dialect::Sqlite { &SQLITE_SIZE } else { &POSTGRES_SIZE };
                tx.one(sql, params![table], |row| row.get(0))
            })
            .await?;
        line.push_str(&format!("{:>16}", size / rows));
    }
    println!("{line}");
    store.close().await;
    Ok(())
}

/// What one write comes to.
struct Rows {
    event: Event,
    delivery: String,
    refusal: Refusal,
    entry: Entry,
}

impl Rows {
    fn new((number, bytes): (u64, usize), at: Timestamp, random: &SeededRandom) -> Self {
        let body = format!(r#"{{"title":"{}"}}"#, ids::base62(bytes.saturating_sub(12), random));
        let workspace = i64::try_from(number).unwrap_or(0) % WORKSPACES + 1;
        let id = |prefix| ids::sortable(prefix, at, random);
        Self {
            event: Event {
                id: id(ids::EVENT),
                workspace: WorkspaceNumber(workspace),
                method: Method::new("task", gatepost_model::webhook::Verb::Edit),
                record_id: ids::record(at, random),
                record: body,
                caused_by: id(ids::CLIENT),
                at,
            },
            delivery: id(ids::DELIVERY),
            refusal: Refusal {
                id: id(ids::REQUEST),
                at,
                client: Some(ClientNumber(1)),
                workspace: Some(String::from("the-ceramic-school")),
                verb: String::from("GET"),
                path: String::from("/v1.11/tasks"),
                status: 400,
                refused_by: String::from("workspace"),
                detail: String::from("the client is not enabled for this workspace"),
                address: String::from("203.0.113.7"),
            },
            entry: Entry {
                id: id(ids::AUDIT),
                at,
                actor: id("user:usr_"),
                address: Some(String::from("203.0.113.7")),
                action: String::from("client.update"),
                subject_id: id(ids::CLIENT),
                before: Some(ids::base62(400, random)),
                after: Some(ids::base62(400, random)),
            },
        }
    }

    fn make(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let event = &self.event;
        records::insert(tx, event.workspace, "task", &event.record_id, &event.record)?;
        records::insert_event(tx, event)?;
        refusals::insert(tx, std::slice::from_ref(&self.refusal))?;
        audit::insert(tx, &self.entry)?;
        let delivery = NewDelivery {
            id: &self.delivery,
            event_id: &event.id,
            url_id: "whu_01jd3x5k2v0123456789abcdef",
            client: ClientNumber(1),
            workspace: event.workspace,
            method: &event.method,
            created_at: event.at,
            leased_until: Some(event.at.plus(LEASE)),
            replay_of: None,
        };
        deliveries::insert(tx, &delivery)
    }

    fn deliver(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let at = self.event.at;
        let progress = Progress {
            id: self.delivery.clone(),
            workspace: self.event.workspace,
            fence: FIRST_FENCE,
            state: DeliveryState::Delivered,
            reason: None,
            attempts: 1,
            due_at: at,
            ended_at: Some(at),
            attempt: Some(Attempt {
                delivery_id: self.delivery.clone(),
                number: 1,
                started_at: at,
                duration_us: 1_700,
                outcome: Outcome::Delivered,
                status: Some(200),
                error: None,
                address: Some(String::from("203.0.113.7:443")),
                request_headers: REQUEST_HEADERS.to_owned(),
                response_headers: Some(String::from(r#"{"content-length":"2"}"#)),
                reply: Some(String::from("ok")),
                client_revision: 1,
            }),
        };
        deliveries::record(tx, &progress).map(drop)
    }
}

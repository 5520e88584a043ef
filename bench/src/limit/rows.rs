//! The rows of a write, and of the record of its deliveries, with the product's own tables: 128 writes in a transaction,
//! no queue, no other caller.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::webhook::{Attempt, Event, Outcome};
use gatepost_model::{
    ClientNumber, Clock, DeliveryState, Method, SeededRandom, SystemClock, WorkspaceNumber, ids,
};
use gatepost_store::tables::deliveries::{self, FIRST_FENCE, NewDelivery, Progress};
use gatepost_store::tables::records;
use gatepost_store::{Location, Store, StoreError, StoreOptions, Tx};
use tokio::time::Instant;

use crate::limit::Errand;

const WRITES: usize = 128;
const ENTITY: &str = "task";
const CLIENT: ClientNumber = ClientNumber(1);
const LEASE: Duration = Duration::from_secs(60);
/// As long as those of a delivery are.
const REQUEST_HEADERS: &str = r#"{"content-type":"application/json","user-agent":"Gatepost/0.1.0","webhook-id":"evt_01jd3x5k2v0123456789abcdef","webhook-timestamp":"1790000000","webhook-signature":"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=","gatepost-method":"task.create","gatepost-workspace":"bench","gatepost-delivery":"dlv_01jd3x5k2v0123456789abcdef","gatepost-attempt":"1","gatepost-api-version":"1.11"}"#;

/// A database of its own, and what is put in.
pub(super) struct Rows {
    store: Store,
    clock: SystemClock,
    random: SeededRandom,
    method: Method,
    body: String,
    /// As many as a client may have in any row of the bench.
    url_ids: Arc<[String]>,
}

/// One write, with all that is made outside of the transaction.
struct Write {
    event: Event,
    delivery_ids: Vec<String>,
}

impl Rows {
    pub(super) async fn open(folder: &Path, body: &str) -> Result<Self, StoreError> {
        let location = Location::Sqlite(folder.join("limit.db"));
        let store = Store::open(&location, StoreOptions::default())?;
        store.migrate().await?;
        let (clock, random) = (SystemClock::default(), SeededRandom::new(11));
        let url_ids = (0..5).map(|_| ids::sortable(ids::WEBHOOK_URL, clock.now(), &random)).collect();
        let method = Method::new(ENTITY, gatepost_model::webhook::Verb::Create);
        Ok(Self { store, clock, random, method, body: body.to_owned(), url_ids })
    }

    /// Writes for a while, and tells how many writes there were.
    pub(super) async fn run(&self, errand: Errand) -> Result<u64, StoreError> {
        let end = Instant::now() + errand.time();
        let mut written = 0;
        while Instant::now() < end {
            let writes: Arc<[Write]> =
                (0..WRITES).map(|n| self.write(n % errand.workspaces, errand.urls)).collect();
            let (batch, url_ids) = (Arc::clone(&writes), Arc::clone(&self.url_ids));
            self.store.write(move |tx| batch.iter().try_for_each(|write| write.store(tx, &url_ids))).await?;
            if errand.recorded {
                let results: Vec<Progress> = writes.iter().flat_map(|write| self.delivered(write)).collect();
                self.store
                    .write(move |tx| {
                        results.iter().try_for_each(|result| deliveries::record(tx, result).map(drop))
                    })
                    .await?;
            }
            written += WRITES as u64;
        }
        Ok(written)
    }

    fn write(&self, workspace: usize, urls: usize) -> Write {
        let at = self.clock.now();
        let event = Event {
            id: ids::sortable(ids::EVENT, at, &self.random),
            workspace: WorkspaceNumber(i64::try_from(workspace).unwrap_or_default()),
            method: self.method.clone(),
            record_id: ids::record(at, &self.random),
            record: self.body.clone(),
            caused_by: String::from("cli_01jd3x5k2v0123456789abcdef"),
            at,
        };
        let delivery_ids = (0..urls).map(|_| ids::sortable(ids::DELIVERY, at, &self.random)).collect();
        Write { event, delivery_ids }
    }

    /// What is recorded of a write's deliveries when they were taken at the first try.
    fn delivered<'a>(&'a self, write: &'a Write) -> impl Iterator<Item = Progress> + 'a {
        write.delivery_ids.iter().map(|id| {
            let now = self.clock.now();
            let attempt = Attempt {
                delivery_id: id.clone(),
                number: 1,
                started_at: now,
                duration_us: 100,
                outcome: Outcome::Delivered,
                status: Some(200),
                error: None,
                address: Some(String::from("127.0.0.1:40000")),
                request_headers: String::from(REQUEST_HEADERS),
                response_headers: Some(String::from(r#"{"content-length":"2"}"#)),
                reply: Some(String::from("ok")),
                client_revision: 1,
            };
            Progress {
                id: id.clone(),
                workspace: write.event.workspace,
                fence: FIRST_FENCE,
                state: DeliveryState::Delivered,
                reason: None,
                attempts: 1,
                due_at: now,
                ended_at: Some(now),
                attempt: Some(attempt),
            }
        })
    }
}

impl Write {
    fn store(&self, tx: &Tx<'_>, url_ids: &[String]) -> Result<(), StoreError> {
        let event = &self.event;
        records::insert(tx, event.workspace, ENTITY, &event.record_id, &event.record)?;
        records::insert_event(tx, event)?;
        for (id, url_id) in self.delivery_ids.iter().zip(url_ids) {
            let delivery = NewDelivery {
                id,
                event_id: &event.id,
                url_id,
                client: CLIENT,
                workspace: event.workspace,
                method: &event.method,
                created_at: event.at,
                leased_until: Some(event.at.plus(LEASE)),
                replay_of: None,
            };
            deliveries::insert(tx, &delivery)?;
        }
        Ok(())
    }
}

//! A dispatcher on a store in a folder of its own, and its clocks.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_keys::WebhookKey;
use gatepost_model::retry::RetrySchedule;
use gatepost_model::webhook::{Attempt, Delivery, Event, PayloadShape};
use gatepost_model::{
    ApiVersion, ClientNumber, Clock, ManualClock, Method, Random, SeededRandom, SystemRandom, Timestamp,
    WorkspaceNumber,
};
use gatepost_store::handover::{Handed, Handover, handover};
use gatepost_store::tables::deliveries::{self, Claimed, FIRST_FENCE, NewDelivery};
use gatepost_store::tables::delivery_list::{self, Filter};
use gatepost_store::tables::{Page, records};
use gatepost_store::{Location, Store, StoreError, StoreOptions};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) use super::script::{Answer, Consents, Receivers};

use crate::dispatch::{Dispatcher, LEASE, Options, Parts, Recipient, Recipients};
use crate::transport::Transport;

pub(super) const CLIENT: ClientNumber = ClientNumber(7);
pub(super) const WORKSPACE: WorkspaceNumber = WorkspaceNumber(3);
pub(super) const START: Timestamp = Timestamp::from_seconds(1_773_275_894);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A clock that moves with tokio's, so that both notions of time are one.
pub(super) struct TokioClock(Instant);

impl TokioClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        START.plus(self.0.elapsed())
    }
}

pub(super) fn method() -> Method {
    "task.edit".parse().unwrap()
}

pub(super) fn key(seed: u64) -> WebhookKey {
    WebhookKey::parse(WebhookKey::generate(&SeededRandom::new(seed)).expose()).unwrap()
}

/// A recipient whose URL is named after its id.
pub(super) fn recipient(url_id: &str) -> Recipient {
    Recipient {
        url: format!("https://{url_id}.example/hook"),
        keys: vec![(key(1), None)],
        headers: http::HeaderMap::new(),
        workspace: String::from("acme"),
        api_version: ApiVersion::NEWEST,
        payload: PayloadShape::Record,
        client_revision: 4,
    }
}

/// All that a dispatcher needs. The folder goes away with it.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) receivers: Arc<Receivers>,
    pub(super) consents: Arc<Consents>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: Options,
    random: Arc<SeededRandom>,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    /// For `run`, under tokio's paused clock.
    pub(super) async fn paused() -> Self {
        Self::new(TokioClock::new(), StoreOptions::default()).await
    }

    /// For `tick`.
    pub(super) async fn manual() -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(START));
        (Self::new(Arc::clone(&clock) as Arc<dyn Clock>, StoreOptions::default()).await, clock)
    }

    pub(super) async fn new(clock: Arc<dyn Clock>, options: StoreOptions) -> Self {
        let folder = std::env::temp_dir().join(format!("gatepost-dispatch-{:016x}", SystemRandom.next_u64()));
        std::fs::create_dir(&folder).unwrap();
        let options =
            StoreOptions { hold_paused_clock: true, read_deadline: Duration::from_secs(60), ..options };
        let store = Store::open(&Location::Sqlite(folder.join("data.db")), options).unwrap();
        store.migrate().await.unwrap();
        Self {
            store,
            receivers: Arc::new(Receivers::new(Arc::clone(&clock))),
            consents: Arc::default(),
            clock,
            options: Options::default(),
            random: Arc::new(SeededRandom::new(42)),
            folder,
        }
    }

    pub(super) fn dispatcher(&self) -> Dispatcher {
        Dispatcher::new(Parts {
            store: self.store.clone(),
            transport: Arc::clone(&self.receivers) as Arc<dyn Transport>,
            recipients: Arc::clone(&self.consents) as Arc<dyn Recipients>,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random) as Arc<dyn Random>,
            options: self.options.clone(),
        })
    }

    /// Starts a dispatcher.
    pub(super) fn run(&self) -> Running {
        let (handover, handed) = handover(4096);
        self.run_with(handover, handed)
    }

    /// Starts a dispatcher to whom something may have been handed already.
    pub(super) fn run_with(&self, handover: Handover, handed: Handed) -> Running {
        let (stop, held) = (CancellationToken::new(), Arc::clone(&handed.held));
        let mut tasks = JoinSet::new();
        tasks.spawn(self.dispatcher().run(handed, stop.clone()));
        Running { handover, stop, tasks, held }
    }

    /// Stores deliveries of one event each, due now or leased from now on, under the ids `dlv_<name>` and `evt_<name>`.
    pub(super) async fn insert(&self, deliveries: &[(String, &str)], leased: bool) -> Vec<Claimed> {
        let now = self.clock.now();
        let made: Vec<_> = deliveries.iter().map(|(name, url_id)| claimed(name, url_id, now)).collect();
        let stored = made.clone();
        let leased_until = leased.then(|| now.plus(LEASE));
        self.store
            .write(move |tx| {
                for delivery in &stored {
                    records::insert_event(tx, &event(delivery))?;
                    deliveries::insert(tx, &NewDelivery { leased_until, ..new_delivery(delivery) })?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        made
    }

    /// Stores one delivery that is due now.
    pub(super) async fn due(&self, name: &str, url_id: &str) {
        self.insert(&[(name.to_owned(), url_id)], false).await;
    }

    pub(super) async fn delivery(&self, name: &str) -> Delivery {
        let id = format!("dlv_{name}");
        self.store.read(move |tx| deliveries::lookup(tx, &id)).await.unwrap().unwrap()
    }

    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let page = Page { before: None, limit: 100_000 };
        self.store.read(move |tx| delivery_list::list(tx, &Filter::default(), None, &page)).await.unwrap()
    }

    pub(super) async fn attempts(&self, name: &str) -> Vec<Attempt> {
        let id = format!("dlv_{name}");
        self.store.read(move |tx| deliveries::list_attempts(tx, WORKSPACE, &id)).await.unwrap()
    }
}

/// A dispatcher at work.
pub(super) struct Running {
    pub(super) handover: Handover,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    held: Arc<AtomicUsize>,
}

impl Running {
    /// Stops it and waits until it has recorded everything. Whatever happened, nothing may still count as in memory.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
        assert_eq!(self.held(), 0);
    }

    /// Ends it like a crash.
    pub(super) async fn crash(mut self) {
        self.tasks.shutdown().await;
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

fn claimed(name: &str, url_id: &str, now: Timestamp) -> Claimed {
    Claimed {
        id: format!("dlv_{name}"),
        event_id: format!("evt_{name}"),
        url_id: url_id.to_owned(),
        client: CLIENT,
        workspace: WORKSPACE,
        method: method(),
        attempts: 0,
        fence: FIRST_FENCE,
        record_id: String::from("rec"),
        record: format!(r#"{{"_id":"{name}"}}"#),
        caused_by: String::from("system"),
        event_at: now,
    }
}

fn event(delivery: &Claimed) -> Event {
    Event {
        id: delivery.event_id.clone(),
        workspace: delivery.workspace,
        method: delivery.method.clone(),
        record_id: delivery.record_id.clone(),
        record: delivery.record.clone(),
        caused_by: delivery.caused_by.clone(),
        at: delivery.event_at,
    }
}

pub(super) fn new_delivery(delivery: &Claimed) -> NewDelivery<'_> {
    NewDelivery {
        id: &delivery.id,
        event_id: &delivery.event_id,
        url_id: &delivery.url_id,
        client: delivery.client,
        workspace: delivery.workspace,
        method: &delivery.method,
        created_at: delivery.event_at,
        leased_until: None,
        replay_of: None,
    }
}

/// A schedule of these pauses.
pub(super) fn schedule(seconds: &[u64]) -> RetrySchedule {
    RetrySchedule::new(seconds.iter().copied().map(Duration::from_secs).collect())
}

/// Names made of `prefix` and a number, all for one URL.
pub(super) fn names<'a>(prefix: &str, count: usize, url_id: &'a str) -> Vec<(String, &'a str)> {
    (0..count).map(|number| (format!("{prefix}{number:05}"), url_id)).collect()
}

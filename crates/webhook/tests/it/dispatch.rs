//! A delivery from the writer's hand-over to its record, over a real socket.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gatepost_keys::WebhookKey;
use gatepost_model::webhook::{Attempt, Delivery, Event, Outcome, PayloadShape};
use gatepost_model::{
    ApiVersion, ClientNumber, Clock, DeliveryState, Method, Random, SeededRandom, SystemClock, SystemRandom,
    WorkspaceNumber,
};
use gatepost_store::handover::handover;
use gatepost_store::tables::deliveries::{self, Claimed, FIRST_FENCE, NewDelivery};
use gatepost_store::tables::records;
use gatepost_store::{Location, PostgresUrl, Store, StoreError, StoreOptions};
use gatepost_webhook::dispatch::{Consent, Dispatcher, LEASE, Options, Parts, Recipient, Recipients};
use gatepost_webhook::egress::Egress;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::postgres;
use crate::support::{OK, Receiver, Script, answer_all, config, plain_egress};

/// Everyone agrees, and everything goes to one URL.
struct OneUrl(Arc<Recipient>);

impl Recipients for OneUrl {
    fn consent<'a>(
        &'a self,
        _: ClientNumber,
        _: &'a str,
        _: WorkspaceNumber,
        _: &'a Method,
    ) -> BoxFuture<'a, Consent> {
        Box::pin(async { Consent::Given(Arc::clone(&self.0)) })
    }
}

fn key() -> WebhookKey {
    WebhookKey::parse(WebhookKey::generate(&SeededRandom::new(1)).expose()).unwrap()
}

struct World {
    store: Store,
    clock: Arc<SystemClock>,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("gatepost-webhook-{:016x}", SystemRandom.next_u64()));
        std::fs::create_dir(&folder).unwrap();
        let location = postgres::chosen()
            .map(|server| Location::Postgres(PostgresUrl::new(server.schema())))
            .unwrap_or_else(|| Location::Sqlite(folder.join("data.db")));
        let store = Store::open(&location, StoreOptions::default()).unwrap();
        store.migrate().await.unwrap();
        Self { store, clock: Arc::default(), folder }
    }

    fn dispatcher(&self, url: String, egress: Egress) -> Dispatcher {
        let recipient = Recipient {
            url,
            keys: vec![(key(), None)],
            headers: http::HeaderMap::new(),
            workspace: String::from("acme"),
            api_version: ApiVersion::NEWEST,
            payload: PayloadShape::Record,
            client_revision: 1,
        };
        Dispatcher::new(Parts {
            store: self.store.clone(),
            transport: Arc::new(egress),
            recipients: Arc::new(OneUrl(Arc::new(recipient))),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(2)),
            options: Options::default(),
        })
    }

    /// Stores a delivery as a write does that hands it over, or as one that cannot.
    async fn write(&self, name: &str, hands_over: bool) -> Claimed {
        let event = Event {
            id: format!("evt_{name}"),
            workspace: WorkspaceNumber(1),
            method: "task.create".parse().unwrap(),
            record_id: String::from("rec"),
            record: String::from(r#"{"_id":"rec","title":"Größe"}"#),
            caused_by: String::from("system"),
            at: self.clock.now(),
        };
        let claimed = Claimed {
            id: format!("dlv_{name}"),
            event_id: event.id.clone(),
            url_id: String::from("whu_a"),
            client: ClientNumber(1),
            workspace: event.workspace,
            method: event.method.clone(),
            attempts: 0,
            fence: FIRST_FENCE,
            record_id: event.record_id.clone(),
            record: event.record.clone(),
            caused_by: event.caused_by.clone(),
            event_at: event.at,
        };
        let given = claimed.clone();
        let written = self.store.write(move |tx| {
            records::insert_event(tx, &event)?;
            deliveries::insert(
                tx,
                &NewDelivery {
                    id: &claimed.id,
                    event_id: &event.id,
                    url_id: &claimed.url_id,
                    client: claimed.client,
                    workspace: event.workspace,
                    method: &event.method,
                    created_at: event.at,
                    leased_until: hands_over.then(|| event.at.plus(LEASE)),
                    replay_of: None,
                },
            )
        });
        assert_eq!(written.await, Ok::<_, StoreError>(()));
        given
    }

    async fn outcome(&self, name: &str) -> (Delivery, Vec<Attempt>) {
        let id = format!("dlv_{name}");
        let read = self.store.read(move |tx| {
            let delivery = deliveries::lookup(tx, &id)?.ok_or(StoreError::NotFound)?;
            let attempts = deliveries::list_attempts(tx, delivery.workspace, &id)?;
            Ok::<_, StoreError>((delivery, attempts))
        });
        read.await.unwrap()
    }
}

/// A receiver that takes everything, and what it took.
async fn taking() -> (Receiver, UnboundedReceiver<String>) {
    let (sender, taken) = unbounded_channel();
    let receiver = Receiver::start("127.0.0.1:0", move |stream, _| {
        let sender = sender.clone();
        answer_all(stream, OK.to_owned(), move |request| sender.send(request).unwrap())
    })
    .await;
    (receiver, taken)
}

#[tokio::test]
async fn a_fresh_delivery_is_sent_at_once_and_recorded() {
    let world = World::new().await;
    let (receiver, mut taken) = taking().await;
    let (handover, handed) = handover(100);
    let stop = CancellationToken::new();
    let dispatcher = world.dispatcher(receiver.url(), plain_egress(&["127.0.0.1"]));
    let mut tasks = JoinSet::new();
    tasks.spawn(dispatcher.run(handed, stop.clone()));
    for number in 0..50 {
        handover.give(vec![world.write(&number.to_string(), true).await]);
        let request = taken.recv().await.unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let start = format!("{name}: ");
            head.lines().find_map(|line| line.strip_prefix(&start)).unwrap()
        };
        assert_eq!(header("webhook-id"), format!("evt_{number}"));
        assert_eq!(body, r#"{"_id":"rec","title":"Größe"}"#);
        let timestamp = header("webhook-timestamp").parse().unwrap();
        assert!(key().verify(header("webhook-id"), timestamp, body.as_bytes(), header("webhook-signature")));
    }
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap();
    for number in 0..50 {
        let (delivery, attempts) = world.outcome(&number.to_string()).await;
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
        assert_eq!((attempts[0].status, attempts[0].reply.as_deref()), (Some(200), Some("ok")));
        assert_eq!(attempts[0].address, Some(receiver.address.to_string()));
        assert!(attempts[0].request_headers.contains("webhook-signature"));
    }
    assert!(receiver.accepted() <= 2, "connections are kept");
}

/// Tries one delivery and gives back what became of it.
async fn one_try(url: String, egress: Egress) -> (Delivery, Vec<Attempt>) {
    let world = World::new().await;
    world.write("a", false).await;
    assert_eq!(world.dispatcher(url, egress).tick().await, Ok(1));
    world.outcome("a").await
}

#[tokio::test]
async fn a_refused_connection_and_a_forbidden_target_are_logged_and_tried_again() {
    // A port that was free a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = one_try(format!("http://{closed}/"), plain_egress(&["127.0.0.1"])).await;
    let blocked = Egress::new(config(&[], Script::new(&[]))).unwrap();
    let blocked = one_try(String::from("https://169.254.169.254/latest"), blocked).await;
    for ((delivery, attempts), outcome) in [(refused, Outcome::Connect), (blocked, Outcome::Blocked)] {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Pending, 1));
        assert_eq!((attempts.len(), attempts[0].outcome, attempts[0].status), (1, outcome, None));
        assert!(attempts[0].error.as_deref().is_some_and(|error| !error.is_empty()));
        assert!(delivery.due_at.since(delivery.created_at).as_secs() >= 300);
    }
}

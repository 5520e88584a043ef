//! Two adjacent releases beside each other on one database, as they are while nodes are replaced one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_model::webhook::Event;
use gatepost_model::{ClientNumber, DeliveryState, Method, SeededRandom, Timestamp, WorkspaceNumber, ids};
use gatepost_store::migrations::{MIGRATIONS, Migration};
use gatepost_store::tables::deliveries::{self, NewDelivery, Progress};
use gatepost_store::tables::records;
use gatepost_store::{Sql, Store, StoreError, StoreOptions, params};

use crate::support::Place;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WORKSPACE: WorkspaceNumber = WorkspaceNumber(1);

/// What a next release may add: columns that rows of this one can do without, a table, an index.
const NEXT: &str = "ALTER TABLE event ADD COLUMN note TEXT;
    ALTER TABLE delivery ADD COLUMN urgency {int} NOT NULL DEFAULT 0;
    CREATE TABLE more (id {int} NOT NULL PRIMARY KEY) {table};
    CREATE INDEX delivery_by_urgency ON delivery (urgency) WHERE state = 0;";

static NOTE: Sql = Sql::new("UPDATE event SET note = $2 WHERE workspace_number = 1 AND id = $1");
static HURRY: Sql = Sql::new("UPDATE delivery SET urgency = 5 WHERE workspace_number = 1 AND id = $1");
static URGENT: Sql = Sql::new(
    "SELECT count(*) FROM delivery d JOIN event e ON e.id = d.event_id WHERE d.urgency = 5 AND e.note IS NOT NULL",
);

fn next_release() -> &'static [Migration] {
    let number = u32::try_from(MIGRATIONS.len()).unwrap() + 1;
    let next = Migration { number, name: "next", text: NEXT };
    MIGRATIONS.iter().copied().chain([next]).collect::<Vec<_>>().leak()
}

/// Writes an event with its delivery, claims it and records that it was delivered.
async fn send(store: &Store, number: u64) -> Result<String, StoreError> {
    let method: Method = "task.edit".parse().unwrap();
    let random = SeededRandom::new(number);
    let event = Event {
        id: ids::sortable(ids::EVENT, NOW, &random),
        workspace: WORKSPACE,
        method: method.clone(),
        record_id: String::from("r"),
        record: String::from("{}"),
        caused_by: String::from("cli_1"),
        at: NOW,
    };
    let id = ids::sortable(ids::DELIVERY, NOW, &random);
    let written = id.clone();
    store
        .write(move |tx| {
            records::insert_event(tx, &event)?;
            deliveries::insert(
                tx,
                &NewDelivery {
                    id: &written,
                    event_id: &event.id,
                    url_id: "whu_1",
                    client: ClientNumber(1),
                    workspace: WORKSPACE,
                    method: &method,
                    created_at: NOW,
                    leased_until: Some(NOW.plus(DAY)),
                    replay_of: None,
                },
            )
        })
        .await?;
    let progress = Progress {
        id: id.clone(),
        workspace: WORKSPACE,
        fence: deliveries::FIRST_FENCE,
        state: DeliveryState::Delivered,
        reason: None,
        attempts: 1,
        due_at: NOW,
        ended_at: Some(NOW),
        attempt: None,
    };
    let held = store.write(move |tx| deliveries::record(tx, &progress)).await?;
    assert!(held);
    Ok(id)
}

async fn event_of(store: &Store, delivery: &str) -> String {
    let id = delivery.to_owned();
    let found = store.read(move |tx| {
        let delivery = deliveries::lookup(tx, &id)?.ok_or(StoreError::NotFound)?;
        records::lookup_event(tx, WORKSPACE, &delivery.event_id)?.ok_or(StoreError::NotFound)
    });
    found.await.unwrap().id
}

#[tokio::test]
async fn nodes_of_two_adjacent_releases_share_a_database() {
    let Some(place) = Place::postgres() else { return };
    let old = place.open(StoreOptions::default());
    old.migrate().await.unwrap();
    old.create_days(NOW, NOW).await.unwrap();

    // The old release works on while the next one changes the tables, and nothing of it fails.
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (working, until, count) = (old.clone(), Arc::clone(&stop), Arc::clone(&sent));
    let work = tokio::runtime::Handle::current().spawn(async move {
        for number in 0.. {
            send(&working, number).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            if until.load(Ordering::Relaxed) {
                return;
            }
        }
    });
    let new = place.open(StoreOptions { migrations: next_release(), ..StoreOptions::default() });
    assert_eq!(new.migrate().await.unwrap().applied.len(), 1);
    let before = sent.load(Ordering::Relaxed);
    while sent.load(Ordering::Relaxed) < before + 20 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    work.await.unwrap();

    // Each reads and changes what the other wrote, in the form that each knows.
    let of_old = send(&old, 1_000_000).await.unwrap();
    let of_new = send(&new, 1_000_001).await.unwrap();
    for delivery in [&of_old, &of_new] {
        let event = event_of(&new, delivery).await;
        assert_eq!(event_of(&old, delivery).await, event);
        let delivery = delivery.clone();
        let changed = new.write(move |tx| {
            tx.exec(&HURRY, params![&delivery])?;
            tx.exec(&NOTE, params![&event, "noted"])
        });
        assert_eq!(changed.await, Ok(1));
    }
    let urgent = new.read(|tx| tx.one(&URGENT, params![], |row| row.get::<i64>(0))).await;
    assert_eq!(urgent, Ok(2));

    // Days that the old release makes have what the next one added.
    assert!(old.create_days(NOW, NOW.plus(10 * DAY)).await.unwrap() > 0);
    // The old release cannot start any more once its nodes are being replaced, and says which can.
    let refused = place.open(StoreOptions::default()).migrate().await;
    assert!(matches!(refused, Err(StoreError::Migration(reason)) if reason.contains("a newer one")));
}

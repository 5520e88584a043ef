//! The order of events: whoever follows it misses none, whoever commits first (docs/adr/0009-event-feed.md).

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use gatepost_model::webhook::Event;
use gatepost_model::{Timestamp, WorkspaceNumber, ids};
use gatepost_store::migrations::MIGRATIONS;
use gatepost_store::tables::event_feed::{self, Place as FeedPlace};
use gatepost_store::tables::records;
use gatepost_store::{Store, StoreError, StoreOptions, Tx};

use crate::support::{Place, on_both_engines};

on_both_engines!(
    a_workspace_is_read_in_order_from_any_place,
    a_write_that_takes_long_is_not_overtaken,
    events_that_were_there_before_the_order_are_followed_by_id,
);

const NOON: Timestamp = Timestamp::from_seconds(1_795_521_600);
const WORKSPACE: WorkspaceNumber = WorkspaceNumber(1);

/// The id of an event that was made so many seconds after noon.
fn id(seconds: u64) -> String {
    ids::sortable_floor(ids::EVENT, NOON.plus(Duration::from_secs(seconds)))
}

fn insert(tx: &Tx<'_>, workspace: WorkspaceNumber, seconds: u64) -> Result<(), StoreError> {
    let event = Event {
        id: id(seconds),
        workspace,
        method: "task.create".parse().map_err(|_| StoreError::NotFound)?,
        record_id: String::from("record"),
        record: String::from("{}"),
        caused_by: String::from("test"),
        at: NOON.plus(Duration::from_secs(seconds)),
    };
    records::insert_event(tx, &event)
}

/// The ids after an event, or all.
async fn read(store: &Store, after: Option<String>, limit: u32) -> Vec<String> {
    let read = move |tx: &Tx<'_>| {
        let place = match &after {
            Some(id) => FeedPlace::after(tx, WORKSPACE, id)?.ok_or(StoreError::NotFound)?,
            None => FeedPlace::since(Timestamp(0)),
        };
        event_feed::list(tx, WORKSPACE, &place, limit)
    };
    store.read(read).await.unwrap().into_iter().map(|event| event.id).collect()
}

/// The ids after an event, or all, once there are so many: another test's transaction on the same server may still be older.
async fn read_all(store: &Store, after: Option<String>, number: usize) -> Vec<String> {
    loop {
        let read = read(store, after.clone(), 100).await;
        if read.len() >= number {
            return read;
        }
        tokio::task::yield_now().await;
    }
}

async fn a_workspace_is_read_in_order_from_any_place(place: Place) {
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    for seconds in 0..5 {
        store.write(move |tx| insert(tx, WORKSPACE, seconds)).await.unwrap();
        store.write(move |tx| insert(tx, WorkspaceNumber(2), seconds + 100)).await.unwrap();
    }
    assert_eq!(read_all(&store, None, 5).await, [0, 1, 2, 3, 4].map(id));
    assert_eq!(read(&store, None, 2).await, [0, 1].map(id));
    assert_eq!(read(&store, Some(id(1)), 2).await, [2, 3].map(id));
    assert!(read(&store, Some(id(4)), 2).await.is_empty());
    let since = NOON.plus(Duration::from_secs(3));
    let listed = store.read(move |tx| event_feed::list(tx, WORKSPACE, &FeedPlace::since(since), 100)).await;
    assert_eq!(listed.unwrap().len(), 2);
    let foreign = store.read(|tx| FeedPlace::after(tx, WORKSPACE, &id(100))).await;
    assert_eq!(foreign.unwrap(), None, "an event of another workspace is no place in this one");
    assert_eq!(store.read(event_feed::latest_id).await.unwrap(), Some(id(104)));
}

async fn a_write_that_takes_long_is_not_overtaken(place: Place) {
    let (slow, store) = match &place {
        // One writer: what comes later waits.
        Place::Sqlite(_) => {
            let store = place.open(StoreOptions::default());
            (store.clone(), store)
        }
        Place::Postgres(_) => (place.open(StoreOptions::default()), place.open(StoreOptions::default())),
    };
    store.migrate().await.unwrap();
    store.write(|tx| insert(tx, WORKSPACE, 0)).await.unwrap();
    let (pull, pulled) = mpsc::channel::<()>();
    let pulled = Mutex::new(pulled);
    let (stuck, mut is_stuck) = tokio::sync::mpsc::unbounded_channel();
    let first = tokio::runtime::Handle::current().spawn(async move {
        slow.write(move |tx| {
            insert(tx, WORKSPACE, 2)?;
            // A read sends what was to be sent later.
            event_feed::latest_id(tx)?;
            let _ = stuck.send(());
            let _ = pulled.lock().map(|pulled| pulled.recv());
            Ok::<_, StoreError>(())
        })
        .await
    });
    is_stuck.recv().await.unwrap();
    let second = {
        let store = store.clone();
        let later = tokio::runtime::Handle::current()
            .spawn(async move { store.write(|tx| insert(tx, WORKSPACE, 1)).await });
        match &place {
            Place::Sqlite(_) => Some(later),
            Place::Postgres(_) => {
                later.await.unwrap().unwrap();
                None
            }
        }
    };
    assert_eq!(read_all(&store, None, 1).await, [id(0)], "what is there may still be overtaken");
    assert!(read(&store, Some(id(0)), 100).await.is_empty());
    drop(pull);
    first.await.unwrap().unwrap();
    if let Some(second) = second {
        second.await.unwrap().unwrap();
    }
    let mut rest = read_all(&store, Some(id(0)), 2).await;
    let is_by_commit = matches!(place, Place::Postgres(_));
    assert_eq!(rest.first() == Some(&id(2)), is_by_commit, "who began first comes first");
    let last = rest.pop().unwrap();
    assert!(read(&store, Some(last), 100).await.is_empty());
    rest.sort();
    assert_eq!(rest.len(), 1);
}

async fn events_that_were_there_before_the_order_are_followed_by_id(place: Place) {
    let this = MIGRATIONS.iter().position(|migration| migration.name == "event feed").unwrap();
    let (before, _) = MIGRATIONS.split_at(this);
    let old = place.open(StoreOptions { migrations: before, ..StoreOptions::default() });
    old.migrate().await.unwrap();
    old.write(|tx| {
        insert(tx, WORKSPACE, 1)?;
        insert(tx, WORKSPACE, 0)
    })
    .await
    .unwrap();
    old.close().await;
    let store = place.open(StoreOptions::default());
    store.migrate().await.unwrap();
    store.write(|tx| insert(tx, WORKSPACE, 2)).await.unwrap();
    assert_eq!(read_all(&store, None, 3).await, [0, 1, 2].map(id));
    assert_eq!(read(&store, Some(id(0)), 100).await, [1, 2].map(id));
    assert_eq!(read(&store, Some(id(1)), 100).await, [id(2)]);
}

//! Several nodes on one PostgreSQL.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_store::migrations::Migration;
use gatepost_store::tables::deliveries;
use gatepost_store::{Change, Store, StoreError, StoreOptions, params};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::deliveries::insert_due;
use crate::postgres::Postgres;
use crate::support::{GET, MIGRATIONS, PUT, Place, get, put};

/// Longer than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn subscribe(store: &Store) -> UnboundedReceiver<Change> {
    let (tell, told) = unbounded_channel();
    store.subscribe(move |changes| changes.iter().cloned().for_each(|change| drop(tell.send(change))));
    told
}

async fn announce(store: &Store, id: String) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            tx.announce(Change::WebhookUrl(id.clone()));
            Ok(())
        })
        .await
}

/// Waits until this was told.
async fn hear(told: &mut UnboundedReceiver<Change>, id: &str) {
    let expected = Change::WebhookUrl(id.to_owned());
    let heard = async { while told.recv().await.unwrap() != expected {} };
    timeout(PATIENCE, heard).await.unwrap();
}

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let Some(place) = Place::postgres() else { return };
    let mut starting = JoinSet::new();
    for _ in 0..5 {
        let store = place.open(StoreOptions { migrations: MIGRATIONS, ..StoreOptions::default() });
        starting.spawn(async move { store.migrate().await.unwrap().applied.len() });
    }
    assert_eq!(starting.join_all().await.into_iter().sum::<usize>(), MIGRATIONS.len());
}

#[tokio::test]
async fn a_node_goes_on_while_the_next_release_changes_the_tables() {
    const NEXT: [Migration; 2] = [
        MIGRATIONS[0],
        Migration {
            number: 2,
            name: "more",
            text: "ALTER TABLE pair ADD COLUMN note TEXT; CREATE TABLE more (id {int} NOT NULL PRIMARY KEY) {table};",
        },
    ];
    let Some(place) = Place::postgres() else { return };
    let old = place.store(StoreOptions::default()).await;
    put(&old, "a", 1).await.unwrap();
    assert_eq!(get(&old, "a").await, Some(1));
    let new = place.open(StoreOptions { migrations: &NEXT, ..StoreOptions::default() });
    assert_eq!(new.migrate().await.unwrap().current, 2);
    for (number, name) in (2..).zip(["b", "c", "d", "e"]) {
        put(&old, name, number).await.unwrap();
        assert_eq!((get(&old, name).await, get(&new, name).await), (Some(number), Some(number)));
    }
}

#[tokio::test]
async fn a_change_on_one_node_is_told_on_the_other_within_a_second() {
    let Some(place) = Place::postgres() else { return };
    let here = place.store(StoreOptions::default()).await;
    let there = place.store(StoreOptions::default()).await;
    let mut told = subscribe(&there);
    for number in 0..20 {
        let id = format!("whu_{number}");
        announce(&here, id.clone()).await.unwrap();
        let answered = Instant::now();
        hear(&mut told, &id).await;
        assert!(answered.elapsed() < Duration::from_secs(1), "{:?}", answered.elapsed());
    }
    assert!(there.feed_lag().unwrap() < Duration::from_secs(1), "{:?}", there.feed_lag());
}

#[tokio::test]
async fn no_change_is_missed_however_many_nodes_announce_at_once() {
    let Some(place) = Place::postgres() else { return };
    let listener = place.store(StoreOptions::default()).await;
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let (tell, mut last) = unbounded_channel();
    let telling = Arc::clone(&told);
    listener.subscribe(move |changes| {
        telling.lock().unwrap().extend(changes.iter().map(|change| format!("{change:?}")));
        tell.send(()).unwrap_or_default();
    });
    let mut announcing = JoinSet::new();
    for node in 0..3 {
        let store = place.store(StoreOptions::default()).await;
        for caller in 0..4 {
            let store = store.clone();
            announcing.spawn(async move {
                for number in 0..30 {
                    announce(&store, format!("{node}/{caller}/{number}")).await.unwrap();
                }
            });
        }
    }
    announcing.join_all().await;
    let complete = async {
        while told.lock().unwrap().len() < 3 * 4 * 30 {
            last.recv().await.unwrap();
        }
    };
    timeout(PATIENCE, complete).await.unwrap();
}

#[tokio::test]
async fn the_feed_goes_on_after_the_server_was_away_and_says_how_far_it_is_behind() {
    let Some(server) = Postgres::start(&[]) else { return };
    let place = Place::Postgres(gatepost_store::PostgresUrl::new(server.schema()));
    let here = place.store(StoreOptions::default()).await;
    let there = place.store(StoreOptions::default()).await;
    let mut told = subscribe(&there);
    announce(&here, String::from("before")).await.unwrap();
    hear(&mut told, "before").await;
    for mode in ["fast", "immediate"] {
        server.stop(mode);
        let behind = async {
            while there.feed_lag().unwrap() < Duration::from_millis(600) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, behind).await.unwrap();
        assert!(matches!(announce(&here, String::from("lost")).await, Err(error) if error.is_transient()));
        server.run();
        let back = async {
            while announce(&here, format!("after {mode}")).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, back).await.unwrap();
        hear(&mut told, &format!("after {mode}")).await;
        let caught_up = async {
            while there.feed_lag().unwrap() > Duration::from_millis(500) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, caught_up).await.unwrap();
    }
}

#[tokio::test]
async fn two_claimers_never_share_a_delivery() {
    const DELIVERIES: usize = 300;
    let Some(place) = Place::postgres() else { return };
    let stores = [place.open(StoreOptions::default()), place.open(StoreOptions::default())];
    stores[0].migrate().await.unwrap();
    stores[0].write(|tx| insert_due(tx, DELIVERIES)).await.unwrap();
    let mut claiming = JoinSet::new();
    for claimer in 0..4 {
        let store = stores[claimer % 2].clone();
        claiming.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let page = store
                    .write(|tx| deliveries::claim(tx, Timestamp(1_000), Timestamp(9_000_000), 7))
                    .await
                    .unwrap();
                assert!(page.len() <= 7);
                if page.is_empty() {
                    return claimed;
                }
                claimed.extend(page.into_iter().map(|delivery| delivery.id));
            }
        });
    }
    let claimed = claiming.join_all().await.concat();
    assert_eq!((claimed.len(), BTreeSet::from_iter(claimed).len()), (DELIVERIES, DELIVERIES));
}

#[tokio::test]
async fn what_one_node_was_answered_the_other_reads() {
    let Some(place) = Place::postgres() else { return };
    let here = place.store(StoreOptions::default()).await;
    let there = place.store(StoreOptions::default()).await;
    for number in 0..50 {
        let name = format!("n{number}");
        let (written, looked_up) = (name.clone(), name);
        here.write(move |tx| tx.exec_later(&PUT, params![&written, number])).await.unwrap();
        let found =
            there.read_point(move |tx| tx.opt(&GET, params![&looked_up], |row| row.get::<i64>(0))).await;
        assert_eq!(found, Ok(Some(number)));
    }
}

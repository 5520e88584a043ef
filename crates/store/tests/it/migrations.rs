//! Bringing tables up to date.

use gatepost_store::migrations::{Migration, MigrationState};
use gatepost_store::{Sql, Store, StoreError, StoreOptions, params};

use crate::support::{Place, on_both_engines};

const FIRST: Migration = Migration {
    number: 1,
    name: "first",
    text: "CREATE TABLE first (id {int} NOT NULL PRIMARY KEY) {table};
           -- @postgres
           DO $$ BEGIN END $$;
           -- @sqlite
           PRAGMA user_version = 1;
           -- @both
           INSERT INTO first (id) VALUES (1);",
};
const SECOND: Migration = Migration {
    number: 2,
    name: "second",
    text: "INSERT INTO first (id) VALUES (2); CREATE TABLE second (id {int} NOT NULL PRIMARY KEY) {table};",
};
const SECOND_FAILS: Migration =
    Migration { text: "INSERT INTO first (id) VALUES (2); INSERT INTO nowhere (id) VALUES (1);", ..SECOND };
const SECOND_CHANGED: Migration = Migration { text: "SELECT 1;", ..SECOND };
const THIRD: Migration = Migration { number: 3, name: "third", text: "DROP TABLE second;" };

static COUNT: Sql = Sql::new("SELECT count(*) FROM first");

fn open(place: &Place, migrations: &'static [Migration]) -> Store {
    place.open(StoreOptions { migrations, ..StoreOptions::default() })
}

async fn states(store: &Store) -> Vec<MigrationState> {
    store.migration_status().await.unwrap().into_iter().map(|status| status.state).collect()
}

async fn refusal(store: &Store) -> String {
    match store.migrate().await {
        Err(StoreError::Migration(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

on_both_engines!(
    migrations_run_once_each_and_in_order,
    a_migration_that_fails_leaves_nothing_behind,
    another_history_is_refused_and_explained,
    a_gap_is_refused,
);

async fn migrations_run_once_each_and_in_order(place: Place) {
    use MigrationState::{Applied, Pending};
    let store = open(&place, &[FIRST, SECOND]);
    assert_eq!(states(&store).await, [Pending, Pending]);
    let report = store.migrate().await.unwrap();
    assert_eq!((report.applied.len(), report.current), (2, 2));
    assert_eq!(states(&store).await, [Applied, Applied]);
    let report = store.migrate().await.unwrap();
    assert_eq!((report.applied.len(), report.current), (0, 2));
    let count: i64 = store.read(|tx| tx.one(&COUNT, params![], |row| row.get(0))).await.unwrap();
    assert_eq!(count, 2);
    store.close().await;
    let store = open(&place, &[FIRST, SECOND, THIRD]);
    assert_eq!(states(&store).await, [Applied, Applied, Pending]);
    assert_eq!(store.migrate().await.unwrap().applied[0].name, "third");
}

async fn a_migration_that_fails_leaves_nothing_behind(place: Place) {
    let store = open(&place, &[FIRST, SECOND_FAILS]);
    let reason = refusal(&store).await;
    assert!(reason.contains("2 \"second\"") && reason.contains("nowhere"), "{reason}");
    let count: i64 = store.read(|tx| tx.one(&COUNT, params![], |row| row.get(0))).await.unwrap();
    assert_eq!(count, 1);
    store.close().await;
    let report = open(&place, &[FIRST, SECOND]).migrate().await.unwrap();
    assert_eq!((report.applied.len(), report.current), (1, 2));
}

async fn another_history_is_refused_and_explained(place: Place) {
    use MigrationState::{Applied, Changed, Unknown};
    open(&place, &[FIRST, SECOND]).migrate().await.unwrap();
    let changed = open(&place, &[FIRST, SECOND_CHANGED]);
    assert_eq!(states(&changed).await, [Applied, Changed]);
    assert!(refusal(&changed).await.contains("with another text"));
    let older = open(&place, &[FIRST]);
    assert_eq!(states(&older).await, [Applied, Unknown]);
    assert!(refusal(&older).await.contains("a newer one"));
}

async fn a_gap_is_refused(place: Place) {
    assert!(refusal(&open(&place, &[FIRST, THIRD])).await.contains("has number 3, not 2"));
}

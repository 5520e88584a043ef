//! The write-ahead log stays small.

use std::time::Duration;

use gatepost_store::{Sql, Store, StoreError, StoreOptions, params};

use crate::support::{Folder, PUT_DOCUMENT};

static SLOW: Sql = Sql::new(
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200000)
     SELECT count(*) FROM n, (SELECT count(*) FROM document)",
);

/// Writes pages one group after the other; returns the largest log seen, in pages.
async fn write(store: &Store, ids: std::ops::Range<i64>) -> u64 {
    let mut largest = 0;
    for id in ids {
        let body = format!("\"{}\"", "x".repeat(40_000));
        store.write(move |tx| tx.exec(&PUT_DOCUMENT, params![id, &body])).await.unwrap();
        largest = largest.max(store.metrics().wal_pages);
    }
    largest
}

#[tokio::test]
async fn the_log_starts_anew_after_checkpoints() {
    let folder = Folder::new();
    let options = StoreOptions { checkpoint_pages: 100, wal_cap_pages: 400, ..StoreOptions::default() };
    let store = folder.store(options).await;
    let largest = write(&store, 0..150).await;
    let metrics = store.metrics();
    assert!(largest < 150, "{largest}");
    assert!(metrics.checkpoints >= 10, "{metrics:?}");
    assert_eq!(metrics.truncations, 0);
    assert!(metrics.checkpoint_time >= metrics.longest_checkpoint);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_under_its_cap_though_it_is_always_read() {
    let folder = Folder::new();
    let options = StoreOptions {
        checkpoint_pages: 100,
        wal_cap_pages: 400,
        readers: 2,
        read_deadline: Duration::from_secs(10),
        ..StoreOptions::default()
    };
    let store = folder.store(options).await;
    let reading: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::runtime::Handle::current().spawn(async move {
                loop {
                    let read = store.read(|tx| tx.one(&SLOW, params![], |row| row.get::<i64>(0))).await;
                    if read == Err(StoreError::Closed) {
                        return;
                    }
                    read.unwrap();
                }
            })
        })
        .collect();
    let largest = write(&store, 0..200).await;
    let metrics = store.metrics();
    let file = std::fs::metadata(folder.file("data.db-wal")).unwrap().len();
    store.close().await;
    for reader in reading {
        reader.await.unwrap();
    }
    assert!(metrics.truncations > 0, "{metrics:?}");
    assert!(largest < 550 && file < 550 * 4_200, "{largest} pages, {file} bytes");
}

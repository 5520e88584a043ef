//! Full disks, failed commits, panics, closed stores.

use std::time::Duration;

use gatepost_store::{Sql, Store, StoreError, StoreOptions, params};
use tokio::task::JoinSet;

use crate::support::{
    DOCUMENTS, Folder, GET, PUT, PUT_DOCUMENT, Place, Plug, get, on_both_engines, put, settle,
};

static ORPHAN: Sql = Sql::new("INSERT INTO child (pair) VALUES ($1)");
static DROP_DOCUMENTS: Sql = Sql::new("DELETE FROM document");

async fn documents(store: &Store) -> usize {
    let count: i64 = store.read(|tx| tx.one(&DOCUMENTS, params![], |row| row.get(0))).await.unwrap();
    usize::try_from(count).unwrap()
}

/// Writes documents of 20 KiB, together, and returns how many were accepted.
async fn fill(store: &Store, ids: std::ops::Range<i64>) -> usize {
    let plug = Plug::new(store).await;
    let mut writes = JoinSet::new();
    for id in ids {
        let store = store.clone();
        writes.spawn(async move {
            let body = format!("\"{}\"", "x".repeat(20_000));
            store.write(move |tx| tx.exec(&PUT_DOCUMENT, params![id, &body])).await
        });
    }
    settle().await;
    plug.pull().await.unwrap();
    let answers = writes.join_all().await;
    for answer in &answers {
        assert!(matches!(answer, Ok(1) | Err(StoreError::Full)), "{answer:?}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test]
async fn a_full_database_refuses_what_does_not_fit_and_goes_on() {
    let folder = Folder::new();
    let options =
        StoreOptions { max_pages: Some(120), group_time: Duration::from_secs(60), ..StoreOptions::default() };
    let store = folder.store(options).await;
    let accepted = fill(&store, 0..60).await;
    assert!((1..60).contains(&accepted), "{accepted}");
    assert_eq!(documents(&store).await, accepted);
    // The transaction was lost with the first that did not fit, so each was tried in one of its own.
    assert_eq!(store.metrics().reruns, 1);
    assert_eq!(fill(&store, 100..110).await, 0);
    assert_eq!(documents(&store).await, accepted);
    store.write(|tx| tx.exec(&DROP_DOCUMENTS, params![])).await.unwrap();
    assert_eq!(fill(&store, 200..210).await, 10);
    assert_eq!(documents(&store).await, 10);
}

#[tokio::test]
async fn an_ignored_failure_that_ended_the_transaction_is_still_a_failure() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions { max_pages: Some(120), ..StoreOptions::default() }).await;
    let answer = store
        .write(|tx| {
            tx.exec(&PUT, params!["before", 1])?;
            let body = "x".repeat(2_000_000);
            let _ = tx.exec(&PUT_DOCUMENT, params![1, &body]);
            let _ = tx.exec(&PUT, params!["after", 1]);
            Ok::<_, StoreError>(())
        })
        .await;
    let kept = (get(&store, "before").await, get(&store, "after").await);
    match answer {
        Ok(()) => assert_eq!(kept, (Some(1), Some(1))),
        Err(_) => assert_eq!(kept, (None, None)),
    }
}

#[tokio::test]
async fn a_failed_commit_is_everybodys_failure_and_the_writer_goes_on() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    let plug = Plug::new(&store).await;
    let mut writes = JoinSet::new();
    for number in 0..10 {
        let store = store.clone();
        writes.spawn(async move { put(&store, number.to_string(), number).await });
    }
    writes.spawn({
        let store = store.clone();
        // A deferred rule is looked at by COMMIT only.
        async move { store.write(|tx| tx.exec(&ORPHAN, params!["nobody"])).await }
    });
    settle().await;
    assert_eq!(plug.pull().await, Err(StoreError::ForeignKey));
    let answers = writes.join_all().await;
    assert!(answers.iter().all(|answer| *answer == Err(StoreError::ForeignKey)), "{answers:?}");
    assert_eq!(store.metrics().failed_commits, 1);
    put(&store, "later", 1).await.unwrap();
    assert_eq!(get(&store, "later").await, Some(1));
    assert_eq!(get(&store, "3").await, None);
}

on_both_engines!(a_panic_is_its_callers_error_and_nobody_elses,);

async fn a_panic_is_its_callers_error_and_nobody_elses(place: Place) {
    let store = place.store(StoreOptions::default()).await;
    let panic = |store: Store| async move {
        let answer: Result<(), StoreError> = store.write(|_| std::panic::resume_unwind(Box::new(()))).await;
        answer
    };
    assert_eq!(panic(store.clone()).await, Err(StoreError::Panicked));
    let read: Result<(), StoreError> = store.read(|_| std::panic::resume_unwind(Box::new(()))).await;
    assert_eq!(read, Err(StoreError::Panicked));
    let point: Result<(), StoreError> = store.read_point(|_| std::panic::resume_unwind(Box::new(()))).await;
    assert_eq!(point, Err(StoreError::Panicked));
    put(&store, "a", 1).await.unwrap();
    assert_eq!(get(&store, "a").await, Some(1));
}

#[tokio::test]
async fn errors_say_what_broke_and_never_which_value() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    put(&store, "s3cret", 1).await.unwrap();
    let unique = put(&store, "s3cret", 2).await.unwrap_err();
    assert_eq!(unique, StoreError::Unique { constraint: String::from("pair.name") });
    let null = store.write(|tx| tx.exec(&PUT, params!["s3cret2", None::<i64>])).await.unwrap_err();
    assert_eq!(null, StoreError::Constraint(String::from("NOT NULL constraint failed: pair.value")));
    let kind = store.write(|tx| tx.exec(&PUT, params!["s3cret3", "s3cret4"])).await.unwrap_err();
    let arity = store.write(|tx| tx.exec(&PUT, params!["s3cret5"])).await.unwrap_err();
    assert!(matches!(arity, StoreError::Arity { expected: 2, given: 1, .. }));
    static PATH: Sql = Sql::new("SELECT json_extract('{}', $1)");
    let path =
        store.read(|tx| tx.one(&PATH, params!["s3cret6"], |row| row.get::<String>(0))).await.unwrap_err();
    for error in [unique, null, kind, arity, path] {
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_closed_store_does_what_was_queued_and_refuses_the_rest() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    let plug = Plug::new(&store).await;
    let queued = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move { put(&store, "queued", 1).await }
    });
    settle().await;
    let closing = tokio::runtime::Handle::current().spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    settle().await;
    plug.pull().await.unwrap();
    closing.await.unwrap();
    assert_eq!(queued.await.unwrap(), Ok(1));
    assert_eq!(put(&store, "late", 1).await, Err(StoreError::Closed));
    let read = |tx: &gatepost_store::Tx<'_>| tx.opt(&GET, params!["queued"], |row| row.get::<i64>(0));
    assert_eq!(store.read(read).await, Err(StoreError::Closed));
    assert_eq!(store.read_point(read).await, Err(StoreError::Closed));
    assert!(matches!(store.migrate().await, Err(StoreError::Closed)));
    store.close().await;
    drop(store);
    let left: Vec<_> =
        ["data.db-wal", "data.db-shm"].into_iter().filter(|name| folder.file(name).exists()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(get(&folder.store(StoreOptions::default()).await, "queued").await, Some(1));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = Folder::new();
    std::fs::write(folder.file("data.db"), "x".repeat(8_192)).unwrap();
    let opened =
        Store::open(&gatepost_store::Location::Sqlite(folder.file("data.db")), StoreOptions::default());
    assert!(matches!(opened.err(), Some(StoreError::Corrupt(_))));
    let missing = gatepost_store::Location::Sqlite(folder.file("no/such/folder.db"));
    assert!(matches!(Store::open(&missing, StoreOptions::default()).err(), Some(StoreError::Open(_))));
}

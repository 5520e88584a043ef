//! Backups of a database in use.

use std::os::unix::fs::PermissionsExt;

use gatepost_store::{Location, Store, StoreError, StoreOptions, params};
use tokio::task::JoinSet;

use crate::support::{DOCUMENTS, Folder, PUT, PUT_DOCUMENT, get, names, put};

#[tokio::test]
async fn a_backup_under_load_is_whole_private_and_of_one_moment() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions { checkpoint_pages: 200, ..StoreOptions::default() }).await;
    let (copy, before) = (folder.file("copy.db"), 300);
    for id in 0..before {
        write_both(&store, id).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for writer in 1..5 {
        let store = store.clone();
        writers.spawn(async move {
            for id in 0..200 {
                write_both(&store, writer * 10_000 + id).await.unwrap();
            }
        });
    }
    let done = store.backup(&copy).await;
    writers.join_all().await;
    done.unwrap();
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let sound: String = rusqlite::Connection::open(&copy)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let copied = Store::open(&Location::Sqlite(copy), StoreOptions::default()).unwrap();
    let documents: i64 = copied.read(|tx| tx.one(&DOCUMENTS, params![], |row| row.get(0))).await.unwrap();
    let pairs = i64::try_from(names(&copied).await.len()).unwrap();
    assert_eq!(documents, pairs);
    assert!((before..=before + 800).contains(&pairs), "{pairs}");
    put(&copied, "goes on", 1).await.unwrap();
}

async fn write_both(store: &Store, id: i64) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            tx.exec(&PUT, params![&id.to_string(), id])?;
            tx.exec(&PUT_DOCUMENT, params![id, &format!("\"{}\"", "x".repeat(3_000))])?;
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_backup_replaces_nothing() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    put(&store, "a", 1).await.unwrap();
    std::fs::write(folder.file("there.db"), "precious").unwrap();
    let refused = store.backup(&folder.file("there.db")).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Backup(reason) if reason.contains("exists already")), "{refused}");
    assert_eq!(std::fs::read_to_string(folder.file("there.db")).unwrap(), "precious");
    std::fs::write(folder.file("left.db.partial"), "").unwrap();
    assert!(matches!(store.backup(&folder.file("left.db")).await, Err(StoreError::Backup(_))));
    assert!(matches!(store.backup(&folder.file("no/such/folder.db")).await, Err(StoreError::Backup(_))));
    store.backup(&folder.file("new.db")).await.unwrap();
    assert!(!folder.file("new.db.partial").exists());
    assert_eq!(get(&store, "a").await, Some(1));
}

#[tokio::test]
async fn the_database_and_its_log_are_private() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    put(&store, "a", 1).await.unwrap();
    for name in ["data.db", "data.db-wal", "data.db-shm"] {
        let mode = std::fs::metadata(folder.file(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

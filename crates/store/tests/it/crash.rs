//! What was answered survives the end of the process, however sudden.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use gatepost_store::{Sql, StoreOptions, params};
use tokio::task::JoinSet;

use crate::support::{Folder, names, put};

/// Tells the child where its database is.
const CHILD: &str = "GATEPOST_STORE_TEST_CHILD";

#[tokio::test]
async fn what_was_answered_survives_kill() {
    let folder = Folder::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(CHILD, folder.file(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut answered = BTreeSet::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref().map(Result::unwrap) {
        if let Some(name) = line.strip_prefix("answered ") {
            answered.insert(name.to_owned());
        }
        if answered.len() == 500 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What the child said before it died counts too; its last line may be cut off.
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    answered.extend(
        rest.iter()
            .filter_map(|line| line.strip_prefix("answered ")?.strip_suffix('.'))
            .map(|name| format!("{name}.")),
    );
    assert!(answered.len() >= 500, "the child ended by itself");
    let stored: BTreeSet<String> =
        names(&folder.store(StoreOptions::default()).await).await.into_iter().collect();
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Not a test of its own: the process that gets killed.
#[tokio::test]
async fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let options = StoreOptions { checkpoint_pages: 50, ..StoreOptions::default() };
    let location = gatepost_store::Location::Sqlite(format!("{path}data.db").into());
    let store = gatepost_store::Store::open(
        &location,
        StoreOptions { migrations: crate::support::MIGRATIONS, ..options },
    )
    .unwrap();
    store.migrate().await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for number in 0.. {
                let name = format!("{writer}-{number}.");
                put(&store, &*name, number).await.unwrap();
                let mut out = std::io::stdout().lock();
                out.write_all(format!("answered {name}\n").as_bytes()).unwrap();
                out.flush().unwrap();
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn each_commit_is_synced() {
    static SETTINGS: Sql =
        Sql::new("SELECT s.synchronous, j.journal_mode FROM pragma_synchronous s, pragma_journal_mode j");
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    let settings =
        store.write(|tx| tx.one(&SETTINGS, params![], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?))));
    // 2 is FULL: what NORMAL leaves in memory, a loss of power takes.
    assert_eq!(settings.await, Ok((2, String::from("wal"))));
}

#[tokio::test]
async fn the_files_of_a_running_store_are_a_whole_database() {
    let folder = Folder::new();
    let store = folder.store(StoreOptions::default()).await;
    for number in 0..300 {
        put(&store, format!("{number:03}"), number).await.unwrap();
    }
    let copied = Folder::new();
    for name in ["data.db", "data.db-wal"] {
        fs::copy(folder.file(name), copied.file(name)).unwrap();
    }
    assert_eq!(names(&copied.store(StoreOptions::default()).await).await, names(&store).await);
}

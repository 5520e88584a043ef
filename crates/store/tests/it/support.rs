//! A store in a place of its own, with two small tables, on either engine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use gatepost_store::migrations::Migration;
use gatepost_store::{Location, PostgresUrl, Sql, Store, StoreError, StoreOptions, params};

use crate::postgres;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "test",
    text: "CREATE TABLE pair (name TEXT NOT NULL PRIMARY KEY, value {int} NOT NULL) {narrow};
           CREATE TABLE document (id {int} NOT NULL PRIMARY KEY, body {json} NOT NULL) {table};
           CREATE TABLE child (pair TEXT NOT NULL REFERENCES pair (name) DEFERRABLE INITIALLY DEFERRED) {table};",
}];

pub(crate) static PUT: Sql = Sql::new("INSERT INTO pair (name, value) VALUES ($1, $2)");
pub(crate) static ADD: Sql = Sql::new("UPDATE pair SET value = value + $2 WHERE name = $1");
pub(crate) static GET: Sql = Sql::new("SELECT value FROM pair WHERE name = $1");
pub(crate) static NAMES: Sql = Sql::new("SELECT name FROM pair ORDER BY name");
pub(crate) static PUT_DOCUMENT: Sql = Sql::new("INSERT INTO document (id, body) VALUES ($1, $2)");
pub(crate) static DOCUMENTS: Sql = Sql::new("SELECT count(*) FROM document");

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gatepost-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Opens `data.db` of this folder, without migrating it.
    pub(crate) fn open(&self, options: StoreOptions) -> Store {
        Store::open(&Location::Sqlite(self.file("data.db")), options).unwrap()
    }

    /// Opens `data.db` of this folder with the tables above.
    pub(crate) async fn store(&self, options: StoreOptions) -> Store {
        let store = self.open(StoreOptions { migrations: MIGRATIONS, ..options });
        store.migrate().await.unwrap();
        store
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where a test's store lies: on SQLite a folder, on PostgreSQL a schema.
pub(crate) enum Place {
    Sqlite(Folder),
    Postgres(PostgresUrl),
}

impl Place {
    pub(crate) fn sqlite() -> Option<Self> {
        Some(Self::Sqlite(Folder::new()))
    }

    /// None, after saying so, where there is no PostgreSQL.
    pub(crate) fn postgres() -> Option<Self> {
        postgres::shared().map(|server| Self::Postgres(PostgresUrl::new(server.schema())))
    }

    /// Opens the store, without migrating it.
    pub(crate) fn open(&self, options: StoreOptions) -> Store {
        match self {
            Self::Sqlite(folder) => folder.open(options),
            Self::Postgres(url) => Store::open(&Location::Postgres(url.clone()), options).unwrap(),
        }
    }

    /// Opens the store with the tables above.
    pub(crate) async fn store(&self, options: StoreOptions) -> Store {
        let store = self.open(StoreOptions { migrations: MIGRATIONS, ..options });
        store.migrate().await.unwrap();
        store
    }
}

/// Stamps each case, an `async fn(Place)`, as a test on each engine.
macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(place) = crate::support::Place::sqlite() {
                        super::$case(place).await;
                    }
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(place) = crate::support::Place::postgres() {
                        super::$case(place).await;
                    }
                }
            )+
        }
    };
}
pub(crate) use on_both_engines;

/// Options with one writer, so that what waits for it goes into one group.
pub(crate) fn one_writer() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.postgres.writers = 1;
    options
}

pub(crate) async fn put(store: &Store, name: impl Into<String>, value: i64) -> Result<usize, StoreError> {
    let name = name.into();
    store.write(move |tx| tx.exec(&PUT, params![&name, value])).await
}

pub(crate) async fn get(store: &Store, name: &'static str) -> Option<i64> {
    store.read(move |tx| tx.opt(&GET, params![name], |row| row.get(0))).await.unwrap()
}

pub(crate) async fn names(store: &Store) -> Vec<String> {
    store.read(|tx| tx.all(&NAMES, params![], |row| row.get(0))).await.unwrap()
}

/// Keeps the writer inside of a closure, so that what is written meanwhile waits for one group.
pub(crate) struct Plug {
    pull: mpsc::Sender<()>,
    done: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Plug {
    /// Returns once the writer is stuck.
    pub(crate) async fn new(store: &Store) -> Self {
        let (pull, pulled) = mpsc::channel::<()>();
        let pulled = std::sync::Mutex::new(pulled);
        let (stuck, is_stuck) = tokio::sync::mpsc::unbounded_channel();
        let mut is_stuck = is_stuck;
        let store = store.clone();
        let done = tokio::runtime::Handle::current().spawn(async move {
            store
                .write(move |_| {
                    let _ = stuck.send(());
                    // Returns at once when it is run again: the other end is gone by then.
                    let _ = pulled.lock().unwrap().recv();
                    Ok::<_, StoreError>(())
                })
                .await
        });
        is_stuck.recv().await.unwrap();
        Self { pull, done }
    }

    pub(crate) async fn pull(self) -> Result<(), StoreError> {
        drop(self.pull);
        self.done.await.unwrap()
    }
}

/// Lets all tasks that were spawned on this runtime of one thread run up to where they wait.
pub(crate) async fn settle() {
    // The scheduler comes back after some sixty tasks, whether or not there are more.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

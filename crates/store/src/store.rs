//! The store's handle.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::Timestamp;

use crate::change::Change;
use crate::engine::{postgres, sqlite};
use crate::error::StoreError;
use crate::location::Location;
use crate::metrics::StoreMetrics;
use crate::migrations::{MigrationReport, MigrationStatus};
use crate::options::StoreOptions;
use crate::partitions::{Day, DayTable, days};
use crate::tx::Tx;

/// The store. Clones are the same store.
///
/// Closures are synchronous, so no transaction can be open while bytes move, and dropping a caller's future
/// leaves nothing half done: the closure is run to its end or not at all.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Engine>),
    Postgres(Arc<postgres::Engine>),
}

impl Store {
    /// Opens the database and starts the store's threads. Tables are left as they are: see [`Self::migrate`].
    ///
    /// It waits for the disk, or for the server, on the calling thread.
    ///
    /// # Errors
    /// [`StoreError::Open`] and the errors of the file system, if the file cannot be opened as a database;
    /// [`StoreError::Unavailable`] if the server cannot be reached or lets nobody in.
    pub fn open(location: &Location, options: StoreOptions) -> Result<Self, StoreError> {
        let engine = match location {
            Location::Sqlite(path) => Engine::Sqlite(Arc::new(sqlite::Engine::open(path, &options)?)),
            Location::Postgres(url) => Engine::Postgres(Arc::new(postgres::Engine::open(url, &options)?)),
        };
        Ok(Self { engine })
    }

    /// Runs `run` in a transaction, together with those of other callers, and answers once it is durable.
    ///
    /// `run` may be run more than once, so it must have no effects but those through [`Tx`]. If it returns an
    /// error, nothing that it wrote is kept. If the future is dropped, the transaction may be committed all
    /// the same.
    ///
    /// # Errors
    /// What `run` returns, or any [`StoreError`] of the transaction.
    pub async fn write<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_and_then(run, std::convert::identity).await
    }

    /// [`Self::write`], and does `then` to what `run` returned once that is committed: also if the caller has gone away
    /// by then, whose future is no place for what a commit must be followed by.
    ///
    /// `then` is run once and just before the caller is answered, on a thread on which others wait for their answers: it
    /// must not block.
    ///
    /// # Errors
    /// As [`Self::write`]. After [`StoreError::Uncertain`] `then` is not run, although there may have been a commit.
    pub async fn write_and_then<T, U, E, F, G>(&self, run: F, then: G) -> Result<U, E>
    where
        F: Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
        T: Send + 'static,
        U: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.write(run, then).await,
            Engine::Postgres(engine) => engine.write(run, then).await,
        }
    }

    /// Runs `run` on a thread for reading. All its statements see one moment, and it sees every write that
    /// was answered before it began.
    ///
    /// The deadline breaks off statements, not what `run` does between them, and a log that is full waits for
    /// reads to end: keep it short.
    ///
    /// # Errors
    /// What `run` returns; [`StoreError::Timeout`] past [`StoreOptions::read_deadline`]; [`StoreError::Busy`]
    /// if no reader was free for as long.
    pub async fn read<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(run).await,
            Engine::Postgres(engine) => engine.read(run).await,
        }
    }

    /// Runs `run`, which looks up one or a few rows by their keys, as cheaply as the engine can.
    ///
    /// SQLite does it on the calling thread, PostgreSQL without a transaction, so `run` must be short. Each of its statements may see another
    /// moment: what must fit together belongs in one statement or in [`Self::read`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_point<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read_point(run).await,
            Engine::Postgres(engine) => engine.read_point(run).await,
        }
    }

    /// Has `subscriber` told what changed: after the commit and before any caller of the group is answered,
    /// so a change is in force when the call that made it returns, even if that caller is gone.
    ///
    /// On PostgreSQL it is also told what other nodes announced, within a second of their commit; what this node
    /// announced may be told again then.
    ///
    /// It runs on the store's threads: it must not block and must not hold this store, which would then never
    /// end.
    pub fn subscribe(&self, subscriber: impl Fn(&[Change]) + Send + Sync + 'static) {
        match &self.engine {
            Engine::Sqlite(engine) => engine.subscribe(Arc::new(subscriber)),
            Engine::Postgres(engine) => engine.subscribe(Arc::new(subscriber)),
        }
    }

    /// Whether other processes may use the database at the same time.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// How far the change feed may be behind: what other nodes committed longer ago than this has been told to the
    /// subscribers. It is well under a second while the database can be reached, and grows while it cannot. What was
    /// announced more than an hour ago is not told any more. None if there are no other nodes.
    #[must_use]
    pub fn feed_lag(&self) -> Option<Duration> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(engine) => Some(engine.feed_lag()),
        }
    }

    /// Brings the tables to the form that this release needs.
    ///
    /// # Errors
    /// [`StoreError::Migration`] if a migration fails, or if the database was made by another history of
    /// migrations.
    pub async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.migrate().await,
            Engine::Postgres(engine) => engine.migrate().await,
        }
    }

    /// Where each migration stands.
    ///
    /// # Errors
    /// Any [`StoreError`] of the query.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.migration_status().await,
            Engine::Postgres(engine) => engine.migration_status().await,
        }
    }

    /// Makes room for what is written from `since` until a few days after `now`: the partitions of these days, on
    /// PostgreSQL. Says how many were made. Any node may do it at any time, and what is written without it is kept as well.
    ///
    /// # Errors
    /// Any [`StoreError`]; those that were made until then stay.
    pub async fn create_days(&self, since: Timestamp, now: Timestamp) -> Result<usize, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(0),
            Engine::Postgres(engine) => engine.create_days(days(since, now)).await,
        }
    }

    /// Drops the partitions of the days before `first`, on PostgreSQL. Says how many. Rows that have no partition of their
    /// own stay, as all do on SQLite: see [`crate::tables::retention`].
    ///
    /// # Errors
    /// Any [`StoreError`] of the search for them; one that is in use stays.
    pub async fn drop_days(&self, table: DayTable, first: Day) -> Result<usize, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(0),
            Engine::Postgres(engine) => engine.drop_days(table, first).await,
        }
    }

    /// Copies the database to the new file `to` while it is in use: the state of the moment at which this
    /// returns, readable by the file's owner only, and durable.
    ///
    /// # Errors
    /// [`StoreError::Backup`] if `to` exists or cannot be written, and always on PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.backup(to.to_owned()).await,
            Engine::Postgres(_) => Err(StoreError::Backup(String::from(
                "PostgreSQL makes its own: use pg_dump, or the server's continuous archiving",
            ))),
        }
    }

    /// Does what is queued, refuses everything else, and leaves an SQLite database as one file. Further calls on
    /// any clone answer [`StoreError::Closed`].
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn metrics(&self) -> StoreMetrics {
        match &self.engine {
            Engine::Sqlite(engine) => engine.metrics(),
            Engine::Postgres(engine) => engine.metrics(),
        }
    }
}

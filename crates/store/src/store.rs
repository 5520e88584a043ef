//! The store's handle.

use std::path::Path;
use std::sync::Arc;

use crate::change::Change;
use crate::engine::sqlite::Engine;
use crate::error::StoreError;
use crate::metrics::StoreMetrics;
use crate::migrations::{MigrationReport, MigrationStatus};
use crate::options::{Location, StoreOptions};
use crate::tx::Tx;

/// The store. Clones are the same store.
///
/// Closures are synchronous, so no transaction can be open while bytes move, and dropping a caller's future
/// leaves nothing half done: the closure is run to its end or not at all.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
}

impl Store {
    /// Opens the database and starts the store's threads. Tables are left as they are: see [`Self::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Open`] and the errors of the file system, if the file cannot be opened as a database.
    pub fn open(location: &Location, options: StoreOptions) -> Result<Self, StoreError> {
        let Location::Sqlite(path) = location;
        Ok(Self { engine: Arc::new(Engine::open(path, &options)?) })
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
        self.engine.write(run).await
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
        self.engine.read(run).await
    }

    /// Runs `run`, which looks up one or a few rows by their keys, as cheaply as the engine can.
    ///
    /// SQLite does it on the calling thread, so `run` must be short. Each of its statements may see another
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
        self.engine.read_point(run).await
    }

    /// Has `subscriber` told what changed: after the commit and before any caller of the group is answered,
    /// so a change is in force when the call that made it returns, even if that caller is gone.
    ///
    /// It runs on the writer's thread: it must not block and must not hold this store, which would then never
    /// end.
    pub fn subscribe(&self, subscriber: impl Fn(&[Change]) + Send + Sync + 'static) {
        self.engine.subscribe(Arc::new(subscriber));
    }

    /// Brings the tables to the form that this release needs.
    ///
    /// # Errors
    /// [`StoreError::Migration`] if a migration fails, or if the database was made by another history of
    /// migrations.
    pub async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        self.engine.migrate().await
    }

    /// Where each migration stands.
    ///
    /// # Errors
    /// Any [`StoreError`] of the query.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        self.engine.migration_status().await
    }

    /// Copies the database to the new file `to` while it is in use: the state of the moment at which this
    /// returns, readable by the file's owner only, and durable.
    ///
    /// # Errors
    /// [`StoreError::Backup`] if `to` exists or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.engine.backup(to.to_owned()).await
    }

    /// Does what is queued, refuses everything else, and leaves the database as one file. Further calls on
    /// any clone answer [`StoreError::Closed`].
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// What the store has done since it was opened.
    #[must_use]
    pub fn metrics(&self) -> StoreMetrics {
        self.engine.metrics()
    }
}

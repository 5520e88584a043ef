//! How much the store may use.

use std::path::PathBuf;
use std::time::Duration;

use crate::migrations::{MIGRATIONS, Migration};

/// How much the store may use. The defaults were measured (docs/adr/0001-store.md).
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Threads that run [`crate::Store::read`].
    pub readers: usize,
    /// Connections for [`crate::Store::read_point`]; one for each thread of the runtime is enough.
    pub point_readers: usize,
    /// How long a read may run, and how long it may wait for a reader.
    pub read_deadline: Duration,
    /// Page cache of the writer in KiB. More is dearer: SQLite looks through it at commits.
    pub writer_cache_kib: u32,
    /// Page cache of each reader in KiB.
    pub reader_cache_kib: u32,
    /// Closures in one group at most.
    pub group_closures: usize,
    /// How long closures may be added to a group.
    pub group_time: Duration,
    /// Pages that the write-ahead log grows by between checkpoints.
    pub checkpoint_pages: u32,
    /// Pages of the write-ahead log at which readers are held back until it is empty.
    pub wal_cap_pages: u32,
    /// Pages that the database may have; no bound but the disk if `None`.
    pub max_pages: Option<u32>,
    /// For tests that pause tokio's clock: keeps it from jumping ahead while a call waits for the store's
    /// threads, which tokio does not know of. Costs a thread of the runtime's for each call in flight.
    pub hold_paused_clock: bool,
    /// What is for PostgreSQL alone.
    pub postgres: PostgresOptions,
    /// What [`crate::Store::migrate`] brings the tables to.
    pub migrations: &'static [Migration],
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            readers: 2,
            point_readers: std::thread::available_parallelism().map_or(2, usize::from),
            read_deadline: Duration::from_secs(1),
            writer_cache_kib: 8 * 1024,
            reader_cache_kib: 8 * 1024,
            group_closures: 256,
            group_time: Duration::from_millis(5),
            checkpoint_pages: 4_000,
            wal_cap_pages: 16_000,
            max_pages: None,
            hold_paused_clock: false,
            postgres: PostgresOptions::default(),
            migrations: MIGRATIONS,
        }
    }
}

/// How much of PostgreSQL the store may use. It takes `writers + readers + 1` connections.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Threads that write, each with a connection: 1 to 8.
    pub writers: usize,
    /// Threads that read, each with a connection.
    pub readers: usize,
    /// How long a try to connect may take, for each address of the server.
    pub connect_timeout: Duration,
    /// How long a write may wait for the server before its connection is given up.
    pub answer_timeout: Duration,
    /// Certificates (PEM) of the authorities that vouch for the server; those that the web trusts if `None`.
    pub ca_file: Option<PathBuf>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            writers: 2,
            readers: 4,
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(15),
            ca_file: None,
        }
    }
}

//! Opening connections: the file, its mode, the pragmas.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::session::Session;
use crate::engine::Session as EngineSession;
use crate::engine::clock::steady;
use crate::engine::job::caught;
use crate::error::StoreError;
use crate::metrics::{Counters, count, nanos};
use crate::options::StoreOptions;
use crate::tx::Tx;

/// The first release in which the WAL's reset cannot lose a commit (docs/adr/0001-store.md).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Statements in use must fit, or each run prepares them anew.
const STATEMENT_CACHE: usize = 256;

/// How long a connection waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Steps of SQLite's machine between two looks at the deadline: some 50 µs.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;

/// Makes the file if it is not there, readable by its owner only; SQLite gives its side files the same mode.
///
/// Returns whether it made the file.
pub(super) fn create_private(path: &Path) -> std::io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// The one connection that writes.
pub(super) fn open_writer(path: &Path, options: &StoreOptions) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        let found = rusqlite::version();
        return Err(StoreError::Open(format!("SQLite {found} is older than 3.51.3, which is needed")));
    }
    create(path).map_err(|error| StoreError::Open(format!("{}: {error}", path.display())))?;
    let connection = open(path)?;
    connection.pragma_update(None, "page_size", 4_096)?;
    let mode =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        let reason = "its file system cannot share memory between processes, which write-ahead logs need";
        return Err(StoreError::Open(format!("{}: {reason}", path.display())));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.writer_cache_kib))?;
    connection.pragma_update(None, "mmap_size", 0)?;
    // The writer runs its own checkpoints, see checkpoint.rs.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    if let Some(pages) = options.max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// Makes sure that the file is there, and stays there.
fn create(path: &Path) -> std::io::Result<()> {
    if create_private(path)? { sync_folder(path) } else { Ok(()) }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| StoreError::Open(format!("{}: {error}", path.display())))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// Makes the names in `path`'s folder durable.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// When a connection's present read must be over.
pub(super) struct Deadline {
    opened: Instant,
    over_at: AtomicU64,
}

impl Deadline {
    fn new() -> Self {
        Self { opened: steady(), over_at: AtomicU64::new(u64::MAX) }
    }

    fn start(&self, limit: Duration) -> Running<'_> {
        self.over_at.store(nanos(self.opened.elapsed().saturating_add(limit)), Ordering::Relaxed);
        Running(self)
    }

    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        nanos(self.opened.elapsed()) > self.over_at.load(Ordering::Relaxed)
    }
}

/// A read that has a deadline; what its connection does afterwards has none.
struct Running<'a>(&'a Deadline);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.over_at.store(u64::MAX, Ordering::Relaxed);
    }
}

/// A connection that can only read.
pub(super) struct ReadConnection {
    connection: Connection,
    deadline: Arc<Deadline>,
    limit: Duration,
    counters: Arc<Counters>,
}

impl ReadConnection {
    pub(super) fn open(
        path: &Path,
        options: &StoreOptions,
        counters: &Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let mut connection = open(path)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -i64::from(options.reader_cache_kib))?;
        let deadline = Arc::new(Deadline::new());
        let (watched, counted) = (Arc::clone(&deadline), Arc::clone(counters));
        let look = move || {
            count(&counted.read_kilosteps);
            watched.is_over()
        };
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(look))?;
        Ok(Self { connection, deadline, limit: options.read_deadline, counters: Arc::clone(counters) })
    }

    /// Runs `read` in one read transaction: all its statements see the same moment.
    pub(super) fn read<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.execute("BEGIN")?;
        let outcome = self.read_point(read);
        if !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        outcome
    }

    /// Runs `read` without a transaction: each statement sees its own moment.
    pub(super) fn read_point<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let running = self.deadline.start(self.limit);
        let outcome = caught(|| read(&Tx::new(EngineSession::Sqlite(Session::reading(&self.connection)))));
        if self.deadline.is_over() {
            count(&self.counters.read_timeouts);
        }
        drop(running);
        outcome
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }
}

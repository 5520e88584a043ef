//! Moving house: a whole database from one engine to the other, while nobody uses either.
//!
//! The source is read in one transaction, table by table in the order of the keys; the target is written in pages, read
//! again, and must come to the same counts and checksums. Until then a row in `unfinished_copy` says that it is not whole,
//! and no server starts on it.

mod rows;
mod tables;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use gatepost_model::Timestamp;
use tokio::sync::mpsc;

use self::rows::Values;
pub use self::rows::{Checksum, Sum};
pub use self::tables::{NOT_COPIED, TABLES, Table};
use crate::migrations::{MigrationState, MigrationStatus};
use crate::{Sql, Store, StoreError, StoreOptions, Tx, params};

/// Every static statement here.
pub const STATEMENTS: &[&Sql] = &[&BEGIN, &END, &UNFINISHED];

static BEGIN: Sql = Sql::new("INSERT INTO unfinished_copy (started_at) VALUES ($1)");

static END: Sql = Sql::new("DELETE FROM unfinished_copy");

static UNFINISHED: Sql = Sql::new("SELECT 1 FROM unfinished_copy LIMIT 1");

/// Pages that are read ahead of those that are being written.
const AHEAD: usize = 2;

/// A read of a whole database takes as long as it takes.
const NO_DEADLINE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Why a database was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source has other tables than this release.
    #[error(
        "the tables of the source are not those of this release (migration {0}): run `gatepost db migrate` on it first"
    )]
    Tables(u32),
    /// The source is itself the remains of a copy.
    #[error("the source is a copy that was broken off: copy from the database that it was made from")]
    UnfinishedSource,
    /// The target has something in it.
    #[error("the target is not empty: table {0} has rows. Give an empty database")]
    NotEmpty(&'static str),
    /// The source could not be read.
    #[error("table {0} of the source cannot be read: {1}")]
    Source(&'static str, StoreError),
    /// The target could not be written or read again.
    #[error(
        "table {0} of the target cannot be written: {1}. What is there is not whole; empty it before you try again"
    )]
    Target(&'static str, StoreError),
    /// The target does not hold what the source does.
    #[error(
        "table {table} of the target has {found} rows, that of the source {wanted}, or they differ. The target is not whole; \
         empty it before you try again"
    )]
    Differs {
        /// Which table.
        table: &'static str,
        /// Rows of the source.
        wanted: u64,
        /// Rows of the target.
        found: u64,
    },
    /// The store failed beside all that.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is being done to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many of its rows were written.
    Written(u64),
    /// They were read again and are those of the source.
    Verified(Sum),
}

/// A table that was copied.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// Which.
    pub table: &'static Table,
    /// What it comes to, on both sides.
    pub sum: Sum,
}

/// From the reader to the writer.
enum Message {
    Page(&'static Table, Vec<Values>),
    Done(&'static Table, Sum),
}

/// The options with which both stores of a copy are opened.
#[must_use]
pub fn options(options: StoreOptions) -> StoreOptions {
    StoreOptions { read_deadline: NO_DEADLINE, ..options }
}

/// Copies all of `from` to `to`, which must be empty and gets its tables first, and says what it came to. `kept_since` is how
/// far back most rows go, so that PostgreSQL gets their days ready; `tell` hears how it goes on.
///
/// Nobody else may use either of them. Both are opened with [`options`].
///
/// # Errors
/// A [`CopyError`]. What was copied until then stays, and stays marked as unfinished.
pub async fn copy(
    from: &Store,
    to: &Store,
    (kept_since, now): (Timestamp, Timestamp),
    mut tell: impl FnMut(&'static str, Step),
) -> Result<Vec<Copied>, CopyError> {
    check_source(from).await?;
    to.migrate().await?;
    check_empty(to).await?;
    to.write(move |tx| tx.exec_later(&BEGIN, params![now])).await?;
    to.create_days(kept_since, now).await?;
    let sums = transfer(from, to, &mut tell).await?;
    for Copied { table, sum } in &sums {
        verify(to, table, *sum).await?;
        tell(table.name, Step::Verified(*sum));
    }
    to.write(|tx| tx.exec_later(&END, params![])).await?;
    Ok(sums)
}

/// Whether a copy into this store was broken off, so that it must not be used.
///
/// # Errors
/// If the store fails.
pub fn is_unfinished(tx: &Tx<'_>) -> Result<bool, StoreError> {
    Ok(tx.opt(&UNFINISHED, params![], |_| Ok(()))?.is_some())
}

async fn check_source(from: &Store) -> Result<(), CopyError> {
    let status = from.migration_status().await?;
    let other = |status: &&MigrationStatus| status.state != MigrationState::Applied;
    if let Some(other) = status.iter().find(other) {
        return Err(CopyError::Tables(other.number));
    }
    if from.read(is_unfinished).await? { Err(CopyError::UnfinishedSource) } else { Ok(()) }
}

async fn check_empty(to: &Store) -> Result<(), CopyError> {
    let filled = to.read(|tx| {
        let names = TABLES.iter().map(|table| table.name).chain(["unfinished_copy"]);
        for name in names {
            if !rows::is_empty(tx, name)? {
                return Ok::<_, StoreError>(Some(name));
            }
        }
        Ok(None)
    });
    filled.await?.map_or(Ok(()), |name| Err(CopyError::NotEmpty(name)))
}

async fn transfer(
    from: &Store,
    to: &Store,
    tell: &mut impl FnMut(&'static str, Step),
) -> Result<Vec<Copied>, CopyError> {
    let (give, take) = mpsc::channel(AHEAD);
    let (read, written) = tokio::join!(read_all(from, give), write_all(to, take, tell));
    // If the writer failed, the reader was only broken off.
    let written = written?;
    read?;
    Ok(written)
}

async fn read_all(from: &Store, give: mpsc::Sender<Message>) -> Result<(), CopyError> {
    from.read(move |tx| {
        for table in TABLES {
            let sum = rows::read(tx, table, |page| match give.blocking_send(Message::Page(table, page)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
            let sum = sum.map_err(|error| CopyError::Source(table.name, error))?;
            if give.blocking_send(Message::Done(table, sum)).is_err() {
                break;
            }
        }
        Ok(())
    })
    .await
}

async fn write_all(
    to: &Store,
    mut take: mpsc::Receiver<Message>,
    tell: &mut impl FnMut(&'static str, Step),
) -> Result<Vec<Copied>, CopyError> {
    let (mut copied, mut written) = (Vec::with_capacity(TABLES.len()), 0);
    while let Some(message) = take.recv().await {
        match message {
            Message::Page(table, page) => {
                let rows = u64::try_from(page.len()).unwrap_or(u64::MAX);
                let page = Arc::new(page);
                let stored = to.write(move |tx| rows::write(tx, table, &page)).await;
                stored.map_err(|error| CopyError::Target(table.name, error))?;
                written += rows;
                tell(table.name, Step::Written(written));
            }
            Message::Done(table, sum) => {
                written = 0;
                copied.push(Copied { table, sum });
            }
        }
    }
    Ok(copied)
}

async fn verify(to: &Store, table: &'static Table, wanted: Sum) -> Result<(), CopyError> {
    let found = to.read(move |tx| rows::read(tx, table, |_| ControlFlow::Continue(()))).await;
    let found = found.map_err(|error| CopyError::Target(table.name, error))?;
    if found == wanted {
        Ok(())
    } else {
        Err(CopyError::Differs { table: table.name, wanted: wanted.rows, found: found.rows })
    }
}

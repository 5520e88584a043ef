//! The change feed between nodes: a table, and a notification that there is something new in it.
//!
//! The table is the truth; each node reads on from where it was, at the latest every [`LONGEST_WAIT`]. A
//! notification only makes it look at once. What a node announces comes back to it in the same way, so a
//! change may be told twice, which is harmless: it says what to forget.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::connection::Connection;
use super::transaction::{Kind, Transaction};
use super::worker::{Link, Rest};
use crate::change::Change;
use crate::dialect::Rendered;
use crate::engine::clock::steady;
use crate::engine::subscribers::Subscribers;
use crate::error::StoreError;
use crate::metrics::{Counters, nanos};
use crate::params;

/// How long a node goes without a look at the table.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How often old changes are dropped, and how many at a time.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// Changes that one look fetches at most.
const PAGE: i64 = 1_000;

/// The feed's table, which migrations do not know of: it is the engine's own. Its times are the server's, so
/// that one clock says what is old.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS change_feed (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    change TEXT NOT NULL
)";

/// Held from before the numbers are given out until the commit, so that they come in the order in which
/// transactions commit. Else a node that has read on to a number would miss a smaller one that is committed
/// later.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 7236420915))";
const APPEND: &str = "INSERT INTO change_feed (change) VALUES ($1)";
const NOTIFY: &str = "SELECT pg_notify('gatepost_change', '')";
const LISTEN: &str = "LISTEN gatepost_change";
const NEWEST: &str = "SELECT coalesce(max(id), 0) FROM change_feed";
const SINCE: &str = "SELECT id, change, CAST(extract(epoch FROM clock_timestamp() - at) * 1e9 AS BIGINT)
    FROM change_feed WHERE id > $1 ORDER BY id LIMIT $2";
const PRUNE: &str = "DELETE FROM change_feed WHERE id IN
    (SELECT id FROM change_feed WHERE at < now() - INTERVAL '1 hour' ORDER BY id LIMIT 10000)";

/// Adds changes to the feed, to be sent with the COMMIT.
pub(super) fn append(transaction: &Transaction<'_>, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    transaction.execute_later(&sql(LOCK, 0), &[])?;
    for change in changes {
        transaction.execute_later(&sql(APPEND, 1), params![&change.to_text()])?;
    }
    transaction.execute_later(&sql(NOTIFY, 0), &[])
}

fn sql(text: &str, arity: usize) -> Rendered {
    Rendered { text: text.to_owned(), arity }
}

/// Shared by the feed's thread and the store: how fresh the feed is, and when to stop.
pub(super) struct Contact {
    opened: Instant,
    /// When the last look that succeeded began, in nanoseconds since `opened`.
    last: AtomicU64,
    closed: AtomicBool,
    closing: Notify,
}

impl Contact {
    pub(super) fn new() -> Self {
        Self {
            opened: steady(),
            last: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }

    /// Everything that was committed longer ago than this has been told.
    pub(super) fn lag(&self) -> Duration {
        self.opened.elapsed().saturating_sub(Duration::from_nanos(self.last.load(Ordering::Relaxed)))
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.closing.notify_one();
    }

    fn note(&self, began: Instant) {
        self.last.store(nanos(began.saturating_duration_since(self.opened)), Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Reads the feed.
pub(super) struct Feed {
    pub(super) contact: Arc<Contact>,
    pub(super) subscribers: Arc<Subscribers>,
    pub(super) counters: Arc<Counters>,
    /// Up to where it was read.
    pub(super) position: Option<i64>,
}

impl Feed {
    /// Reads until the store is closed. Says to `opened` whether the first try to connect succeeded.
    pub(super) fn work(mut self, mut link: Link, opened: mpsc::Sender<Result<(), StoreError>>) {
        let first = link.up().and_then(|connection| self.begin(connection));
        let begun = first.is_ok();
        // The opener may have heard enough already.
        let _ = opened.send(first);
        drop(opened);
        let mut rest = Rest::new();
        let mut known = begun;
        while !self.contact.is_closed() {
            let followed = match link.up() {
                Ok(connection) => self.follow(connection, &mut known, &mut rest),
                Err(error) => Err(error),
            };
            if let Err(error) = followed {
                if known {
                    tracing::error!(%error, "the change feed was lost");
                }
                known = false;
                let closing = async { timeout(rest.next(), self.contact.closing.notified()).await };
                // Time that is over is what this waits for.
                let _ = link.runtime().block_on(closing);
            }
        }
    }

    /// Follows the feed on one connection, which it begins to listen on unless that was done.
    fn follow(
        &mut self,
        connection: &Connection,
        begun: &mut bool,
        rest: &mut Rest,
    ) -> Result<(), StoreError> {
        if !*begun {
            self.begin(connection)?;
            *begun = true;
        }
        *rest = Rest::new();
        let mut pruned = steady();
        while !self.contact.is_closed() {
            self.look(connection)?;
            if pruned.elapsed() > PRUNE_EVERY {
                pruned = steady();
                connection.command(PRUNE)?;
            }
            connection.wait_for_notification(LONGEST_WAIT, self.contact.closing.notified());
        }
        Ok(())
    }

    /// Listens, and finds out where to read on. Numbers can be smaller than those that were read already if a
    /// standby took over that had not got all.
    fn begin(&mut self, connection: &Connection) -> Result<(), StoreError> {
        connection.command(LISTEN)?;
        let newest = fetch(connection, &sql(NEWEST, 0), params![], |row| row.get(0))?;
        let newest: i64 = newest.first().copied().unwrap_or(0);
        self.position = Some(self.position.map_or(newest, |position| position.min(newest)));
        Ok(())
    }

    /// Counts how old a change was when it was told. The server's clock can have been set back since.
    fn note_delay(&self, nanos: i64) {
        let nanos = u64::try_from(nanos).unwrap_or(0);
        self.counters.last_change_took.store(nanos, Ordering::Relaxed);
        self.counters.longest_change_took.fetch_max(nanos, Ordering::Relaxed);
    }

    /// Tells what is new.
    fn look(&mut self, connection: &Connection) -> Result<(), StoreError> {
        loop {
            let began = steady();
            let position = self.position.unwrap_or(0);
            let rows: Vec<(i64, String, i64)> =
                fetch(connection, &sql(SINCE, 2), params![position, PAGE], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            let changes: Vec<Change> =
                rows.iter().filter_map(|(_, text, _)| Change::from_text(text)).collect();
            self.subscribers.tell(&changes);
            if let Some((last, _, took)) = rows.last() {
                self.position = Some(*last);
                self.note_delay(*took);
            }
            if i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE {
                self.contact.note(began);
                return Ok(());
            }
        }
    }
}

/// The rows of a query on the feed's table, which is as good as empty until the first migration has made it.
fn fetch<T>(
    connection: &Connection,
    sql: &Rendered,
    values: &[crate::Value<'_>],
    map: impl Fn(&crate::Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let transaction = Transaction::new(connection, Kind::Point, None);
    let mut rows = Vec::new();
    let fetched = transaction.query(sql, values, &mut |row| {
        rows.push(map(row)?);
        Ok(std::ops::ControlFlow::Continue(()))
    });
    match fetched {
        Ok(()) => Ok(rows),
        Err(StoreError::Statement(_)) if !connection.is_lost() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

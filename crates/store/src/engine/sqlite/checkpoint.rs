//! When the write-ahead log goes back into the database.
//!
//! SQLite's own rule would try at every commit past a mark once a reader keeps the log from starting anew.
//! Here the writer does it, after it answered, each time the log grew by so many pages. Past the cap it holds
//! readers back for as long as it takes to empty the log, so a log that is always read cannot grow without
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::gate::Gate;
use crate::engine::clock::steady;
use crate::error::StoreError;
use crate::metrics::{Counters, count, nanos};
use crate::options::StoreOptions;

/// How long a checkpoint at the cap waits for readers in other processes.
const FOREIGN_READERS: Duration = Duration::from_millis(100);

/// The writer's checkpoints.
pub(super) struct Checkpoints {
    /// Pages in the log, as of the last commit.
    pages: Arc<AtomicU32>,
    /// Pages in the log at the last checkpoint since it started anew.
    mark: u32,
    step: u32,
    cap: u32,
    gate: Arc<Gate>,
    counters: Arc<Counters>,
}

impl Checkpoints {
    /// Begins to watch the log of `connection`.
    pub(super) fn watch(
        connection: &mut Connection,
        options: &StoreOptions,
        gate: Arc<Gate>,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            counted.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            pages,
            mark: 0,
            step: options.checkpoint_pages,
            cap: options.wal_cap_pages,
            gate,
            counters,
        })
    }

    /// Runs a checkpoint if the log has grown enough, or if the disk is full: then the log may hold the very
    /// room that is needed, and would never reach its mark.
    pub(super) fn after_commit(&mut self, connection: &Connection, full: bool) {
        let pages = self.pages.load(Ordering::Relaxed);
        self.counters.wal_pages.store(u64::from(pages), Ordering::Relaxed);
        if pages < self.mark {
            // The log has started anew.
            self.mark = 0;
        }
        if pages - self.mark < self.step && !full {
            return;
        }
        self.mark = pages;
        let done =
            if full || pages >= self.cap { self.truncate(connection) } else { self.passive(connection) };
        if let Err(error) = done {
            tracing::warn!(%error, wal_pages = pages, "a checkpoint failed; it is tried again as the log grows");
        }
    }

    /// Copies what readers allow, without waiting for anybody.
    fn passive(&self, connection: &Connection) -> Result<(), StoreError> {
        self.timed(|| {
            connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)?;
            Ok(())
        })
    }

    /// Copies all and empties the log, with the readers held back.
    pub(super) fn truncate(&mut self, connection: &Connection) -> Result<(), StoreError> {
        // Most of the copying needs nobody to wait.
        self.passive(connection)?;
        let closed = self.gate.close();
        count(&self.counters.truncations);
        let waits = connection.pragma_query_value(None, "busy_timeout", |row| row.get::<_, u32>(0))?;
        connection.busy_timeout(FOREIGN_READERS)?;
        let done = self.timed(|| {
            connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE)?;
            Ok(())
        });
        connection.busy_timeout(Duration::from_millis(u64::from(waits)))?;
        drop(closed);
        done?;
        self.mark = 0;
        self.pages.store(0, Ordering::Relaxed);
        self.counters.wal_pages.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn timed(&self, run: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let started = steady();
        let done = run();
        let took = nanos(started.elapsed());
        count(&self.counters.checkpoints);
        self.counters.checkpoint_time.fetch_add(took, Ordering::Relaxed);
        self.counters.longest_checkpoint.fetch_max(took, Ordering::Relaxed);
        done
    }
}

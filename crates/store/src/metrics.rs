//! What the store counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreMetrics {
    /// Groups committed.
    pub groups: u64,
    /// Closures that were run in committed groups, failed ones included.
    pub closures: u64,
    /// Groups that were run again because one closure spoiled them.
    pub reruns: u64,
    /// Transactions that were run again because another one changed the same rows (PostgreSQL).
    pub collisions: u64,
    /// Connections to the database that were lost (PostgreSQL).
    pub connections_lost: u64,
    /// Times that a thread waited for the server's answer, the feed's looks included (PostgreSQL).
    pub round_trips: u64,
    /// How long after it was written the last announced change, of whichever node, was told here; zero before the first
    /// (PostgreSQL).
    pub last_change_took: Duration,
    /// The longest time that one took (PostgreSQL).
    pub longest_change_took: Duration,
    /// Groups that could not be committed.
    pub failed_commits: u64,
    /// The longest time that one COMMIT took.
    pub longest_commit: Duration,
    /// Pages in the write-ahead log after the last commit.
    pub wal_pages: u64,
    /// Checkpoints run.
    pub checkpoints: u64,
    /// Checkpoints for which readers were held back.
    pub truncations: u64,
    /// Time spent on checkpoints.
    pub checkpoint_time: Duration,
    /// The longest time that one checkpoint took.
    pub longest_checkpoint: Duration,
    /// Reads run on reader threads.
    pub reads: u64,
    /// Reads run on their caller's thread.
    pub point_reads: u64,
    /// Reads that ran past their deadline.
    pub read_timeouts: u64,
    /// Thousands of steps of SQLite's machine that reads took: what one costs, whatever the machine is doing besides.
    pub read_kilosteps: u64,
}

/// The counters behind [`StoreMetrics`]; times are in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) closures: AtomicU64,
    pub(crate) reruns: AtomicU64,
    pub(crate) collisions: AtomicU64,
    pub(crate) connections_lost: AtomicU64,
    pub(crate) round_trips: AtomicU64,
    pub(crate) last_change_took: AtomicU64,
    pub(crate) longest_change_took: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) longest_commit: AtomicU64,
    pub(crate) wal_pages: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) truncations: AtomicU64,
    pub(crate) checkpoint_time: AtomicU64,
    pub(crate) longest_checkpoint: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) point_reads: AtomicU64,
    pub(crate) read_timeouts: AtomicU64,
    pub(crate) read_kilosteps: AtomicU64,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> StoreMetrics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let time = |counter: &AtomicU64| Duration::from_nanos(count(counter));
        StoreMetrics {
            groups: count(&self.groups),
            closures: count(&self.closures),
            reruns: count(&self.reruns),
            collisions: count(&self.collisions),
            connections_lost: count(&self.connections_lost),
            round_trips: count(&self.round_trips),
            last_change_took: time(&self.last_change_took),
            longest_change_took: time(&self.longest_change_took),
            failed_commits: count(&self.failed_commits),
            longest_commit: time(&self.longest_commit),
            wal_pages: count(&self.wal_pages),
            checkpoints: count(&self.checkpoints),
            truncations: count(&self.truncations),
            checkpoint_time: time(&self.checkpoint_time),
            longest_checkpoint: time(&self.longest_checkpoint),
            reads: count(&self.reads),
            point_reads: count(&self.point_reads),
            read_timeouts: count(&self.read_timeouts),
            read_kilosteps: count(&self.read_kilosteps),
        }
    }
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A duration in the unit of the counters.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

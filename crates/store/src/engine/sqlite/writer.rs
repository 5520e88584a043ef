//! The thread that writes: many callers' closures, one commit.
//!
//! A group's closures run one after the other in one transaction and are answered after its commit. They run
//! bare, for a savepoint around each costs more than half of what a closure does. If one fails *after it
//! wrote*, the group is rolled back and run again with savepoints, and so are the next groups. If SQLite
//! gives up a whole transaction (the disk is full, say), the group's closures run again in a transaction
//! each, so that each caller hears the truth about its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::Checkpoints;
use super::queue::{Item, Queue};
use super::session::{Loss, Session};
use crate::change::Change;
use crate::engine::Session as EngineSession;
use crate::engine::answers::{Answerer, answer};
use crate::engine::clock::steady;
use crate::engine::job::{Job, Outcome};
use crate::engine::subscribers::Subscribers;
use crate::error::StoreError;
use crate::metrics::{Counters, count, nanos};
use crate::tx::Tx;

/// Groups that keep savepoints after one was spoiled: failures come in bursts.
const CAREFUL_GROUPS: u32 = 64;

/// What the writer keeps from group to group.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) subscribers: Arc<Subscribers>,
    pub(super) counters: Arc<Counters>,
    pub(super) checkpoints: Checkpoints,
    pub(super) group_closures: usize,
    pub(super) group_time: Duration,
    /// Taken from the queue and not yet run.
    pub(super) pending: VecDeque<Item>,
    /// Groups yet to be run with savepoints.
    pub(super) careful: u32,
    /// Closures yet to be run in a transaction each.
    pub(super) alone: usize,
}

/// Closures of one transaction.
#[derive(Default)]
struct Group {
    members: Vec<(Box<dyn Job>, Option<Answerer>)>,
    announced: Vec<Change>,
    /// Whether the transaction holds anything that a ROLLBACK would lose.
    wrote: bool,
    /// Whether the disk was found full.
    full: bool,
}

/// What a closure left of its group.
enum Left {
    /// All that the group is to keep, and nothing else.
    Sound,
    /// The effects of a failed closure too, with no savepoint to go back to.
    Mixed,
    /// Nothing: SQLite gave up the transaction, and earlier closures' effects with it.
    Lost,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn work(&mut self, connection: &Connection) {
        while !self.pending.is_empty() || self.queue.wait(&mut self.pending) {
            self.turn(connection);
        }
    }

    /// Does what is there without waiting: one group, or one piece of exclusive work.
    pub(super) fn turn(&mut self, connection: &Connection) {
        if self.alone == 0 {
            // The caller that woke the writer is seldom the only one; let the others get to the queue.
            std::thread::yield_now();
        }
        if self.pending.is_empty() {
            self.queue.take(&mut self.pending);
        }
        match self.pending.pop_front() {
            Some(Item::Exclusive(work)) => work(self, connection),
            Some(write) => {
                self.pending.push_front(write);
                self.group(connection);
            }
            None => {}
        }
    }

    fn group(&mut self, connection: &Connection) {
        let started = steady();
        let careful = self.careful > 0;
        let mut group = Group::default();
        let mut begun = begin(connection);
        while let Some((job, answerer)) = self.next(group.members.len(), started) {
            group.members.push((job, answerer));
            if begun.is_err() {
                continue;
            }
            match run_last(connection, &mut group, careful) {
                Ok(Left::Sound) => {}
                Ok(left) => return self.run_again(connection, group, &left),
                Err(error) => begun = Err(error),
            }
        }
        let committed = begun.and_then(|()| self.commit(connection));
        if committed.is_err() {
            rollback(connection);
        }
        self.finish(connection, group, committed);
    }

    /// The next closure of the group that began at `started`, unless the group is complete.
    fn next(&mut self, taken: usize, started: Instant) -> Option<(Box<dyn Job>, Option<Answerer>)> {
        let limit = if self.alone > 0 { 1 } else { self.group_closures };
        if taken >= limit || (taken > 0 && started.elapsed() >= self.group_time) {
            return None;
        }
        if self.pending.is_empty() {
            self.queue.take(&mut self.pending);
        }
        match self.pending.pop_front()? {
            Item::Write(job, answerer) => Some((job, answerer)),
            exclusive => {
                self.pending.push_front(exclusive);
                None
            }
        }
    }

    fn run_again(&mut self, connection: &Connection, group: Group, left: &Left) {
        rollback(connection);
        count(&self.counters.reruns);
        match left {
            Left::Lost => self.alone = group.members.len(),
            Left::Sound | Left::Mixed => self.careful = CAREFUL_GROUPS,
        }
        for (job, answerer) in group.members.into_iter().rev() {
            self.pending.push_front(Item::Write(job, answerer));
        }
    }

    fn commit(&self, connection: &Connection) -> Result<(), StoreError> {
        let started = steady();
        let committed = run(connection, "COMMIT");
        self.counters.longest_commit.fetch_max(nanos(started.elapsed()), Ordering::Relaxed);
        committed
    }

    /// Tells the subscribers, answers the callers, and then sees to the write-ahead log.
    fn finish(&mut self, connection: &Connection, group: Group, committed: Result<(), StoreError>) {
        self.careful = self.careful.saturating_sub(1);
        self.alone = self.alone.saturating_sub(group.members.len());
        match &committed {
            Ok(()) => {
                count(&self.counters.groups);
                let closures = u64::try_from(group.members.len()).unwrap_or(u64::MAX);
                self.counters.closures.fetch_add(closures, Ordering::Relaxed);
                self.subscribers.tell(&group.announced);
            }
            Err(error) => {
                count(&self.counters.failed_commits);
                tracing::error!(%error, closures = group.members.len(), "a group of writes was not committed");
            }
        }
        let full = group.full || committed == Err(StoreError::Full);
        answer(group.members, &committed);
        self.checkpoints.after_commit(connection, full);
    }
}

/// Runs the closure that was added last. An error means that there is no transaction any more.
fn run_last(connection: &Connection, group: &mut Group, careful: bool) -> Result<Left, StoreError> {
    let Some((job, _)) = group.members.last_mut() else { return Ok(Left::Sound) };
    // As long as nothing is written a ROLLBACK serves as well.
    let savepoint = careful && group.wrote;
    if savepoint {
        run(connection, "SAVEPOINT closure")?;
    }
    let before = connection.total_changes();
    let loss = Loss::default();
    let tx = Tx::new(EngineSession::Sqlite(Session::writing(connection, &loss)));
    let outcome = job.run(&tx);
    let announced = tx.announced();
    let wrote = connection.total_changes() != before;
    if connection.is_autocommit() {
        if group.wrote {
            return Ok(Left::Lost);
        }
        let reason = loss.take().unwrap_or(StoreError::Full);
        group.full |= reason == StoreError::Full;
        job.spoil(reason);
        return begin(connection).map(|()| Left::Sound);
    }
    match outcome {
        Outcome::Succeeded => {
            group.announced.extend(announced);
            group.wrote |= wrote;
        }
        Outcome::Failed if savepoint => run(connection, "ROLLBACK TO closure")?,
        Outcome::Failed if wrote && group.wrote => return Ok(Left::Mixed),
        Outcome::Failed if wrote => {
            rollback(connection);
            return begin(connection).map(|()| Left::Sound);
        }
        Outcome::Failed => {}
    }
    if savepoint {
        run(connection, "RELEASE closure")?;
    }
    Ok(Left::Sound)
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    run(connection, "BEGIN IMMEDIATE")
}

fn run(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

fn rollback(connection: &Connection) {
    // SQLite may have done it already.
    if !connection.is_autocommit()
        && let Err(error) = run(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

//! Threads that write: many callers' closures, one commit.
//!
//! A group's closures run one after the other in one transaction, and what they write is sent together with
//! COMMIT. If the server refuses any of it, it keeps nothing of it, and the closures run again, each in a
//! transaction of its own, so that each caller hears the truth about its own. Nobody is answered with a
//! success before the server has said that it committed.
//!
//! A write waits for half of `answer_timeout` at most before its last try begins, so that a server that takes its time is
//! answered for in a time that can be stated, however many callers there are.
//!
//! A group is complete before its transaction begins, and sees what was committed until then. So a caller
//! whose write was answered finds it in its next one, whichever thread that comes to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::transaction::{Kind, Refusal, Transaction};
use super::worker::Link;
use crate::change::Change;
use crate::engine::Session;
use crate::engine::answers::{Answerer, answer};
use crate::engine::clock::steady;
use crate::engine::job::{Job, Outcome};
use crate::engine::subscribers::Subscribers;
use crate::error::StoreError;
use crate::metrics::{Counters, count, nanos};
use crate::tx::Tx;

/// How often a transaction that collided with another one is run again: as a group, and alone.
const TRIES_TOGETHER: u32 = 3;
const TRIES_ALONE: u32 = 20;

/// How many connections a group may lose before its callers are told.
const MOST_LOST: u32 = 2;

/// A closure and the way to its caller.
pub(super) type Member = (Box<dyn Job>, Option<Answerer>);

/// A closure in the queue.
pub(super) struct Waiting {
    pub(super) member: Member,
    pub(super) since: Instant,
}

/// What a writer keeps from group to group.
pub(super) struct Writer {
    /// How long a closure may have waited when its last try begins.
    pub(super) longest_wait: Duration,
    pub(super) subscribers: Arc<Subscribers>,
    pub(super) counters: Arc<Counters>,
}

/// Why nothing of a group was kept.
enum Spoilt {
    /// Another transaction changed the same rows; the next run will see what it did.
    Collision,
    /// The connection was lost before COMMIT was sent.
    Lost(StoreError),
    /// The connection was lost while the server was at the COMMIT: perhaps all was kept.
    Uncertain,
    /// Something in it failed, by this error if the server said so.
    Failed(Option<StoreError>),
}

impl Spoilt {
    fn by(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Collision,
            StoreError::Unavailable(_) => Self::Lost(error),
            error => Self::Failed(Some(error)),
        }
    }
}

impl Writer {
    /// Runs a group and answers all its callers.
    pub(super) fn serve(&self, link: &mut Link, group: &mut Vec<Waiting>) {
        let late = group.iter().take_while(|waiting| self.is_late(waiting.since)).count();
        let in_time = group.split_off(late);
        let members = |group: Vec<Waiting>| group.into_iter().map(|waiting| waiting.member).collect();
        if late > 0 {
            self.refuse(members(std::mem::take(group)), &StoreError::Busy);
        }
        if let Some(since) = in_time.first().map(|oldest| oldest.since) {
            self.settle(link, (members(in_time), since), Kind::Together);
        }
    }

    /// Whether nothing more is to be tried for who has waited since then.
    fn is_late(&self, since: Instant) -> bool {
        since.elapsed() > self.longest_wait
    }

    fn settle(&self, link: &mut Link, (mut members, since): (Vec<Member>, Instant), kind: Kind) {
        let (mut collisions, mut losses) = (0, 0);
        let tries = if kind == Kind::Alone { TRIES_ALONE } else { TRIES_TOGETHER };
        loop {
            let spoilt = match link.up() {
                Ok(connection) => match self.attempt(connection, &mut members, kind) {
                    Ok(announced) => return self.finish(members, &announced),
                    Err(spoilt) => spoilt,
                },
                Err(error) => return self.refuse(members, &error),
            };
            match spoilt {
                Spoilt::Uncertain => return self.refuse(members, &StoreError::Uncertain),
                Spoilt::Lost(error) => {
                    losses += 1;
                    if losses > MOST_LOST || self.is_late(since) {
                        return self.refuse(members, &error);
                    }
                }
                Spoilt::Collision => {
                    count(&self.counters.collisions);
                    collisions += 1;
                    if collisions >= tries || self.is_late(since) {
                        return match kind {
                            Kind::Alone => self.refuse(members, &StoreError::Busy),
                            _ => self.one_by_one(link, (members, since)),
                        };
                    }
                }
                // More of the same would only take as long again.
                Spoilt::Failed(Some(error @ (StoreError::Timeout | StoreError::Full))) => {
                    return self.refuse(members, &error);
                }
                Spoilt::Failed(error) if kind == Kind::Alone => return self.fail(members, error),
                Spoilt::Failed(_) => return self.one_by_one(link, (members, since)),
            }
        }
    }

    fn one_by_one(&self, link: &mut Link, (members, since): (Vec<Member>, Instant)) {
        count(&self.counters.reruns);
        for member in members {
            if self.is_late(since) {
                self.refuse(vec![member], &StoreError::Busy);
            } else {
                self.settle(link, (vec![member], since), Kind::Alone);
            }
        }
    }

    /// Runs the closures in one transaction and commits it; returns what they announced.
    fn attempt(
        &self,
        connection: &Connection,
        members: &mut [Member],
        kind: Kind,
    ) -> Result<Vec<Change>, Spoilt> {
        let transaction = Transaction::new(connection, kind, None);
        let only = members.len() == 1;
        let mut announced = Vec::new();
        for (job, _) in members {
            transaction.next_closure();
            let tx = Tx::new(Session::Postgres(&transaction));
            let outcome = job.run(&tx);
            let changes = tx.announced();
            if let Some(error) = transaction.failure() {
                transaction.roll_back();
                return Err(Spoilt::by(error));
            }
            match outcome {
                Outcome::Succeeded => announced.extend(changes),
                Outcome::Failed if transaction.take_back() => {}
                Outcome::Failed => {
                    transaction.roll_back();
                    return if only { Ok(Vec::new()) } else { Err(Spoilt::Failed(None)) };
                }
            }
        }
        self.commit(transaction, &announced)?;
        Ok(announced)
    }

    fn commit(&self, transaction: Transaction<'_>, announced: &[Change]) -> Result<(), Spoilt> {
        let started = steady();
        let committed = super::feed::append(&transaction, announced)
            .map_err(Refusal::NotCommitted)
            .and_then(|()| transaction.commit());
        self.counters
            .longest_commit
            .fetch_max(nanos(started.elapsed()), std::sync::atomic::Ordering::Relaxed);
        committed.map_err(|refusal| match refusal {
            Refusal::NotCommitted(error) => Spoilt::by(error),
            Refusal::Uncertain => Spoilt::Uncertain,
        })
    }

    /// Tells the subscribers and answers the callers.
    fn finish(&self, members: Vec<Member>, announced: &[Change]) {
        count(&self.counters.groups);
        let closures = u64::try_from(members.len()).unwrap_or(u64::MAX);
        self.counters.closures.fetch_add(closures, std::sync::atomic::Ordering::Relaxed);
        self.subscribers.tell(announced);
        answer(members, &Ok(()));
    }

    /// Answers a closure that failed by itself: with its own error, or else with the server's.
    fn fail(&self, mut members: Vec<Member>, error: Option<StoreError>) {
        for (job, _) in &mut members {
            job.spoil(error.clone().unwrap_or(StoreError::Panicked));
        }
        self.finish(members, &[]);
    }

    /// Answers all with the reason why nothing was kept, or may not have been.
    fn refuse(&self, members: Vec<Member>, error: &StoreError) {
        count(&self.counters.failed_commits);
        tracing::error!(%error, closures = members.len(), "a group of writes was not committed");
        answer(members, &Err(error.clone()));
    }
}

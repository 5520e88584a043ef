//! Threads that read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::connection::Connection;
use super::transaction::{Kind, Transaction};
use super::worker::Link;
use crate::engine::Session;
use crate::engine::clock::steady;
use crate::engine::job::caught;
use crate::error::StoreError;
use crate::metrics::{Counters, count};
use crate::tx::Tx;

type Run = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

/// A read with its caller: it is given a connection, or the reason why there is none.
pub(super) struct ReadJob {
    queued: Instant,
    run: Run,
}

impl ReadJob {
    /// A read that must be over `limit` after it began.
    pub(super) fn new<T, E, F>(
        run: F,
        (kind, limit): (Kind, Duration),
        counters: Arc<Counters>,
        caller: oneshot::Sender<Result<T, E>>,
    ) -> Self
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let run = move |connection: Result<&Connection, StoreError>| {
            if caller.is_closed() {
                return;
            }
            // A caller that went away meanwhile wants no answer.
            match connection {
                Err(error) => drop(caller.send(Err(E::from(error)))),
                Ok(connection) => {
                    let transaction = Transaction::new(connection, kind, Some(steady() + limit));
                    let result = caught(|| run(&Tx::new(Session::Postgres(&transaction))));
                    if transaction.is_over() || transaction.failure() == Some(StoreError::Timeout) {
                        count(&counters.read_timeouts);
                    }
                    drop(caller.send(result));
                    // The caller need not wait for this.
                    transaction.roll_back();
                }
            }
        };
        Self { queued: steady(), run: Box::new(run) }
    }

    /// Answers without reading.
    pub(super) fn refuse(self, reason: &StoreError) {
        (self.run)(Err(reason.clone()));
    }
}

/// Runs reads one after the other.
pub(super) fn serve(link: &mut Link, jobs: &mut Vec<ReadJob>, longest_wait: Duration) {
    for job in jobs.drain(..) {
        // Who waited that long has most likely given up, and its work would make the next ones late too.
        let late = job.queued.elapsed() > longest_wait;
        let connection = if late { Err(StoreError::Busy) } else { link.up() };
        (job.run)(connection);
    }
}

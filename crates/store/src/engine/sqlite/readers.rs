//! Reading beside the writer: threads for reads of any size, and connections for look-ups on the caller's own
//! thread.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::connection::ReadConnection;
use super::gate::Gate;
use crate::engine::clock::steady;
use crate::error::StoreError;
use crate::metrics::Counters;
use crate::options::StoreOptions;

/// A read with its caller: it is given a connection, or the reason why there is none.
pub(super) type ReadJob = Box<dyn FnOnce(Result<&ReadConnection, StoreError>) + Send>;

/// The queue in front of the reader threads.
#[derive(Default)]
pub(super) struct ReadQueue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Instant, ReadJob)>,
    closed: bool,
}

impl ReadQueue {
    /// Adds a read; says `false`, and drops it, once the queue is closed.
    pub(super) fn push(&self, job: ReadJob) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        state.jobs.push_back((steady(), job));
        drop(state);
        self.filled.notify_one();
        true
    }

    /// Refuses further reads. What is in the queue is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn next(&self) -> Option<(Instant, ReadJob)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one reader thread does until the queue is closed and empty.
pub(super) fn work(connection: &ReadConnection, queue: &ReadQueue, gate: &Gate, longest_wait: Duration) {
    while let Some((queued, job)) = queue.next() {
        let inside = gate.enter();
        // Who waited that long has most likely given up, and its work would make the next ones late too.
        let late = queued.elapsed() > longest_wait;
        job(if late { Err(StoreError::Busy) } else { Ok(connection) });
        drop(inside);
    }
}

/// Connections for look-ups on the caller's thread.
pub(super) struct PointReaders(Vec<Mutex<Option<ReadConnection>>>);

impl PointReaders {
    pub(super) fn open(
        path: &Path,
        options: &StoreOptions,
        counters: &Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let connections = (0..options.point_readers).map(|_| {
            ReadConnection::open(path, options, counters).map(|connection| Mutex::new(Some(connection)))
        });
        Ok(Self(connections.collect::<Result<_, _>>()?))
    }

    /// A connection that is free now. The first ones are asked first, so their caches stay warm.
    pub(super) fn free(&self) -> Option<MutexGuard<'_, Option<ReadConnection>>> {
        self.0
            .iter()
            .find_map(|connection| match connection.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            })
            .filter(|connection| connection.is_some())
    }

    /// Closes all connections, waiting for those in use.
    pub(super) fn close(&self) {
        for connection in &self.0 {
            connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// Shared by the store's handles: how reads get to their connections.
pub(super) struct Readers {
    pub(super) queue: Arc<ReadQueue>,
    pub(super) points: PointReaders,
    pub(super) gate: Arc<Gate>,
}

//! Threads that serve a queue, each with a connection of its own, and what they do when it is lost.

use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::connection::Connection;
use super::connector::{Connector, Purpose};
use super::errors::unavailable;
use super::queue::Queue;
use crate::error::StoreError;
use crate::metrics::{Counters, count};

/// How long a thread rests after a try to connect that failed, at first and at most.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);

/// A connection that is made again when it is lost.
pub(super) struct Link {
    connector: Arc<Connector>,
    purpose: Purpose,
    runtime: Rc<Runtime>,
    counters: Arc<Counters>,
    connection: Option<Connection>,
}

impl Link {
    pub(super) fn new(
        connector: &Arc<Connector>,
        purpose: Purpose,
        counters: &Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unavailable(format!("no runtime could be made: {error}")))?;
        Ok(Self {
            connector: Arc::clone(connector),
            purpose,
            runtime: Rc::new(runtime),
            counters: Arc::clone(counters),
            connection: None,
        })
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A connection that was sound a moment ago.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if there is none and none can be made.
    pub(super) fn up(&mut self) -> Result<&Connection, StoreError> {
        if let Some(connection) = self.connection.as_ref().filter(|connection| !connection.is_lost()) {
            connection.look();
        }
        if self.connection.as_ref().is_some_and(Connection::is_lost) {
            count(&self.counters.connections_lost);
            self.connection = None;
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => Ok(empty.insert(self.connector.connect(&self.runtime, self.purpose, &self.counters)?)),
        }
    }
}

/// How long to rest after a failure: longer each time, until one succeeds.
pub(super) struct Rest(Duration);

impl Rest {
    pub(super) const fn new() -> Self {
        Self(FIRST_REST)
    }

    pub(super) fn next(&mut self) -> Duration {
        let rest = self.0;
        self.0 = (rest * 2).min(LONGEST_REST);
        rest
    }
}

/// Serves the queue until it is closed and empty, up to `most` items at a time. Says to `opened` whether the
/// first try to connect succeeded. What nobody can serve goes to `refuse`.
pub(super) fn work<T>(
    queue: &Queue<T>,
    (mut link, most): (Link, usize),
    opened: mpsc::Sender<Result<(), StoreError>>,
    mut serve: impl FnMut(&mut Link, &mut Vec<T>),
    refuse: impl Fn(T, &StoreError),
) {
    let first = link.up().map(|_| ());
    let mut serving = Serving { queue, refuse, joined: false };
    if first.is_ok() {
        serving.join();
    }
    // The opener may have heard enough already.
    let _ = opened.send(first);
    drop(opened);
    let mut rest = Rest::new();
    let mut items = Vec::with_capacity(most);
    loop {
        match link.up().map(|_| ()) {
            Ok(()) => {
                serving.join();
                rest = Rest::new();
                if !queue.take(most, &mut items) {
                    return;
                }
                serve(&mut link, &mut items);
            }
            Err(reason) => {
                serving.leave(&reason);
                if !queue.rest(rest.next()) {
                    return;
                }
            }
        }
    }
}

/// A thread's part in serving a queue. However the thread ends, nobody waits for it.
struct Serving<'q, T, R: Fn(T, &StoreError)> {
    queue: &'q Queue<T>,
    refuse: R,
    joined: bool,
}

impl<T, R: Fn(T, &StoreError)> Serving<'_, T, R> {
    fn join(&mut self) {
        if !self.joined {
            self.joined = true;
            self.queue.join();
        }
    }

    fn leave(&mut self, reason: &StoreError) {
        if self.joined {
            self.joined = false;
            tracing::error!(error = %reason, "a connection to the database was lost and cannot be made again yet");
            self.give_up(reason);
        }
    }

    fn give_up(&self, reason: &StoreError) {
        for item in self.queue.leave(reason) {
            (self.refuse)(item, reason);
        }
    }
}

impl<T, R: Fn(T, &StoreError)> Drop for Serving<'_, T, R> {
    fn drop(&mut self) {
        if self.joined {
            self.give_up(&StoreError::Closed);
        }
    }
}

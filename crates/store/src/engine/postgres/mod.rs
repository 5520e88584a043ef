//! PostgreSQL, for several nodes: a few threads write, others read, one follows the change feed.
//!
//! Each thread has a connection of its own and makes it again when it is lost (`worker`). A write goes
//! `queue` → `writer` (a job among others in one `transaction`) → answers; what need not be waited for is
//! sent in one go (`pipeline`). A read goes `queue` → `reader`.

mod connection;
mod connector;
mod errors;
mod feed;
mod migrate;
mod partitions;
mod pipeline;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod transaction;
mod values;
mod worker;
mod writer;

use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};

use self::connector::{Connector, Purpose};
use self::feed::{Contact, Feed};
use self::queue::Queue;
use self::reader::ReadJob;
use self::transaction::Kind;
use self::worker::Link;
use self::writer::{Waiting, Writer};
use super::answers::Answerers;
use super::clock::{ClockHold, steady};
use super::job::{Closure, caught};
use super::subscribers::{Subscriber, Subscribers};
use super::threads::spawn;
use crate::error::StoreError;
use crate::location::PostgresUrl;
use crate::metrics::{Counters, StoreMetrics, count};
use crate::migrations::{Migration, MigrationReport, MigrationStatus};
use crate::options::StoreOptions;
use crate::partitions::{Day, DayTable};
use crate::tx::Tx;

pub(crate) use self::transaction::Transaction;
pub(crate) use self::values::Received;

/// Closures of one transaction at most: what fails together is run again one by one.
const MOST_TOGETHER: usize = 64;

/// Writers at most. More would only wait for each other.
const MOST_WRITERS: usize = 8;

/// The engine's shared parts; its threads end when it is dropped or closed.
pub(crate) struct Engine {
    writes: Arc<Queue<Waiting>>,
    reads: Arc<Queue<ReadJob>>,
    connector: Arc<Connector>,
    contact: Arc<Contact>,
    answerers: Answerers,
    subscribers: Arc<Subscribers>,
    counters: Arc<Counters>,
    migrations: &'static [Migration],
    read_deadline: Duration,
    clock: ClockHold,
    done: Mutex<mpsc::Receiver<()>>,
}

impl Engine {
    pub(crate) fn open(url: &PostgresUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let (done, threads_done) = mpsc::channel(1);
        let engine = Self {
            writes: Arc::new(Queue::new()),
            reads: Arc::new(Queue::new()),
            connector: Arc::new(Connector::new(url, options)?),
            contact: Arc::new(Contact::new()),
            answerers: Answerers::default(),
            subscribers: Arc::default(),
            counters: Arc::default(),
            migrations: options.migrations,
            read_deadline: options.read_deadline,
            clock: ClockHold(options.hold_paused_clock),
            done: Mutex::new(threads_done),
        };
        // If one of these fails the others end with the engine.
        engine.start_feed(&done)?;
        engine.start_writers(options, &done)?;
        engine.start_readers(options, &done)?;
        Ok(engine)
    }

    fn start_feed(&self, done: &mpsc::Sender<()>) -> Result<(), StoreError> {
        let feed = Feed {
            contact: Arc::clone(&self.contact),
            subscribers: Arc::clone(&self.subscribers),
            counters: Arc::clone(&self.counters),
            position: None,
        };
        let (opened, opening) = std_mpsc::channel();
        self.start("store-feed", Purpose::Feed, done, move |link| feed.work(link, opened))?;
        first_connected(&opening)
    }

    fn start_writers(&self, options: &StoreOptions, done: &mpsc::Sender<()>) -> Result<(), StoreError> {
        let most = options.group_closures.clamp(1, MOST_TOGETHER);
        let (opened, opening) = std_mpsc::channel();
        for _ in 0..options.postgres.writers.clamp(1, MOST_WRITERS) {
            let writer = Writer {
                longest_wait: options.postgres.answer_timeout / 2,
                subscribers: Arc::clone(&self.subscribers),
                counters: Arc::clone(&self.counters),
            };
            let (queue, opened) = (Arc::clone(&self.writes), opened.clone());
            self.start("store-writer", Purpose::Write, done, move |link| {
                let serve = |link: &mut Link, group: &mut Vec<Waiting>| writer.serve(link, group);
                worker::work(
                    &queue,
                    (link, most),
                    opened,
                    serve,
                    |Waiting { member: (job, _), .. }, reason| {
                        job.answer(Err(reason.clone()));
                    },
                );
            })?;
        }
        drop(opened);
        first_connected(&opening)
    }

    fn start_readers(&self, options: &StoreOptions, done: &mpsc::Sender<()>) -> Result<(), StoreError> {
        let longest_wait = options.read_deadline;
        let (opened, opening) = std_mpsc::channel();
        for _ in 0..options.postgres.readers.max(1) {
            let (queue, opened) = (Arc::clone(&self.reads), opened.clone());
            self.start("store-reader", Purpose::Read, done, move |link| {
                let serve =
                    |link: &mut Link, jobs: &mut Vec<ReadJob>| reader::serve(link, jobs, longest_wait);
                worker::work(&queue, (link, 1), opened, serve, ReadJob::refuse);
            })?;
        }
        drop(opened);
        first_connected(&opening)
    }

    /// Starts a thread that has a link of its own.
    fn start(
        &self,
        name: &str,
        purpose: Purpose,
        done: &mpsc::Sender<()>,
        work: impl FnOnce(Link) + Send + 'static,
    ) -> Result<(), StoreError> {
        let (connector, counters) = (Arc::clone(&self.connector), Arc::clone(&self.counters));
        spawn(name, done.clone(), move || match Link::new(&connector, purpose, &counters) {
            Ok(link) => work(link),
            Err(error) => tracing::error!(%error, "a thread of the store could not start"),
        })
    }

    pub(crate) async fn write<T, U, E, F, G>(&self, run: F, then: G) -> Result<U, E>
    where
        F: Fn(&Tx<'_>) -> Result<T, E> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
        T: Send + 'static,
        U: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _held = self.clock.hold();
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Closure { run, then, result: None, caller });
        self.writes.push(Waiting { member: (job, self.answerers.current()), since: steady() })?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    pub(crate) async fn read<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        count(&self.counters.reads);
        self.look_up(run, Kind::Read).await
    }

    pub(crate) async fn read_point<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        count(&self.counters.point_reads);
        self.look_up(run, Kind::Point).await
    }

    async fn look_up<T, E, F>(&self, run: F, kind: Kind) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let _held = self.clock.hold();
        let (caller, answer) = oneshot::channel();
        self.reads.push(ReadJob::new(run, (kind, self.read_deadline), Arc::clone(&self.counters), caller))?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    pub(crate) fn subscribe(&self, subscriber: Subscriber) {
        self.subscribers.add(subscriber);
    }

    pub(crate) fn feed_lag(&self) -> Duration {
        self.contact.lag()
    }

    pub(crate) async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        let known = self.migrations;
        self.apart(move |link| migrate::migrate(link, known)).await
    }

    pub(crate) async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let known = self.migrations;
        self.apart(move |link| migrate::status(link, known)).await
    }

    pub(crate) async fn create_days(&self, days: Vec<Day>) -> Result<usize, StoreError> {
        self.apart(move |link| partitions::create(link, &days)).await
    }

    pub(crate) async fn drop_days(&self, table: DayTable, first: Day) -> Result<usize, StoreError> {
        self.apart(move |link| partitions::drop_before(link, table, first)).await
    }

    pub(crate) fn metrics(&self) -> StoreMetrics {
        self.counters.snapshot()
    }

    pub(crate) async fn close(&self) {
        self.end();
        // A channel on which nothing is ever sent: it ends with the threads that hold its other end.
        self.done.lock().await.recv().await;
    }

    fn end(&self) {
        self.writes.close();
        self.reads.close();
        self.contact.close();
    }

    /// Runs what is rare and may take long on a thread and a connection of its own.
    async fn apart<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Link) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.writes.is_closed() {
            return Err(StoreError::Closed);
        }
        let _held = self.clock.hold();
        let (caller, answer) = oneshot::channel();
        let (done, _) = mpsc::channel(1);
        self.start("store-migrate", Purpose::Migrate, &done, move |mut link| {
            // A caller that went away wants no answer.
            let _ = caller.send(caught(|| run(&mut link)));
        })?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits until one thread has a connection, or none of them could make one.
fn first_connected(opening: &std_mpsc::Receiver<Result<(), StoreError>>) -> Result<(), StoreError> {
    let mut reason = StoreError::Open(String::from("no thread of the store could start"));
    while let Ok(opened) = opening.recv() {
        match opened {
            Ok(()) => return Ok(()),
            Err(error) => reason = error,
        }
    }
    Err(reason)
}

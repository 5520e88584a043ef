//! SQLite, embedded: one thread writes, others read beside it.
//!
//! A write goes `queue` → `writer` (a `job` among others in one transaction) → `answers`; `checkpoint` keeps
//! the write-ahead log small. A read goes through the `gate` to one of the `readers`. All run closures
//! through a `session`.

mod backup;
mod checkpoint;
mod connection;
mod errors;
mod gate;
mod migrate;
mod queue;
mod readers;
mod session;
mod writer;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{Mutex, mpsc, oneshot};

use self::checkpoint::Checkpoints;
use self::connection::ReadConnection;
use self::gate::Gate;
use self::queue::{Item, Queue};
use self::readers::{PointReaders, ReadQueue, Readers};
use self::writer::Writer;
use crate::engine::answers::Answerers;
use crate::engine::clock::ClockHold;
use crate::engine::job::{Closure, caught};
use crate::engine::subscribers::{Subscriber, Subscribers};
use crate::engine::threads::spawn;
use crate::error::StoreError;
use crate::metrics::{Counters, StoreMetrics, count};
use crate::migrations::{Migration, MigrationReport, MigrationStatus};
use crate::options::StoreOptions;
use crate::tx::Tx;

pub(crate) use self::session::Session;

/// The engine's shared parts; its threads end when it is dropped or closed.
pub(crate) struct Engine {
    queue: Arc<Queue>,
    readers: Readers,
    answerers: Answerers,
    subscribers: Arc<Subscribers>,
    counters: Arc<Counters>,
    migrations: &'static [Migration],
    clock: ClockHold,
    readers_done: Mutex<mpsc::Receiver<()>>,
    writer_done: Mutex<mpsc::Receiver<()>>,
}

impl Engine {
    pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let mut connection = connection::open_writer(path, options)?;
        let queue = Arc::new(Queue::default());
        let subscribers = Arc::new(Subscribers::default());
        let counters = Arc::new(Counters::default());
        let (readers, readers_done) = start_readers(path, options, &counters)?;
        let gate = Arc::clone(&readers.gate);
        let writer = Writer {
            queue: Arc::clone(&queue),
            subscribers: Arc::clone(&subscribers),
            counters: Arc::clone(&counters),
            checkpoints: Checkpoints::watch(&mut connection, options, gate, Arc::clone(&counters))?,
            group_closures: options.group_closures,
            group_time: options.group_time,
            pending: VecDeque::new(),
            careful: 0,
            alone: 0,
        };
        let (done, writer_done) = mpsc::channel(1);
        spawn("store-writer", done, move || write_until_closed(writer, &connection))?;
        Ok(Self {
            queue,
            readers,
            answerers: Answerers::default(),
            subscribers,
            counters,
            migrations: options.migrations,
            clock: ClockHold(options.hold_paused_clock),
            readers_done: Mutex::new(readers_done),
            writer_done: Mutex::new(writer_done),
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
        self.queue.push(Item::Write(job, self.answerers.current()));
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    pub(crate) async fn read<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        count(&self.counters.reads);
        let _held = self.clock.hold();
        let (caller, answer) = oneshot::channel::<Result<T, E>>();
        self.readers.queue.push(Box::new(move |connection: Result<&ReadConnection, StoreError>| {
            if caller.is_closed() {
                return;
            }
            let result = match connection {
                Ok(connection) => connection.read(run),
                Err(error) => Err(E::from(error)),
            };
            // A caller that went away wants no answer.
            let _ = caller.send(result);
        }));
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    pub(crate) async fn read_point<T, E, F>(&self, run: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if let Some(_inside) = self.readers.gate.try_enter()
            && let Some(connection) = self.readers.points.free()
            && let Some(connection) = connection.as_ref()
        {
            count(&self.counters.point_reads);
            return connection.read_point(run);
        }
        // Never wait on a thread of the runtime.
        self.read(run).await
    }

    pub(crate) fn subscribe(&self, subscriber: Subscriber) {
        self.subscribers.add(subscriber);
    }

    pub(crate) async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        let known = self.migrations;
        self.exclusive(move |_, connection| migrate::migrate(connection, known)).await
    }

    pub(crate) async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let known = self.migrations;
        self.exclusive(move |_, connection| migrate::status(connection, known)).await
    }

    pub(crate) async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        self.exclusive(move |writer, connection| backup::backup(writer, connection, &to)).await
    }

    pub(crate) fn metrics(&self) -> StoreMetrics {
        self.counters.snapshot()
    }

    pub(crate) async fn close(&self) {
        self.readers.queue.close();
        self.readers.points.close();
        // Channels on which nothing is ever sent: they end with the threads that hold their other ends.
        self.readers_done.lock().await.recv().await;
        self.queue.close();
        self.writer_done.lock().await.recv().await;
    }

    async fn exclusive<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Writer, &Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _held = self.clock.hold();
        let (caller, answer) = oneshot::channel();
        self.queue.push(Item::Exclusive(Box::new(move |writer, connection| {
            // A caller that went away wants no answer.
            let _ = caller.send(caught(|| run(writer, connection)));
        })));
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.readers.queue.close();
        self.queue.close();
    }
}

fn start_readers(
    path: &Path,
    options: &StoreOptions,
    counters: &Arc<Counters>,
) -> Result<(Readers, mpsc::Receiver<()>), StoreError> {
    let queue = Arc::new(ReadQueue::default());
    let gate = Arc::new(Gate::default());
    let points = PointReaders::open(path, options, counters)?;
    let (done, readers_done) = mpsc::channel(1);
    for _ in 0..options.readers.max(1) {
        let connection = ReadConnection::open(path, options, counters)?;
        let (queue, gate, longest_wait) = (Arc::clone(&queue), Arc::clone(&gate), options.read_deadline);
        let work = move || readers::work(&connection, &queue, &gate, longest_wait);
        spawn("store-reader", done.clone(), work)?;
    }
    Ok((Readers { queue, points, gate }, readers_done))
}

fn write_until_closed(mut writer: Writer, connection: &Connection) {
    let open = CloseOnExit(Arc::clone(&writer.queue));
    writer.work(connection);
    drop(open);
    if let Err(error) = writer.checkpoints.truncate(connection) {
        tracing::warn!(%error, "the write-ahead log was not emptied; the next start will read it");
    }
}

/// Lets nobody wait for a writer that is no more.
struct CloseOnExit(Arc<Queue>);

impl Drop for CloseOnExit {
    fn drop(&mut self) {
        self.0.close();
        let mut left = VecDeque::new();
        self.0.take(&mut left);
    }
}

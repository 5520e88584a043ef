//! One connection, driven by the thread that uses it.
//!
//! The driver's own half runs only while this side waits for an answer, on a runtime of this thread, so a
//! statement costs no hop to another one.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connector::Purpose;
use super::errors::{from_postgres, is_lost, is_read_only, is_stale, unavailable, without_values};
use crate::error::StoreError;
use crate::metrics::{Counters, count};

/// Statements in use must fit, or each run prepares them anew.
const STATEMENT_CACHE: usize = 256;

/// The driver's half of a connection.
pub(super) type Driver =
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// One connection of one thread.
pub(super) struct Connection {
    client: Client,
    /// Gone once the connection is lost.
    driver: RefCell<Option<Driver>>,
    runtime: Rc<Runtime>,
    purpose: Purpose,
    patience: Duration,
    counters: Arc<Counters>,
    statements: RefCell<HashMap<String, Statement>>,
    lost: Cell<bool>,
    notified: Cell<bool>,
}

impl Connection {
    pub(super) fn new(
        (client, driver): (Client, Driver),
        (runtime, counters): (Rc<Runtime>, Arc<Counters>),
        purpose: Purpose,
        patience: Duration,
    ) -> Self {
        Self {
            client,
            driver: RefCell::new(Some(driver)),
            runtime,
            purpose,
            patience,
            counters,
            statements: RefCell::default(),
            lost: Cell::new(false),
            notified: Cell::new(false),
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.get()
    }

    /// Waits for what `future` asks of the server.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], and the connection is lost, if the server does not answer in time.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, StoreError> {
        count(&self.counters.round_trips);
        let mut future = pin!(future);
        let driven = poll_fn(|context| {
            // The first look sends, the second one may find the answer.
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(value);
            }
            self.drive(context);
            future.as_mut().poll(context)
        });
        self.runtime.block_on(async { timeout(self.patience, driven).await }).map_err(|_| {
            self.lose();
            unavailable("it did not answer in time")
        })
    }

    /// Looks whether the server has closed the connection while nobody used it.
    pub(super) fn look(&self) {
        self.runtime.block_on(async {
            // Lets the runtime hear of what has arrived.
            tokio::task::yield_now().await;
            poll_fn(|context| {
                self.drive(context);
                Poll::Ready(())
            })
            .await;
        });
    }

    /// Waits for a notification, for as long as it may take or until `end`.
    pub(super) fn wait_for_notification(&self, longest: Duration, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        let notified = poll_fn(|context| {
            self.drive(context);
            let over = self.notified.take() || self.lost.get() || end.as_mut().poll(context).is_ready();
            if over { Poll::Ready(()) } else { Poll::Pending }
        });
        // Time that is over without one is no failure.
        let _ = self.runtime.block_on(async { timeout(longest, notified).await });
    }

    /// Runs text without values, which may be several statements.
    ///
    /// # Errors
    /// Any error of the statements, told in the server's words.
    pub(super) fn command(&self, text: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(text))?.map_err(|error| {
            self.notice(&error);
            without_values(&error)
        })
    }

    /// The statement, prepared once for each connection.
    ///
    /// # Errors
    /// [`StoreError::Statement`] if it does not fit the tables.
    pub(super) fn prepared(&self, text: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(text) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(text))?.map_err(|error| {
            self.notice(&error);
            match without_values(&error) {
                StoreError::Statement(message) => StoreError::Statement(format!("{message} in: {text}")),
                other => other,
            }
        })?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENT_CACHE {
            statements.clear();
        }
        statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    /// What an error means to the caller, after noting what it means to this connection.
    pub(super) fn error(&self, error: &tokio_postgres::Error) -> StoreError {
        self.notice(error);
        if is_stale(error) {
            // The next run prepares its statements anew.
            self.statements.borrow_mut().clear();
            return StoreError::Busy;
        }
        if self.purpose != Purpose::Read && is_read_only(error) {
            // It was made a standby. Another one takes the writes now, or will soon.
            self.lose();
            return unavailable("the server takes no writes");
        }
        from_postgres(error)
    }

    fn notice(&self, error: &tokio_postgres::Error) {
        if is_lost(error) {
            self.lose();
        }
    }

    fn lose(&self) {
        self.lost.set(true);
    }

    /// Lets the driver send and receive what it can.
    fn drive(&self, context: &mut Context<'_>) {
        let mut slot = self.driver.borrow_mut();
        while let Some(driver) = slot.as_mut() {
            match driver.poll_message(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(AsyncMessage::Notification(_)))) => self.notified.set(true),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(None | Some(Err(_))) => {
                    // Whoever waits for an answer hears of it by the drop.
                    *slot = None;
                    self.lose();
                }
            }
        }
    }
}

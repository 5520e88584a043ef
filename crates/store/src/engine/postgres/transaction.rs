//! One transaction: what closures ask of it, gathered so that as little as possible is waited for.
//!
//! Statements whose outcome no closure asked for wait in a list and are sent in one go, with the next
//! statement that is asked about or with COMMIT. The server works on what it was sent one by one; after a
//! failure it refuses all that follows, so the first failure is the cause and the whole transaction is lost.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ops::ControlFlow;
use std::time::Instant;

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use tokio_postgres::{Error, Statement};

use super::connection::Connection;
use super::errors::is_lost;
use super::pipeline::{Outcomes, Sending, in_order};
use super::values::{Bound, check_fit};
use crate::dialect::Rendered;
use crate::engine::clock::steady;
use crate::engine::session::Each;
use crate::error::StoreError;
use crate::row::Row;
use crate::value::{OwnedValue, Value};

/// Rows that a scan fetches at first, and later.
const FIRST_FETCH: u32 = 100;
const FURTHER_FETCH: u32 = 1_000;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Writes of several closures.
    Together,
    /// Writes of one closure, in which a statement that fails is undone by itself, as it is on SQLite.
    Alone,
    /// Reads that see one moment.
    Read,
    /// Look-ups, each by itself and without a transaction.
    Point,
}

impl Kind {
    /// Repeatable read lets no closure overwrite what it has not seen: of two that change the same row at the
    /// same time one is told so, and runs again.
    const fn begin(self) -> Option<&'static str> {
        match self {
            Self::Together | Self::Alone => Some("BEGIN ISOLATION LEVEL REPEATABLE READ"),
            Self::Read => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Self::Point => None,
        }
    }
}

/// A statement that is yet to be sent.
struct Unsent {
    statement: Statement,
    values: Vec<OwnedValue>,
    writes: bool,
}

/// Why a transaction was not committed.
pub(super) enum Refusal {
    /// The server said no, or never got to the COMMIT: nothing was kept.
    NotCommitted(StoreError),
    /// The connection was lost while the server was at it: nobody knows.
    Uncertain,
}

/// A transaction that begins with its first statement.
pub(crate) struct Transaction<'c> {
    connection: &'c Connection,
    kind: Kind,
    /// When it must be over.
    deadline: Option<Instant>,
    begun: Cell<bool>,
    unsent: RefCell<Vec<Unsent>>,
    /// How many of those are earlier closures'.
    others: Cell<usize>,
    /// Whether a statement of the present closure that writes was sent.
    wrote: Cell<bool>,
    cursors: Cell<u32>,
    failure: RefCell<Option<StoreError>>,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(connection: &'c Connection, kind: Kind, deadline: Option<Instant>) -> Self {
        Self {
            connection,
            kind,
            deadline,
            begun: Cell::new(false),
            unsent: RefCell::default(),
            others: Cell::new(0),
            wrote: Cell::new(false),
            cursors: Cell::new(0),
            failure: RefCell::default(),
        }
    }

    pub(crate) fn execute(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let statement = self.prepared(sql, values)?;
        let values = values.iter().copied().map(Bound);
        let changed = self.send(self.connection.client().execute_raw(&statement, values))?;
        self.wrote.set(self.wrote.get() || changed > 0);
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(crate) fn execute_each(
        &self,
        sql: &Rendered,
        sets: &[&[Value<'_>]],
    ) -> Result<Vec<usize>, StoreError> {
        let Some(first) = sets.first() else { return Ok(Vec::new()) };
        let statement = self.prepared(sql, first)?;
        sets.iter().try_for_each(|values| check_fit(&statement, values))?;
        let runs = sets.iter().map(|values| {
            let values: Vec<_> = values.iter().copied().map(Bound).collect();
            self.connection.client().execute_raw(&statement, values)
        });
        let changed = self.send(async { try_join_all(runs).await })?;
        self.wrote.set(self.wrote.get() || changed.iter().any(|changed| *changed > 0));
        Ok(changed.into_iter().map(|changed| usize::try_from(changed).unwrap_or(usize::MAX)).collect())
    }

    pub(crate) fn execute_later(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<(), StoreError> {
        self.enqueue(sql, values, true)
    }

    fn enqueue(&self, sql: &Rendered, values: &[Value<'_>], writes: bool) -> Result<(), StoreError> {
        let statement = self.prepared(sql, values)?;
        let values = values.iter().copied().map(OwnedValue::from).collect();
        self.unsent.borrow_mut().push(Unsent { statement, values, writes });
        Ok(())
    }

    pub(crate) fn query(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        let statement = self.prepared(sql, values)?;
        if !is_select(&sql.text) {
            self.wrote.set(true);
        }
        let rows = self.send(async {
            let values = values.iter().copied().map(Bound);
            self.connection.client().query_raw(&statement, values).await?.try_collect::<Vec<_>>().await
        })?;
        look_at(&rows, each).map(|_| ())
    }

    /// Fetches row after row, so that neither side does more than is looked at.
    pub(crate) fn scan(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        if self.kind == Kind::Point || !is_select(&sql.text) {
            return self.query(sql, values, each);
        }
        let number = self.cursors.get() + 1;
        self.cursors.set(number);
        let declare = Rendered {
            text: format!("DECLARE scan_{number} NO SCROLL CURSOR FOR {}", sql.text),
            arity: sql.arity,
        };
        self.enqueue(&declare, values, false)?;
        self.fetch_all(number, each)
    }

    fn fetch_all(&self, number: u32, each: Each<'_>) -> Result<(), StoreError> {
        let mut fetched = FIRST_FETCH;
        loop {
            let fetch = format!("FETCH FORWARD {fetched} FROM scan_{number}");
            let rows = self.send(self.connection.client().query_typed(&fetch, &[]))?;
            let last = rows.len() < usize::try_from(fetched).unwrap_or(usize::MAX);
            let looked_at = look_at(&rows, &mut *each);
            if last || !matches!(looked_at, Ok(ControlFlow::Continue(()))) {
                let close = Rendered { text: format!("CLOSE scan_{number}"), arity: 0 };
                return looked_at.and(self.enqueue(&close, &[], false));
            }
            fetched = FURTHER_FETCH;
        }
    }

    /// Runs text without values, which may be several statements.
    pub(super) fn command(&self, text: &str) -> Result<(), StoreError> {
        if let Some(begin) = self.kind.begin().filter(|_| !self.begun.replace(true)) {
            self.connection.command(begin)?;
        }
        self.connection.command(text)
    }

    /// Has the server check a statement.
    pub(crate) fn prepare(&self, sql: &Rendered) -> Result<(), StoreError> {
        let statement = self.connection.prepared(&sql.text)?;
        if statement.params().len() == sql.arity {
            Ok(())
        } else {
            Err(StoreError::Statement(format!("it takes {} values: {}", statement.params().len(), sql.text)))
        }
    }

    /// Says that another closure begins.
    pub(super) fn next_closure(&self) {
        self.others.set(self.unsent.borrow().len());
        self.wrote.set(false);
    }

    /// Takes back what the present closure asked for. False if some of it was sent already and had effects.
    pub(super) fn take_back(&self) -> bool {
        self.unsent.borrow_mut().truncate(self.others.get());
        !self.wrote.get()
    }

    /// The failure that has ended the transaction, if there was one.
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failure.borrow().clone()
    }

    /// Whether its time is up.
    pub(super) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| steady() > deadline)
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// A [`Refusal`]; the transaction is then ended as well.
    pub(super) fn commit(self) -> Result<(), Refusal> {
        if !self.begun.get() && self.unsent.borrow().is_empty() {
            return Ok(());
        }
        let unsent = self.unsent.take();
        let before = self.before(&unsent);
        // To COMMIT after a failure the server answers "ROLLBACK" and no error, and the driver does not tell. But
        // it refuses to run anything else, and then stops reading this line: so COMMIT is reached, and answered
        // without an error, only if there is something to commit.
        let commit = self.connection.client().batch_execute("SELECT 1; COMMIT");
        let Ok(outcomes) = self.connection.wait(in_order(before, commit, None)) else {
            return Err(Refusal::Uncertain);
        };
        let refusal = match outcomes {
            Ok(Outcomes { before: Ok(()), last: Ok(()), .. }) => return Ok(()),
            // Something before COMMIT could not be sent, so neither was COMMIT.
            Err(error) => Refusal::NotCommitted(self.connection.error(&error)),
            Ok(Outcomes { before: Err(error), .. }) if error.as_db_error().is_some() => {
                Refusal::NotCommitted(self.connection.error(&error))
            }
            Ok(Outcomes { before: Ok(()), last: Err(error), .. }) if !is_lost(&error) => {
                Refusal::NotCommitted(self.connection.error(&error))
            }
            Ok(Outcomes { before: Err(error), .. } | Outcomes { last: Err(error), .. }) => {
                self.connection.error(&error);
                Refusal::Uncertain
            }
        };
        self.roll_back();
        Err(refusal)
    }

    /// Undoes what was done.
    pub(super) fn roll_back(&self) {
        self.unsent.borrow_mut().clear();
        if self.begun.get() && !self.connection.is_lost() {
            // A connection that cannot even do that is lost, and its transaction with it.
            let _ = self.connection.command("ROLLBACK");
        }
    }

    fn prepared(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<Statement, StoreError> {
        self.check()?;
        if values.len() != sql.arity {
            let statement = sql.text.chars().take(120).collect();
            return Err(StoreError::Arity { expected: sql.arity, given: values.len(), statement });
        }
        let statement = self.connection.prepared(&sql.text).inspect_err(|error| {
            if self.begun.get() || self.connection.is_lost() {
                self.fail(error);
            }
        })?;
        // A value that does not fit must be found before anything is sent: the rest would be committed without it.
        check_fit(&statement, values)?;
        Ok(statement)
    }

    fn check(&self) -> Result<(), StoreError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.is_over() { Err(StoreError::Timeout) } else { Ok(()) }
    }

    fn fail(&self, error: &StoreError) {
        self.failure.borrow_mut().get_or_insert_with(|| error.clone());
    }

    /// What must reach the server before the next statement.
    fn before<'s>(&'s self, unsent: &'s [Unsent]) -> Vec<Sending<'s>> {
        let client = self.connection.client();
        let mut before: Vec<Sending<'s>> = Vec::with_capacity(unsent.len() + 2);
        if let Some(begin) = self.kind.begin().filter(|_| !self.begun.replace(true)) {
            before.push(Box::pin(client.batch_execute(begin)));
        }
        for Unsent { statement, values, .. } in unsent {
            let values = values.iter().map(|value| Bound(value.borrow()));
            before.push(Box::pin(async move { client.execute_raw(statement, values).await.map(|_| ()) }));
        }
        before
    }

    /// Sends what waits, then `last`, and waits for the answers.
    fn send<T>(&self, last: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        self.check()?;
        let unsent = self.unsent.take();
        let own = unsent.get(self.others.replace(0)..).unwrap_or_default();
        self.wrote.set(self.wrote.get() || own.iter().any(|unsent| unsent.writes));
        let client = self.connection.client();
        let mut before = self.before(&unsent);
        let alone = self.kind == Kind::Alone;
        if alone {
            before.push(Box::pin(client.batch_execute("SAVEPOINT statement")));
        }
        let after: Option<Sending<'_>> =
            alone.then(|| Box::pin(client.batch_execute("RELEASE SAVEPOINT statement")) as Sending<'_>);
        let outcomes =
            self.connection.wait(in_order(before, last, after)).inspect_err(|error| self.fail(error))?;
        let outcomes = outcomes.map_err(|error| self.ended_by(&error))?;
        outcomes.before.map_err(|error| self.ended_by(&error))?;
        match (outcomes.last, outcomes.after) {
            (Ok(value), Ok(())) => Ok(value),
            (Err(error), _) if alone && !is_lost(&error) => self.undo_statement(&error),
            (Err(error), _) | (Ok(_), Err(error)) => Err(self.ended_by(&error)),
        }
    }

    /// The error of a failure that the rest of the transaction survives.
    fn undo_statement<T>(&self, error: &Error) -> Result<T, StoreError> {
        let error = self.connection.error(error);
        if error == StoreError::Busy {
            self.fail(&error);
            return Err(error);
        }
        let undone = self.connection.command("ROLLBACK TO SAVEPOINT statement; RELEASE SAVEPOINT statement");
        Err(undone.err().inspect(|error| self.fail(error)).unwrap_or(error))
    }

    /// The error of a failure that ends the transaction.
    fn ended_by(&self, error: &Error) -> StoreError {
        let error = self.connection.error(error);
        if self.kind != Kind::Point || self.connection.is_lost() {
            self.fail(&error);
        }
        error
    }
}

/// Hands the rows to `each` until it breaks off.
fn look_at(rows: &[tokio_postgres::Row], each: Each<'_>) -> Result<ControlFlow<()>, StoreError> {
    for row in rows {
        if each(&Row::from(row))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn is_select(text: &str) -> bool {
    let verb = text.trim_start().get(..6);
    verb.is_some_and(|verb| verb.eq_ignore_ascii_case("SELECT"))
}

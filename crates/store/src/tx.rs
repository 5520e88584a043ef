//! The transaction that a closure sees.

use std::cell::RefCell;
use std::ops::ControlFlow;

use crate::change::Change;
use crate::dialect::Dialect;
use crate::engine::Session;
use crate::error::StoreError;
use crate::row::Row;
use crate::sql::Statement;
use crate::value::Value;

/// One closure's view of its transaction.
///
/// It cannot leave the closure, and the closure cannot wait for anything but the database: no transaction is
/// ever open while bytes move. A closure may run more than once, so it must have no effects but those through
/// this.
pub struct Tx<'a> {
    session: Session<'a>,
    announced: RefCell<Vec<Change>>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: Session<'a>) -> Self {
        Self { session, announced: RefCell::new(Vec::new()) }
    }

    pub(crate) fn announced(self) -> Vec<Change> {
        self.announced.into_inner()
    }

    /// The engine's words, for [`crate::SqlBuf`].
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// Runs a statement and tells how many rows it changed.
    ///
    /// # Errors
    /// Any [`StoreError`] of the statement.
    pub fn exec(&self, statement: &impl Statement, values: &[Value<'_>]) -> Result<usize, StoreError> {
        refuse_zero(values)?;
        self.session.execute(statement.rendered(self.dialect())?, values)
    }

    /// Runs a statement once for each set of values, and tells how many rows each run changed. On PostgreSQL all
    /// runs take one journey to the server.
    ///
    /// # Errors
    /// Any [`StoreError`] of the statement; none of the runs counts then.
    pub fn exec_each(
        &self,
        statement: &impl Statement,
        sets: &[&[Value<'_>]],
    ) -> Result<Vec<usize>, StoreError> {
        sets.iter().try_for_each(|values| refuse_zero(values))?;
        self.session.execute_each(statement.rendered(self.dialect())?, sets)
    }

    /// Runs a statement whose outcome the closure does not need. What is written most often uses this.
    ///
    /// SQLite runs it at once. PostgreSQL keeps it and sends it with the next read or at the end of the
    /// group, so an error may show only then: as the closure's answer, never as `Ok`.
    ///
    /// # Errors
    /// Any [`StoreError`] of the statement; return it, for it may not show again.
    pub fn exec_later(&self, statement: &impl Statement, values: &[Value<'_>]) -> Result<(), StoreError> {
        refuse_zero(values)?;
        self.session.execute_later(statement.rendered(self.dialect())?, values)
    }

    /// The one row that must be there; further rows are not looked at.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none, and any error of the statement or of `map`.
    pub fn one<T>(
        &self,
        statement: &impl Statement,
        values: &[Value<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.opt(statement, values, map)?.ok_or(StoreError::NotFound)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// Any error of the statement or of `map`.
    pub fn opt<T>(
        &self,
        statement: &impl Statement,
        values: &[Value<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut map = Some(map);
        let mut found = None;
        self.query(statement, values, |row| {
            if let Some(map) = map.take() {
                found = Some(map(row)?);
            }
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// All rows. Bound their number in the statement.
    ///
    /// # Errors
    /// Any error of the statement or of `map`.
    pub fn all<T>(
        &self,
        statement: &impl Statement,
        values: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.query(statement, values, |row| {
            rows.push(map(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// Looks at row after row without keeping them, until `each` breaks off.
    ///
    /// A statement that writes and returns rows (`RETURNING`) has done all its writing before the first row
    /// shows.
    ///
    /// # Errors
    /// Any error of the statement or of `each`.
    pub fn scan(
        &self,
        statement: &impl Statement,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        refuse_zero(values)?;
        self.session.scan(statement.rendered(self.dialect())?, values, &mut each)
    }

    fn query(
        &self,
        statement: &impl Statement,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        refuse_zero(values)?;
        self.session.query(statement.rendered(self.dialect())?, values, &mut each)
    }

    /// Has the engine check a statement without running it.
    ///
    /// # Errors
    /// [`StoreError::Statement`] if it does not fit the tables.
    pub(crate) fn prepare(&self, statement: &impl Statement) -> Result<(), StoreError> {
        self.session.prepare(statement.rendered(self.dialect())?)
    }

    /// Tells the subscribers of the change feed, once this closure is committed and before its caller is
    /// answered.
    ///
    /// Nothing is told if the closure fails or its transaction is not committed.
    pub fn announce(&self, change: Change) {
        self.announced.borrow_mut().push(change);
    }
}

/// PostgreSQL can neither keep nor be asked for a text with U+0000. Both engines refuse it here, before anything is sent:
/// a database could not move to the other one else, and to whoever sent the text it is their mistake, not the store's.
fn refuse_zero(values: &[Value<'_>]) -> Result<(), StoreError> {
    let has_zero = |value: &Value<'_>| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(has_zero) { Err(StoreError::ZeroCharacter) } else { Ok(()) }
}

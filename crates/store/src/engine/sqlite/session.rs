//! Running statements on one connection, for as long as one closure runs.

use std::cell::RefCell;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::errors::without_values;
use crate::dialect::Rendered;
use crate::engine::session::Each;
use crate::error::StoreError;
use crate::row::Row;
use crate::value::Value;

/// One closure's use of a connection.
pub(crate) struct Session<'a> {
    connection: &'a Connection,
    loss: Option<&'a Loss>,
}

/// Why SQLite gave up the writer's transaction by itself, as it does when the disk is full or fails.
pub(super) type Loss = RefCell<Option<StoreError>>;

impl<'a> Session<'a> {
    /// In the writer's transaction.
    pub(super) fn writing(connection: &'a Connection, loss: &'a Loss) -> Self {
        Self { connection, loss: Some(loss) }
    }

    /// In a read, with nothing to lose.
    pub(super) fn reading(connection: &'a Connection) -> Self {
        Self { connection, loss: None }
    }

    pub(crate) fn execute(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<usize, StoreError> {
        self.run(sql, values, |statement| Ok(statement.raw_execute()?))
    }

    pub(crate) fn query(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        self.run(sql, values, |statement| {
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                if each(&Row::from(row))?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    pub(crate) fn prepare(&self, sql: &Rendered) -> Result<(), StoreError> {
        let statement = self.connection.prepare(&sql.text).map_err(without_values)?;
        if statement.parameter_count() == sql.arity {
            Ok(())
        } else {
            Err(StoreError::Statement(format!(
                "it takes {} values: {}",
                statement.parameter_count(),
                sql.text
            )))
        }
    }

    fn run<T>(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        run: impl FnOnce(&mut CachedStatement<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check_not_lost()?;
        if values.len() != sql.arity {
            return Err(arity(sql, values.len()));
        }
        let outcome = self.bind(sql, values).and_then(|mut statement| run(&mut statement));
        if let Err(error) = &outcome {
            self.notice_loss(error);
        }
        outcome
    }

    fn bind(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<CachedStatement<'a>, StoreError> {
        let mut statement = self.connection.prepare_cached(&sql.text).map_err(without_values)?;
        for (index, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        Ok(statement)
    }

    /// Without its transaction each further statement would be committed by itself.
    fn check_not_lost(&self) -> Result<(), StoreError> {
        self.loss.and_then(|loss| loss.borrow().clone()).map_or(Ok(()), Err)
    }

    fn notice_loss(&self, error: &StoreError) {
        if let Some(loss) = self.loss.filter(|_| self.connection.is_autocommit()) {
            loss.borrow_mut().get_or_insert_with(|| error.clone());
        }
    }
}

fn arity(sql: &Rendered, given: usize) -> StoreError {
    let statement = sql.text.chars().take(120).collect();
    StoreError::Arity { expected: sql.arity, given, statement }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(value),
            Self::Real(value) => ValueRef::Real(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

//! One closure's use of its transaction, whichever engine runs it.

use std::ops::ControlFlow;

use super::{postgres, sqlite};
use crate::dialect::{Dialect, Rendered};
use crate::error::StoreError;
use crate::row::Row;
use crate::value::Value;

/// Looks at one row, and says whether it wants more.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>;

/// What a closure's statements run in.
pub(crate) enum Session<'a> {
    Sqlite(sqlite::Session<'a>),
    Postgres(&'a postgres::Transaction<'a>),
}

impl Session<'_> {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) fn execute(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(sql, values),
            Self::Postgres(transaction) => transaction.execute(sql, values),
        }
    }

    /// Runs a statement once for each set of values.
    pub(crate) fn execute_each(
        &self,
        sql: &Rendered,
        sets: &[&[Value<'_>]],
    ) -> Result<Vec<usize>, StoreError> {
        match self {
            Self::Sqlite(session) => sets.iter().map(|values| session.execute(sql, values)).collect(),
            Self::Postgres(transaction) => transaction.execute_each(sql, sets),
        }
    }

    /// Runs a statement now or later; its outcome is the transaction's.
    pub(crate) fn execute_later(&self, sql: &Rendered, values: &[Value<'_>]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(sql, values).map(|_| ()),
            Self::Postgres(transaction) => transaction.execute_later(sql, values),
        }
    }

    /// Runs a statement that returns a few rows.
    pub(crate) fn query(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.query(sql, values, each),
            Self::Postgres(transaction) => transaction.query(sql, values, each),
        }
    }

    /// Runs a statement that may return more rows than memory should hold.
    pub(crate) fn scan(
        &self,
        sql: &Rendered,
        values: &[Value<'_>],
        each: Each<'_>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.query(sql, values, each),
            Self::Postgres(transaction) => transaction.scan(sql, values, each),
        }
    }

    pub(crate) fn prepare(&self, sql: &Rendered) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.prepare(sql),
            Self::Postgres(transaction) => transaction.prepare(sql),
        }
    }
}
